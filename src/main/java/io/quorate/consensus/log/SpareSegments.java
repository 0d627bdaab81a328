package io.quorate.consensus.log;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Zero-filled, fsynced files waiting to become segments, and the judgement whether the disk has
 * room. Filled in the background; guarded by itself.
 *
 * <p>Room is judged here, before anything is written to the log: a spare that cannot be made is not
 * an error, it only means that writes which grow data are no longer admitted.
 */
final class SpareSegments {
  private static final Logger LOG = LoggerFactory.getLogger(SpareSegments.class);
  static final String PREFIX = "spare-";

  /**
   * A page. Larger writes make larger folios in the page cache, and one record then counts as that
   * much written.
   */
  private static final int FILL_BYTES = 4 * 1024;

  private static final int RECYCLED_FOR_EACH_WANTED = 8;

  private final Disk disk;
  private final long segmentBytes;
  private final int wanted;
  private final long reserveBytes;
  private final Executor background;
  private final Deque<String> ready = new ArrayDeque<>();
  private long nextNumber;
  private boolean filling;
  private boolean closed;
  private boolean lastFillFailed;
  private volatile Room room;

  /** What was found when the disk was last looked at. */
  record Room(long freeBytes, boolean enough) {}

  SpareSegments(Disk disk, long segmentBytes, int wanted, long reserveBytes, Executor background)
      throws IOException {
    this.disk = disk;
    this.segmentBytes = segmentBytes;
    this.wanted = wanted;
    this.reserveBytes = reserveBytes;
    this.background = background;
    for (String name : disk.list().stream().sorted().toList()) {
      if (name.startsWith(PREFIX)) {
        if (name.endsWith(".tmp")) {
          disk.delete(name);
        } else {
          ready.add(name);
          nextNumber =
              Math.max(nextNumber, Long.parseLong(name, PREFIX.length(), name.length(), 10) + 1);
        }
      }
    }
    room = judged(disk.usableBytes());
  }

  /** A spare's name, or null when none is ready. A replacement is begun. */
  @Nullable String take() {
    @Nullable String name;
    synchronized (this) {
      name = ready.poll();
    }
    refill();
    return name;
  }

  /**
   * Takes a file that the log no longer needs; true when it was wanted. Many come at once, with
   * each checkpoint, and are needed until the next: a file that is there need not be filled.
   */
  synchronized boolean recycle(String segment) throws IOException {
    if (ready.size() >= (room.enough ? wanted * RECYCLED_FOR_EACH_WANTED : wanted)) {
      return false;
    }
    String name = nextName();
    disk.rename(segment, name);
    ready.add(name);
    return true;
  }

  /** Begins to make what is missing and to judge the room again. Returns at once. */
  void refill() {
    synchronized (this) {
      if (filling || closed) {
        return;
      }
      filling = true;
    }
    background.execute(this::fill);
  }

  Room room() {
    return room;
  }

  synchronized void close() {
    closed = true;
  }

  private void fill() {
    while (true) {
      String name;
      synchronized (this) {
        if (closed || ready.size() >= wanted) {
          filling = false;
          lastFillFailed = false;
          break;
        }
        name = nextName();
      }
      try {
        make(name);
        synchronized (this) {
          ready.add(name);
        }
      } catch (IOException noRoom) {
        synchronized (this) {
          filling = false;
          if (!lastFillFailed && !closed) {
            LOG.warn(
                "No room for a spare log segment of {} bytes at {}: {}",
                segmentBytes,
                disk.describe(name),
                noRoom.toString());
          }
          lastFillFailed = true;
        }
        break;
      }
    }
    judge();
  }

  /** When the disk grows full, only as many stay as are wanted. */
  private void giveBack() {
    synchronized (this) {
      while (ready.size() > wanted && !closed) {
        try {
          disk.delete(ready.removeLast());
        } catch (IOException kept) {
          break;
        }
      }
    }
  }

  private void judge() {
    Room now = look();
    if (!now.enough) {
      giveBack();
      now = look();
    }
    Room before = room;
    room = now;
    if (before.enough() != now.enough()) {
      LOG.warn(
          "Disk room is {} at {}: {} bytes free, {} wanted in reserve",
          now.enough() ? "enough again" : "short",
          disk.describe(""),
          now.freeBytes(),
          reserveBytes);
    }
  }

  private Room look() {
    long free;
    try {
      free = disk.usableBytes();
    } catch (IOException unknown) {
      free = 0;
    }
    return judged(free);
  }

  private synchronized Room judged(long free) {
    // One that was taken just now is being replaced: that is not a lack of room.
    return new Room(free, !lastFillFailed && free >= reserveBytes + missing() * segmentBytes);
  }

  /** Zero-fills a file of the full size; used for a spare and, at need, for a segment itself. */
  static void fill(Disk disk, String name, long bytes) throws IOException {
    try (Disk.DiskFile file = disk.create(name)) {
      ByteBuffer zeros = ByteBuffer.allocate((int) Math.min(FILL_BYTES, bytes));
      for (long at = 0; at < bytes; at += zeros.capacity()) {
        zeros.clear().limit((int) Math.min(zeros.capacity(), bytes - at));
        file.write(zeros, at);
      }
      file.force();
    }
  }

  private void make(String name) throws IOException {
    String aside = name + ".tmp";
    try {
      fill(disk, aside, segmentBytes);
      disk.rename(aside, name);
      disk.syncDirectory();
    } catch (IOException failed) {
      try {
        disk.delete(aside);
      } catch (IOException left) {
        failed.addSuppressed(left);
      }
      throw failed;
    }
  }

  private synchronized String nextName() {
    return PREFIX + "%08d".formatted(nextNumber++);
  }

  private synchronized long missing() {
    return Math.max(0, wanted - ready.size());
  }
}
