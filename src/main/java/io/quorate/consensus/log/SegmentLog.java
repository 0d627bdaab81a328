package io.quorate.consensus.log;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Records in preallocated files, appended only; owned by one thread.
 *
 * <p>The idea: nothing that was written is ever written over, unless by the same bytes. Taking
 * entries back is a record of its own ({@code CUT}), and so is jumping ahead after a snapshot
 * ({@code RESET}). Every record carries its number and the number of the newest record that was
 * surely on disk when it was written. So when a record does not read, one question decides: does a
 * later one say that it had been durable? If none does, it is a torn tail, which nobody was
 * promised, and is cut. If one does, the disk has lost something we promised, and we refuse to
 * start.
 *
 * <p>Layout of a record, big-endian, padded to eight bytes: length 4 (header and payload), CRC32C 4
 * (of all the rest and the length), number 8, durable number 8, index 8, term 4, kind 4, payload. A
 * segment begins with forty bytes: magic 8, version 8, number of its first record 8, index before
 * it 8, CRC32C 4, nothing 4. Spare files are zero-filled or hold records with smaller numbers,
 * which are never taken for new ones.
 */
public final class SegmentLog implements Closeable {
  private static final long MAGIC = 0x51554f524c4f4731L; // "QUORLOG1"
  private static final int VERSION = 1;
  private static final int SEGMENT_HEADER_BYTES = 40;
  private static final int RECORD_HEADER_BYTES = 40;
  static final int BUFFER_BYTES = 512 * 1024;
  private static final long FIRST_SEGMENT_BYTES = 1 << 20;
  private static final String SUFFIX = ".log";

  private static final int ENTRY = 1;
  private static final int CUT = 2;
  private static final int RESET = 3;
  private static final int END = 4;
  private static final int CLOSED = 5;

  /**
   * How the log is kept.
   *
   * @param segmentBytes size of a segment; a larger record gets a segment of its own
   * @param spares how many preallocated segments are kept ready
   * @param reserveBytes room that must stay free besides, for one checkpoint
   */
  public record Options(long segmentBytes, int spares, long reserveBytes) {}

  private final Disk disk;
  private final Options options;
  private final LogMetrics metrics;
  private final SpareSegments spares;
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
  private final CRC32C crc = new CRC32C();
  private final List<Segment> segments = new ArrayList<>();

  private List<Found> recovered = new ArrayList<>();
  private Disk.DiskFile file;

  /** An older segment that was read last, kept open for the next. */
  private Disk.@Nullable DiskFile reading;

  private long readingNumber;
  private long fileBytes;
  private long position;
  private long nextNumber = 1;
  private long durableNumber;
  private long lastIndex;
  private long unsyncedBytes;
  private boolean failed;

  /** An entry met at opening. Its bytes wait on disk: a checkpoint may cover it. */
  private record Found(long index, int term, long place) {}

  /** A file of the log and the highest index it ever held. */
  private static final class Segment {
    final long number;
    long highestIndex;

    Segment(long number) {
      this.number = number;
    }

    String name() {
      return "%016d".formatted(number) + SUFFIX;
    }
  }

  /**
   * Opens the log, reads it all and cuts a torn tail.
   *
   * @param background makes spare segments
   * @throws CorruptLogException when a record that had been durable does not read
   */
  public static SegmentLog open(Disk disk, Options options, Executor background, LogMetrics metrics)
      throws IOException {
    return new SegmentLog(disk, options, background, metrics);
  }

  @SuppressWarnings("NullAway.Init") // file is opened by recover or by begin
  private SegmentLog(Disk disk, Options options, Executor background, LogMetrics metrics)
      throws IOException {
    this.disk = disk;
    this.options = options;
    this.metrics = metrics;
    this.spares =
        new SpareSegments(
            disk, options.segmentBytes(), options.spares(), options.reserveBytes(), background);
    for (String name : disk.list().stream().sorted().toList()) {
      if (name.endsWith(SUFFIX)) {
        segments.add(new Segment(Long.parseLong(name, 0, name.length() - SUFFIX.length(), 10)));
      } else if (name.endsWith(SUFFIX + ".tmp")) {
        disk.delete(name);
      }
    }
    if (segments.isEmpty()) {
      begin();
    } else {
      recover();
    }
    spares.refill();
  }

