package io.quorate.consensus.microraft;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.microraft.impl.RaftNodeImpl;
import io.microraft.impl.log.RaftLog;
import io.microraft.model.log.LogEntry;
import io.quorate.codec.CorruptEntryException;
import io.quorate.codec.EntryCodec;
import io.quorate.codec.ImageCodec;
import io.quorate.consensus.LogConsumer;
import io.quorate.consensus.NoQuorumException;
import io.quorate.consensus.Replicator.Leadership;
import io.quorate.consensus.Replicator.Member;
import io.quorate.consensus.Replicator.Proposal;
import io.quorate.consensus.Replicator.Role;
import io.quorate.consensus.log.LogMetrics;
import io.quorate.consensus.log.SegmentLog;
import io.quorate.consensus.net.Pipes;
import io.quorate.state.Command;
import io.quorate.state.Precondition;
import io.quorate.state.RandomCommands;
import io.quorate.state.Stamp;
import io.quorate.state.State;
import io.quorate.state.StateMachine;
import io.quorate.state.Submission;
import io.quorate.tree.Acl;
import io.quorate.tree.Bytes;
import io.quorate.tree.Digest;
import io.quorate.tree.Lifetime;
import io.quorate.tree.ZPath;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * A whole group in one thread: the real replicator, the real MicroRaft, the real log and the real
 * state machine over simulated time, network and disks, all from one seed.
 *
 * <p>Checked all along: one leader per term; what is committed at an index is the same on every
 * member for ever, and so is the digest of the tree there; logs that agree on index and term agree
 * on the entry; what was acknowledged is committed, and on the disks of a quorum; what was refused
 * never appears; a barrier covers what had been acknowledged before it was asked for; MicroRaft
 * breaks none of its own assertions. At the end everything is healed, and all must agree and take a
 * proposal again.
 */
final class Simulation {
  private static final long MS = 1_000_000L;

  final Random random;
  final long seed;
  final List<SimMember> members = new ArrayList<>();
  private final PriorityQueue<Event> events = new PriorityQueue<>();
  private final Map<Long, String> committed = new TreeMap<>();
  private final Map<Long, Digest> digests = new HashMap<>();
  private final RandomCommands commands;
  private final Map<Long, String> terms = new TreeMap<>();
  private final Map<String, Long> acknowledged = new TreeMap<>();
  private final Set<String> refused = new HashSet<>();
  private final Set<String> seen = new HashSet<>();
  private final Set<Long> cut = new HashSet<>();
  private long highestAcknowledged;
  private long nowNanos = 1_000_000_000L;
  private long eventOrder;
  private long nextValue;
  private int acks;
  private double loss;
  private boolean reorders;
  private boolean losing;
  private long slowestMs = 5;
  private @Nullable String violation;
  private @Nullable Consumer<Throwable> failureExpected;

  /** Whether the network may fall in two; stories of old seeds know nothing of that. */
  boolean splits = true;

  /** Somebody in no list, who is added and removed while the story is told. */
  private @Nullable SimMember guest;

  /** What a member says, for the report. */
  record Outcome(long seed, int acknowledged, int crashes, int installs, long virtualMs) {}

  int crashes;
  int installs;

  private record Event(long atNanos, long order, SimStrand strand, Runnable task)
      implements Comparable<Event> {
    @Override
    public int compareTo(Event other) {
      int byTime = Long.compare(atNanos, other.atNanos);
      return byTime != 0 ? byTime : Long.compare(order, other.order);
    }
  }

  Simulation(long seed) {
    this.seed = seed;
    this.random = new Random(seed);
    this.commands = new RandomCommands(seed);
  }

  // ---- time

  private void at(long nanos, SimStrand strand, Runnable task) {
    events.add(new Event(nanos, eventOrder++, strand, task));
  }

  void runFor(long millis) {
    long until = nowNanos + millis * MS;
    while (!events.isEmpty() && events.peek().atNanos() <= until) {
      Event event = events.remove();
      SimStrand strand = event.strand();
      if (!strand.alive) {
        continue;
      }
      if (strand.busyUntil > event.atNanos()) {
        events.add(new Event(strand.busyUntil, event.order(), strand, event.task()));
        continue;
      }
      nowNanos = event.atNanos();
      strand.busyUntil = nowNanos;
      strand.running = true;
      try {
        event.task().run();
      } catch (RuntimeException e) {
        // A member that has failed has said so; what else it throws on the way out is nothing new.
        if (strand.alive) {
          throw e;
        }
      } finally {
        strand.running = false;
      }
      if (violation != null) {
        throw new AssertionError("seed " + seed + ": " + violation);
      }
    }
    nowNanos = until;
  }

