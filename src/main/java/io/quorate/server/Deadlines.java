package io.quorate.server;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Supplier;

/**
 * Ends what waits too long, at the first tick after its time.
 *
 * <p>Nearly all of it is done by the next tick, and costs one place in a queue: a timer of its own
 * for each read, with the thread that is woken to set it and to take it back, cost an eighth of
 * what a read by HTTP takes.
 */
final class Deadlines {
  private final Queue<Wait> fresh = new ConcurrentLinkedQueue<>();

  /** What had lasted until a tick; guarded by this. */
  private final List<Wait> lasting = new ArrayList<>();

  private record Wait(
      CompletableFuture<?> future, long deadlineMs, Supplier<? extends Exception> late) {
    boolean isOver(long nowMs) {
      if (nowMs >= deadlineMs && !future.isDone()) {
        future.completeExceptionally(late.get());
      }
      return future.isDone();
    }
  }

  /**
   * From any thread.
   *
   * @param deadlineMs on the clock of {@link #tick}
   * @param late what {@code future} then fails with, on the tick's thread
   */
  void end(CompletableFuture<?> future, long deadlineMs, Supplier<? extends Exception> late) {
    fresh.add(new Wait(future, deadlineMs, late));
  }

  /** Called every few dozen milliseconds, and with the end of time when the member stops. */
  synchronized void tick(long nowMs) {
    lasting.removeIf(wait -> wait.isOver(nowMs));
    // What is added meanwhile, by those who hear now that they are late, has its time still.
    for (Wait wait = fresh.poll(); wait != null; wait = fresh.poll()) {
      if (!wait.isOver(nowMs)) {
        lasting.add(wait);
      }
    }
  }
}
