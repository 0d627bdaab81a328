package io.quorate.consensus.microraft;

import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;

/**
 * How much log a checkpoint does not cover, and when this member is due to take its next one.
 *
 * <p>Members apply the same entries, and each takes the same amount of them between two of its
 * checkpoints, but begins at another place: so they take turns, and a quorum has its disks and
 * processors to itself. A checkpoint out of turn does not change the turns after it.
 *
 * <p>An amount of log is its bytes and something for each entry, however small: an entry also takes
 * memory, and time when it is applied again.
 *
 * <p>On the strand.
 */
final class CheckpointTurns {
  /** So many entries of no bytes are as much log as what makes a checkpoint due. */
  static final int ENTRIES_PER_CHECKPOINT = 200_000;

  /** So many times what makes a checkpoint due, not covered: then proposals wait. */
  private static final int MOST_UNCOVERED = 4;

  private static final int TURNS = 4;

  /**
   * When next to nothing has come in for this long, a checkpoint is written of less than is due:
   * whoever starts again later has less log to apply.
   */
  private static final long RESTING_NANOS = TimeUnit.SECONDS.toNanos(3);

  /** Next to nothing, as a part of what makes a checkpoint due. */
  private static final int RESTING_PART = 2048;

  /** The least of which a checkpoint is written then, and before a stop, as a part of it too. */
  private static final int LEAST_PART = 32;

  private final long whole;
  private final ArrayDeque<Taken> notDurable = new ArrayDeque<>();
  private long notDurableAmount;
  private long since;
  private long untilDue;
  private long restingSinceNanos;
  private long whenResting;

  private record Taken(long index, long amount) {}

  /**
   * @param whole amount of log that makes a checkpoint due
   * @param id the member's number; members with different ones, modulo four, begin differently
   */
  CheckpointTurns(long whole, int id, long nowNanos) {
    this.whole = whole;
    untilDue = whole * (TURNS - id % TURNS) / TURNS;
    restingSinceNanos = nowNanos;
  }

  void applied(long entryBytes) {
    since += entryBytes + whole / ENTRIES_PER_CHECKPOINT;
  }

  boolean due() {
    return since >= untilDue;
  }

  /** As much as may be without a checkpoint; see {@link #tooMuch}. */
  boolean overdue() {
    return since >= most();
  }

  /** A snapshot was taken of all that has been applied, at {@code index}. */
  void taken(long index) {
    notDurable.add(new Taken(index, since));
    notDurableAmount += since;
    untilDue -= since;
    while (untilDue <= 0) {
      untilDue += whole;
    }
    since = 0;
  }

  /** A checkpoint at {@code index}, or later, is on disk. */
  void durable(long index) {
    while (!notDurable.isEmpty() && notDurable.element().index <= index) {
      notDurableAmount -= notDurable.remove().amount;
    }
  }

  /** Whether so much log has no durable checkpoint that proposals have to wait for one. */
  boolean tooMuch() {
    return notDurableAmount + since >= most();
  }

  /** Whether what is not covered is worth a checkpoint before a stop. */
  boolean worthwhile() {
    return notDurableAmount + since >= least();
  }

  /** Called again and again. */
  void noticeRest(long nowNanos) {
    if (since < whenResting || since > whenResting + whole / RESTING_PART) {
      restingSinceNanos = nowNanos;
      whenResting = since;
    }
  }

  boolean rested(long nowNanos) {
    return nowNanos - restingSinceNanos >= RESTING_NANOS && since >= least();
  }

  /** Amount of log that is kept when someone may need it for long. */
  long most() {
    return MOST_UNCOVERED * whole;
  }

  private long least() {
    return whole / LEAST_PART;
  }
}