  /** Runs until it holds; fails when it does not within that time. */
  void await(String what, long millis, java.util.function.BooleanSupplier holds) {
    for (long spent = 0; spent < millis; spent += 10) {
      if (holds.getAsBoolean()) {
        return;
      }
      runFor(10);
    }
    violated("not within " + millis + " ms: " + what);
    throw new AssertionError("seed " + seed + ": " + violation);
  }

  final class SimStrand implements Strand {
    boolean alive = true;
    boolean running;
    long busyUntil;

    @Override
    public void execute(Runnable task) {
      at(nanoTime(), this, task);
    }

    @Override
    public void schedule(Runnable task, long delayNanos) {
      at(nanoTime() + Math.max(0, delayNanos), this, task);
    }

    @Override
    public long nanoTime() {
      return Math.max(nowNanos, busyUntil);
    }

    @Override
    public boolean isCurrent() {
      return running;
    }

    @Override
    public void halt() {
      alive = false;
    }

    void spend(long nanos) {
      busyUntil = nanoTime() + nanos;
    }
  }

  // ---- network

  void cut(int from, int to) {
    cut.add(from * 1000L + to);
    SimMember sender = member(from);
    if (sender.life != null) {
      SimMember.Life life = sender.life;
      life.strand.execute(() -> life.lost(to));
    }
  }

  void isolate(int id, Iterable<Integer> from) {
    for (int other : from) {
      cut(id, other);
      cut(other, id);
    }
  }

  void heal() {
    cut.clear();
  }

  SimMember member(int id) {
    return members.stream().filter(m -> m.id == id).findFirst().orElseThrow();
  }

  static byte[] bytes(ByteBuffer frame) {
    byte[] bytes = new byte[frame.remaining()];
    frame.duplicate().get(bytes);
    return bytes;
  }

  private boolean transmit(SimMember.Life from, int to, byte[] frame) {
    if (members.stream().noneMatch(m -> m.id == to)) {
      return false;
    }
    SimMember target = member(to);
    SimMember.Life receiver = target.life;
    if (receiver == null || cut.contains(from.member().id * 1000L + to)) {
      return false;
    }
    if (random.nextDouble() < loss) {
      return true;
    }
    long delay = 100_000 + (long) (random.nextDouble() * slowestMs * MS);
    long arrives = from.strand.nanoTime() + delay;
    if (!reorders) {
      arrives = Math.max(arrives, from.lastArrival.getOrDefault(to, 0L) + 1);
      from.lastArrival.put(to, arrives);
    }
    at(
        arrives,
        receiver.strand,
        () -> {
          if (!cut.contains(from.member().id * 1000L + to)) {
            receiver.received.accept(frame);
          }
        });
    return true;
  }

  // ---- members

  /** One machine: its disk and its host's checkpoint outlive its processes. */
  final class SimMember {
    final int id;
    List<Member> voters;
    List<Member> observers = List.of();
    SimDisk disk;
    SimCheckpoint checkpoint = new SimCheckpoint();
    long clockMs = random.nextInt(5000);
    long triggerBytes = 20_000;
    @Nullable Life life;

    SimMember(int id, List<Member> voters) {
      this.id = id;
      this.voters = voters;
      this.disk = newDisk();
    }

    private SimDisk newDisk() {
      return new SimDisk(
          random,
          nanos -> {
            if (life != null) {
              life.strand.spend(nanos);
            }
          });
    }

    boolean up() {
      return life != null;
    }

    Life running() {
      if (life == null) {
        throw new IllegalStateException("member " + id + " is down");
      }
      return life;
    }

    void start() {
      life = new Life();
      life.begin();
    }

