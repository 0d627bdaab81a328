package io.quorate.server;

import io.quorate.codec.EntryCodec;
import io.quorate.consensus.NoQuorumException;
import io.quorate.consensus.Replicator;
import io.quorate.server.NotAppliedException.Reason;
import io.quorate.state.Command;
import io.quorate.state.State;
import io.quorate.state.Submission;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The one door: every protocol hands its writes and reads in here.
 *
 * <p>Thread-safe; nothing blocks. What it returns completes on the Applier's thread as a rule, so
 * what hangs on it must not block either.
 */
public final class Coordinator {
  private final Replicator replicator;
  private final Published published;
  private final Batcher batcher;
  private final Clock clock;
  private final Duration requestTimeout;
  private final ServerMetrics metrics;
  private final Deadlines deadlines = new Deadlines();
  private volatile @Nullable String divergence;
  private volatile boolean quorumShortOfRoom;

  Coordinator(
      Replicator replicator,
      Published published,
      Batcher batcher,
      Clock clock,
      Duration requestTimeout,
      ServerMetrics metrics) {
    this.replicator = replicator;
    this.published = published;
    this.batcher = batcher;
    this.clock = clock;
    this.requestTimeout = requestTimeout;
    this.metrics = metrics;
  }

  /** {@link #submit(Submission, Duration)} with the configured time. */
  public CompletableFuture<Reply> submit(Submission submission) {
    return submit(submission, requestTimeout);
  }

  /**
   * Has a command decided by the cluster and answers from this member's own state.
   *
   * @return fails with {@link NotAppliedException} when it certainly had no effect, with {@link
   *     IndeterminateException} when that is not known within {@code timeout}
   */
  public CompletableFuture<Reply> submit(Submission submission, Duration timeout) {
    return submit(submission, timeout, false);
  }

  /**
   * {@link #submit(Submission)} for who waits for replies of earlier changes, and is to answer
   * reads that stand between them and this one: {@link Reply#state} of theirs does not have it.
   */
  public CompletableFuture<Reply> submitApart(Submission submission) {
    return submit(submission, requestTimeout, true);
  }

  private CompletableFuture<Reply> submit(Submission submission, Duration timeout, boolean apart) {
    String wrong = divergence;
    if (wrong != null) {
      return CompletableFuture.failedFuture(new NotAppliedException(Reason.DIVERGED, wrong));
    }
    if (growsData(submission.command()) && !hasRoom()) {
      return CompletableFuture.failedFuture(
          new NotAppliedException(
              Reason.DISK_FULL,
              (replicator.headroom().enough() ? "a majority's disks are" : "the disk is")
                  + " short of room; delete data or make room, reads and deletes go on"));
    }
    long start = System.nanoTime();
    CompletableFuture<Reply> reply =
        batcher.submit(
            EntryCodec.submission(submission), apart, clock.monotonicMs() + timeout.toMillis());
    reply.whenComplete(
        (r, failure) -> metrics.answered(submission.command(), System.nanoTime() - start));
    return reply;
  }

  private boolean hasRoom() {
    return replicator.headroom().enough() && !quorumShortOfRoom;
  }

  /** Told now and then whether too few members have room on their disks. */
  void quorumShortOfRoom(boolean so) {
    quorumShortOfRoom = so;
  }

  private static boolean growsData(Command command) {
    return switch (command) {
      case Command.Create c -> true;
      case Command.Put p -> true;
      case Command.SetData s -> true;
      case Command.SetAcl s -> true;
      case Command.OpenSession o -> true;
      case Command.Multi multi -> multi.ops().stream().anyMatch(Coordinator::growsData);
      case Command.Transaction t ->
          t.then().stream().anyMatch(Coordinator::growsData)
              || t.otherwise().stream().anyMatch(Coordinator::growsData);
      case Command.Delete d -> false;
      case Command.DeleteTree d -> false;
      case Command.Check c -> false;
      case Command.Read r -> false;
      case Command.AttachSession a -> false;
      case Command.CloseSession c -> false;
      case Command.ExpireSession e -> false;
      case Command.Reap r -> false;
      case Command.Configure c -> false;
      case Command.NewTerm n -> false;
      case Command.Fence f -> false;
      case Command.Audit a -> false;
    };
  }

