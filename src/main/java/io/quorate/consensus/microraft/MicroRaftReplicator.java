package io.quorate.consensus.microraft;

import io.microraft.RaftConfig;
import io.microraft.RaftEndpoint;
import io.microraft.RaftNode;
import io.microraft.RaftRole;
import io.microraft.impl.RaftNodeImpl;
import io.microraft.impl.statemachine.InternalCommitAware;
import io.microraft.model.groupop.UpdateRaftGroupMembersOp;
import io.microraft.model.impl.log.DefaultLogEntryOrBuilder;
import io.microraft.model.impl.log.DefaultRaftGroupMembersViewOrBuilder;
import io.microraft.model.impl.log.DefaultSnapshotChunkOrBuilder;
import io.microraft.model.impl.log.DefaultSnapshotEntryOrBuilder;
import io.microraft.model.impl.persistence.DefaultRaftEndpointPersistentStateOrBuilder;
import io.microraft.model.log.LogEntry;
import io.microraft.model.log.RaftGroupMembersView;
import io.microraft.model.log.SnapshotChunk;
import io.microraft.model.log.SnapshotEntry;
import io.microraft.persistence.RestoredRaftState;
import io.microraft.report.RaftNodeReport;
import io.microraft.statemachine.StateMachine;
import io.quorate.consensus.LogConsumer;
import io.quorate.consensus.NoQuorumException;
import io.quorate.consensus.Replicator;
import io.quorate.consensus.log.DirectoryLock;
import io.quorate.consensus.log.Disk;
import io.quorate.consensus.log.FileDisk;
import io.quorate.consensus.log.SegmentLog;
import io.quorate.consensus.net.NettyPipes;
import io.quorate.consensus.net.Pipes;
import java.io.IOException;
import java.io.InputStream;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The replicator over MicroRaft: the port, the life of a member, and what MicroRaft is given.
 * Everything but the volatile fields belongs to the strand. {@link Boundary} is where MicroRaft's
 * traps are mended.
 */
public final class MicroRaftReplicator implements Replicator {
  private static final Logger LOG = LoggerFactory.getLogger(MicroRaftReplicator.class);

  static {
    // MicroRaft's invariants are assertions; we want to hear of a broken one (trap 16).
    MicroRaftReplicator.class.getClassLoader().setPackageAssertionStatus("io.microraft", true);
  }

  /** Heartbeat period 1, timeout 3: noticed within 4 of MicroRaft's seconds. */
  private static final int HEARTBEAT_TIMEOUT_SECS = 3;

  private static final int ELECTION_TIMEOUT_SCALED_MS = 1_000;

  /**
   * MicroRaft takes a snapshot of its own at every multiple of this, and sizes its ring by it: at
   * least twice what is applied between two of ours while no peer is being served.
   */
  private static final int COMMITS_PER_SNAPSHOT = 2 * CheckpointTurns.ENTRIES_PER_CHECKPOINT;

  /** Members whose numbers differ modulo so many have different multiples, so far apart. */
  private static final int MEMBERS_APART = 16;

  private static final int COMMITS_BETWEEN_MEMBERS = COMMITS_PER_SNAPSHOT / 32;
  private static final long KEPT_FOR_FOLLOWERS_BYTES = 32L << 20;

  /** Of what makes a snapshot due, so much stays in memory after it was applied. */
  private static final int RECENT_PART = 64;

  private static final int MOST_PENDING = 1_000;
  private static final int ENTRIES_PER_APPEND = 16;

  /** Entries without a durable checkpoint: then proposals wait, as the ring has no room. */
  private static final int MOST_UNCOVERED_ENTRIES = COMMITS_PER_SNAPSHOT;

  private static final int SPARE_SEGMENTS = 2;
  private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
  private static final long ROOM_CHECK_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long CLOSE_POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
  private static final int CLOSE_POLLS = 200;
  private static final long CLOSE_WAIT_MILLIS = 5_000;
  private static final long LEAST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
  private static final long PAUSE_SPREAD_NANOS = TimeUnit.MILLISECONDS.toNanos(80);
  private static final long NEVER = -1;

  private final ConsensusConfig config;
  private final Strand strand;
  private final FasterTime time;
  private final Random random;
  private final Pipes pipes;
  private final List<AutoCloseable> owned;
  private final List<Consumer<Leadership>> listeners = new CopyOnWriteArrayList<>();
  private final Proposals proposals;
  private final Barriers barriers;
  private final Questions questions;
  private final Membership membership;
  private final Images images;
  private final Boundary boundary;
  private final DiskRaftStore store;

  private final RecentEntries recent;
  private LogConsumer consumer = new NoConsumer();
  private @Nullable RaftNodeImpl node;
  private boolean alone;
  private int aloneInTerm;
  private boolean checkpointWanted;
  private final List<Cover> covers = new ArrayList<>();
  private boolean imageWanted;
  private boolean snapshotAsked;
  private long appliedIndex;
  private long snapshotIndex;
  private long durableIndex;
  private int snapshotTerm;
  private final CheckpointTurns turns;
  private long lastRoomCheckNanos;

