package io.quorate.consensus.microraft;

import io.microraft.Ordered;
import io.microraft.QueryPolicy;
import io.microraft.RaftConfig;
import io.microraft.RaftEndpoint;
import io.microraft.RaftNode;
import io.microraft.RaftRole;
import io.microraft.exception.CannotReplicateException;
import io.microraft.exception.NotLeaderException;
import io.microraft.executor.RaftNodeExecutor;
import io.microraft.impl.RaftNodeImpl;
import io.microraft.impl.statemachine.InternalCommitAware;
import io.microraft.model.impl.log.DefaultLogEntryOrBuilder;
import io.microraft.model.impl.log.DefaultRaftGroupMembersViewOrBuilder;
import io.microraft.model.impl.log.DefaultSnapshotChunkOrBuilder;
import io.microraft.model.impl.log.DefaultSnapshotEntryOrBuilder;
import io.microraft.model.impl.persistence.DefaultRaftEndpointPersistentStateOrBuilder;
import io.microraft.model.log.LogEntry;
import io.microraft.model.log.RaftGroupMembersView;
import io.microraft.model.log.SnapshotChunk;
import io.microraft.model.log.SnapshotEntry;
import io.microraft.model.message.RaftMessage;
import io.microraft.persistence.RestoredRaftState;
import io.microraft.report.RaftNodeReport;
import io.microraft.statemachine.StateMachine;
import io.microraft.transport.Transport;
import io.quorate.consensus.LogConsumer;
import io.quorate.consensus.NoQuorumException;
import io.quorate.consensus.Replicator;
import io.quorate.consensus.log.DirectoryLock;
import io.quorate.consensus.log.Disk;
import io.quorate.consensus.log.FileDisk;
import io.quorate.consensus.log.LogRecord;
import io.quorate.consensus.log.SegmentLog;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The replicator over MicroRaft. Everything but the volatile fields belongs to the strand.
 *
 * <p>MicroRaft counts time in whole seconds, too coarse for us (trap 1). So it gets a clock that
 * runs faster and an executor that divides its delays by the same factor: one of its seconds is a
 * quarter of the election timeout.
 */
public final class MicroRaftReplicator implements Replicator {
  private static final Logger LOG = LoggerFactory.getLogger(MicroRaftReplicator.class);

  static {
    // MicroRaft's invariants are assertions; we want to hear of a broken one (trap 16).
    MicroRaftReplicator.class.getClassLoader().setPackageAssertionStatus("io.microraft", true);
  }

  /** Heartbeat period 1, timeout 3: noticed within 4 of MicroRaft's seconds. */
  private static final int HEARTBEAT_TIMEOUT_SECS = 3;

  private static final int SCALED_SECS_PER_ELECTION_TIMEOUT = 4;
  private static final int COMMITS_PER_SNAPSHOT = 20_000;
  private static final int MOST_PENDING = 1_000;
  private static final int ENTRIES_PER_APPEND = 16;
  private static final int ELECTION_TIMEOUT_SCALED_MS = 1_000;
  private static final int ELECTION_NOISE_SCALED_MS = 1_000;

  /** Entries or triggers' worth of bytes without a durable checkpoint at which proposals wait. */
  private static final int MOST_UNCOVERED_ENTRIES = 3 * COMMITS_PER_SNAPSHOT;

  private static final int MOST_UNCOVERED_TRIGGERS = 4;
  private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
  private static final long ROOM_CHECK_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(2);
  private static final long CLOSE_WAIT_MILLIS = 5_000;
  private static final long NEVER = -1;

  private final ConsensusConfig config;
  private final Strand strand;
  private final Random random;
  private final DiskRaftStore store;
  private final List<AutoCloseable> owned;
  private final List<Consumer<Leadership>> listeners = new CopyOnWriteArrayList<>();
  private final ArrayDeque<PendingProposal> pending = new ArrayDeque<>();
  private final ArrayDeque<PendingProposal> held = new ArrayDeque<>();
  private final ArrayDeque<PendingBarrier> barriers = new ArrayDeque<>();

  private LogConsumer consumer = new NoConsumer();
  private @Nullable RaftNodeImpl node;
  private boolean inline;
  private boolean barrierAsked;
  private boolean retryPlanned;
  private boolean ticking;
  private boolean alone;
  private int aloneInTerm;
  private boolean checkpointWanted;
  private boolean snapshotAsked;
  private long appliedIndex;
  private long snapshotIndex;
  private long durableIndex;
  private long bytesSinceSnapshot;
  private final ArrayDeque<Long> snapshotBytes = new ArrayDeque<>();
  private final ArrayDeque<Long> snapshotIndexes = new ArrayDeque<>();
  private long uncoveredBytes;
  private int lastMetaTerm;
  private long lastRoomCheckNanos;

