package io.quorate.server;

import io.quorate.state.State;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.concurrent.CompletableFuture;

/**
 * The newest state that this member shows, and who waits for a newer one.
 *
 * <p>Written by the Applier's thread alone; read by all with one volatile read.
 */
public final class Published {
  private static final int SWEEP_AT_LEAST = 64;

  private final Object lock = new Object();
  private final PriorityQueue<Waiter> byIndex =
      new PriorityQueue<>(Comparator.comparingLong(Waiter::target));
  private final PriorityQueue<Waiter> byZxid =
      new PriorityQueue<>(Comparator.comparingLong(Waiter::target));
  private volatile View view;

  /** How many waiters make it worth looking for those who wait no more; guarded by lock. */
  private int sweepAt = SWEEP_AT_LEAST;

  Published(State state) {
    this.view = new View(state, 0);
  }

  /**
   * A state and where it stands.
   *
   * @param index the log index that it has applied
   */
  public record View(State state, long index) {}

  private record Waiter(long target, CompletableFuture<State> future) {}

  public View view() {
    return view;
  }

  /**
   * The state once the log is applied up to {@code index}; at once when it is already. Completes on
   * the Applier's thread otherwise: what hangs on it must not block. Cancelling forgets it.
   */
  CompletableFuture<State> whenApplied(long index) {
    View now = view;
    return now.index >= index ? CompletableFuture.completedFuture(now.state) : wait(byIndex, index);
  }

  /** The state once it has {@code zxid}; as {@link #whenApplied}. */
  CompletableFuture<State> whenZxid(long zxid) {
    View now = view;
    return now.state.zxid() >= zxid
        ? CompletableFuture.completedFuture(now.state)
        : wait(byZxid, zxid);
  }

  private CompletableFuture<State> wait(PriorityQueue<Waiter> waiters, long target) {
    var future = new CompletableFuture<State>();
    synchronized (lock) {
      View now = view;
      long reached = waiters == byIndex ? now.index : now.state.zxid();
      if (reached >= target) {
        return CompletableFuture.completedFuture(now.state);
      }
      if (byIndex.size() + byZxid.size() >= sweepAt) {
        byIndex.removeIf(waiter -> waiter.future.isDone());
        byZxid.removeIf(waiter -> waiter.future.isDone());
        sweepAt = Math.max(SWEEP_AT_LEAST, 2 * (byIndex.size() + byZxid.size()));
      }
      waiters.add(new Waiter(target, future));
    }
    return future;
  }

  void publish(State state, long index) {
    var ready = new ArrayList<CompletableFuture<State>>();
    synchronized (lock) {
      view = new View(state, index);
      release(byIndex, index, ready);
      release(byZxid, state.zxid(), ready);
    }
    for (CompletableFuture<State> future : ready) {
      future.complete(state);
    }
  }

  private static void release(
      PriorityQueue<Waiter> waiters, long reached, List<CompletableFuture<State>> ready) {
    while (!waiters.isEmpty() && waiters.element().target <= reached) {
      ready.add(waiters.remove().future);
    }
  }
}
