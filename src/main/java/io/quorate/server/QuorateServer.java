package io.quorate.server;

import io.quorate.consensus.Replicator;
import io.quorate.state.Command;
import io.quorate.state.HistoryEntry;
import io.quorate.state.Settings;
import io.quorate.state.State;
import io.quorate.state.Submission;
import io.quorate.state.Submission.Author;
import io.quorate.storage.CheckpointStore;
import io.quorate.tree.ZPath;
import io.quorate.tree.Znode;
import io.quorate.tree.ZooVector;
import io.quorate.watch.WatchTable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * One member: its parts, put together, started and stopped.
 *
 * <p>Start order: state from the checkpoint, then the log after it, then the tick.
 */
public final class QuorateServer implements AutoCloseable {
  private static final Logger LOG = Logger.getLogger(QuorateServer.class.getName());
  private static final long TICK_MS = 20;

  // The first byte of what members ask their leader.
  static final byte SIGNS_OF_LIFE = 1;
  static final byte ROSTER = 2;

  private static final long REAP_PERIOD_MS = 1_000;
  private static final int REAP_PER_ROUND = 200;
  private static final int REAP_LOOKS = 10_000;
  private static final long FOUND_PERIOD_MS = 1_000;
  private static final long AUDIT_PERIOD_MS = 60_000;
  private static final long YIELD_PERIOD_MS = 3_000;
  private static final long WRITES_WAIT_NANOS = TimeUnit.SECONDS.toNanos(2);

  /** With what the writes took of it: the whole program is to end within ten seconds. */
  private static final long COVER_WAIT_NANOS = TimeUnit.SECONDS.toNanos(4);

  private final Options options;
  private final Replicator replicator;
  private final Published published;
  private final Batcher batcher;
  private final Checkpoints checkpoints;
  private final Applier applier;
  private final Coordinator coordinator;
  private final Sessions sessions;
  private final WatchTable watches;
  private final Roster roster;
  private final ScheduledExecutorService ticker =
      Executors.newSingleThreadScheduledExecutor(
          task -> Thread.ofPlatform().name("quorate-tick").daemon().unstarted(task));

  private final AtomicBoolean closed = new AtomicBoolean();

  // Owned by the ticker's thread.
  private long lastRosterMs;
  private long lastFoundMs = Long.MIN_VALUE / 2;
  private boolean founded;
  private ZPath lastReaped = ZPath.ROOT;
  private long lastReapMs;
  private long lastAuditMs;
  private long lastYieldMs = Long.MIN_VALUE / 2;

  /**
   * What a member is told.
   *
   * @param member its number
   * @param boot how often it was started on this data directory; a larger number each time
   * @param founding settings of a state that is yet to be founded
   * @param diverged how this member's tree was found to differ before this start; empty if not
   * @param onDiverged told when it is found to differ
   * @param fatal told of what this member cannot go on after
   */
  public record Options(
      int member,
      long boot,
      Settings founding,
      Duration requestTimeout,
      Clock clock,
      ServerMetrics metrics,
      Optional<String> diverged,
      Consumer<String> onDiverged,
      Consumer<Throwable> fatal) {}

  /**
   * @param restored what stands in {@code store}
   */
  public QuorateServer(
      Options options, Replicator replicator, CheckpointStore store, Restored restored) {
    this.options = options;
    this.replicator = replicator;
    checkpoints = new Checkpoints(store, restored, options.metrics());
    published = new Published(restored.state());
    watches = new WatchTable(restored.state());
    batcher =
        new Batcher(
            replicator::propose,
            options.clock(),
            this::later,
            () -> replicator.group().progress().size() == 1,
            options.member(),
            options.boot());
    coordinator =
        new Coordinator(
            replicator,
            published,
            batcher,
            options.clock(),
            options.requestTimeout(),
            options.metrics());
    roster = new Roster(options.clock());
    sessions = new Sessions(coordinator, options.clock(), options.member());
    applier =
        new Applier(
            published,
            batcher,
            checkpoints,
            restored.point(),
            listener(),
            options.metrics(),
            options.fatal(),
            this::diverged,
            this::answer);
    checkpoints.onDurable(replicator::checkpointDurable);
    options.diverged().ifPresent(coordinator::diverged);
  }

  /** The batcher looks at what it gathers where it hears what was applied. */
  private void later(long nanos, Runnable look) {
    applier.after(nanos, look);
  }

  private void diverged(String how) {
    LOG.severe(how);
    coordinator.diverged(how);
    options.onDiverged().accept(how);
  }

  private Applier.ChangeListener listener() {
    return new Applier.ChangeListener() {
      @Override
      public void fire(State after, List<HistoryEntry> changes) {
        watches.fire(after, changes);
      }

      @Override
      public void replaced(State after) {
        watches.replace(after);
      }
    };
  }

  public void start() {
    applier.start();
    replicator.start(applier);
    ticker.scheduleAtFixedRate(this::tick, TICK_MS, TICK_MS, TimeUnit.MILLISECONDS);
  }

  /** What another member asks this one while it leads. */
  private byte[] answer(byte[] question) {
    return switch (question.length == 0 ? 0 : question[0]) {
      case SIGNS_OF_LIFE -> sessions.answerReport(question);
      case ROSTER -> roster.answer(ROSTER, question);
      default -> new byte[0];
    };
  }