    /** kill -9 and, half the time, power loss. */
    void crash() {
      Life dying = life;
      if (dying == null) {
        return;
      }
      crashes++;
      life = null;
      dying.strand.alive = false;
      disk.crash();
      for (SimMember other : members) {
        Life peer = other.life;
        if (peer != null) {
          peer.strand.execute(() -> peer.lost(id));
          if (random.nextBoolean()) {
            // Else it was its machine that went, and nobody is told.
            peer.strand.schedule(() -> peer.gone(id), random.nextLong(60 * MS));
          }
        }
      }
    }

    void wipe() {
      disk = newDisk();
      checkpoint = new SimCheckpoint();
    }

    boolean leads() {
      return life != null && life.replicator.leadership().localLeader();
    }

    /** One process. */
    final class Life implements Pipes {
      final SimStrand strand = new SimStrand();
      int framesSent;
      final Map<Integer, Long> lastArrival = new TreeMap<>();
      final SimHost host = new SimHost(this, checkpoint);
      Consumer<byte[]> received = frame -> {};
      Consumer<Integer> lost = id -> {};
      Consumer<Integer> gone = id -> {};

      @SuppressWarnings("NullAway.Init")
      MicroRaftReplicator replicator;

      SimMember member() {
        return SimMember.this;
      }

      void lost(int peer) {
        lost.accept(peer);
      }

      void gone(int peer) {
        gone.accept(peer);
      }

      void begin() {
        ConsensusConfig config =
            ConsensusConfig.builder(id, Path.of("simulated"))
                .voters(voters)
                .observers(observers)
                .electionTimeout(Duration.ofSeconds(1))
                .segmentBytes(4096 << random.nextInt(3))
                .snapshotTriggerBytes(triggerBytes)
                .diskReserveBytes(0)
                .clockMs(() -> nowNanos / MS + clockMs)
                .fatal(failure -> failed(id, failure))
                .build();
        Executor background =
            task -> at(strand.nanoTime() + random.nextInt(5_000_000), strand, task);
        try {
          replicator =
              new MicroRaftReplicator(
                  config,
                  strand,
                  disk,
                  background,
                  new Random(random.nextLong()),
                  this,
                  failure -> replicator.fail(failure),
                  new ArrayList<>());
        } catch (IOException e) {
          if (failureExpected == null) {
            violated("member " + id + " does not start: " + e);
          }
          strand.alive = false;
          life = null;
          failed(id, e);
          return;
        }
        replicator.onLeadership(this::leads);
        replicator.start(host);
      }

      private void leads(Leadership now) {
        if (now.localLeader()) {
          String who = id + "/" + replicator.identity().self();
          String before = terms.putIfAbsent(now.term(), who);
          if (before != null && !before.equals(who)) {
            violated("two leaders in term " + now.term() + ": " + before + " and " + who);
          }
        }
      }

      @Override
      public void start(
          Consumer<byte[]> frames, Consumer<Integer> losses, Consumer<Integer> departures) {
        received = frames;
        lost = losses;
        gone = departures;
      }

      @Override
      public void routes(Map<Integer, String> addresses) {}

      @Override
      public boolean send(int to, ByteBuffer frame) {
        framesSent++;
        return strand.alive && transmit(this, to, bytes(frame));
      }

      @Override
      public boolean isUp(int peer) {
        return Simulation.this.member(peer).up() && !cut.contains(id * 1000L + peer);
      }

      @Override
      public void close() {}
    }
  }

  /** What a host has on its disk, as bytes. */
  static final class SimCheckpoint {
    private LogConsumer.RestorePoint point = LogConsumer.RestorePoint.NONE;
    private byte[] image = new byte[0];

    LogConsumer.RestorePoint point() {
      return point;
    }
  }

  /** What a host holds: the tree, and the values that it was given, in order. */
  private record Held(State tree, List<String> values) {
    static final Held NOTHING = new Held(State.initial(RandomCommands.TIGHT), List.of());

    void writeTo(OutputStream out) throws IOException {
      DataOutputStream data = new DataOutputStream(out);
      data.writeInt(values.size());
      for (String value : values) {
        data.writeUTF(value);
      }
      ImageCodec.write(tree, data);
      data.flush();
    }

    static Held readFrom(InputStream in) throws IOException {
      DataInputStream data = new DataInputStream(in);
      List<String> values = new ArrayList<>();
      for (int left = data.readInt(); left > 0; left--) {
        values.add(data.readUTF());
      }
      return new Held(ImageCodec.read(data), values);
    }
  }

