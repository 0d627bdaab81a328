package io.quorate.consensus.microraft;

import io.microraft.impl.log.RaftLog;
import io.microraft.impl.util.ArrayRingbuffer;
import io.microraft.model.log.LogEntry;
import java.lang.reflect.Field;

/**
 * The entries that MicroRaft keeps in memory, which it lets nobody else touch. Owned by the strand.
 *
 * <p>After a snapshot MicroRaft moves the beginning of its ring to a tenth of its snapshot distance
 * before the snapshot, even when the ring had begun later: then it believes in entries that are not
 * there. That happens whenever two snapshots, or a restart and a snapshot, are closer than that,
 * which ours are, being taken by bytes. And that tenth is a count of entries of any size. So after
 * each snapshot the beginning is moved to where entries really begin, and on until what is kept for
 * slow followers is small enough.
 */
final class Ring {
  private static final Field RING = Hidden.field(RaftLog.class, "log");

  private final ArrayRingbuffer<LogEntry> ring;

  @SuppressWarnings("unchecked")
  Ring(RaftLog log) {
    try {
      ring = (ArrayRingbuffer<LogEntry>) RING.get(log);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Keeps at most {@code mostBytes} of entries at or below {@code snapshotIndex}. */
  void trim(long snapshotIndex, long mostBytes) {
    long tail = ring.tailSequence();
    long below = Math.min(tail, snapshotIndex - 1);
    long begin = below + 1;
    long bytes = 0;
    while (begin > ring.headSequence()) {
      LogEntry entry = ring.read(begin - 1);
      if (entry == null) {
        break;
      }
      bytes += sizeOf(entry);
      if (bytes > mostBytes) {
        break;
      }
      begin--;
    }
    for (long sequence = ring.headSequence(); sequence < begin; sequence++) {
      ring.set(sequence, null);
    }
    ring.setHeadSequence(begin);
  }

  /** The oldest entry that is kept; one more than the newest when there is none. */
  long firstIndex() {
    return ring.headSequence() + 1; // sequences count from 0
  }

  private static long sizeOf(LogEntry entry) {
    return 100 + (entry.getOperation() instanceof Operation.Entry e ? e.size() : 0);
  }
}
