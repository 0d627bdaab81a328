package io.quorate.server;

/** The two clocks of a member; a test advances its own. */
public interface Clock {
  /** Milliseconds since 1970; may jump. */
  long wallMs();

  /** Milliseconds from an arbitrary start; never goes back. */
  long monotonicMs();

  /** Told twice a second what time the leader says it is, by those who follow it. */
  default void hear(long leaderMs) {}

  /** The machine's. */
  Clock SYSTEM =
      new Clock() {
        @Override
        public long wallMs() {
          return System.currentTimeMillis();
        }

        @Override
        public long monotonicMs() {
          return System.nanoTime() / 1_000_000;
        }
      };
}