  /** A host with a real tree, whose checkpoints take time. */
  final class SimHost implements LogConsumer {
    private final SimMember.Life life;
    private final SimCheckpoint checkpoint;
    private final List<String> state = new ArrayList<>();
    private State tree = Held.NOTHING.tree();
    long lastIndex;

    SimHost(SimMember.Life life, SimCheckpoint checkpoint) {
      this.life = life;
      this.checkpoint = checkpoint;
    }

    List<String> state() {
      return state;
    }

    private Held held() {
      return new Held(tree, List.copyOf(state));
    }

    private void take(Held held, long index) {
      state.clear();
      state.addAll(held.values());
      tree = held.tree();
      lastIndex = index;
      compareTree();
    }

    /** Equal logs must give equal trees, whatever way a member came to its own. */
    private void compareTree() {
      Digest digest = tree.tree().digest();
      Digest before = digests.putIfAbsent(lastIndex, digest);
      if (before != null && !before.equals(digest)) {
        violated("member " + life.member().id + " has another tree at index " + lastIndex);
      }
    }

    @Override
    public RestorePoint restorePoint() {
      if (checkpoint.point.index() > 0) {
        try {
          take(Held.readFrom(new ByteArrayInputStream(checkpoint.image)), checkpoint.point.index());
        } catch (IOException e) {
          violated("the checkpoint of member " + life.member().id + " does not read: " + e);
        }
      }
      return checkpoint.point();
    }

    @Override
    public void committed(long index, long stampMs, byte[] entry) {
      List<Submission> submissions;
      try {
        submissions = EntryCodec.decode(entry).submissions();
      } catch (CorruptEntryException e) {
        violated("an entry came that nobody wrote: " + e);
        return;
      }
      String value = nameOf(submissions.getFirst());
      for (Submission submission : submissions) {
        tree = StateMachine.apply(tree, submission, new Stamp(stampMs)).state();
      }
      advance(index, value + "@" + stampMs);
      state.add(value);
      compareTree();
      if (refused.contains(value)) {
        violated("refused but committed: " + value);
      }
    }

    @Override
    public void passed(long index) {
      advance(index, "members");
      compareTree();
    }

    @Override
    public void newTerm(long index, long term, int leaderId, long stampMs) {
      Submission submission =
          Submission.of(Submission.Author.CLUSTER, new Command.NewTerm(term, leaderId));
      tree = StateMachine.apply(tree, submission, new Stamp(stampMs)).state();
      advance(index, "term " + term + " of " + leaderId + "@" + stampMs);
      compareTree();
    }

    private void advance(long index, String what) {
      if (index <= lastIndex) {
        violated("member " + life.member().id + " applied " + index + " after " + lastIndex);
      }
      lastIndex = index;
      String before = committed.putIfAbsent(index, what);
      if (before == null) {
        if (!what.startsWith("term") && !what.equals("members") && !seen.add(what)) {
          violated("committed twice: " + what);
        }
      } else if (!before.equals(what)) {
        violated("index " + index + " is both " + before + " and " + what);
      }
    }

    @Override
    public void checkpoint(long index, byte[] logMeta) {
      if (index != lastIndex) {
        violated("checkpoint at " + index + " but applied " + lastIndex);
      }
      Held held = held();
      at(
          life.strand.nanoTime() + (long) (random.nextDouble() * 200 * MS),
          life.strand,
          () -> {
            if (index > checkpoint.point().index()) {
              var image = new ByteArrayOutputStream();
              try {
                held.writeTo(image);
              } catch (IOException e) {
                throw new IllegalStateException(e);
              }
              checkpoint.point = new RestorePoint(index, logMeta);
              checkpoint.image = image.toByteArray();
            }
            life.replicator.checkpointDurable(index);
          });
    }

    @Override
    public byte[] answer(int fromMember, byte[] question) {
      return question;
    }

    @Override
    public CompletionStage<Image> imageAt(long index) {
      if (index != lastIndex) {
        violated("image at " + index + " but applied " + lastIndex);
      }
      Held held = held();
      return CompletableFuture.completedFuture(
          new Image() {
            @Override
            public void writeTo(OutputStream out) throws IOException {
              held.writeTo(out);
            }

            @Override
            public void close() {}
          });
    }

