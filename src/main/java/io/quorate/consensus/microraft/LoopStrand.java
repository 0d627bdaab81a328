package io.quorate.consensus.microraft;

import io.quorate.consensus.net.Loop;
import java.util.function.Consumer;

/**
 * A strand on the thread that carries the frames.
 *
 * <p>A write crosses the group in some eight steps; were frames read and written on a thread of
 * their own, each step would wake one thread more. Frames that come in while the disk is waited for
 * wait in the socket instead of in a queue.
 */
final class LoopStrand implements Strand {
  private final Loop loop;
  private final Consumer<Throwable> fatal;
  private volatile boolean halted;

  /**
   * @param fatal told of whatever a task throws
   */
  LoopStrand(Loop loop, Consumer<Throwable> fatal) {
    this.loop = loop;
    this.fatal = fatal;
  }

  @Override
  public void execute(Runnable task) {
    loop.execute(() -> run(task));
  }

  /** What comes in from a socket does not queue once more. */
  @Override
  public void arrive(Runnable task) {
    if (loop.isCurrent()) {
      run(task);
    } else {
      execute(task);
    }
  }

  @Override
  public void schedule(Runnable task, long delayNanos) {
    loop.schedule(() -> run(task), delayNanos);
  }

  private void run(Runnable task) {
    if (halted) {
      return;
    }
    try {
      task.run();
    } catch (Throwable t) {
      fatal.accept(t);
    }
  }

  @Override
  public void hurry(boolean on) {
    loop.hurry(on);
  }

  @Override
  public long nanoTime() {
    return System.nanoTime();
  }

  @Override
  public boolean isCurrent() {
    return loop.isCurrent();
  }

  @Override
  public void halt() {
    halted = true;
  }
}