  /** Is given entries one after the other, each read when its turn comes. */
  @FunctionalInterface
  public interface Visitor {
    /**
     * @return whether to go on
     */
    boolean visit(LogRecord entry) throws IOException;
  }

  /**
   * Shows the live entries after {@code index} that were found at opening; to be asked for once.
   */
  public void recoveredAfter(long index, Visitor visitor) throws IOException {
    List<Found> found = recovered;
    recovered = new ArrayList<>();
    for (Found each : found) {
      if (each.index > index
          && !visitor.visit(
              new LogRecord(each.index, each.term, each.place, read(each.place, each.index)))) {
        return;
      }
    }
  }

  /** Index of the newest entry, or where the log was reset to; 0 when it is empty. */
  public long lastIndex() {
    return lastIndex;
  }

  /**
   * Adds an entry behind the last one; durable after {@link #flush}.
   *
   * @return what {@link #read} finds it by
   */
  public long append(long index, int term, byte[] payload) throws IOException {
    if (index != lastIndex + 1) {
      throw new IllegalStateException("index " + index + " does not follow " + lastIndex);
    }
    long at = write(ENTRY, index, term, payload);
    lastIndex = index;
    current().highestIndex = Math.max(current().highestIndex, index);
    return place(current(), at);
  }

  private static long place(Segment segment, long position) {
    return segment.number << Integer.SIZE | position;
  }

  /**
   * What was appended, whether flushed or not, as long as its segment was not discarded.
   *
   * @throws CorruptLogException when what stands there is something else
   */
  public byte[] read(long place, long index) throws IOException {
    byte[][] payload = new byte[1][];
    guard(() -> payload[0] = payloadAt(place >>> Integer.SIZE, place & 0xffff_ffffL, index));
    return payload[0];
  }

  private byte[] payloadAt(long number, long at, long index) throws IOException {
    Segment segment = segments.get((int) (number - segments.get(0).number));
    boolean writing = segment == current();
    if (writing) {
      drain();
    } else if (readingNumber != number) {
      stopReading();
      reading = disk.open(segment.name());
      readingNumber = number;
    }
    Disk.DiskFile from = writing || reading == null ? file : reading;
    ByteBuffer header = ByteBuffer.allocate(RECORD_HEADER_BYTES);
    from.read(header, at);
    int bytes = header.getInt(0);
    if (bytes >= RECORD_HEADER_BYTES
        && bytes <= from.size() - at
        && header.getInt(36) == ENTRY
        && header.getLong(24) == index) {
      byte[] payload = new byte[bytes - RECORD_HEADER_BYTES];
      from.read(ByteBuffer.wrap(payload), at + RECORD_HEADER_BYTES);
      crc.reset();
      crc.update(header.slice(0, 4));
      crc.update(header.slice(8, RECORD_HEADER_BYTES - 8));
      crc.update(payload);
      if ((int) crc.getValue() == header.getInt(4)) {
        return payload;
      }
    }
    throw damaged(segment, at, "entry " + index + ", which was written there, does not read");
  }

  private void stopReading() throws IOException {
    if (reading != null) {
      reading.close();
      reading = null;
      readingNumber = 0;
    }
  }

  /** Takes back every entry from {@code index} on; durable after {@link #flush}. */
  public void cutFrom(long index) throws IOException {
    write(CUT, index, 0, NOTHING);
    lastIndex = Math.min(lastIndex, index - 1);
  }

  /** Forgets every entry and continues behind {@code index}; durable after {@link #flush}. */
  public void reset(long index, int term) throws IOException {
    write(RESET, index, term, NOTHING);
    lastIndex = index;
    current().highestIndex = Math.max(current().highestIndex, index);
  }

  /** Makes everything written so far durable: one fsync, or none when there is nothing new. */
  public void flush() throws IOException {
    if (durableNumber == nextNumber - 1) {
      return;
    }
    guard(
        () -> {
          long start = System.nanoTime();
          drain();
          file.force();
          metrics.fsync(System.nanoTime() - start);
          metrics.written(unsyncedBytes);
          unsyncedBytes = 0;
          durableNumber = nextNumber - 1;
        });
  }

