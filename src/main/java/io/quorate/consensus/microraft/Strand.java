package io.quorate.consensus.microraft;

/**
 * The one thread that everything about consensus happens on, with its clock. A simulation supplies
 * its own.
 */
interface Strand {

  /** Runs {@code task} after everything that was handed over before; from any thread. */
  void execute(Runnable task);

  /**
   * Runs {@code task} now if the caller is on the strand, in no other task, and as {@link #execute}
   * does otherwise.
   */
  default void arrive(Runnable task) {
    execute(task);
  }

  /** Runs {@code task} once {@code delayNanos} have passed; from any thread. */
  void schedule(Runnable task, long delayNanos);

  /**
   * Whether somebody waits for the next message, so that the strand should not stand back for other
   * threads when it has nothing to do; on the strand only.
   */
  default void hurry(boolean on) {}

  /** Monotonic time, nanoseconds. */
  long nanoTime();

  /** Whether the caller is on the strand. */
  boolean isCurrent();

  /** Drops everything that waits and everything still to come; from any thread. */
  void halt();
}