  /**
   * Says where this member's doors are, for {@link Cluster}.
   *
   * @param zookeeperPort -1 for none
   */
  public void announce(int httpPort, int zookeeperPort) {
    roster.announce(httpPort, zookeeperPort);
  }

  public Cluster cluster() {
    return new Cluster(coordinator, roster);
  }

  public Coordinator coordinator() {
    return coordinator;
  }

  public Sessions sessions() {
    return sessions;
  }

  public WatchTable watches() {
    return watches;
  }

  public Clock clock() {
    return options.clock();
  }

  private void tick() {
    try {
      batcher.tick();
      coordinator.tick();
      boolean leading = replicator.leadership().localLeader();
      sessions.tick(leading, TICK_MS);
      long now = options.clock().monotonicMs();
      if (leading) {
        // Looked at often, so that a jump is told from time that passed.
        options.clock().wallMs();
      }
      if (now - lastRosterMs >= Roster.PERIOD_MS) {
        lastRosterMs = now;
        roster.exchange(replicator, ROSTER, options.member(), coordinator.appliedIndex());
        coordinator.quorumShortOfRoom(roster.quorumShortOfRoom(replicator));
      }
      boolean wrong = coordinator.divergence().isPresent();
      if (leading
          && (wrong || !replicator.headroom().enough())
          && now - lastYieldMs >= YIELD_PERIOD_MS) {
        lastYieldMs = now;
        yieldLeadership();
      }
      leading &= !wrong;
      if (leading && !founded) {
        found(now);
      }
      if (leading && now - lastReapMs >= REAP_PERIOD_MS) {
        lastReapMs = now;
        reap();
      }
      if (leading && now - lastAuditMs >= AUDIT_PERIOD_MS) {
        lastAuditMs = now;
        audit();
      }
    } catch (RuntimeException e) {
      LOG.log(Level.SEVERE, "the tick failed; the next one goes on", e);
    } catch (Throwable e) {
      // Without a tick nothing would ever expire or time out, and nobody would see why.
      options.fatal().accept(e);
    }
  }

  /**
   * Who knows its tree to be wrong must not give it to others, and who has no room for its log
   * should not be the one that everything passes: any voter with room is better.
   */
  private void yieldLeadership() {
    int local = options.member();
    replicator.group().progress().stream()
        .filter(other -> other.member().id() != local && other.reachable())
        .filter(other -> other.member().role() == Replicator.Role.VOTER)
        .filter(other -> roster.fresh(other.member().id()).filter(Roster.Row::diskRoom).isPresent())
        .findAny()
        .ifPresent(other -> replicator.transferLeadership(other.member().id()));
  }

  /** A state without settings gets this leader's; the first such command counts. */
  private void found(long now) {
    founded = coordinator.state().settings().revision() > 0;
    if (!founded && now - lastFoundMs >= FOUND_PERIOD_MS) {
      lastFoundMs = now;
      coordinator.submit(
          Submission.of(
              Author.CLUSTER,
              new Command.Configure(options.founding().withRevision(Settings.FOUNDING))));
    }
  }

  /**
   * Container and TTL nodes whose time has come, by this member's clock: some in each round, going
   * on where the round before stopped.
   */
  private void reap() {
    State state = coordinator.state();
    long nowMs = Math.max(options.clock().wallMs(), state.timeMs());
    var due = new ArrayList<ZPath>();
    ZooVector.Cursor<ZPath, ZPath> cursor = state.reapable().after(lastReaped);
    int looks = 0;
    boolean more = false;
    while (due.size() < REAP_PER_ROUND && looks++ < REAP_LOOKS && (more = cursor.next())) {
      lastReaped = cursor.key();
      Znode node = state.find(cursor.key());
      if (node != null && State.isDue(node, nowMs)) {
        due.add(cursor.key());
      }
    }
    if (!more) {
      lastReaped = ZPath.ROOT;
    }
    for (ZPath path : due) {
      coordinator.submit(Submission.of(Author.CLUSTER, new Command.Reap(path)));
    }
  }

  private void audit() {
    State state = coordinator.state();
    coordinator.submit(
        Submission.of(Author.CLUSTER, new Command.Audit(state.zxid(), state.tree().digest())));
  }

  /**
   * Finishes what is under way, covers the log with a checkpoint, hands leadership over, flushes;
   * takes a few seconds at most. Does nothing the second time.
   */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    batcher.stop();
    checkpoints.hurry();
    long begin = System.nanoTime();
    try {
      while (!batcher.isIdle() && System.nanoTime() - begin < WRITES_WAIT_NANOS) {
        Thread.sleep(5);
      }
      long left = begin + COVER_WAIT_NANOS - System.nanoTime();
      replicator.coverLog().toCompletableFuture().get(left, TimeUnit.NANOSECONDS);
    } catch (TimeoutException | ExecutionException e) {
      LOG.info("Stopping without a checkpoint of the newest writes; the next start applies them");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    ticker.shutdownNow();
    try {
      replicator.close();
      applier.stop();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      coordinator.stop();
      checkpoints.close();
    }
  }
}