  /** Lets segments go that hold nothing above {@code index}. The newest one always stays. */
  public void discardUntil(long index) throws IOException {
    guard(
        () -> {
          stopReading();
          boolean gone = false;
          // From the oldest on, and never past one that stays: the numbers must be gapless.
          while (segments.size() > 1 && segments.get(0).highestIndex <= index) {
            String name = segments.get(0).name();
            if (!(sizeOf(name) == options.segmentBytes() && spares.recycle(name))) {
              disk.delete(name);
            }
            segments.remove(0);
            gone = true;
          }
          if (gone) {
            disk.syncDirectory();
          }
        });
  }

  /** Bytes that the segments occupy, spares not counted. */
  public long sizeBytes() throws IOException {
    long total = 0;
    for (Segment segment : segments) {
      total += sizeOf(segment.name());
    }
    return total;
  }

  /** Free bytes as last seen. */
  public long freeBytes() {
    return spares.room().freeBytes();
  }

  /** Whether, when last looked at, the spares were all there and the reserve was free. */
  public boolean hasRoom() {
    return spares.room().enough();
  }

  /** Looks at the room again and makes missing spares, in the background. */
  public void checkRoom() {
    spares.refill();
  }

  /** Writes that everything is durable, so that later damage is told from a torn tail. */
  @Override
  public void close() throws IOException {
    spares.close();
    try {
      if (!failed) {
        flush();
        if (position + RECORD_HEADER_BYTES + RECORD_HEADER_BYTES <= fileBytes) {
          write(CLOSED, lastIndex, 0, NOTHING);
          flush();
        }
      }
    } finally {
      stopReading();
      file.close();
    }
  }

  private static final byte[] NOTHING = new byte[0];

  private Segment current() {
    return segments.get(segments.size() - 1);
  }

  private long sizeOf(String name) throws IOException {
    try (Disk.DiskFile f = disk.open(name)) {
      return f.size();
    }
  }

  // ---- writing

  /** Returns where in the newest segment it was put. */
  private long write(int kind, long index, int term, byte[] payload) throws IOException {
    guard(
        () -> {
          int length = Math.addExact(RECORD_HEADER_BYTES, payload.length);
          // Room for an END record stays in every segment.
          if (position + padded(length) + RECORD_HEADER_BYTES > fileBytes) {
            roll(padded(length));
          }
          put(kind, index, term, payload, length);
        });
    return position - padded(RECORD_HEADER_BYTES + payload.length);
  }

  private void put(int kind, long index, int term, byte[] payload, int length) throws IOException {
    int padded = padded(length);
    if (padded > buffer.remaining()) {
      drain();
    }
    ByteBuffer out = padded <= buffer.remaining() ? buffer : ByteBuffer.allocate(padded);
    int start = out.position();
    out.putInt(length).putInt(0).putLong(nextNumber).putLong(durableNumber);
    out.putLong(index).putInt(term).putInt(kind).put(payload);
    while (out.position() < start + padded) {
      out.put((byte) 0);
    }
    out.putInt(start + 4, crcOf(out, start, length));
    if (out != buffer) {
      file.write(out.flip(), position);
    }
    position += padded;
    nextNumber++;
    unsyncedBytes += padded;
  }

  /** Hands what is buffered to the file. */
  private void drain() throws IOException {
    if (buffer.position() > 0) {
      buffer.flip();
      long start = position - buffer.remaining();
      file.write(buffer, start);
      buffer.clear();
    }
  }

  /** Closes this segment for good and goes on in the next. */
  private void roll(int needed) throws IOException {
    put(END, lastIndex, 0, NOTHING, RECORD_HEADER_BYTES);
    drain();
    file.force();
    durableNumber = nextNumber - 1;
    unsyncedBytes = 0;
    file.close();
    Segment next = new Segment(current().number + 1);
    next.highestIndex = lastIndex;
    long wanted =
        Math.max(options.segmentBytes(), needed + SEGMENT_HEADER_BYTES + RECORD_HEADER_BYTES);
    @Nullable String spare = wanted > options.segmentBytes() ? null : spares.take();
    String aside = spare;
    if (aside == null) {
      aside = next.name() + ".tmp";
      SpareSegments.fill(disk, aside, wanted);
    }
    metrics.segmentOpened(spare == null);
    enter(next, aside);
  }

  private void begin() throws IOException {
    Segment first = new Segment(1);
    String aside = first.name() + ".tmp";
    // Small, so that an empty directory costs no time at start.
    SpareSegments.fill(disk, aside, Math.min(FIRST_SEGMENT_BYTES, options.segmentBytes()));
    enter(first, aside);
  }

