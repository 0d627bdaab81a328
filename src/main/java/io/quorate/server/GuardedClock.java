package io.quorate.server;

import java.util.logging.Logger;

/**
 * A machine's clock that is not believed when it jumps.
 *
 * <p>What the leader puts on log entries decides when nodes with a time to live go and how long
 * answers to retries are kept, so it must not jump with one machine's clock. The wall clock is
 * believed while it stays within 10 s of the time last agreed on plus the monotonic time since:
 * what the leader says twice a second, or on the leader what it said itself. After a larger jump
 * the agreed time goes on at the monotonic clock's rate, with an alarm; a difference that has then
 * stood still for ten minutes is taken for the clock having been set right.
 *
 * <p>Thread-safe.
 */
public final class GuardedClock implements Clock {
  static final long MOST_JUMP_MS = 10_000;
  static final long PATIENCE_MS = 600_000;
  private static final long WARN_PERIOD_MS = 60_000;
  private static final Logger LOG = Logger.getLogger(GuardedClock.class.getName());

  private final Clock machine;
  private boolean agreed;
  private long offsetMs;
  private long differenceMs;
  private long sinceMs;
  private long lastWarnedMs = Long.MIN_VALUE / 2;

  public GuardedClock(Clock machine) {
    this.machine = machine;
  }

  @Override
  public long monotonicMs() {
    return machine.monotonicMs();
  }

  /** Milliseconds since 1970 as the group knows it; does not jump by more than 10 s. */
  @Override
  public synchronized long wallMs() {
    long monotonic = machine.monotonicMs();
    long wall = machine.wallMs();
    if (!agreed || !jumped(wall - (monotonic + offsetMs), monotonic)) {
      agreed = true;
      differenceMs = 0;
      offsetMs = wall - monotonic;
    }
    return monotonic + offsetMs;
  }

  @Override
  public synchronized void hear(long leaderMs) {
    long monotonic = machine.monotonicMs();
    agreed = true;
    offsetMs = leaderMs - monotonic;
    if (!jumped(machine.wallMs() - leaderMs, monotonic)) {
      differenceMs = 0;
    }
  }

  /** How far this machine's clock is from the group's time, ms; 0 while it is believed. */
  public synchronized long differenceMs() {
    return differenceMs;
  }

  private boolean jumped(long by, long monotonic) {
    if (Math.abs(by) <= MOST_JUMP_MS) {
      return false;
    }
    if (differenceMs == 0 || Math.abs(by - differenceMs) > MOST_JUMP_MS) {
      sinceMs = monotonic;
    }
    differenceMs = by;
    if (monotonic - lastWarnedMs >= WARN_PERIOD_MS) {
      lastWarnedMs = monotonic;
      LOG.severe(
          () ->
              "this machine's clock is "
                  + by / 1_000
                  + " s from the group's time and is not believed; see to it");
    }
    return monotonic - sinceMs < PATIENCE_MS;
  }
}