  private volatile Leadership leadership = new Leadership(0, 0, false);
  private volatile long commitIndex;
  private volatile long soleCommitIndex = NEVER;
  private volatile Identity identity;
  private volatile GroupView group;
  private volatile boolean started;
  private volatile boolean closing;
  private volatile boolean dead;

  /**
   * Opens the data directory and its log; {@link #start} takes part.
   *
   * @throws IOException with a sentence for people when the directory is in use, damaged or cannot
   *     be written
   */
  public static MicroRaftReplicator open(ConsensusConfig config) throws IOException {
    List<AutoCloseable> owned = new ArrayList<>();
    try {
      owned.add(DirectoryLock.acquire(config.dataDir()));
      Disk disk = new FileDisk(config.dataDir().resolve("log"));
      ExecutorService background =
          Executors.newSingleThreadExecutor(
              task -> {
                Thread thread = new Thread(task, "quorate-log-background");
                thread.setDaemon(true);
                return thread;
              });
      owned.add(
          () -> {
            background.shutdown();
            background.awaitTermination(CLOSE_WAIT_MILLIS, TimeUnit.MILLISECONDS);
          });
      Fatal fatal = new Fatal();
      Pipes pipes;
      Strand strand;
      if (config.address().isPresent()) {
        NettyPipes netty = NettyPipes.listen(config.address().get(), config.tls());
        pipes = netty;
        strand = new LoopStrand(netty.loop(), fatal);
        owned.add(netty);
        owned.add(strand::halt);
      } else {
        RaftThread thread = new RaftThread("quorate-raft", fatal);
        thread.start();
        pipes = Pipes.NONE;
        strand = thread;
        owned.add(
            () -> {
              thread.halt();
              if (!thread.isCurrent()) {
                thread.join(CLOSE_WAIT_MILLIS);
              }
            });
      }
      MicroRaftReplicator replicator =
          new MicroRaftReplicator(
              config, strand, disk, background, new SecureRandom(), pipes, fatal, owned);
      fatal.target = replicator::fail;
      return replicator;
    } catch (IOException | RuntimeException e) {
      release(owned);
      throw e;
    }
  }

  /** Lets the strand be made before what it must tell. */
  private static final class Fatal implements Consumer<Throwable> {
    private volatile Consumer<Throwable> target = failure -> {};

    @Override
    public void accept(Throwable failure) {
      target.accept(failure);
    }
  }

  MicroRaftReplicator(
      ConsensusConfig config,
      Strand strand,
      Disk disk,
      Executor background,
      Random random,
      Pipes pipes,
      Consumer<Throwable> failed,
      List<AutoCloseable> owned)
      throws IOException {
    this.config = config;
    this.strand = strand;
    this.random = random;
    this.time = new FasterTime(strand, this::byMajority, config.electionTimeout());
    this.pipes = pipes;
    this.owned = owned;
    proposals = new Proposals(this);
    barriers = new Barriers(this);
    questions = new Questions(this);
    membership = new Membership(this, proposals);
    images = new Images(disk, strand, background, this::send, failed);
    boundary = new Boundary(this, images);
    recent = new RecentEntries(config.snapshotTriggerBytes() / RECENT_PART);
    turns = new CheckpointTurns(config.snapshotTriggerBytes(), config.id(), strand.nanoTime());
    store =
        new DiskRaftStore(
            disk,
            new SegmentLog.Options(
                config.segmentBytes(), SPARE_SEGMENTS, config.diskReserveBytes()),
            background,
            config.metrics(),
            newIdentity(),
            new SnapshotKeeper(),
            failed);
    identity = store.identity();
    PeerEndpoint self = identity.self();
    if (self.id() != config.id()) {
      throw new IOException(
          "The data directory "
              + config.dataDir()
              + " belongs to member "
              + self.id()
              + ", but quorate.id is "
              + config.id()
              + ". Set the number back or give this member a directory of its own.");
    }
    group = new GroupView(identity.clusterId(), config.id(), 0, List.of());
  }

  /** A member of a larger group belongs to none until all have met. */
  private Identity newIdentity() {
    PeerEndpoint self = new PeerEndpoint(config.id(), random.nextLong(), "");
    if (config.voters().stream().anyMatch(voter -> voter.id() != config.id())) {
      return new Identity(self, "", false, null);
    }
    List<RaftEndpoint> only = List.of(self);
    RaftGroupMembersView initial =
        new DefaultRaftGroupMembersViewOrBuilder()
            .setLogIndex(0)
            .setMembers(only)
            .setVotingMembers(only)
            .build();
    return new Identity(self, newClusterId(), true, initial);
  }

  String newClusterId() {
    return new UUID(random.nextLong(), random.nextLong()).toString();
  }

  // ---- the port

  @Override
  public CompletionStage<Proposal> propose(Supplier<byte[]> entry) {
    CompletableFuture<Proposal> answer = new CompletableFuture<>();
    if (!takesPart()) {
      answer.complete(new Proposal.Refused("this member is not taking part"));
      return answer;
    }
    strand.execute(() -> proposals.propose(entry.get(), answer));
    // Between the look above and the hand-over the strand may have been halted.
    if (dead) {
      answer.complete(new Proposal.Unknown("this member stopped taking part"));
    }
    return answer;
  }