  private void enter(Segment segment, String from) throws IOException {
    disk.rename(from, segment.name());
    file = disk.openToAppend(segment.name());
    ByteBuffer header = ByteBuffer.allocate(SEGMENT_HEADER_BYTES);
    header.putLong(MAGIC).putLong(VERSION).putLong(nextNumber).putLong(lastIndex);
    header.putInt(headerCrcOf(header)).putInt(0).flip();
    file.write(header, 0);
    file.force();
    disk.syncDirectory();
    fileBytes = file.size();
    position = SEGMENT_HEADER_BYTES;
    segments.add(segment);
  }

  private static int padded(int length) {
    return Math.addExact(length, 7) & ~7;
  }

  private int crcOf(ByteBuffer bytes, int start, int length) {
    crc.reset();
    crc.update(bytes.slice(start, 4));
    crc.update(bytes.slice(start + 8, length - 8));
    return (int) crc.getValue();
  }

  private int headerCrcOf(ByteBuffer segment) {
    crc.reset();
    crc.update(segment.slice(0, SEGMENT_HEADER_BYTES - 8));
    return (int) crc.getValue();
  }

  private interface Action {
    void run() throws IOException;
  }

  /** After one failed write or fsync the file's content is unknown: nothing more is written. */
  private void guard(Action action) throws IOException {
    if (failed) {
      throw new IOException("the log has failed before and is not written any more");
    }
    try {
      action.run();
    } catch (IOException | RuntimeException | Error e) {
      failed = true;
      throw e;
    }
  }

  // ---- reading