  private volatile Leadership leadership = new Leadership(0, 0, false);
  private volatile long commitIndex;
  private volatile long soleCommitIndex = NEVER;
  private volatile GroupView group;
  private volatile boolean closing;
  private volatile boolean dead;
  private volatile boolean started;

  private record PendingProposal(
      byte[] entry, CompletableFuture<Proposal> answer, long deadlineNanos) {}

  private record PendingBarrier(CompletableFuture<Long> answer, long deadlineNanos) {}

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
                Thread thread = new Thread(task, "quorate-log-spares");
                thread.setDaemon(true);
                return thread;
              });
      owned.add(
          () -> {
            background.shutdown();
            background.awaitTermination(CLOSE_WAIT_MILLIS, TimeUnit.MILLISECONDS);
          });
      Fatal fatal = new Fatal();
      RaftThread thread = new RaftThread("quorate-raft", fatal);
      MicroRaftReplicator replicator =
          new MicroRaftReplicator(
              config, thread, disk, background, new SecureRandom(), fatal, owned);
      fatal.target = replicator::fail;
      thread.start();
      owned.add(
          () -> {
            thread.halt();
            if (!thread.isCurrent()) {
              thread.join(CLOSE_WAIT_MILLIS);
            }
          });
      return replicator;
    } catch (IOException | RuntimeException e) {
      release(owned);
      throw e;
    }
  }

  /** Lets the thread be made before what it must tell. */
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
      Consumer<Throwable> failed,
      List<AutoCloseable> owned)
      throws IOException {
    this.config = config;
    this.strand = strand;
    this.random = random;
    this.owned = owned;
    store =
        new DiskRaftStore(
            disk,
            new SegmentLog.Options(config.segmentBytes(), 2, config.diskReserveBytes()),
            background,
            config.metrics(),
            newIdentity(),
            new SnapshotKeeper(),
            failed);
    PeerEndpoint self = store.identity().self();
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
    group = new GroupView(store.identity().clusterId(), config.id(), 0, List.of());
  }

  private Identity newIdentity() {
    PeerEndpoint self = new PeerEndpoint(config.id(), random.nextLong(), "");
    List<RaftEndpoint> alone = List.of(self);
    RaftGroupMembersView initial =
        new DefaultRaftGroupMembersViewOrBuilder()
            .setLogIndex(0)
            .setMembers(alone)
            .setVotingMembers(alone)
            .build();
    UUID clusterId = new UUID(random.nextLong(), random.nextLong());
    return new Identity(self, clusterId.toString(), true, initial);
  }

  // ---- the port

  @Override
  public CompletionStage<Proposal> propose(byte[] entry) {
    CompletableFuture<Proposal> answer = new CompletableFuture<>();
    if (closing || dead || !started) {
      answer.complete(new Proposal.Refused("this member is not taking part"));
      return answer;
    }
    strand.execute(
        () ->
            admit(
                new PendingProposal(
                    entry, answer, strand.nanoTime() + config.proposalTimeout().toNanos())));
    // Between the look above and the hand-over the strand may have been halted.
    if (dead) {
      answer.complete(new Proposal.Refused("this member is not taking part"));
    }
    return answer;
  }

  @Override
  public CompletionStage<Long> readBarrier() {
    // Alone, nobody else can have committed anything: what is applied here is what there is.
    long alone = soleCommitIndex;
    if (alone != NEVER) {
      return CompletableFuture.completedFuture(alone);
    }
    CompletableFuture<Long> answer = new CompletableFuture<>();
    if (closing || dead || !started) {
      answer.completeExceptionally(new NoQuorumException("this member is not taking part"));
      return answer;
    }
    strand.execute(
        () -> {
          long deadline = strand.nanoTime() + 2 * config.electionTimeout().toNanos();
          barriers.add(new PendingBarrier(answer, deadline));
          askBarrier();
        });
    if (dead) {
      answer.completeExceptionally(new NoQuorumException("this member is not taking part"));
    }
    return answer;
  }

  @Override
  public CompletionStage<byte[]> askLeader(byte[] question) {
    LogConsumer host = consumer;
    return leadership().localLeader()
        ? CompletableFuture.completedFuture(host.answer(config.id(), question))
        : CompletableFuture.failedFuture(new NoQuorumException("this member does not lead"));
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
    strand.execute(
        () -> {
          checkpointWanted = true;
          takeSnapshotIfDue();
        });
  }

  @Override
  public CompletionStage<GroupView> addMember(Member member) {
    return CompletableFuture.failedFuture(
        new UnsupportedOperationException("a group of one has no replication port"));
  }

  @Override
  public CompletionStage<GroupView> removeMember(int id) {
    return CompletableFuture.failedFuture(
        new UnsupportedOperationException("a group of one has no replication port"));
  }

  @Override
  public CompletionStage<Void> transferLeadership(int id) {
    if (id == config.id() && leadership.localLeader()) {
      return CompletableFuture.completedFuture(null);
    }
    return CompletableFuture.failedFuture(
        new UnsupportedOperationException("a group of one has no replication port"));
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
            takePart();
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
    CompletableFuture<Void> done = new CompletableFuture<>();
    Runnable stop = () -> finish(0, done);
    if (!dead) {
      if (strand.isCurrent()) {
        stop.run();
      } else {
        strand.execute(stop);
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

  // ---- starting and stopping

  private void takePart() throws IOException {
    LogConsumer.RestorePoint point = consumer.restorePoint();
    @Nullable SnapshotEntry snapshot = null;
    if (point.index() > 0) {
      SnapshotMeta meta = SnapshotMeta.decode(point.logMeta());
      snapshot = snapshotEntry(point.index(), meta);
      lastMetaTerm = meta.term();
    }
    appliedIndex = point.index();
    commitIndex = point.index();
    snapshotIndex = point.index();
    durableIndex = point.index();
    List<LogEntry> entries = entriesAfter(point.index(), lastMetaTerm);
    Identity identity = store.identity();
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
    // The ring takes 1.1 of this and overwrites silently what is more.
    int commits = Math.max(COMMITS_PER_SNAPSHOT, 2 * entries.size());
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
                .setExecutor(new ScaledExecutor())
                .setClock(new ScaledClock())
                .setRandom(new ElectionNoise())
                .setStore(store)
                .setStateMachine(new Applying())
                .setTransport(new NoTransport())
                .setRaftNodeReportListener(this::observe)
                .build();
    node = raft;
    LOG.info(
        "Member {} of group {}: checkpoint at {}, {} entries after it, term {}",
        identity.self(),
        identity.clusterId(),
        point.index(),
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
    boolean alone = voters.size() == 1 && voters.contains(raft.getLocalEndpoint());
    if (alone && raft.state().leaderState() == null) {
      // MicroRaft would wait for its next heartbeat.
      raft.toSingletonLeader();
    }
    refreshGroup();
    if (!ticking) {
      ticking = true;
      strand.schedule(this::tick, TICK_NANOS);
    }
  }

  private List<LogEntry> entriesAfter(long index, int term) throws IOException {
    List<LogEntry> entries = new ArrayList<>();
    long next = index + 1;
    for (LogRecord record : store.recoveredAfter(index)) {
      if (record.index() != next) {
        throw new IOException(
            "The log continues at entry "
                + record.index()
                + " but the newest checkpoint stands at "
                + index
                + ": entries in between are gone. Restore the checkpoint that belongs to this log,"
                + " or let this member be rebuilt from its peers.");
      }
      entries.add(
          new DefaultLogEntryOrBuilder()
              .setIndex(record.index())
              .setTerm(record.term())
              .setOperation(Codec.decode(record.payload()))
              .build());
      next++;
    }
    if (store.log().lastIndex() < index) {
      store.log().reset(index, term);
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

  /**
   * Waits for what is under way, then leaves; everything is on disk when {@code done} completes.
   */
  private void finish(int tries, CompletableFuture<Void> done) {
    RaftNodeImpl raft = node;
    refuseHeld("this member is shutting down");
    dropDone();
    if (raft != null && !pending.isEmpty() && leadership.localLeader() && tries < 200) {
      strand.schedule(() -> finish(tries + 1, done), TimeUnit.MILLISECONDS.toNanos(5));
      return;
    }
    if (raft == null) {
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
      store.close();
      done.complete(null);
    } catch (Throwable t) {
      done.completeExceptionally(t);
    } finally {
      strand.halt();
    }
  }

  /** Stops taking part at once and says why, once. */
  private void fail(Throwable why) {
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
    refuseHeld(why);
    for (PendingProposal proposal : pending) {
      proposal.answer().complete(new Proposal.Unknown(why));
    }
    pending.clear();
    for (PendingBarrier barrier : barriers) {
      barrier.answer().completeExceptionally(new NoQuorumException(why));
    }
    barriers.clear();
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

  // ---- proposals and barriers, on the strand

  private void admit(PendingProposal proposal) {
    RaftNodeImpl raft = node;
    if (raft == null || closing || !leadership.localLeader()) {
      proposal.answer().complete(new Proposal.Refused("no leader is known"));
      return;
    }
    if (!held.isEmpty() || tooFarAhead()) {
      held.add(proposal);
      checkpointWanted = true;
      takeSnapshotIfDue();
      return;
    }
    replicate(raft, proposal);
  }

  private void replicate(RaftNodeImpl raft, PendingProposal proposal) {
    pending.add(proposal);
    Operation.Entry entry = new Operation.Entry(config.clockMs().getAsLong(), proposal.entry());
    inline = true;
    try {
      CompletableFuture<Ordered<Object>> result = raft.replicate(entry);
      result.whenComplete(
          (ordered, failure) -> {
            proposal.answer().complete(outcome(ordered, failure));
            dropDone();
          });
    } finally {
      inline = false;
    }
  }

  private static Proposal outcome(@Nullable Ordered<Object> ordered, @Nullable Throwable failure) {
    if (ordered != null) {
      return new Proposal.Committed(ordered.getCommitIndex());
    }
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    // These are thrown before anything is appended. A leader that steps down fails what it had
    // appended with IndeterminateStateException before it ever truncates.
    if (cause instanceof NotLeaderException
        || cause instanceof CannotReplicateException
        || cause instanceof IllegalStateException) {
      return new Proposal.Refused(String.valueOf(cause));
    }
    return new Proposal.Unknown(String.valueOf(cause));
  }

  /** So much log without a durable checkpoint that proposals have to wait for one. */
  private boolean tooFarAhead() {
    return store.log().lastIndex() - durableIndex >= MOST_UNCOVERED_ENTRIES
        || uncoveredBytes + bytesSinceSnapshot
            >= MOST_UNCOVERED_TRIGGERS * config.snapshotTriggerBytes();
  }

  private void admitHeld() {
    RaftNodeImpl raft = node;
    while (raft != null && !held.isEmpty() && !tooFarAhead()) {
      if (!leadership.localLeader()) {
        refuseHeld("no leader is known");
        return;
      }
      replicate(raft, held.remove());
    }
  }

  private void refuseHeld(String why) {
    for (PendingProposal proposal : held) {
      proposal.answer().complete(new Proposal.Refused(why));
    }
    held.clear();
  }

  private void dropDone() {
    for (PendingProposal p = pending.peek(); p != null && p.answer().isDone(); p = pending.peek()) {
      pending.remove();
    }
  }

  /** One question at a time, so that nobody joins one that was answered before he came (trap 2). */
  private void askBarrier() {
    RaftNodeImpl raft = node;
    if (barrierAsked || barriers.isEmpty()) {
      return;
    }
    if (raft == null || !leadership.localLeader()) {
      failBarriers(barriers.size(), "no leader is known");
      return;
    }
    int sharing = barriers.size();
    barrierAsked = true;
    CompletableFuture<Ordered<Object>> result =
        raft.query(
            Operation.Barrier.BARRIER,
            QueryPolicy.LINEARIZABLE,
            Optional.empty(),
            Optional.empty());
    result.whenComplete(
        (ordered, failure) -> {
          barrierAsked = false;
          if (ordered != null) {
            for (int i = 0; i < sharing; i++) {
              barriers.remove().answer().complete(ordered.getCommitIndex());
            }
            askBarrier();
          } else if (failure instanceof CannotReplicateException) {
            // A new leader whose first entry is not yet committed.
            askBarrierLater();
          } else {
            failBarriers(sharing, String.valueOf(failure));
            askBarrier();
          }
        });
  }

  private void askBarrierLater() {
    if (!retryPlanned) {
      retryPlanned = true;
      strand.schedule(
          () -> {
            retryPlanned = false;
            askBarrier();
          },
          RETRY_NANOS);
    }
  }

  private void failBarriers(int count, String why) {
    for (int i = 0; i < count; i++) {
      barriers.remove().answer().completeExceptionally(new NoQuorumException(why));
    }
  }

  // ---- snapshots and checkpoints, on the strand

  private void takeSnapshotIfDue() {
    RaftNodeImpl raft = node;
    if (raft == null || snapshotAsked || snapshotIndex > durableIndex) {
      return;
    }
    boolean due = checkpointWanted || bytesSinceSnapshot >= config.snapshotTriggerBytes();
    if (!due || appliedIndex <= snapshotIndex || raft.state().role() == RaftRole.CANDIDATE) {
      checkpointWanted &= appliedIndex > snapshotIndex;
      return;
    }
    snapshotAsked = true;
    raft.takeSnapshot().whenComplete((report, failure) -> snapshotAsked = false);
  }

  private void covered(long index) {
    if (index <= durableIndex) {
      return;
    }
    durableIndex = index;
    while (!snapshotIndexes.isEmpty() && snapshotIndexes.element() <= index) {
      snapshotIndexes.remove();
      uncoveredBytes -= snapshotBytes.remove();
    }
    store.checkpointDurable(index);
    admitHeld();
    takeSnapshotIfDue();
  }

  /** Stands for the state at an index; what it looks like is only asked when a peer needs it. */
  record StateAt(long index) {}

  private final class SnapshotKeeper implements DiskRaftStore.Snapshots {
    @Override
    public void persist(SnapshotChunk chunk) {
      snapshotIndex = chunk.getIndex();
      lastMetaTerm = chunk.getTerm();
      checkpointWanted = false;
      snapshotIndexes.add(chunk.getIndex());
      snapshotBytes.add(bytesSinceSnapshot);
      uncoveredBytes += bytesSinceSnapshot;
      bytesSinceSnapshot = 0;
      consumer.checkpoint(
          chunk.getIndex(),
          new SnapshotMeta(chunk.getTerm(), chunk.getGroupMembersView()).encode());
    }

    @Override
    public void forget(long index) {}

    @Override
    public int termOf(long index) {
      return lastMetaTerm;
    }
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
        switch ((Operation) operation) {
          case Operation.Entry entry -> {
            bytesSinceSnapshot += entry.bytes().length;
            consumer.committed(index, entry.stampMs(), entry.bytes());
          }
          case Operation.NewTerm term -> {
            int number = termAt(index);
            consumer.newTerm(index, number, term.leaderId(), term.stampMs());
            // Only now everything that was ever acknowledged has been applied here.
            aloneInTerm = alone && number == store.term().getTerm() ? number : 0;
          }
          case Operation.Barrier barrier -> throw new IllegalStateException("a barrier was logged");
        }
      } catch (Throwable t) {
        // MicroRaft would log it and go on as if the entry had been applied (trap 7).
        fail(t);
        throw t;
      }
      applied(index);
      return null;
    }

    @Override
    public void onInternalCommit(long index) {
      try {
        consumer.passed(index);
      } catch (Throwable t) {
        fail(t);
        throw t;
      }
      applied(index);
      refreshGroup();
    }

    @Override
    public void takeSnapshot(long index, Consumer<Object> chunks) {
      chunks.accept(new StateAt(index));
    }

    @Override
    public void installSnapshot(long index, List<Object> chunks) {}

    @Override
    public Object getNewTermOperation() {
      return new Operation.NewTerm(config.id(), config.clockMs().getAsLong());
    }
  }

  private int termAt(long index) {
    RaftNodeImpl raft = node;
    LogEntry entry = raft == null ? null : raft.state().log().getLogEntry(index);
    if (entry == null) {
      throw new IllegalStateException("entry " + index + " is applied but not in the log");
    }
    return entry.getTerm();
  }

  private void applied(long index) {
    appliedIndex = index;
    commitIndex = index;
    if (aloneInTerm != 0) {
      soleCommitIndex = index;
    }
    if (bytesSinceSnapshot >= config.snapshotTriggerBytes()) {
      takeSnapshotIfDue();
    }
  }

  private void observe(RaftNodeReport report) {
    RaftEndpoint leader = report.getTerm().getLeaderEndpoint();
    boolean local = report.getRole() == RaftRole.LEADER;
    int leaderId = leader == null ? 0 : ((PeerEndpoint) leader).id();
    Leadership now = new Leadership(report.getTerm().getTerm(), leaderId, local);
    judgeAlone(report);
    if (dead || now.equals(leadership)) {
      return;
    }
    leadership = now;
    for (Consumer<Leadership> listener : listeners) {
      try {
        listener.accept(now);
      } catch (RuntimeException e) {
        LOG.warn("A leadership listener failed", e);
      }
    }
    if (!local) {
      refuseHeld("this member no longer leads");
    }
  }

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

  private void refreshGroup() {
    RaftNodeImpl raft = node;
    if (raft == null) {
      return;
    }
    List<Progress> progress = new ArrayList<>();
    for (RaftEndpoint endpoint : raft.getEffectiveMembers().getMembers()) {
      PeerEndpoint peer = (PeerEndpoint) endpoint;
      Role role =
          raft.getEffectiveMembers().getVotingMembers().contains(peer) ? Role.VOTER : Role.OBSERVER;
      boolean local = peer.equals(raft.getLocalEndpoint());
      progress.add(
          new Progress(
              new Member(peer.id(), peer.address(), role),
              local ? store.log().lastIndex() : 0,
              local));
    }
    group =
        new GroupView(
            store.identity().clusterId(), config.id(), commitIndex, List.copyOf(progress));
  }

  private void tick() {
    long now = strand.nanoTime();
    dropDone();
    while (!pending.isEmpty() && now - pending.element().deadlineNanos() >= 0) {
      pending.remove().answer().complete(new Proposal.Unknown("no answer in time"));
    }
    while (!held.isEmpty() && now - held.element().deadlineNanos() >= 0) {
      held.remove().answer().complete(new Proposal.Refused("waiting for a checkpoint"));
    }
    expireBarriers(now);
    admitHeld();
    takeSnapshotIfDue();
    refreshGroup();
    if (now - lastRoomCheckNanos >= ROOM_CHECK_NANOS) {
      lastRoomCheckNanos = now;
      store.log().checkRoom();
    }
    strand.schedule(this::tick, TICK_NANOS);
  }

  /** Completed early they stay queued: the answer under way still counts them. */
  private void expireBarriers(long now) {
    for (PendingBarrier barrier : barriers) {
      if (now - barrier.deadlineNanos() < 0) {
        break;
      }
      barrier.answer().completeExceptionally(new NoQuorumException("no quorum answered in time"));
    }
    while (!barrierAsked && !barriers.isEmpty() && barriers.element().answer().isDone()) {
      barriers.remove();
    }
  }

  private long scale(long value) {
    return value
        * TimeUnit.SECONDS.toMillis(SCALED_SECS_PER_ELECTION_TIMEOUT)
        / config.electionTimeout().toMillis();
  }

  private long unscale(long value) {
    return value
        * config.electionTimeout().toMillis()
        / TimeUnit.SECONDS.toMillis(SCALED_SECS_PER_ELECTION_TIMEOUT);
  }

  private final class ScaledExecutor implements RaftNodeExecutor {
    @Override
    public void execute(Runnable task) {
      if (inline) {
        inline = false;
        task.run();
      } else {
        strand.execute(task);
      }
    }

    @Override
    public void submit(Runnable task) {
      strand.execute(task);
    }

    @Override
    public void schedule(Runnable task, long delay, TimeUnit unit) {
      strand.schedule(task, unscale(unit.toNanos(delay)));
    }
  }

  private final class ScaledClock extends Clock {
    /** Far from zero, which MicroRaft takes for "a heartbeat at time zero". */
    private static final long BASE_MILLIS = 1_000_000_000L;

    private final long startNanos = strand.nanoTime();

    @Override
    public long millis() {
      return BASE_MILLIS + TimeUnit.NANOSECONDS.toMillis(scale(strand.nanoTime() - startNanos));
    }

    @Override
    public Instant instant() {
      return Instant.ofEpochMilli(millis());
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }

  /** MicroRaft spreads elections over 100 of its milliseconds, too little for a distant peer. */
  private final class ElectionNoise extends Random {
    private static final long serialVersionUID = 1L;

    @Override
    public int nextInt(int bound) {
      return random.nextInt(ELECTION_NOISE_SCALED_MS);
    }
  }

  private static final class NoTransport implements Transport {
    @Override
    public void send(RaftEndpoint target, RaftMessage message) {}

    @Override
    public boolean isReachable(RaftEndpoint endpoint) {
      return false;
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
    public byte[] answer(int fromMember, byte[] question) {
      return new byte[0];
    }

    @Override
    public void install(long index, byte[] logMeta, java.io.InputStream image) {}
  }
}
