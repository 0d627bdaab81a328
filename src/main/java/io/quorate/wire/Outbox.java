package io.quorate.wire;

import io.quorate.state.State;
import io.quorate.tree.ZPath;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * What other threads have for one connection, in the order in which it may leave: events, and news
 * that a call can be answered. Any thread puts; the connection's event loop takes.
 *
 * <p>Bounded by the events in it: whoever does not take them in time is cut off, since an event
 * cannot be left out. News of calls is bounded by the lane.
 */
final class Outbox {
  private static final int ENTRY_BYTES = 96;

  private final ConcurrentLinkedQueue<Entry> entries = new ConcurrentLinkedQueue<>();
  private final AtomicLong eventBytes = new AtomicLong();
  private final AtomicBoolean wakeUp = new AtomicBoolean();
  private final long maxEventBytes;

  sealed interface Entry {
    /**
     * A watch event.
     *
     * @param seen a state that no answer after it may be older than
     */
    record Event(int type, String path, long zxid, State seen) implements Entry {}

    /** The cluster has decided {@code call}, or a sync has come back. */
    record Answered(Call call) implements Entry {}

    /** {@code call} has armed its watch on {@code state} and is to be answered from it. */
    record Armed(Call call, State state, int error) implements Entry {}

    /** The connection ends once everything before has left. */
    record End() implements Entry {}
  }

  Outbox(long maxEventBytes) {
    this.maxEventBytes = maxEventBytes;
  }

  /** False when the event has no room: the connection cannot go on. */
  boolean event(int type, ZPath path, long zxid, State seen) {
    String text = path.toString();
    if (eventBytes.addAndGet(ENTRY_BYTES + text.length()) > maxEventBytes) {
      return false;
    }
    entries.add(new Entry.Event(type, text, zxid, seen));
    return true;
  }

  void put(Entry entry) {
    entries.add(entry);
  }

  /** Null when there is nothing. */
  @Nullable Entry take() {
    Entry entry = entries.poll();
    if (entry instanceof Entry.Event event) {
      eventBytes.addAndGet(-ENTRY_BYTES - event.path.length());
    }
    return entry;
  }

  boolean isEmpty() {
    return entries.isEmpty();
  }

  /** Whether the caller is the one to wake the event loop. */
  boolean claimWakeUp() {
    return wakeUp.compareAndSet(false, true);
  }

  /** The event loop is awake and will look at every entry put until now. */
  void awake() {
    wakeUp.set(false);
  }
}
