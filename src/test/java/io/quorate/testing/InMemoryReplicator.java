package io.quorate.testing;

import io.quorate.consensus.LogConsumer;
import io.quorate.consensus.NoQuorumException;
import io.quorate.consensus.Replicator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A group of one without a disk: what is proposed is committed at once, on a thread of its own. Its
 * faults are set from outside.
 */
public final class InMemoryReplicator implements Replicator {
  /** What becomes of the proposals that follow. */
  public enum Fate {
    COMMITTED,
    /** Not in the log, and said so. */
    REFUSED,
    /** Committed, and not said so. */
    COMMITTED_UNSAID,
    /** Not in the log, and not said so. */
    LOST_UNSAID
  }

  private final ExecutorService log =
      Executors.newSingleThreadExecutor(
          task -> Thread.ofPlatform().name("test-replicator").daemon().unstarted(task));
  private final List<Consumer<Leadership>> listeners = new CopyOnWriteArrayList<>();
  private final LongSupplier clockMs;
  private volatile Fate fate = Fate.COMMITTED;
  private volatile boolean quorum = true;
  private volatile boolean diskRoom = true;
  private volatile Leadership leadership = new Leadership(0, 0, false);
  private volatile long index;
  private volatile @Nullable LogConsumer consumer;

  public InMemoryReplicator() {
    this(System::currentTimeMillis);
  }

  public InMemoryReplicator(LongSupplier clockMs) {
    this.clockMs = clockMs;
  }

  public void setFate(Fate newFate) {
    fate = newFate;
  }

  /** Whether this member is the one that expires sessions and reaps nodes. */
  public void setLeading(boolean leading) {
    leadership = new Leadership(1, leading ? 1 : 2, leading);
    listeners.forEach(listener -> listener.accept(leadership));
  }

  /** Nobody leads that this member knows of. */
  public void loseLeader() {
    leadership = new Leadership(1, 0, false);
    listeners.forEach(listener -> listener.accept(leadership));
  }

  /** Whether barriers succeed. */
  public void setQuorum(boolean reachable) {
    quorum = reachable;
  }

  public void setDiskRoom(boolean room) {
    diskRoom = room;
  }

  @Override
  public CompletionStage<Proposal> propose(Supplier<byte[]> entry) {
    var future = new CompletableFuture<Proposal>();
    try {
      log.execute(() -> decide(entry.get(), future));
    } catch (RejectedExecutionException e) {
      future.complete(new Proposal.Refused("closed"));
    }
    return future;
  }

  private void decide(byte[] entry, CompletableFuture<Proposal> future) {
    LogConsumer host = consumer;
    if (host == null) {
      future.complete(new Proposal.Refused("not started"));
      return;
    }
    switch (fate) {
      case COMMITTED -> {
        host.committed(++index, clockMs.getAsLong(), entry);
        future.complete(new Proposal.Committed(index));
      }
      case REFUSED -> future.complete(new Proposal.Refused("told to"));
      case COMMITTED_UNSAID -> {
        host.committed(++index, clockMs.getAsLong(), entry);
        future.complete(new Proposal.Unknown("told to"));
      }
      case LOST_UNSAID -> future.complete(new Proposal.Unknown("told to"));
    }
  }

  /** Keeps the thread that takes proposals busy until {@code task} is done. */
  public void occupy(Runnable task) {
    log.execute(task);
  }

  /** Has the host write a checkpoint of everything committed so far. */
  public void checkpointNow() {
    log.execute(
        () -> {
          LogConsumer host = consumer;
          if (host != null) {
            host.checkpoint(index, new byte[] {1});
          }
        });
  }

  @Override
  public CompletionStage<Long> readBarrier() {
    return quorum
        ? CompletableFuture.completedFuture(index)
        : CompletableFuture.failedFuture(new NoQuorumException("told to"));
  }

  @Override
  public CompletionStage<byte[]> askLeader(byte[] question) {
    LogConsumer host = consumer;
    return host == null || !quorum
        ? CompletableFuture.failedFuture(new NoQuorumException("told to"))
        : CompletableFuture.completedFuture(host.answer(1, question));
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
    return new GroupView(
        "test", 1, index, List.of(new Progress(new Member(1, "", Role.VOTER), index, true)));
  }

  @Override
  public DiskHeadroom headroom() {
    return new DiskHeadroom(1L << 30, diskRoom);
  }

  @Override
  public void checkpointDurable(long durableIndex) {}

  @Override
  public void requestCheckpoint() {
    checkpointNow();
  }

  @Override
  public CompletionStage<Void> coverLog() {
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public CompletionStage<GroupView> addMember(Member member) {
    return CompletableFuture.failedFuture(new UnsupportedOperationException("a group of one"));
  }

  @Override
  public CompletionStage<GroupView> removeMember(int id) {
    return CompletableFuture.failedFuture(new UnsupportedOperationException("a group of one"));
  }

  @Override
  public CompletionStage<Void> transferLeadership(int id) {
    return CompletableFuture.failedFuture(new UnsupportedOperationException("a group of one"));
  }

  @Override
  public void start(LogConsumer host) {
    index = host.restorePoint().index();
    consumer = host;
    log.execute(() -> host.newTerm(++index, 1, 1, clockMs.getAsLong()));
    leadership = new Leadership(1, 1, true);
    listeners.forEach(listener -> listener.accept(leadership));
  }

  @Override
  public void close() {
    log.shutdown();
    try {
      log.awaitTermination(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