    @Override
    public void install(long index, byte[] logMeta, InputStream image) throws IOException {
      installs++;
      if (index <= lastIndex) {
        violated("an image at " + index + " over " + lastIndex);
      }
      take(Held.readFrom(image), index);
      List<String> expected =
          committed.entrySet().stream()
              .filter(e -> e.getKey() <= index)
              .map(Map.Entry::getValue)
              .filter(v -> v.startsWith("v"))
              .map(v -> v.substring(0, v.indexOf('@')))
              .toList();
      if (!expected.equals(state)) {
        violated("the image at " + index + " is not the state there");
      }
      checkpoint(index, logMeta);
    }
  }

  // ---- clients

  void propose(SimMember member) {
    SimMember.Life life = member.life;
    if (life == null) {
      return;
    }
    String value = "v" + nextValue++;
    life.replicator
        .propose(entry(value))
        .thenAccept(
            answer -> {
              switch (answer) {
                case Proposal.Committed done -> acknowledged(value, done.index());
                case Proposal.Refused no -> {
                  refused.add(value);
                  if (committed.values().stream().anyMatch(c -> c.startsWith(value + "@"))) {
                    violated("committed but refused: " + value);
                  }
                }
                case Proposal.Unknown maybe -> {}
              }
            });
  }

  /** A node named after the value, and whatever else comes to mind, in one entry. */
  byte[] entry(String value) {
    Command named =
        new Command.Put(
            ZPath.of("/" + value),
            Bytes.wrap(new byte[random.nextInt(400)]),
            null,
            new Precondition.None(),
            Acl.OPEN,
            Lifetime.PERSISTENT,
            Command.Parents.REQUIRED);
    return EntryCodec.solo(
        List.of(
            EntryCodec.submission(Submission.of(Submission.Author.ANYONE, named)),
            EntryCodec.submission(commands.submission())));
  }

  private static String nameOf(Submission submission) {
    return ((Command.Put) submission.command()).path().toString().substring(1);
  }

  private void acknowledged(String value, long index) {
    acknowledged.put(value, index);
    highestAcknowledged = Math.max(highestAcknowledged, index);
    String there = committed.get(index);
    if (there == null || !there.startsWith(value + "@")) {
      violated(value + " was acknowledged at " + index + " where " + there + " is");
    }
    if (acks++ % 20 == 0) {
      checkDurable(value, index);
    }
  }

  /** On how many disks would it be if all the power went now? */
  private void checkDurable(String value, long index) {
    int copies = 0;
    int voters = 0;
    for (SimMember member : members) {
      if (isObserver(member)) {
        continue;
      }
      // The guest may vote or not; whoever is without it has one copy less to show.
      voters += member == guest ? 0 : 1;
      if (member.checkpoint.point().index() >= index || durable(member, index)) {
        copies++;
      }
    }
    // A group of five may be without the one whose disk was lost just now.
    int needed = losing ? voters / 2 : voters / 2 + 1;
    if (copies < needed) {
      violated(value + " was acknowledged but is on " + copies + " of " + voters + " disks");
    }
  }

  private boolean durable(SimMember member, long index) {
    try {
      SegmentLog log =
          SegmentLog.open(
              member.disk.durableCopy(),
              new SegmentLog.Options(4096, 0, 0),
              Runnable::run,
              LogMetrics.NONE);
      log.recoveredAfter(0, entry -> true); // each is read
      return log.lastIndex() >= index;
    } catch (IOException e) {
      violated("the disk of member " + member.id + " does not read: " + e);
      return false;
    }
  }

  void barrier(SimMember member) {
    SimMember.Life life = member.life;
    if (life == null) {
      return;
    }
    long before = highestAcknowledged;
    life.replicator
        .readBarrier()
        .whenComplete(
            (index, failure) -> {
              if (index != null && index < before) {
                violated("a barrier at " + index + " although " + before + " was acknowledged");
              }
              if (failure != null && !(failure instanceof NoQuorumException)) {
                violated("a barrier failed with " + failure);
              }
            });
  }

  // ---- checks