  /** {@link #read(Consistency, Duration)} with the configured time. */
  public CompletableFuture<State> read(Consistency consistency) {
    return read(consistency, requestTimeout);
  }

  /**
   * A state to answer a read from.
   *
   * @return fails with {@link NotAppliedException} when none can be had within {@code timeout}
   */
  public CompletableFuture<State> read(Consistency consistency, Duration timeout) {
    String wrong = divergence;
    if (wrong != null) {
      return CompletableFuture.failedFuture(new NotAppliedException(Reason.DIVERGED, wrong));
    }
    long late = clock.monotonicMs() + timeout.toMillis();
    return switch (consistency) {
      case Consistency.Local local -> CompletableFuture.completedFuture(state());
      case Consistency.Session session -> withinTime(published.whenZxid(session.minZxid()), late);
      case Consistency.Linearizable linearizable -> {
        var ready = new CompletableFuture<State>();
        barrier(ready, late);
        yield withinTime(ready, late);
      }
    };
  }

  private void barrier(CompletableFuture<State> ready, long deadlineMs) {
    replicator
        .readBarrier()
        .whenComplete(
            (index, failure) -> {
              if (failure == null) {
                CompletableFuture<State> applied = published.whenApplied(index);
                if (applied.isDone()) {
                  ready.complete(applied.join());
                } else {
                  applied.thenAccept(ready::complete);
                }
              } else if (isNoQuorum(failure)
                  && !ready.isDone()
                  && clock.monotonicMs() < deadlineMs) {
                RETRY.execute(() -> barrier(ready, deadlineMs));
              } else {
                ready.completeExceptionally(noQuorum());
              }
            });
  }

  private static final Executor RETRY =
      CompletableFuture.delayedExecutor(20, TimeUnit.MILLISECONDS);

  private static boolean isNoQuorum(Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    return cause instanceof NoQuorumException;
  }

  private CompletableFuture<State> withinTime(CompletableFuture<State> ready, long deadlineMs) {
    if (!ready.isDone()) {
      deadlines.end(ready, deadlineMs, Coordinator::noQuorum);
    }
    return ready;
  }

  /** Called every few dozen milliseconds: ends reads that have waited too long. */
  void tick() {
    deadlines.tick(clock.monotonicMs());
  }

  /** Nothing will be applied any more: whoever still waits for that hears it. */
  void stop() {
    deadlines.tick(Long.MAX_VALUE);
  }

  private static NotAppliedException noQuorum() {
    return new NotAppliedException(
        Reason.NO_QUORUM, "no quorum confirmed in time what is newest; nothing was applied");
  }

  /** This member's tree is not the cluster's: from now on it takes no writes and answers none. */
  void diverged(String how) {
    divergence = how;
  }

  /** How this member's tree differs from the cluster's, for people; empty while none is known. */
  public Optional<String> divergence() {
    return Optional.ofNullable(divergence);
  }

  /** The state once it has {@code zxid}, however long that takes; cancel it to forget it. */
  public CompletableFuture<State> whenZxid(long zxid) {
    return published.whenZxid(zxid);
  }

  /** The newest state here. One volatile read. */
  public State state() {
    return published.view().state();
  }

  /** The log index that {@link #state()} has applied. */
  public long appliedIndex() {
    return published.view().index();
  }

  /** The group and its leader, for those who show them. */
  public Replicator replicator() {
    return replicator;
  }

  /** How long a request may take when it does not say. */
  public Duration requestTimeout() {
    return requestTimeout;
  }

  /** How many writes wait on this member. */
  public int waitingCount() {
    return batcher.waitingCount();
  }
}
