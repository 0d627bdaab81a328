package io.quorate.consensus.log;

/** Told what the log does. Called on the writing thread: return quickly. */
public interface LogMetrics {
  LogMetrics NONE = new LogMetrics() {};

  /**
   * It took this long to make durable what had been appended: a write and an fsync, or both in one.
   */
  default void fsync(long nanos) {}

  /** This many bytes of records were handed to the file before that fsync. */
  default void written(long bytes) {}

  /** A segment was taken into use; {@code waited} says that no spare was ready. */
  default void segmentOpened(boolean waited) {}
}