  /** Lets a test expect that a member fails. */
  void onFailure(Consumer<Throwable> expected) {
    failureExpected = expected;
  }

  private void failed(int id, Throwable failure) {
    Consumer<Throwable> expected = failureExpected;
    if (expected == null) {
      violated("member " + id + " failed: " + failure);
    } else {
      expected.accept(failure);
    }
  }

  void violated(String what) {
    if (violation == null) {
      violation = what;
    }
  }

  /** Log matching: the same index and term means the same entry. */
  void checkLogs() {
    Map<String, String> entries = new TreeMap<>();
    for (SimMember member : members) {
      RaftNodeImpl node = member.life == null ? null : member.life.replicator.node();
      if (node == null) {
        continue;
      }
      RaftLog log = node.state().log();
      for (long i = log.lastLogOrSnapshotIndex(); i > 0; i--) {
        LogEntry entry = log.getLogEntry(i);
        if (entry == null) {
          break;
        }
        String what = Arrays.hashCode(Codec.encode(entry.getOperation())) + "";
        String before = entries.putIfAbsent(i + "/" + entry.getTerm(), what);
        if (before != null && !before.equals(what)) {
          violated("logs differ at index " + i + " term " + entry.getTerm());
        }
      }
    }
  }

  // ---- the story

  static final class Listening extends AppenderBase<ILoggingEvent> {
    @Nullable Simulation current;

    @Override
    protected void append(ILoggingEvent event) {
      Simulation simulation = current;
      // A try of an earlier hand-over that comes too late; MicroRaft says so and leaves it at that.
      boolean harmless =
          event.getFormattedMessage().contains("no leadership transfer state for target");
      // The change before was decided between asking for one and doing it; who asked is told.
      harmless |= event.getFormattedMessage().contains("because expected members commit index");
      // A member that has left is told of entries behind that; it has ended and applies none.
      harmless |=
          event.getThrowableProxy() != null
              && String.valueOf(event.getThrowableProxy().getMessage()).endsWith("on termination.");
      if (simulation != null && event.getLevel() == Level.ERROR && !harmless) {
        String thrown =
            event.getThrowableProxy() == null
                ? ""
                : event.getThrowableProxy().getClassName()
                    + ": "
                    + event.getThrowableProxy().getMessage()
                    + " at "
                    + event.getThrowableProxy().getStackTraceElementProxyArray()[0];
        simulation.violated("MicroRaft said: " + event.getFormattedMessage() + " " + thrown);
      }
    }
  }

  static Listening listen() {
    Logger raft = (Logger) LoggerFactory.getLogger("io.microraft");
    raft.setLevel(Level.ERROR);
    Listening listening = new Listening();
    listening.setContext(raft.getLoggerContext());
    listening.start();
    raft.addAppender(listening);
    boolean verbose = Boolean.getBoolean("quorate.verbose");
    raft.setAdditive(verbose);
    if (verbose) {
      raft.setLevel(Level.INFO);
    }
    ((Logger) LoggerFactory.getLogger("io.quorate")).setLevel(verbose ? Level.INFO : Level.OFF);
    return listening;
  }

  static void quiet(Listening listening) {
    Logger raft = (Logger) LoggerFactory.getLogger("io.microraft");
    raft.detachAppender(listening);
    raft.setAdditive(true);
    raft.setLevel(null);
    ((Logger) LoggerFactory.getLogger("io.quorate")).setLevel(null);
  }

  List<Member> list(int from, int to, Role role) {
    List<Member> list = new ArrayList<>();
    for (int id = from; id <= to; id++) {
      list.add(new Member(id, "member" + id + ":1", role));
    }
    return list;
  }

  /** Makes that many voters and observers, not yet started. */
  void make(int voterCount, int observerCount) {
    List<Member> voters = list(1, voterCount, Role.VOTER);
    List<Member> observers = list(voterCount + 1, voterCount + observerCount, Role.OBSERVER);
    for (int id = 1; id <= voterCount + observerCount; id++) {
      SimMember member = new SimMember(id, voters);
      member.observers = observers;
      members.add(member);
    }
  }

  @Nullable SimMember leader() {
    SimMember newest = null;
    for (SimMember member : members) {
      if (member.life != null
          && member.leads()
          && (newest == null
              || member.life.replicator.leadership().term()
                  > newest.running().replicator.leadership().term())) {
        newest = member;
      }
    }
    return newest;
  }