  @Override
  public CompletionStage<Long> readBarrier() {
    // Alone, nobody else can have committed anything: what is applied here is what there is.
    long sole = soleCommitIndex;
    if (sole != NEVER) {
      return CompletableFuture.completedFuture(sole);
    }
    CompletableFuture<Long> answer = new CompletableFuture<>();
    if (takesPart()) {
      strand.execute(() -> barriers.wait(answer));
    }
    if (!takesPart()) {
      answer.completeExceptionally(new NoQuorumException("this member is not taking part"));
    }
    return answer;
  }

  @Override
  public CompletionStage<byte[]> askLeader(byte[] question) {
    CompletableFuture<byte[]> answer = new CompletableFuture<>();
    if (takesPart()) {
      strand.execute(() -> questions.ask(question, answer));
    }
    if (!takesPart()) {
      answer.completeExceptionally(new NoQuorumException("this member is not taking part"));
    }
    return answer;
  }

  @Override
  public Leadership leadership() {
    return leadership;
  }

  @Override
  public void onLeadership(Consumer<Leadership> listener) {
    listeners.add(listener);
  }

  @Override
  public GroupView group() {
    GroupView view = group;
    return new GroupView(view.clusterId(), view.localId(), commitIndex, view.progress());
  }

  @Override
  public DiskHeadroom headroom() {
    return new DiskHeadroom(store.log().freeBytes(), store.log().hasRoom());
  }

  @Override
  public void checkpointDurable(long index) {
    strand.execute(() -> covered(index));
  }

  @Override
  public void requestCheckpoint() {
    strand.execute(this::wantCheckpoint);
  }

  @Override
  public CompletionStage<Void> coverLog() {
    if (stopping()) {
      return CompletableFuture.completedFuture(null);
    }
    var covered = new CompletableFuture<Void>();
    strand.execute(
        () -> {
          if (node == null || !turns.worthwhile()) {
            covered.complete(null);
            return;
          }
          covers.add(new Cover(appliedIndex, covered));
          wantCheckpoint();
        });
    return covered;
  }

  @Override
  public CompletionStage<GroupView> addMember(Member newcomer) {
    Frame.Wish wish =
        newcomer.role() == Role.VOTER ? Frame.Wish.ADD_VOTER : Frame.Wish.ADD_OBSERVER;
    return change(wish, newcomer.id(), newcomer.address()).thenApply(done -> group());
  }

  @Override
  public CompletionStage<GroupView> removeMember(int id) {
    return change(Frame.Wish.REMOVE, id, "").thenApply(done -> group());
  }

  @Override
  public CompletionStage<Void> transferLeadership(int id) {
    return change(Frame.Wish.LEAD, id, "");
  }

