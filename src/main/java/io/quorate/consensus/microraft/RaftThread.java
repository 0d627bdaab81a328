package io.quorate.consensus.microraft;

import java.util.ArrayDeque;
import java.util.PriorityQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * A strand that is a thread: a plain queue and a heap of timers under one lock.
 *
 * <p>The queue has no bound of its own. What comes in is bounded by its sources: proposals by the
 * host's flight limit, messages by the transport's, timers by their number.
 */
final class RaftThread implements Strand {
  private record Timer(long atNanos, long order, Runnable task) implements Comparable<Timer> {
    @Override
    public int compareTo(Timer other) {
      long byTime = atNanos - other.atNanos;
      return byTime != 0 ? Long.signum(byTime) : Long.compare(order, other.order);
    }
  }

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition wake = lock.newCondition();
  private final Thread thread;
  private final Consumer<Throwable> fatal;
  private ArrayDeque<Runnable> queue = new ArrayDeque<>();
  private final PriorityQueue<Timer> timers = new PriorityQueue<>();
  private long timerOrder;
  private boolean sleeping;
  private volatile boolean halted;

  RaftThread(String name, Consumer<Throwable> fatal) {
    this.fatal = fatal;
    thread = new Thread(this::run, name);
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  @Override
  public void execute(Runnable task) {
    lock.lock();
    try {
      queue.add(task);
      if (sleeping) {
        wake.signal();
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void schedule(Runnable task, long delayNanos) {
    lock.lock();
    try {
      timers.add(new Timer(System.nanoTime() + delayNanos, timerOrder++, task));
      if (sleeping) {
        wake.signal();
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long nanoTime() {
    return System.nanoTime();
  }

  @Override
  public boolean isCurrent() {
    return Thread.currentThread() == thread;
  }

  @Override
  public void halt() {
    halted = true;
    lock.lock();
    try {
      wake.signal();
    } finally {
      lock.unlock();
    }
  }

  /** Waits until the thread has ended; to be called after {@link #halt}. */
  void join(long millis) throws InterruptedException {
    thread.join(millis);
  }

  private void run() {
    ArrayDeque<Runnable> batch = new ArrayDeque<>();
    while (!halted) {
      try {
        batch = next(batch);
      } catch (InterruptedException e) {
        // Nobody has business interrupting this thread; halt() is how it ends.
        continue;
      }
      for (Runnable task = batch.poll(); task != null && !halted; task = batch.poll()) {
        try {
          task.run();
        } catch (Throwable t) {
          fatal.accept(t);
        }
      }
    }
  }

  /** Waits for something to do; swaps queues so that the lock is taken once per batch. */
  private ArrayDeque<Runnable> next(ArrayDeque<Runnable> empty) throws InterruptedException {
    lock.lock();
    try {
      while (true) {
        long now = System.nanoTime();
        for (Timer t = timers.peek(); t != null && t.atNanos - now <= 0; t = timers.peek()) {
          queue.add(timers.remove().task());
        }
        if (!queue.isEmpty() || halted) {
          ArrayDeque<Runnable> full = queue;
          queue = empty;
          return full;
        }
        sleeping = true;
        Timer first = timers.peek();
        if (first == null) {
          wake.await();
        } else {
          wake.await(first.atNanos - now, TimeUnit.NANOSECONDS);
        }
        sleeping = false;
      }
    } finally {
      sleeping = false;
      lock.unlock();
    }
  }
}