  SimMember any() {
    return members.get(random.nextInt(members.size()));
  }

  Outcome run(int steps) {
    int voterCount = random.nextInt(4) == 0 ? 5 : random.nextInt(6) == 0 ? 4 : 3;
    make(voterCount, random.nextInt(3) == 0 ? 1 : 0);
    loss = random.nextInt(3) == 0 ? random.nextDouble() * 0.05 : 0;
    reorders = random.nextInt(3) == 0;
    slowestMs = 1 + random.nextInt(30);
    if (random.nextInt(3) == 0) {
      invite();
    }
    members.forEach(member -> member.triggerBytes = 2_000 + random.nextInt(40_000));
    members.forEach(SimMember::start);
    runFor(2_000);
    for (int step = 0; step < steps; step++) {
      disturb();
      int load = random.nextInt(20);
      for (int i = 0; i < load; i++) {
        propose(random.nextBoolean() && leader() != null ? leader() : any());
        if (random.nextInt(5) == 0) {
          barrier(any());
        }
        runFor(random.nextInt(6));
      }
      runFor(random.nextInt(500));
      checkLogs();
      if (step == steps / 2 && random.nextInt(4) == 0) {
        loseADisk();
      }
    }
    settle();
    return new Outcome(seed, acks, crashes, installs, nowNanos / MS);
  }

  /** Makes somebody who is in no list but its own, not yet started. */
  SimMember invite() {
    int id = members.size() + 1;
    List<Member> all = new ArrayList<>(members.getFirst().voters);
    all.add(new Member(id, "member" + id + ":1", Role.VOTER));
    SimMember invited = new SimMember(id, all);
    members.add(invited);
    guest = invited;
    return invited;
  }

  /** Asks for the guest to be added, once, and later to be removed. */
  private void moveGuest() {
    SimMember moved = guest;
    SimMember asked = random.nextBoolean() ? leader() : any();
    if (moved == null || asked == null || asked.life == null) {
      return;
    }
    boolean joined = moved.life != null && moved.life.replicator.node() != null;
    if (joined) {
      asked.life.replicator.removeMember(moved.id);
    } else {
      Role role = random.nextInt(3) == 0 ? Role.OBSERVER : Role.VOTER;
      asked.life.replicator.addMember(new Member(moved.id, "member" + moved.id + ":1", role));
    }
  }

  private boolean belongs(SimMember member) {
    SimMember leader = leader();
    return member != guest
        || (leader != null
            && leader.running().replicator.node() != null
            && leader
                .running()
                .replicator
                .node()
                .getCommittedMembers()
                .getMembers()
                .contains(member.running().replicator.identity().self()));
  }

  /** One disk at a time may be lost for good; its member must come back as somebody else. */
  private void loseADisk() {
    settle();
    losing = true;
    SimMember lost = members.get(random.nextInt(members.size() - (guest == null ? 0 : 1)));
    lost.crash();
    lost.wipe();
    lost.start();
    await(
        "who lost its disk is back",
        120_000,
        () -> {
          SimMember leader = leader();
          return leader != null
              && lost.running().replicator.node() != null
              && leader.running().replicator.group().progress().stream()
                  .anyMatch(
                      p ->
                          p.member().id() == lost.id
                              && (p.member().role() == Role.VOTER || isObserver(lost)));
        });
    settle();
    losing = false;
  }

  private static boolean isObserver(SimMember member) {
    return member.observers.stream().anyMatch(o -> o.id() == member.id);
  }