  private void recover() throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocate(0); // for all: the heap need not grow by the log's length
    for (int i = 0; i < segments.size(); i++) {
      Segment segment = segments.get(i);
      if (i > 0 && segment.number != segments.get(i - 1).number + 1) {
        throw new CorruptLogException(
            "The log segment after "
                + disk.describe(segments.get(i - 1).name())
                + " is missing. "
                + WHAT_TO_DO);
      }
      boolean last = i == segments.size() - 1;
      try (Disk.DiskFile in = disk.open(segment.name())) {
        int size = (int) in.size();
        bytes = bytes.capacity() < size ? ByteBuffer.allocate(size) : bytes.clear().limit(size);
        in.read(bytes, 0);
        bytes.flip();
      }
      if (!wasEntered(segment, i == 0, last, bytes)) {
        // The very first moments of a segment: its header never became durable, so nothing did.
        enterAgain(segment);
        return;
      }
      boolean ended = scan(segment, bytes);
      if (last) {
        resume(segment, bytes, ended);
      } else if (!ended) {
        throw damaged(segment, position, "no end mark, though a later segment exists");
      }
    }
  }

  /** Whether it follows the segment before; false when nothing was ever written to it. */
  private boolean wasEntered(Segment segment, boolean oldest, boolean newest, ByteBuffer bytes)
      throws IOException {
    boolean whole =
        bytes.remaining() >= SEGMENT_HEADER_BYTES
            && bytes.getLong(0) == MAGIC
            && bytes.getInt(SEGMENT_HEADER_BYTES - 8) == headerCrcOf(bytes);
    if (whole && bytes.getLong(8) != VERSION) {
      throw new CorruptLogException(
          disk.describe(segment.name())
              + " was written by another version of this program (format "
              + bytes.getLong(8)
              + ", this one reads "
              + VERSION
              + "). Start that version.");
    }
    if (whole && oldest) {
      nextNumber = bytes.getLong(16);
      lastIndex = bytes.getLong(24);
    }
    if (whole && bytes.getLong(16) == nextNumber) {
      return true;
    }
    // A header that never became durable, or the one that a file had which is used again: then
    // nothing was written behind it either.
    long unwritten = oldest ? Long.MIN_VALUE : nextNumber;
    boolean unentered = !whole || (!oldest && bytes.getLong(16) < nextNumber);
    if (unentered && newest && findRecord(bytes, 0, unwritten, Long.MIN_VALUE) < 0) {
      return false;
    }
    throw damaged(segment, 0, "its header is not the one that belongs here");
  }

  private void enterAgain(Segment segment) throws IOException {
    segments.remove(segments.size() - 1);
    enter(segment, segment.name());
  }

  /** Reads records until one does not follow; returns whether that was the end mark. */
  private boolean scan(Segment segment, ByteBuffer bytes) throws IOException {
    int at = SEGMENT_HEADER_BYTES;
    segment.highestIndex = lastIndex;
    for (int length = lengthAt(bytes, at); length >= 0; length = lengthAt(bytes, at)) {
      if (bytes.getLong(at + 8) != nextNumber) {
        break;
      }
      nextNumber++;
      int kind = bytes.getInt(at + 36);
      replay(segment, bytes, at, length, kind);
      at += padded(length);
      if (kind == END) {
        position = at;
        return true;
      }
    }
    position = at;
    if (findRecord(bytes, at, nextNumber + 1, nextNumber) >= 0) {
      throw damaged(segment, at, "a later record says that the one here had been on disk");
    }
    return false;
  }

  private void replay(Segment segment, ByteBuffer bytes, int at, int length, int kind)
      throws IOException {
    long index = bytes.getLong(at + 24);
    int term = bytes.getInt(at + 32);
    switch (kind) {
      case ENTRY -> {
        if (index != lastIndex + 1) {
          throw damaged(segment, at, "entry " + index + " does not follow " + lastIndex);
        }
        recovered.add(new Found(index, term, place(segment, at)));
        lastIndex = index;
      }
      case CUT -> {
        while (!recovered.isEmpty() && recovered.getLast().index() >= index) {
          recovered.removeLast();
        }
        lastIndex = Math.min(lastIndex, index - 1);
      }
      case RESET -> {
        recovered.clear();
        lastIndex = index;
      }
      case END, CLOSED -> {}
      default -> throw damaged(segment, at, "a record of unknown kind " + kind);
    }
    segment.highestIndex = Math.max(segment.highestIndex, lastIndex);
  }

  /** Goes on writing behind what was read; whatever lies there is overwritten with zeros first. */
  private void resume(Segment segment, ByteBuffer bytes, boolean ended) throws IOException {
    file = disk.openToAppend(segment.name());
    fileBytes = bytes.limit();
    int from = (int) position;
    int to = bytes.limit();
    while (to > from && bytes.get(to - 1) == 0) {
      to--;
    }
    if (to > from) {
      // A torn record left here could line up with what we write next and be taken for its
      // successor.
      file.write(ByteBuffer.allocate(to - from), from);
    }
    // What was read may still be in the page cache only; nobody may rely on it before it is on
    // disk.
    file.force();
    durableNumber = nextNumber - 1;
    if (ended) {
      file.close();
      Segment next = new Segment(segment.number + 1);
      next.highestIndex = lastIndex;
      String aside = next.name() + ".tmp";
      SpareSegments.fill(disk, aside, options.segmentBytes());
      enter(next, aside);
    }
  }

  /** Length of a whole, undamaged record at {@code at}, or -1. */
  private int lengthAt(ByteBuffer bytes, int at) {
    if (at + RECORD_HEADER_BYTES > bytes.limit()) {
      return -1;
    }
    int length = bytes.getInt(at);
    if (length < RECORD_HEADER_BYTES || length > bytes.limit() - at) {
      return -1;
    }
    return crcOf(bytes, at, length) == bytes.getInt(at + 4) ? length : -1;
  }

  /** Where a whole record lies with at least that number and that durable number, or -1. */
  private int findRecord(ByteBuffer bytes, int from, long leastNumber, long leastDurable) {
    for (int at = from; at + RECORD_HEADER_BYTES <= bytes.limit(); at += 8) {
      long number = bytes.getLong(at + 8);
      if (number >= leastNumber
          && bytes.getLong(at + 16) >= leastDurable
          && lengthAt(bytes, at) >= 0) {
        return at;
      }
    }
    return -1;
  }

  private static final String WHAT_TO_DO =
      "This member has lost entries it had promised to keep. Move its data directory away and let"
          + " the member be rebuilt from its peers; a group of one needs a backup.";

  private CorruptLogException damaged(Segment segment, long offset, String what) {
    return new CorruptLogException(
        "The log segment "
            + disk.describe(segment.name())
            + " is damaged at offset "
            + offset
            + ": "
            + what
            + ". "
            + WHAT_TO_DO);
  }
}
