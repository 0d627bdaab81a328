package io.quorate.web;

import jakarta.servlet.http.HttpServletRequest;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Works an answer out on the thread that waits for it: on its request's own, instead of on one more
 * for each step.
 */
final class RequestThread implements Executor {
  private static final String NAME = RequestThread.class.getName();

  private final Thread thread = Thread.currentThread();
  private final Queue<Runnable> steps = new ConcurrentLinkedQueue<>();

  private RequestThread() {}

  /** Lends the caller's thread to what {@code request} asks for, until {@link #await} returns. */
  static RequestThread lend(HttpServletRequest request) {
    var lent = new RequestThread();
    request.setAttribute(NAME, lent);
    return lent;
  }

  /** The thread that was lent, or else {@code others}. */
  static Executor of(HttpServletRequest request, Executor others) {
    return request.getAttribute(NAME) instanceof RequestThread lent ? lent : others;
  }

  /** From any thread. */
  @Override
  public void execute(Runnable step) {
    steps.add(step);
    LockSupport.unpark(thread);
  }

  /** On the thread that was lent. */
  <T> T await(CompletableFuture<T> answer) throws InterruptedException, ExecutionException {
    answer.whenComplete((value, failure) -> LockSupport.unpark(thread));
    while (!answer.isDone()) {
      @Nullable Runnable step = steps.poll();
      if (step != null) {
        step.run();
      } else if (Thread.interrupted()) {
        throw new InterruptedException();
      } else {
        LockSupport.park(this);
      }
    }
    return answer.get();
  }
}
