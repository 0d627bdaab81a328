package io.quorate.session;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

/**
 * Which sessions have been silent for longer than their timeout. It is told what was heard and what
 * time it is.
 *
 * <p>Not thread-safe: its owner guards it. Hearing from a session costs O(1); each session is
 * looked at about once per timeout, however often it is heard.
 *
 * <p>Source: ZooKeeper programmer's guide, "Sessions"; ours does not round to ticks.
 */
public final class SessionClock {
  /**
   * In one call: those that were opened together, as all are for a new leader, come due together.
   */
  static final int MAX_LOOKS = 10_000;

  private final Map<Long, Watched> sessions = new HashMap<>();
  private final PriorityQueue<Look> looks =
      new PriorityQueue<>(
          Comparator.comparingLong(Look::atMs).thenComparingLong(look -> look.watched.id));
  private long shiftMs;

  private static final class Watched {
    final long id;
    int timeoutMs;
    long deadlineMs;
    boolean over;

    Watched(long id, int timeoutMs, long deadlineMs) {
      this.id = id;
      this.timeoutMs = timeoutMs;
      this.deadlineMs = deadlineMs;
    }
  }

  private record Look(long atMs, Watched watched) {}

  /** A session to watch from now on, with its full timeout; known ones start again. */
  public void opened(long id, int timeoutMs, long nowMs) {
    closed(id);
    var watched = new Watched(id, timeoutMs, nowMs - shiftMs + timeoutMs);
    sessions.put(id, watched);
    looks.add(new Look(watched.deadlineMs, watched));
  }

  /**
   * A sign of life.
   *
   * @return whether the session is known
   */
  public boolean heardFrom(long id, long nowMs) {
    Watched watched = sessions.get(id);
    if (watched == null) {
      return false;
    }
    watched.deadlineMs = Math.max(watched.deadlineMs, nowMs - shiftMs + watched.timeoutMs);
    return true;
  }

  public void closed(long id) {
    Watched watched = sessions.remove(id);
    if (watched != null) {
      watched.over = true;
    }
  }

  /** The teller of time was itself stopped for {@code lateMs}: every deadline moves by that. */
  public void late(long lateMs) {
    shiftMs += lateMs;
  }

  /**
   * Sessions whose silence has outlasted their timeout. One that is named stays known and is named
   * again after another timeout, in case its end was lost on the way.
   *
   * <p>Order: earliest deadline first; equal deadlines by session id.
   *
   * @param nowMs the leader's monotonic clock; never decreases between calls
   * @param limit how many at most, 1 and up; the rest wait for the next call
   */
  public List<Long> overdue(long nowMs, int limit) {
    long now = nowMs - shiftMs;
    var overdue = new ArrayList<Long>();
    for (int i = 0;
        i < MAX_LOOKS && overdue.size() < limit && !looks.isEmpty() && looks.element().atMs <= now;
        i++) {
      Watched watched = looks.remove().watched;
      if (watched.over) {
        continue;
      }
      if (watched.deadlineMs <= now) {
        overdue.add(watched.id);
        looks.add(new Look(now + watched.timeoutMs, watched));
      } else {
        looks.add(new Look(watched.deadlineMs, watched));
      }
    }
    return overdue;
  }

  public int size() {
    return sessions.size();
  }

  /** Forgets everybody. */
  public void clear() {
    sessions.clear();
    looks.clear();
  }
}