  private void disturb() {
    switch (random.nextInt(21)) {
      case 0, 1 -> any().crash();
      case 2 -> List.copyOf(members).forEach(m -> m.crash());
      case 3, 4, 5 ->
          members.stream().filter(m -> !m.up() && random.nextBoolean()).forEach(SimMember::start);
      case 6 -> {
        SimMember one = any();
        isolate(one.id, members.stream().filter(m -> m != one).map(m -> m.id).toList());
      }
      case 7 -> {
        SimMember leader = leader();
        if (leader != null) {
          isolate(leader.id, members.stream().filter(m -> m != leader).map(m -> m.id).toList());
        }
      }
      case 8 -> cut(any().id, any().id);
      case 9, 10 -> heal();
      case 11 -> {
        SimMember one = any();
        if (one.life != null) {
          one.life.replicator.requestCheckpoint();
        }
      }
      case 12 -> {
        SimMember one = any();
        if (one.life != null) {
          one.life.replicator.transferLeadership(any().id);
        }
      }
      case 13 -> {
        SimMember one = any();
        if (one.life != null) {
          // A pause, as of a garbage collector or a stopped process.
          one.life.strand.spend(random.nextInt(3000) * MS);
        }
      }
      case 14 -> {
        SimMember leader = leader();
        if (leader != null) {
          leader.crash();
        }
      }
      case 15 -> any().clockMs += random.nextInt(200_000) - 100_000;
      case 16 -> any().disk.beSlow(random.nextInt(3) * random.nextInt(60));
      case 17 -> {
        SimMember leader = leader();
        SimMember target = any();
        if (leader != null) {
          leader.running().replicator.transferLeadership(target.id);
          runFor(random.nextInt(60));
          (random.nextBoolean() ? leader : target).crash();
        }
      }
      case 18, 19 -> moveGuest();
      case 20 -> {
        if (splits) {
          split();
        }
      }
      default -> {}
    }
  }

  /** Two sides that hear nothing of each other. */
  private void split() {
    List<Integer> here = new ArrayList<>();
    List<Integer> there = new ArrayList<>();
    members.forEach(member -> (random.nextBoolean() ? here : there).add(member.id));
    here.forEach(id -> isolate(id, there));
  }

  /** Heals everything; then all must come to agree and to work. */
  void settle() {
    heal();
    loss = 0;
    members.forEach(member -> member.disk.beSlow(0));
    members.stream().filter(m -> !m.up()).forEach(SimMember::start);
    await("somebody leads", 30_000, () -> leader() != null);
    int before = acks;
    for (int i = 0; i < 200 && acks == before; i++) {
      propose(members.get(i % members.size()));
      runFor(100);
    }
    if (acks == before) {
      violated("nothing is acknowledged although everything is healed");
    }
    await(
        "all agree",
        60_000,
        () -> {
          long last = committed.keySet().stream().max(Long::compare).orElse(0L);
          return members.stream()
              .allMatch(m -> m.life != null && (m.life.host.lastIndex >= last || !belongs(m)));
        });
    checkLogs();
    List<String> first = members.getFirst().running().host.state();
    for (SimMember member : members) {
      if (belongs(member) && !member.running().host.state().equals(first)) {
        violated("member " + member.id + " has another state");
      }
    }
    if (!new HashSet<>(first).containsAll(acknowledged.keySet())) {
      violated("something acknowledged is gone");
    }
    runFor(1);
    if (violation != null) {
      throw new AssertionError("seed " + seed + ": " + violation);
    }
  }

  public static void main(String[] args) {
    long seeds = 1000;
    long first = System.nanoTime() & 0xffffff;
    int steps = 60;
    for (int i = 0; i + 1 < args.length; i += 2) {
      switch (args[i]) {
        case "--seeds" -> seeds = Long.parseLong(args[i + 1]);
        case "--first" -> first = Long.parseLong(args[i + 1]);
        case "--steps" -> steps = Integer.parseInt(args[i + 1]);
        default -> throw new IllegalArgumentException("--seeds N --first SEED --steps N");
      }
    }
    Listening listening = listen();
    int failed = 0;
    long acknowledged = 0;
    long crashes = 0;
    long installs = 0;
    for (long seed = first; seed < first + seeds; seed++) {
      Simulation simulation = new Simulation(seed);
      listening.current = simulation;
      try {
        Outcome outcome = simulation.run(steps);
        acknowledged += outcome.acknowledged();
        crashes += outcome.crashes();
        installs += outcome.installs();
      } catch (Throwable t) {
        failed++;
        System.out.println(t);
        if (seeds == 1) {
          t.printStackTrace(System.out);
        }
      }
    }
    System.out.printf(
        "%d seeds from %d: %d failed, %d acknowledged, %d crashes, %d images installed%n",
        seeds, first, failed, acknowledged, crashes, installs);
    System.exit(failed == 0 ? 0 : 1);
  }
}