  private CompletableFuture<Void> change(Frame.Wish wish, int id, String address) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    if (takesPart()) {
      strand.execute(
          () ->
              membership
                  .change(wish, id, address)
                  .whenComplete(
                      (ok, failure) -> {
                        if (failure == null) {
                          done.complete(null);
                        } else {
                          done.completeExceptionally(failure);
                        }
                      }));
    }
    if (!takesPart()) {
      done.completeExceptionally(new NoQuorumException("this member is not taking part"));
    }
    return done;
  }

  @Override
  public void start(LogConsumer host) {
    if (started) {
      throw new IllegalStateException("started before");
    }
    started = true;
    strand.execute(
        () -> {
          try {
            consumer = host;
            begin();
          } catch (Throwable t) {
            fail(t);
          }
        });
  }

  @Override
  public void close() {
    if (closing) {
      return;
    }
    closing = true;
    if (!dead) {
      CompletableFuture<Void> done = leave();
      if (!strand.isCurrent()) {
        try {
          done.get(CLOSE_WAIT_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        } catch (Exception e) {
          LOG.warn("Closing the log took too long or failed", e);
        }
      }
    }
    dead = true;
    release(owned);
  }

  /** Begins to stop; everything is on disk when the stage completes. */
  CompletableFuture<Void> leave() {
    closing = true;
    CompletableFuture<Void> done = new CompletableFuture<>();
    strand.execute(() -> handOver(done));
    return done;
  }

  // ---- starting and stopping, on the strand

  private void begin() throws IOException {
    LogConsumer.RestorePoint point = consumer.restorePoint();
    durableIndex = point.index();
    pipes.start(this::received, this::pipeLost, this::peerGone);
    membership.tick(strand.nanoTime());
    if (identity.formed()) {
      takePart(point);
    } else if (point.index() > 0) {
      throw new IOException(
          "There is a checkpoint but no log: the directory is not whole. Restore it, or start with"
              + " an empty one and let this member be rebuilt from its peers.");
    } else {
      LOG.info("Member {} is empty and looks for {}", identity.self(), config.voters());
    }
    strand.schedule(this::tick, TICK_NANOS);
  }

  /** Becomes part of a group, from an empty disk. */
  void join(String clusterId, RaftGroupMembersView initial) {
    store.join(clusterId, initial);
    identity = store.identity();
    try {
      takePart(LogConsumer.RestorePoint.NONE);
    } catch (IOException e) {
      fail(e);
    }
  }

  private void takePart(LogConsumer.RestorePoint point) throws IOException {
    @Nullable SnapshotEntry snapshot = null;
    long base = point.index();
    if (base > 0) {
      snapshot = snapshotEntry(base, SnapshotMeta.decode(point.logMeta()));
    }
    Images.@Nullable Stored image = images.recover(base);
    if (image != null) {
      // It came from a peer and no checkpoint has covered it yet.
      base = image.index();
      snapshot = snapshotEntry(base, image.meta());
      try (InputStream in = images.open(base)) {
        consumer.install(base, image.meta().encode(), in);
      }
    }
    snapshotTerm = snapshot == null ? 0 : snapshot.getTerm();
    appliedIndex = base;
    commitIndex = base;
    snapshotIndex = base;
    List<LogEntry> entries = entriesAfter(base);
    RaftGroupMembersView initial = identity.initial();
    if (initial == null) {
      throw new IllegalStateException("no group was formed");
    }
    RestoredRaftState restored =
        new RestoredRaftState(
            new DefaultRaftEndpointPersistentStateOrBuilder()
                .setLocalEndpoint(identity.self())
                .setVoting(identity.voting())
                .build(),
            initial,
            store.term(),
            snapshot,
            entries);
    // The ring takes 1.1 of this and silently overwrites what is more.
    int commits =
        Math.max(
            COMMITS_PER_SNAPSHOT + config.id() % MEMBERS_APART * COMMITS_BETWEEN_MEMBERS,
            2 * entries.size());
    RaftConfig raftConfig =
        RaftConfig.newBuilder()
            .setLeaderHeartbeatPeriodSecs(1)
            .setLeaderHeartbeatTimeoutSecs(HEARTBEAT_TIMEOUT_SECS)
            .setLeaderElectionTimeoutMillis(ELECTION_TIMEOUT_SCALED_MS)
            .setAppendEntriesRequestBatchSize(ENTRIES_PER_APPEND)
            .setCommitCountToTakeSnapshot(commits)
            .setMaxPendingLogEntryCount(MOST_PENDING)
            .setTransferSnapshotsFromFollowersEnabled(false)
            .build();
    RaftNodeImpl raft =
        (RaftNodeImpl)
            RaftNode.newBuilder()
                .setGroupId(identity.clusterId())
                .setRestoredState(restored)
                .setConfig(raftConfig)
                .setExecutor(time)
                .setClock(time.clock())
                .setRandom(FasterTime.noise(random))
                .setStore(store)
                .setStateMachine(new Applying())
                .setTransport(boundary)
                .setRaftNodeReportListener(this::observe)
                .build();
    node = raft;
    LOG.info(
        "Member {} of group {}: state at {}, {} entries after it, term {}",
        identity.self(),
        identity.clusterId(),
        base,
        entries.size(),
        store.term().getTerm());
    raft.start().whenComplete((ok, failure) -> begun(raft, failure));
  }

  private void begun(RaftNodeImpl raft, @Nullable Throwable failure) {
    if (failure != null) {
      fail(failure);
      return;
    }
    Collection<RaftEndpoint> voters = raft.state().votingMembers();
    boolean only = voters.size() == 1 && voters.contains(raft.getLocalEndpoint());
    if (only && raft.state().leaderState() == null) {
      // MicroRaft would wait for its next heartbeat.
      raft.toSingletonLeader();
    }
    membersChanged();
  }

  /** What is in the log, without the bytes: these are read again when they are applied. */
  private List<LogEntry> entriesAfter(long index) throws IOException {
    List<LogEntry> entries = new ArrayList<>();
    store.recoveredAfter(
        index,
        record -> {
          if (record.term() < snapshotTerm) {
            // Terms never fall along a log (Raft §5.3): this is not what the image's log goes on
            // with.
            store.log().cutFrom(record.index());
            return false;
          }
          if (record.index() != index + entries.size() + 1) {
            throw new IOException(
                "The log continues at entry "
                    + record.index()
                    + " but the newest checkpoint stands at "
                    + index
                    + ": entries in between are gone. Restore the checkpoint that belongs to this"
                    + " log, or let this member be rebuilt from its peers.");
          }
          Object operation = Codec.decode(record.payload());
          store.standsAt(operation, record.place(), record.index());
          if (operation instanceof Operation.Entry entry) {
            entry.letGo();
          }
          entries.add(
              new DefaultLogEntryOrBuilder()
                  .setIndex(record.index())
                  .setTerm(record.term())
                  .setOperation(operation)
                  .build());
          return true;
        });
    if (store.log().lastIndex() < index) {
      // A crash between the image and the log's own note of it.
      store.log().reset(index, snapshotTerm);
    }
    return entries;
  }

  private static SnapshotEntry snapshotEntry(long index, SnapshotMeta meta) {
    SnapshotChunk chunk =
        new DefaultSnapshotChunkOrBuilder()
            .setIndex(index)
            .setTerm(meta.term())
            .setOperation(new StateAt(index))
            .setSnapshotChunkIndex(0)
            .setSnapshotChunkCount(1)
            .setGroupMembersView(meta.members())
            .build();
    return new DefaultSnapshotEntryOrBuilder()
        .setIndex(index)
        .setTerm(meta.term())
        .setSnapshotChunks(List.of(chunk))
        .setGroupMembersView(meta.members())
        .build();
  }

  /** Hands over where it can, waits for what is under way, then leaves. */
  private void handOver(CompletableFuture<Void> done) {
    PeerEndpoint successor = membership.successor();
    if (successor == null) {
      finish(0, done);
      return;
    }
    CompletableFuture<Void> handedOver = new CompletableFuture<>();
    handedOver.whenComplete((ok, failure) -> finish(0, done));
    membership.handOver(successor, handedOver);
  }

  private void finish(int polls, CompletableFuture<Void> done) {
    RaftNodeImpl raft = node;
    proposals.refuseHeld("this member is shutting down");
    if (raft != null && leads() && !proposals.idle() && polls < CLOSE_POLLS) {
      strand.schedule(() -> finish(polls + 1, done), CLOSE_POLL_NANOS);
    } else if (raft == null) {
      shut(done);
    } else {
      raft.terminate().whenComplete((ok, failure) -> shut(done));
    }
  }

  private void shut(CompletableFuture<Void> done) {
    try {
      dead = true;
      soleCommitIndex = NEVER;
      abandonAll("this member was shut down");
      images.close();
      store.close();
      done.complete(null);
    } catch (Throwable t) {
      done.completeExceptionally(t);
    } finally {
      strand.halt();
    }
  }

  /** Stops taking part at once and says why, once. */
  void fail(Throwable why) {
    synchronized (this) {
      if (dead) {
        return;
      }
      dead = true;
    }
    LOG.error("This member can no longer take part", why);
    soleCommitIndex = NEVER;
    strand.halt();
    abandonAll("this member failed: " + why);
    leadership = new Leadership(leadership.term(), 0, false);
    config.fatal().accept(why);
  }

  private void abandonAll(String why) {
    proposals.abandon(why);
    barriers.abandon(why);
    questions.abandon(why);
    membership.abandon(why);
  }

  private static void release(List<AutoCloseable> owned) {
    for (AutoCloseable one : owned.reversed()) {
      try {
        one.close();
      } catch (Exception e) {
        LOG.warn("Could not release a resource", e);
      }
    }
    owned.clear();
  }

  private void tick() {
    long now = strand.nanoTime();
    proposals.expire(now);
    proposals.admitHeld();
    barriers.expire(now);
    questions.expire(now);
    membership.tick(now);
    images.tick(now);
    turns.noticeRest(now);
    takeSnapshotIfDue();
    refreshGroup();
    if (now - lastRoomCheckNanos >= ROOM_CHECK_NANOS) {
      lastRoomCheckNanos = now;
      store.log().checkRoom();
    }
    strand.schedule(this::tick, TICK_NANOS);
  }

  // ---- frames

  private void received(byte[] bytes) {
    FrameCodec.Decoded decoded;
    try {
      decoded = FrameCodec.decode(bytes, identity.clusterId());
    } catch (IOException | RuntimeException e) {
      LOG.warn("A frame that does not read was dropped", e);
      return;
    }
    strand.arrive(() -> deliver(decoded.header(), decoded.frame()));
  }

  private void deliver(FrameCodec.Header header, Frame frame) {
    if (dead) {
      return;
    }
    PeerEndpoint from = new PeerEndpoint(header.from(), header.fromIncarnation(), "");
    membership.hear(from);
    if (frame instanceof Frame.Hello hello) {
      membership.hello(hello);
      return;
    }
    RaftNodeImpl raft = node;
    if (raft == null
        || header.group() != groupNumber()
        || header.forIncarnation() != identity.self().incarnation()) {
      return;
    }
    if (frame instanceof Frame.Raft message) {
      boundary.receive(from, message);
    } else if (raft.getEffectiveMembers().isKnownMember(from) || boundary.leads(from)) {
      deliver(from, frame);
    }
  }

  private void deliver(PeerEndpoint from, Frame frame) {
    switch (frame) {
      case Frame.Hello hello -> membership.hello(hello);
      case Frame.Raft message -> boundary.receive(from, message);
      case Frame.Propose propose -> proposals.propose(from, propose);
      case Frame.Proposed proposed -> proposals.proposed(proposed);
      case Frame.AskBarrier ask -> barriers.wait(from, ask);
      case Frame.BarrierAnswer answer -> barriers.answered(answer);
      case Frame.ImagePiece piece -> {
        if (boundary.leads(from) && piece.index() > appliedIndex) {
          images.piece(from, piece);
        }
      }
      case Frame.ImageTaken taken -> images.taken(from, taken);
      case Frame.Change change -> membership.change(from, change);
      case Frame.Changed changed -> membership.changed(changed);
      case Frame.Ask ask -> questions.asked(from, ask);
      case Frame.Answered answered -> questions.answered(answered);
    }
  }

  private void pipeLost(int id) {
    strand.execute(
        () -> {
          membership.pipeLost(id);
          if (id == leadership.leaderId() && !leads()) {
            proposals.loseForwarded("the connection to the leader broke");
            barriers.restart();
          }
        });
  }

  /**
   * The leader's process has ended: no need to wait until its silence has lasted. The others are
   * asked as always, and say no while they hear it.
   */
  private void peerGone(int id) {
    strand.execute(
        () -> {
          long term = leadership.term();
          if (leads() || !isLeader(id, term)) {
            return;
          }
          LOG.info("The process of leader {} has ended", id);
          time.skip(HEARTBEAT_TIMEOUT_SECS, TimeUnit.SECONDS);
          // Apart from the others, who have seen the same.
          long delay = LEAST_PAUSE_NANOS + (long) (random.nextDouble() * PAUSE_SPREAD_NANOS);
          strand.schedule(() -> succeed(id, term), delay);
        });
  }

  private boolean isLeader(int id, long term) {
    return leadership.leaderId() == id && leadership.term() == term;
  }

  /** What MicroRaft would do at its next look. */
  private void succeed(int id, long term) {
    RaftNodeImpl raft = node;
    if (raft != null
        && !stopping()
        && isLeader(id, term)
        && raft.isLeaderHeartbeatTimeoutElapsed()
        && raft.state().role() == RaftRole.FOLLOWER
        && raft.state().preCandidateState() == null
        && raft.state().leaderElectionQuorumSize() > 1) {
      raft.leader(null);
      raft.runPreVote();
    }
  }

  private long groupNumber() {
    if (!identity.formed()) {
      return 0;
    }
    UUID id = UUID.fromString(identity.clusterId());
    return id.getMostSignificantBits() ^ id.getLeastSignificantBits();
  }

  /** To exactly this incarnation. False when it is certain that nothing was sent. */
  boolean send(PeerEndpoint peer, Frame frame) {
    if (dead) {
      return false;
    }
    FrameCodec.Header header =
        new FrameCodec.Header(
            groupNumber(), config.id(), identity.self().incarnation(), peer.incarnation());
    return pipes.send(peer.id(), FrameCodec.encode(header, frame));
  }

  /** To the member of this number that belongs to the group. */
  boolean send(int id, Frame frame) {
    RaftNodeImpl raft = node;
    if (raft == null) {
      return false;
    }
    for (RaftEndpoint endpoint : raft.getEffectiveMembers().getMembers()) {
      if (((PeerEndpoint) endpoint).id() == id) {
        return send((PeerEndpoint) endpoint, frame);
      }
    }
    return false;
  }

  /** To whoever has this number. */
  void greet(int id, Frame.Hello hello) {
    FrameCodec.Header header =
        new FrameCodec.Header(groupNumber(), config.id(), identity.self().incarnation(), 0);
    pipes.send(id, FrameCodec.encode(header, hello));
  }

  void routes(Map<Integer, String> addresses) {
    pipes.routes(addresses);
  }

  // ---- what the parts share, on the strand

  ConsensusConfig config() {
    return config;
  }

  LogConsumer host() {
    return consumer;
  }

  Identity identity() {
    return identity;
  }

  @Nullable RaftNodeImpl node() {
    return node;
  }

  boolean leads() {
    return leadership.localLeader();
  }

  boolean stopping() {
    return closing || dead;
  }

  private boolean takesPart() {
    return started && !closing && !dead;
  }

  boolean reaches(PeerEndpoint peer) {
    return pipes.isUp(peer.id());
  }

  boolean hears(PeerEndpoint peer) {
    return membership.hears(peer);
  }

  long nanoTime() {
    return strand.nanoTime();
  }

  /**
   * Where this process's numbers of requests begin: far from those of the one before it, whose
   * questions a peer may answer only now.
   */
  long firstRequest() {
    return random.nextLong() >>> 2;
  }

  void hurry(boolean on) {
    strand.hurry(on);
  }

  void schedule(Runnable task, long delayNanos) {
    strand.schedule(task, delayNanos);
  }

  /** Runs what calls MicroRaft without another turn in the queue. */
  void inline(Runnable task) {
    time.inline(task);
  }

  void withClockStopped(Runnable task) {
    time.withClockStopped(task);
  }

  /** Runs what may count answers; see {@link Majority}. */
  void byMajority(Runnable task) {
    RaftNodeImpl raft = node;
    if (raft == null) {
      task.run();
    } else {
      Majority.run(raft.state(), task);
    }
  }

  /** So much log without a durable checkpoint that proposals have to wait for one. */
  boolean tooFarAhead() {
    return store.log().lastIndex() - durableIndex >= MOST_UNCOVERED_ENTRIES || turns.tooMuch();
  }

  void wantCheckpointIfFarAhead() {
    if (tooFarAhead() && snapshotIndex <= durableIndex) {
      wantCheckpoint();
    }
  }

  private void wantCheckpoint() {
    checkpointWanted = true;
    takeSnapshotIfDue();
  }

  void membersChanged() {
    refreshGroup();
    routes(membership.routes());
  }

  private void refreshGroup() {
    RaftNodeImpl raft = node;
    if (raft == null) {
      return;
    }
    List<Progress> progress = new ArrayList<>();
    for (RaftEndpoint endpoint : raft.getEffectiveMembers().getMembers()) {
      PeerEndpoint peer = (PeerEndpoint) endpoint;
      boolean local = peer.equals(raft.getLocalEndpoint());
      boolean votes = raft.getEffectiveMembers().getVotingMembers().contains(peer);
      Role role = votes ? Role.VOTER : Role.OBSERVER;
      long match = local ? store.log().lastIndex() : Math.max(0, Membership.matchIndex(raft, peer));
      progress.add(
          new Progress(
              new Member(peer.id(), membership.addressOf(peer), role),
              match,
              local || membership.hears(peer)));
    }
    group = new GroupView(identity.clusterId(), config.id(), commitIndex, List.copyOf(progress));
  }

  // ---- snapshots and checkpoints, on the strand

  private void takeSnapshotIfDue() {
    RaftNodeImpl raft = node;
    if (raft == null || snapshotAsked || raft.state().role() == RaftRole.CANDIDATE) {
      return;
    }
    if (appliedIndex <= snapshotIndex) {
      checkpointWanted = false;
      if (imageWanted && snapshotIndex > 0) {
        // Nothing was applied since: the state is still the one of the snapshot.
        imageWanted = false;
        images.make(snapshotIndex, consumer);
      }
      return;
    }
    // A newer snapshot would make what is on its way to a peer worthless, and cut off the log from
    // which it then catches up.
    boolean serving = images.serving() || membership.catchingUp();
    boolean due =
        (serving ? turns.overdue() : turns.due() || turns.rested(strand.nanoTime()))
            && snapshotIndex <= durableIndex;
    if (imageWanted || checkpointWanted || due) {
      snapshotAsked = true;
      raft.takeSnapshot().whenComplete((report, failure) -> snapshotAsked = false);
    }
  }

  /** A peer needs the state; it asks again when there is an image. */
  void wantImage() {
    imageWanted = true;
    takeSnapshotIfDue();
  }

  private void covered(long index) {
    if (index <= durableIndex) {
      return;
    }
    durableIndex = index;
    turns.durable(index);
    covers.removeIf(cover -> cover.index <= index && cover.covered.complete(null));
    RaftNodeImpl raft = node;
    store.checkpointDurable(
        index, raft == null ? index + 1 : new Ring(raft.state().log()).firstIndex());
    proposals.admitHeld();
    takeSnapshotIfDue();
  }

  /** Somebody waits until the log is covered up to an index. */
  private record Cover(long index, CompletableFuture<Void> covered) {}

  /** Stands for the state at an index; what it looks like is only asked when a peer needs it. */
  record StateAt(long index) {}

  private final class SnapshotKeeper implements DiskRaftStore.Snapshots {
    @Override
    public void persist(SnapshotChunk chunk) throws IOException {
      snapshotTerm = chunk.getTerm();
      if (chunk.getOperation() instanceof Images.Received) {
        images.keep(chunk);
        boundary.makeWayFor(chunk);
        return;
      }
      checkpointWanted = false;
      snapshotTaken(chunk.getIndex());
      consumer.checkpoint(
          chunk.getIndex(),
          new SnapshotMeta(chunk.getTerm(), chunk.getGroupMembersView()).encode());
      if (imageWanted) {
        imageWanted = false;
        images.make(chunk.getIndex(), consumer);
      }
    }

    @Override
    public void covered(long index) throws IOException {
      images.covered(index);
    }

    @Override
    public int termOf(long index) {
      return snapshotTerm;
    }
  }

  private void snapshotTaken(long index) {
    snapshotIndex = index;
    turns.taken(index);
  }

  // ---- what MicroRaft is given

  private final class Applying implements StateMachine, InternalCommitAware {
    @Override
    public @Nullable Object runOperation(long index, Object operation) {
      if (operation instanceof Operation.Barrier) {
        return null;
      }
      if (dead) {
        throw new IllegalStateException("this member has failed");
      }
      try {
        apply(index, (Operation) operation);
      } catch (Throwable t) {
        // MicroRaft would log it and go on as if the entry had been applied (trap 7).
        fail(t);
        throw t;
      }
      applied(index);
      return null;
    }

    /** Membership entries come here and not to the operation (trap 8). */
    @Override
    public void onInternalCommit(long index) {
      try {
        consumer.passed(index);
      } catch (Throwable t) {
        fail(t);
        throw t;
      }
      if (entryAt(index).getOperation() instanceof UpdateRaftGroupMembersOp change) {
        membership.changed(change);
        barriers.doubt();
      }
      applied(index);
      membersChanged();
    }

    @Override
    public void takeSnapshot(long index, Consumer<Object> chunks) {
      chunks.accept(new StateAt(index));
    }

    @Override
    public void installSnapshot(long index, List<Object> chunks) {
      if (chunks.getFirst() instanceof Images.Received) {
        install(index);
      }
      // Else it is our own, at start: the host has it already.
    }

    @Override
    public Object getNewTermOperation() {
      return new Operation.NewTerm(config.id(), config.clockMs().getAsLong());
    }
  }

  private void apply(long index, Operation operation) {
    switch (operation) {
      case Operation.Entry entry -> {
        turns.applied(entry.size());
        byte[] encoded = entry.encoded();
        consumer.committed(index, Operation.Entry.stampMs(encoded), Operation.Entry.bytes(encoded));
        recent.add(entry);
      }
      case Operation.NewTerm term -> {
        int number = entryAt(index).getTerm();
        consumer.newTerm(index, number, term.leaderId(), term.stampMs());
        // Only now everything that was ever acknowledged has been applied here.
        aloneInTerm = alone && number == store.term().getTerm() ? number : 0;
      }
      case Operation.Barrier barrier -> throw new IllegalStateException("a barrier was logged");
    }
  }

  private LogEntry entryAt(long index) {
    RaftNodeImpl raft = node;
    LogEntry entry = raft == null ? null : raft.state().log().getLogEntry(index);
    if (entry == null) {
      throw new IllegalStateException("entry " + index + " is applied but not in the log");
    }
    return entry;
  }

  private void install(long index) {
    RaftNodeImpl raft = node;
    if (raft == null) {
      throw new IllegalStateException("an image came before the start");
    }
    LOG.info("Installing the image at {} that the leader sent", index);
    SnapshotEntry snapshot = raft.state().log().snapshotEntry();
    SnapshotMeta meta = new SnapshotMeta(snapshot.getTerm(), snapshot.getGroupMembersView());
    snapshotTaken(index);
    try (InputStream in = images.open(index)) {
      consumer.install(index, meta.encode(), in);
    } catch (Throwable t) {
      fail(t);
      throw new IllegalStateException(t);
    }
    applied(index);
    strand.execute(this::membersChanged);
  }

  private void applied(long index) {
    appliedIndex = index;
    commitIndex = index;
    if (aloneInTerm != 0) {
      soleCommitIndex = index;
    }
    if (turns.due()) {
      takeSnapshotIfDue();
    }
  }

  private void observe(RaftNodeReport report) {
    if (report.getReason() == RaftNodeReport.RaftNodeReportReason.TAKE_SNAPSHOT && node != null) {
      new Ring(node.state().log())
          .trim(
              report.getLog().getLastSnapshotIndex(),
              membership.catchingUp() ? turns.most() : KEPT_FOR_FOLLOWERS_BYTES);
    }
    judgeAlone(report);
    RaftEndpoint leader = report.getTerm().getLeaderEndpoint();
    boolean local = report.getRole() == RaftRole.LEADER;
    int leaderId = leader == null ? 0 : ((PeerEndpoint) leader).id();
    Leadership now = new Leadership(report.getTerm().getTerm(), leaderId, local);
    Leadership before = leadership;
    if (dead || now.equals(before)) {
      return;
    }
    leadership = now;
    if (now.leaderId() != before.leaderId() || now.term() != before.term()) {
      if (leader != null) {
        images.follow((PeerEndpoint) leader);
      }
      proposals.loseForwarded("the leader changed");
      // MicroRaft is in the middle of something: what follows from this comes after it.
      strand.execute(
          () -> {
            barriers.restart();
            membership.leads(now.leaderId());
          });
    }
    if (before.localLeader() && !local) {
      images.dropOutgoing();
      imageWanted = false;
      proposals.refuseHeld("this member no longer leads");
      membership.loseLeadership();
    }
    for (Consumer<Leadership> listener : listeners) {
      try {
        listener.accept(now);
      } catch (RuntimeException e) {
        LOG.warn("A leadership listener failed", e);
      }
    }
  }

  /** Alone and leading, an applied index is a read barrier. */
  private void judgeAlone(RaftNodeReport report) {
    Collection<RaftEndpoint> voters = report.getEffectiveMembers().getVotingMembers();
    alone =
        report.getRole() == RaftRole.LEADER
            && voters.size() == 1
            && voters.contains(report.getEndpoint());
    if (!alone) {
      aloneInTerm = 0;
      soleCommitIndex = NEVER;
    }
  }

  /** Stands in until the host has come. */
  private static final class NoConsumer implements LogConsumer {
    @Override
    public RestorePoint restorePoint() {
      return RestorePoint.NONE;
    }

    @Override
    public void committed(long index, long stampMs, byte[] entry) {}

    @Override
    public void passed(long index) {}

    @Override
    public void newTerm(long index, long term, int leaderId, long stampMs) {}

    @Override
    public void checkpoint(long index, byte[] logMeta) {}

    @Override
    public CompletionStage<Image> imageAt(long index) {
      return new CompletableFuture<>();
    }

    @Override
    public void install(long index, byte[] logMeta, InputStream image) {}

    @Override
    public byte[] answer(int fromMember, byte[] question) {
      return new byte[0];
    }
  }
}
