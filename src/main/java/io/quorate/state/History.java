package io.quorate.state;

import io.quorate.bytes.ByteReader;
import io.quorate.bytes.ByteWriter;
import io.quorate.bytes.MalformedException;
import io.quorate.bytes.ValueCodec;
import io.quorate.tree.TreeDraft;
import io.quorate.tree.ZPath;
import io.quorate.tree.Znode;
import io.quorate.tree.ZnodeTree;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The changes of the last zxids, as far back as the settings allow; immutable.
 *
 * <p>Old trees are not kept: {@link #treeAt} undoes changes over the newest one.
 *
 * <p>Entries are bytes, one after the other in blocks: a hundred thousand of them as objects would
 * be most of what the collector has to follow and copy. A newer history goes on writing where this
 * one ends and drops whole blocks from the begin; what this one sees of a block never changes,
 * until it has {@linkplain #giveWayTo given way}: blocks that only older histories have are then
 * written over, so that a history that is full makes no garbage. Who reads one that may have given
 * way keeps it in {@link #hold}.
 */
public final class History {
  /** Of a change, beside its path and data. */
  private static final long USUAL_CHANGE_BYTES = 256;

  private static final int FIRST_BLOCK_BYTES = 64 << 10;

  /** Each block is twice the one before until it is this large. */
  private static final int BLOCK_BYTES = 256 << 10;

  /** Length of all that an entry takes, zxid, number of changes. */
  private static final int HEAD_BYTES = Integer.BYTES + Long.BYTES + Integer.BYTES;

  /** A change that is larger is not kept: its bytes must fit into an array. */
  private static final long MAX_ENTRY_BYTES = 512L << 20;

  /** The oldest first, without the last. */
  private final Run[] full;

  /** Where the next entry goes; null when there is none yet. */
  private final @Nullable Run last;

  /** Where the oldest entry that is held begins in the first run. */
  private final int start;

  private final long heldAfter;
  private final int size;
  private final long changeCount;
  private final long weightBytes;

  private final Spares spares;

  private History(
      Run[] full,
      @Nullable Run last,
      int start,
      long heldAfter,
      int size,
      long changeCount,
      long weightBytes,
      Spares spares) {
    this.full = full;
    this.last = last;
    this.start = start;
    this.heldAfter = heldAfter;
    this.size = size;
    this.changeCount = changeCount;
    this.weightBytes = weightBytes;
    this.spares = spares;
  }

  /** Nothing yet; everything after {@code zxid} will be held. */
  public static History startingAfter(long zxid) {
    return empty(zxid, new Spares());
  }

  private static History empty(long zxid, Spares spares) {
    return new History(new Run[0], null, 0, zxid, 0, 0, 0, spares);
  }

  /**
   * The newest zxid of which nothing is held any more: a watcher that has seen this one whole, or a
   * later one, can go on without a gap.
   */
  public long heldAfter() {
    return heldAfter;
  }

  /** How many entries are held. */
  public int size() {
    return size;
  }

  public long changeCount() {
    return changeCount;
  }

  /** Bytes that the entries take. */
  public long weightBytes() {
    return weightBytes;
  }

  /** With {@code entry} at the end, and what is then too old gone. */
  public History append(HistoryEntry entry, Settings settings) {
    long mostBytes = Math.min(settings.historyMaxBytes(), MAX_ENTRY_BYTES) - HEAD_BYTES;
    long leastBytes = leastBytes(entry);
    if (leastBytes > mostBytes) {
      return empty(entry.zxid(), spares);
    }
    int usualBytes =
        (int) Math.min(leastBytes + USUAL_CHANGE_BYTES * entry.changes().size(), mostBytes);
    int end = last == null ? 0 : last.end;
    int length = last == null ? 0 : last.block.write(end, entry, usualBytes, mostBytes);
    Run[] before = full;
    Run grown;
    if (last != null && length > 0) {
      grown = new Run(last.block, last.firstZxid, last.entries + 1, end + length);
    } else {
      var body = new ByteWriter(usualBytes);
      if (!HistoryCodec.write(body, entry, mostBytes)) {
        return empty(entry.zxid(), spares);
      }
      length = HEAD_BYTES + body.size();
      int bytes = Math.max(nextBlockBytes(), length);
      var block = new Block(bytes == BLOCK_BYTES ? spares.take() : new byte[bytes], 0);
      block.put(entry, body);
      grown = new Run(block, entry.zxid(), 1, length);
      if (last != null) {
        before = Arrays.copyOf(full, full.length + 1);
        before[full.length] = last;
      }
    }
    return new History(
            before,
            grown,
            start,
            heldAfter,
            size + 1,
            changeCount + entry.changes().size(),
            weightBytes + length,
            spares)
        .trimmedTo(settings);
  }

  private int nextBlockBytes() {
    return last == null
        ? FIRST_BLOCK_BYTES
        : Math.clamp(2L * last.block.bytes.length, FIRST_BLOCK_BYTES, BLOCK_BYTES);
  }

  private int runCount() {
    return last == null ? 0 : full.length + 1;
  }

  private Run run(int number) {
    return number < full.length ? full[number] : Objects.requireNonNull(last);
  }

  /** No more than what {@code entry} takes. */
  private static long leastBytes(HistoryEntry entry) {
    long sum = 0;
    for (Change change : entry.changes()) {
      Znode before = change.before();
      Znode after = change.after();
      sum +=
          change.path().toString().length()
              + (before == null ? 0 : before.dataLength())
              + (after == null ? 0 : after.dataLength());
    }
    return sum;
  }

  /** Without the oldest entries that are over the limits. */
  public History trimmedTo(Settings settings) {
    if (changeCount <= settings.historyMaxEvents() && weightBytes <= settings.historyMaxBytes()) {
      return this;
    }
    int run = 0;
    int at = start;
    long held = heldAfter;
    int left = size;
    long count = changeCount;
    long weight = weightBytes;
    while (left > 0
        && (count > settings.historyMaxEvents() || weight > settings.historyMaxBytes())) {
      Block block = run(run).block;
      int length = block.lengthAt(at);
      held = block.zxidAt(at);
      count -= block.changesAt(at);
      weight -= length;
      left--;
      at += length;
      if (at == run(run).end) {
        run++;
        at = 0;
      }
    }
    if (left == 0) {
      return empty(held, spares);
    }
    Run[] kept = run == 0 ? full : Arrays.copyOfRange(full, run, full.length);
    return new History(kept, last, at, held, left, count, weight, spares);
  }

  /**
   * Lets blocks be written over that are here and not in {@code newer}, which came of this one and
   * is shown in its place. From now on nothing may be appended to this one, and it may be read only
   * in a {@link #hold}.
   */
  public void giveWayTo(History newer) {
    @Nullable Block kept = newer.last == null ? null : newer.run(0).block;
    for (int i = 0; i < runCount() && run(i).block != kept; i++) {
      run(i).block.retire(spares);
    }
  }

  /** Keeps all of it, which has not given way yet, from being written over until it is closed. */
  public Hold hold() {
    @Nullable Hold hold = hold(Long.MIN_VALUE);
    if (hold == null) {
      throw new IllegalStateException("this history has given way to a newer one");
    }
    return hold;
  }

  /**
   * Keeps the entries of {@code zxid} and later from being written over until it is closed.
   *
   * @return null when some of them may have been already: a newer history does not have them
   */
  public @Nullable Hold hold(long zxid) {
    int first = runOf(zxid);
    for (int i = first; i < runCount(); i++) {
      if (!run(i).block.hold()) {
        release(first, i);
        return null;
      }
    }
    return new Hold(first);
  }

  private void release(int from, int to) {
    for (int i = from; i < to; i++) {
      run(i).block.release();
    }
  }

  /** Some blocks that are not written over. Closed once, by any thread. */
  public final class Hold implements AutoCloseable {
    private final int first;

    private Hold(int first) {
      this.first = first;
    }

    @Override
    public void close() {
      release(first, runCount());
    }
  }

  /** How many blocks wait to be written over. */
  int spareBlocks() {
    return spares.count();
  }

  /** The entries, the oldest first. */
  public Entries entries() {
    return from(0);
  }

  /** The entries of {@code zxid} and later, the oldest first. */
  public Entries from(long zxid) {
    return new Entries(runOf(zxid), zxid);
  }

  /** Where {@code zxid} is, or would be. */
  private int runOf(long zxid) {
    int low = 0;
    int high = runCount();
    while (high - low > 1) { // the last run that does not begin later
      int middle = (low + high) >>> 1;
      if (run(middle).firstZxid <= zxid) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** The entries, one at a time. For one thread. */
  public final class Entries {
    private final ValueCodec.ZnodeReader znodes = new ValueCodec.ZnodeReader();
    private final long from;
    private int number;
    private int next;
    private int at = -1;

    private Entries(int number, long from) {
      this.number = number;
      this.next = number == 0 ? start : 0;
      this.from = from;
    }

    /** Goes to the next one; the first, when there was none yet. */
    public boolean next() {
      while (number < runCount()) {
        if (next == run(number).end) {
          number++;
          next = 0;
        } else {
          at = next;
          next += run(number).block.lengthAt(at);
          if (zxid() >= from) {
            return true;
          }
        }
      }
      at = -1;
      return false;
    }

    public long zxid() {
      if (at < 0) {
        throw new NoSuchElementException("there is no entry here");
      }
      return run(number).block.zxidAt(at);
    }

    public HistoryEntry value() {
      long zxid = zxid();
      return run(number).block.entryAt(at, zxid, znodes);
    }
  }

  /**
   * The tree as it was right after {@code zxid}, from the newest one.
   *
   * @return empty when history does not reach back that far, or {@code zxid} is yet to come
   */
  public Optional<ZnodeTree> treeAt(long zxid, State newest) {
    if (zxid < heldAfter || zxid > newest.zxid()) {
      return Optional.empty();
    }
    try (Hold held = hold(zxid + 1)) {
      return held == null ? Optional.empty() : Optional.of(undone(zxid, newest, held));
    }
  }

  private ZnodeTree undone(long zxid, State newest, Hold held) {
    var znodes = new ValueCodec.ZnodeReader();
    var tree = new TreeDraft(newest.tree());
    for (int run = runCount() - 1; run >= held.first; run--) {
      List<Integer> places = run(run).places(run == 0 ? start : 0);
      for (int i = places.size() - 1; i >= 0; i--) {
        Block block = run(run).block;
        long at = block.zxidAt(places.get(i));
        if (at <= zxid) {
          return tree.tree();
        }
        List<Change> changes = block.entryAt(places.get(i), at, znodes).changes();
        for (int c = changes.size() - 1; c >= 0; c--) {
          undo(tree, changes.get(c));
        }
      }
    }
    return tree.tree();
  }

  private static void undo(TreeDraft tree, Change change) {
    ZPath path = change.path();
    Znode before = change.before();
    Change.ParentChange parent = change.parent();
    if (before == null) {
      tree.undoCreate(path, Objects.requireNonNull(parent).pzxidBefore());
    } else if (change.after() != null || parent == null) {
      // Children may have come and gone since; only data and ACL are put back.
      tree.put(path, before);
    } else {
      tree.undoDelete(path, before, parent.pzxidBefore());
    }
  }

  /** The bytes, the oldest first; the first may begin with entries that are no longer held. */
  public List<Run> runs() {
    var runs = new ArrayList<Run>(List.of(full));
    if (last != null) {
      runs.add(last);
    }
    return runs;
  }

  /**
   * Some entries as bytes. What begins with the same zxid and is as long is the same, on every
   * member.
   */
  public static final class Run {
    private final Block block;
    private final long firstZxid;
    private final int entries;
    private final int end;

    private Run(Block block, long firstZxid, int entries, int end) {
      this.block = block;
      this.firstZxid = firstZxid;
      this.entries = entries;
      this.end = end;
    }

    public long firstZxid() {
      return firstZxid;
    }

    /** How many, with those at its begin that are no longer held. */
    public int entries() {
      return entries;
    }

    public int sizeBytes() {
      return end;
    }

    /** For who holds it, or reads a history that has not given way. */
    public void writeTo(ByteWriter out) {
      out.raw(block.bytes, 0, end);
    }

    /**
     * The same, of a history that may have given way.
     *
     * @return false, with nothing written, when a newer one does not have this any more
     */
    public boolean writeUnlessGone(ByteWriter out) {
      if (!block.hold()) {
        return false;
      }
      try {
        writeTo(out);
        return true;
      } finally {
        block.release();
      }
    }

    private List<Integer> places(int from) {
      var places = new ArrayList<Integer>();
      for (int at = from; at < end; at += block.lengthAt(at)) {
        places.add(at);
      }
      return places;
    }
  }

  /** Arrays for the next blocks. Guarded by itself. */
  private static final class Spares {
    /** After a long hold many come at once: 16 MB are kept, the rest is left to the collector. */
    private static final int MOST = 64;

    private final ArrayDeque<byte[]> arrays = new ArrayDeque<>();

    synchronized byte[] take() {
      byte[] array = arrays.poll();
      return array == null ? new byte[BLOCK_BYTES] : array;
    }

    synchronized void add(byte[] array) {
      if (array.length == BLOCK_BYTES && arrays.size() < MOST) {
        arrays.add(array);
      }
    }

    synchronized int count() {
      return arrays.size();
    }
  }

  /**
   * Room for entries. What stands before the end of a run is not written again before the block is
   * retired and no longer held.
   */
  private static final class Block {
    private final byte[] bytes;

    /** The same, read and written at given places only. */
    private final ByteBuffer heads;

    // Guarded by this.
    private int used;
    private int holds;
    private @Nullable Spares retiredTo;

    /** As a checkpoint has it: full. */
    Block(byte[] bytes) {
      this(bytes, bytes.length);
    }

    private Block(byte[] bytes, int used) {
      this.bytes = bytes;
      this.heads = ByteBuffer.wrap(bytes);
      this.used = used;
    }

    /**
     * Writes an entry at {@code end}, unless another history has gone on there, or it is full.
     *
     * @return how long it is, 0 when it was not written
     */
    synchronized int write(int end, HistoryEntry entry, int usualBytes, long mostBytes) {
      int from = end + HEAD_BYTES;
      if (retiredTo != null || used != end || bytes.length - from < usualBytes) {
        return 0;
      }
      ByteWriter body = ByteWriter.after(bytes, from);
      if (!HistoryCodec.write(body, entry, from + mostBytes) || !body.isIn(bytes)) {
        return 0;
      }
      return added(end, entry, body.size() - end);
    }

    /** The first one, which is as long as the block or shorter. */
    synchronized void put(HistoryEntry entry, ByteWriter body) {
      body.copyTo(bytes, HEAD_BYTES);
      added(0, entry, HEAD_BYTES + body.size());
    }

    private int added(int end, HistoryEntry entry, int length) {
      heads.putInt(end, length);
      heads.putLong(end + Integer.BYTES, entry.zxid());
      heads.putInt(end + Integer.BYTES + Long.BYTES, entry.changes().size());
      used = end + length;
      return length;
    }

    synchronized boolean hold() {
      if (retiredTo != null) {
        return false;
      }
      holds++;
      return true;
    }

    synchronized void release() {
      holds--;
      if (holds == 0 && retiredTo != null) {
        retiredTo.add(bytes);
      }
    }

    synchronized void retire(Spares spares) {
      if (retiredTo == null) {
        retiredTo = spares;
        if (holds == 0) {
          spares.add(bytes);
        }
      }
    }

    int lengthAt(int at) {
      return heads.getInt(at);
    }

    long zxidAt(int at) {
      return heads.getLong(at + Integer.BYTES);
    }

    int changesAt(int at) {
      return heads.getInt(at + Integer.BYTES + Long.BYTES);
    }

    HistoryEntry entryAt(int at, long zxid, ValueCodec.ZnodeReader znodes) {
      try {
        return HistoryCodec.read(
            zxid, ByteReader.over(bytes, at + HEAD_BYTES, at + lengthAt(at)), znodes);
      } catch (MalformedException e) { // checked when they came from outside
        throw new IllegalStateException("history of zxid 0x" + Long.toHexString(zxid), e);
      }
    }
  }

  /** A history being read from a checkpoint, the oldest first. */
  public static final class Restoring {
    private final ValueCodec.ZnodeReader znodes = new ValueCodec.ZnodeReader();
    private final List<Run> runs = new ArrayList<>();
    private final long heldAfter;
    private ByteWriter gathered = new ByteWriter(FIRST_BLOCK_BYTES);
    private long gatheredFrom;
    private int start;
    private long newest;
    private int size;
    private long changeCount;
    private long weightBytes;

    public Restoring(long heldAfter) {
      this.heldAfter = heldAfter;
      this.newest = -1;
    }

    /** The rest of {@code in}: what {@link Run#writeTo} wrote. */
    public void run(long firstZxid, ByteReader in) throws MalformedException {
      add(firstZxid, in.rest());
    }

    /** One entry as version 1 had it: without its length, zxid and number of changes. */
    public void entry(long zxid, ByteReader in) throws MalformedException {
      byte[] bytes = in.rest();
      HistoryEntry entry = HistoryCodec.read(zxid, ByteReader.over(bytes, 0, bytes.length), znodes);
      ByteWriter body = new ByteWriter(bytes.length).raw(bytes);
      var block = new Block(new byte[HEAD_BYTES + body.size()], 0);
      block.put(entry, body);
      if (gathered.size() + block.bytes.length > BLOCK_BYTES) {
        addGathered();
      }
      if (gathered.size() == 0) {
        gatheredFrom = zxid;
      }
      gathered.raw(block.bytes);
    }

    private void addGathered() throws MalformedException {
      if (gathered.size() > 0) {
        add(gatheredFrom, gathered.toArray());
        gathered = new ByteWriter(FIRST_BLOCK_BYTES);
      }
    }

    private void add(long firstZxid, byte[] bytes) throws MalformedException {
      var block = new Block(bytes);
      boolean first = runs.isEmpty();
      int entries = 0;
      int at = 0;
      while (at < bytes.length) {
        int length = bytes.length - at < HEAD_BYTES ? 0 : block.lengthAt(at);
        if (length < HEAD_BYTES || length > bytes.length - at) {
          throw new MalformedException("no entry at byte " + at + " of " + bytes.length);
        }
        long zxid = block.zxidAt(at);
        ByteReader in = ByteReader.over(bytes, at + HEAD_BYTES, at + length);
        HistoryEntry entry = HistoryCodec.read(zxid, in, znodes);
        in.expectEnd();
        if ((at == 0 && zxid != firstZxid)
            || zxid <= newest
            || entry.changes().size() != block.changesAt(at)) {
          throw new MalformedException("an entry that does not belong here: zxid " + zxid);
        }
        newest = zxid;
        at += length;
        entries++;
        if (zxid > heldAfter) {
          size++;
          changeCount += entry.changes().size();
          weightBytes += length;
        } else if (first) {
          start = at;
        }
      }
      if (newest <= heldAfter || bytes.length == 0) {
        throw new MalformedException("a run of which nothing is held: zxid " + firstZxid);
      }
      runs.add(new Run(block, firstZxid, entries, bytes.length));
    }

    public History history() throws MalformedException {
      addGathered();
      if (runs.isEmpty()) {
        return startingAfter(heldAfter);
      }
      Run last = runs.removeLast();
      return new History(
          runs.toArray(Run[]::new),
          last,
          start,
          heldAfter,
          size,
          changeCount,
          weightBytes,
          new Spares());
    }
  }
}
