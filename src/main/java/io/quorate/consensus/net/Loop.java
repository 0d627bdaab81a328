package io.quorate.consensus.net;

/**
 * The thread on which pipes tell of their frames and losses, lent to who wants to work there.
 *
 * <p>What waits on it holds up the pipes. After the pipes are closed nothing is run any more.
 */
public interface Loop {

  /** Runs {@code task} after everything that was handed over before; from any thread. */
  void execute(Runnable task);

  /** Runs {@code task} once {@code delayNanos} have passed; from any thread. */
  void schedule(Runnable task, long delayNanos);

  /**
   * Whether somebody waits for the next thing that comes, so that the thread should not stand back
   * for others when it has nothing to do; on it only.
   */
  void hurry(boolean on);

  /** Whether the caller is on it. */
  boolean isCurrent();
}
