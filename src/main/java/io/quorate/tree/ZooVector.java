package io.quorate.tree;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * An ordered map that never changes: {@link #put} and {@link #remove} answer a new one that shares
 * all but one root-to-leaf path with the old.
 *
 * <p>The idea: a B-tree in which every node, leaf or inner, is one {@code Object[]} of pairs. In a
 * leaf a pair is (key, value), above it is (smallest key below, child). One search, one insertion
 * and one splice serve all levels, an entry costs little more than its two references, and a lookup
 * touches one array per level. All leaves lie {@code height} steps below the root.
 *
 * <p>The trade: a change copies one array of up to {@value #WIDTH} pairs per level, about 1 KiB in
 * a million entries. A split at the right end of a node leaves the left part full, so that keys
 * arriving in order pack the leaves; a node that falls below a quarter is merged with a neighbour
 * when both fit into one.
 *
 * <p>Safe to publish and to read from any thread. Keys and values are not null; keys must not
 * change.
 */
public final class ZooVector<K, V> {
  private static final int WIDTH = 32;
  private static final int FULL = 2 * WIDTH;
  private static final int SMALL = FULL / 4;
  private static final Object[] NONE = {};

  /**
   * Bits of a place: the slot in an inner node; in a leaf whether it is there, too. A long has room
   * for eleven levels above the leaves; with nodes a quarter full there are ten in a map of all
   * ints.
   */
  private static final int INNER_BITS = 5;

  private static final int LEAF_BITS = 7;

  /**
   * The order of unsigned bytes. Of these a search looks at no byte twice that all keys between its
   * bounds share, and calls nothing for each comparison.
   */
  static final Comparator<byte[]> UNSIGNED_BYTES = Arrays::compareUnsigned;

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private final Comparator<? super K> order;
  private final Object[] root;
  private final int height;
  private final int size;

  private ZooVector(Comparator<? super K> order, Object[] root, int height, int size) {
    this.order = order;
    this.root = root;
    this.height = height;
    this.size = size;
  }

  /** A map without entries that will keep its keys in this order. */
  public static <K, V> ZooVector<K, V> empty(Comparator<? super K> order) {
    return new ZooVector<>(order, NONE, 0, 0);
  }

  /** Loads entries that come in order; O(n), and every node but the last of a level is full. */
  public static <K, V> Builder<K, V> builder(Comparator<? super K> order) {
    return new Builder<>(order);
  }

  /** How many entries. */
  public int size() {
    return size;
  }

  public boolean isEmpty() {
    return size == 0;
  }

  /** The value under an equal key, or null. */
  public @Nullable V get(K key) {
    return at(locate(key));
  }

  /**
   * Where a key is, or where it would be put: a way down to a leaf, whose number grows with the
   * keys. Good for this map only. Of two keys that are not there, both may have the same.
   */
  long locate(K key) {
    long place = 0;
    Object[] node = root;
    for (int level = height; level > 0; level--) {
      int at = Math.max(0, floorIn(node, key, order));
      place = place << INNER_BITS | at >> 1;
      node = child(node, at);
    }
    int at = search(node, key, order);
    return place << LEAF_BITS | (at < 0 ? ~at : at + 1);
  }

  /** The value at a place that {@link #locate} told of; null when there is none. */
  @Nullable V at(long place) {
    if (!isTaken(place)) {
      return null;
    }
    Object[] node = root;
    for (int level = height; level > 0; level--) {
      node = child(node, slot(place, level));
    }
    return valueAt(node, leafSlot(place));
  }

  private static boolean isTaken(long place) {
    return (place & 1) != 0;
  }

  /** On the way to a place: the slot in the leaf where it is or would be inserted. */
  private static int leafSlot(long place) {
    return (int) place & (1 << LEAF_BITS) - 2;
  }

  /** On the way to a place: the slot in an inner node, so many steps above the leaf. */
  private static int slot(long place, int level) {
    return ((int) (place >>> LEAF_BITS + (level - 1) * INNER_BITS) & (1 << INNER_BITS) - 1) << 1;
  }

  /** With this entry. An equal key that is already there stays, and only its value is replaced. */
  public ZooVector<K, V> put(K key, V value) {
    return put(locate(key), key, value);
  }

  /**
   * The same without a search.
   *
   * @param place what {@link #locate} told of the key
   */
  ZooVector<K, V> put(long place, K key, V value) {
    var change = new Change<>(place, key, Objects.requireNonNull(value));
    Object[] top = change.put(root, height);
    if (top == root) {
      return this;
    }
    int newSize = isTaken(place) ? size : size + 1;
    if (top.length <= FULL) {
      return new ZooVector<>(order, top, height, newSize);
    }
    int middle = change.splitPoint(top);
    Object[] left = Arrays.copyOf(top, middle);
    Object[] right = Arrays.copyOfRange(top, middle, top.length);
    Object[] above = {left[0], left, right[0], right};
    return new ZooVector<>(order, above, height + 1, newSize);
  }

  /**
   * With all of these entries, as if they were put one by one, though each node above them is made
   * anew only once.
   *
   * @param pairs key, value, key, value, …, the keys strictly ascending; nobody changes it
   *     meanwhile
   * @param places what {@link #locate} told of each key
   */
  ZooVector<K, V> putAll(Object[] pairs, long[] places) {
    if (pairs.length == 0) {
      return this;
    }
    var merge = new Merge(pairs, places);
    Object[] top = merge.into(root, height, 0, places.length);
    int levels = height;
    while (top.length > FULL) {
      top = merge.split(top, places.length);
      levels++;
    }
    return new ZooVector<>(order, top, levels, size + merge.grew);
  }

  /** Without the entry under an equal key; this very map when there is none. */
  public ZooVector<K, V> remove(K key) {
    Object[] top = remove(root, height, key);
    if (top == root) {
      return this;
    }
    int levels = top.length == 0 ? 0 : height;
    while (levels > 0 && top.length == 2) {
      top = child(top, 0);
      levels--;
    }
    return new ZooVector<>(order, top, levels, size - 1);
  }

  /** Upwards over the entries whose key is equal or greater. */
  public Cursor<K, V> from(K key) {
    var cursor = new Cursor<K, V>(root, height, 2);
    int at = search(cursor.descendTo(key, order), key, order);
    cursor.at = (at < 0 ? ~at : at) - 2;
    return cursor;
  }

  /** Upwards over the entries whose key is greater. */
  public Cursor<K, V> after(K key) {
    var cursor = new Cursor<K, V>(root, height, 2);
    cursor.at = floorIn(cursor.descendTo(key, order), key, order);
    return cursor;
  }

  /** Upwards over all entries. */
  public Cursor<K, V> cursor() {
    var cursor = new Cursor<K, V>(root, height, 2);
    cursor.descendToEdge(0, root);
    return cursor;
  }

  /** Downwards over all entries. */
  public Cursor<K, V> descending() {
    var cursor = new Cursor<K, V>(root, height, -2);
    cursor.descendToEdge(0, root);
    return cursor;
  }

  /** The entry with the smallest key, or null. */
  public @Nullable Entry<K, V> first() {
    Object[] node = root;
    for (int level = height; level > 0; level--) {
      node = child(node, 0);
    }
    return size == 0 ? null : entryAt(node, 0);
  }

  /** The entry with the greatest key, or null. */
  public @Nullable Entry<K, V> last() {
    Object[] node = root;
    for (int level = height; level > 0; level--) {
      node = child(node, node.length - 2);
    }
    return size == 0 ? null : entryAt(node, node.length - 2);
  }

  /** The entry with the greatest key that is not greater than this one, or null. */
  public @Nullable Entry<K, V> floor(K key) {
    Object[] node = root;
    for (int level = height; ; level--) {
      int at = floorIn(node, key, order);
      if (at < 0) {
        return null; // only at the root: below it, the smallest key has been compared already
      }
      if (level == 0) {
        return entryAt(node, at);
      }
      node = child(node, at);
    }
  }

  /**
   * Tells what is different from an older map of the same order: keys that came, went or hold
   * another value object, in key order.
   *
   * <p>Cost: proportional to the difference, not to the size, when one map was made from the other:
   * sub-trees that both share are skipped.
   */
  public void diff(ZooVector<K, V> older, DiffVisitor<? super K, ? super V> visitor) {
    if (root == older.root) {
      return;
    }
    var now = new Walk<K, V>(root, height);
    var then = new Walk<K, V>(older.root, older.height);
    while (!now.done || !then.done) {
      // The side with the smaller key goes first: what it holds below the other's key is alone.
      int side = now.done ? 1 : then.done ? -1 : compare(now.key(), then.key());
      if (side < 0) {
        if (now.level() == 0) {
          visitor.changed(now.key(), null, now.value());
          now.skip();
        } else {
          now.enter();
        }
      } else if (side > 0) {
        if (then.level() == 0) {
          visitor.changed(then.key(), then.value(), null);
          then.skip();
        } else {
          then.enter();
        }
      } else if (now.level() > then.level()) {
        now.enter();
      } else if (now.level() < then.level()) {
        then.enter();
      } else if (now.item() == then.item()) { // the same value, or the same sub-tree
        now.skip();
        then.skip();
      } else if (now.level() > 0) {
        now.enter();
        then.enter();
      } else {
        visitor.changed(now.key(), then.value(), now.value());
        now.skip();
        then.skip();
      }
    }
  }

  private int compare(K a, K b) {
    return a == b ? 0 : order.compare(a, b);
  }

  private Object[] remove(Object[] node, int level, K key) {
    if (level == 0) {
      int at = search(node, key, order);
      return at < 0 ? node : splice(node, at, 2, NONE);
    }
    int at = floorIn(node, key, order);
    if (at < 0) {
      return node;
    }
    Object[] old = child(node, at);
    Object[] fresh = remove(old, level - 1, key);
    if (fresh == old) {
      return node;
    }
    if (fresh.length == 0) {
      return splice(node, at, 2, NONE);
    }
    if (fresh.length < SMALL) {
      if (at > 0 && child(node, at - 2).length + fresh.length <= FULL) {
        Object[] left = child(node, at - 2);
        return splice(node, at - 2, 4, pair(splice(left, left.length, 0, fresh)));
      }
      if (at + 2 < node.length && child(node, at + 2).length + fresh.length <= FULL) {
        return splice(node, at, 4, pair(splice(child(node, at + 2), 0, 0, fresh)));
      }
    }
    return splice(node, at, 2, pair(fresh));
  }

  private static Object[] pair(Object[] child) {
    return new Object[] {child[0], child};
  }

  /** A copy with {@code cut} slots from {@code at} replaced by {@code in}. */
  private static Object[] splice(Object[] node, int at, int cut, Object... in) {
    if (cut == in.length) {
      Object[] copy = node.clone();
      System.arraycopy(in, 0, copy, at, cut);
      return copy;
    }
    var copy = new Object[node.length - cut + in.length];
    System.arraycopy(node, 0, copy, 0, at);
    System.arraycopy(in, 0, copy, at, in.length);
    System.arraycopy(node, at + cut, copy, at + in.length, node.length - at - cut);
    return copy;
  }

  /** Slot of the equal key, or the complement of the slot where it would be inserted. */
  private static <K> int search(Object[] node, K key, Comparator<? super K> order) {
    if (order == UNSIGNED_BYTES) {
      return searchBytes(node, (byte[]) key);
    }
    int low = 0;
    int high = (node.length >> 1) - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      int side = order.compare(keyAt(node, middle << 1), key);
      if (side == 0) {
        return middle << 1;
      } else if (side < 0) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return ~(low << 1);
  }

  private static int searchBytes(Object[] node, byte[] key) {
    int low = 0;
    int high = (node.length >> 1) - 1;
    int sharedBelow = 0; // how many bytes the key begins with like the next smaller one so far
    int sharedAbove = 0;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      byte[] other = (byte[]) node[middle << 1];
      int shared = shared(other, key, Math.min(sharedBelow, sharedAbove));
      int side =
          shared < other.length && shared < key.length
              ? (other[shared] & 0xff) - (key[shared] & 0xff)
              : other.length - key.length;
      if (side == 0) {
        return middle << 1;
      } else if (side < 0) {
        low = middle + 1;
        sharedBelow = shared;
      } else {
        high = middle - 1;
        sharedAbove = shared;
      }
    }
    return ~(low << 1);
  }

  /** How many bytes both begin with, of which {@code known} are known. */
  private static int shared(byte[] a, byte[] b, int known) {
    int end = Math.min(a.length, b.length);
    int at = known;
    for (; at + Long.BYTES <= end; at += Long.BYTES) {
      long difference = (long) LONGS.get(a, at) ^ (long) LONGS.get(b, at);
      if (difference != 0) {
        return at + (Long.numberOfTrailingZeros(difference) >>> 3);
      }
    }
    while (at < end && a[at] == b[at]) {
      at++;
    }
    return at;
  }

  /** Slot of the greatest key that is not greater; negative when all are. */
  private static <K> int floorIn(Object[] node, K key, Comparator<? super K> order) {
    int at = search(node, key, order);
    return at < 0 ? ~at - 2 : at;
  }

  private static Object[] child(Object[] node, int at) {
    return (Object[]) node[at + 1];
  }

  @SuppressWarnings("unchecked") // only keys are ever put into even slots
  private static <K> K keyAt(Object[] node, int at) {
    return (K) node[at];
  }

  @SuppressWarnings("unchecked") // only values are ever put into the odd slots of leaves
  private static <V> V valueAt(Object[] leaf, int at) {
    return (V) leaf[at + 1];
  }

  private static <K, V> Entry<K, V> entryAt(Object[] leaf, int at) {
    return new Entry<>(keyAt(leaf, at), valueAt(leaf, at));
  }

  /** A key and its value. */
  public record Entry<K, V>(K key, V value) {}

  /** Is told of differences, see {@link ZooVector#diff}. */
  @FunctionalInterface
  public interface DiffVisitor<K, V> {
    /** One key: {@code before} is null when it came, {@code after} is null when it went. */
    void changed(K key, @Nullable V before, @Nullable V after);
  }

  /** One {@code put} on its way down and up again. */
  private static final class Change<K, V> {
    private final long place;
    private final K key;
    private final V value;

    Change(long place, K key, V value) {
      this.place = place;
      this.key = key;
      this.value = value;
    }

    /** The changed copy, at most one pair too long: the caller, who holds the parent, splits it. */
    Object[] put(Object[] node, int level) {
      if (level == 0) {
        int at = leafSlot(place);
        if (!isTaken(place)) {
          return splice(node, at, 0, key, value);
        }
        return node[at + 1] == value ? node : splice(node, at + 1, 1, value);
      }
      int at = slot(place, level);
      Object[] old = child(node, at);
      Object[] fresh = put(old, level - 1);
      if (fresh == old) {
        return node;
      }
      if (fresh.length <= FULL) {
        return splice(node, at, 2, fresh[0], fresh);
      }
      int middle = splitPoint(fresh);
      Object[] left = Arrays.copyOf(fresh, middle);
      Object[] right = Arrays.copyOfRange(fresh, middle, fresh.length);
      return splice(node, at, 2, left[0], left, right[0], right);
    }

    /** In the middle; but before the last pair when that is the one that just arrived. */
    int splitPoint(Object[] node) {
      return node[node.length - 2] == key ? node.length - 2 : WIDTH;
    }
  }

  /** Many entries on their way down and up again, see {@link ZooVector#putAll}. */
  private static final class Merge {
    private final Object[] pairs;
    private final long[] places;
    private int grew;

    Merge(Object[] pairs, long[] places) {
      this.pairs = pairs;
      this.places = places;
    }

    /** A node with the entries between two numbers; however long: the caller splits it. */
    Object[] into(Object[] node, int level, int from, int to) {
      return level == 0 ? intoLeaf(node, from, to) : intoInner(node, level, from, to);
    }

    private Object[] intoLeaf(Object[] leaf, int from, int to) {
      int fresh = 0;
      for (int i = from; i < to; i++) {
        fresh += isTaken(places[i]) ? 0 : 1;
      }
      grew += fresh;
      var all = new Object[leaf.length + 2 * fresh];
      int read = 0;
      int write = 0;
      for (int i = from; i < to; i++) {
        int until = leafSlot(places[i]);
        System.arraycopy(leaf, read, all, write, until - read);
        write += until - read;
        read = until;
        if (isTaken(places[i])) {
          all[write] = leaf[read];
          read += 2;
        } else {
          all[write] = pairs[2 * i];
        }
        all[write + 1] = pairs[2 * i + 1];
        write += 2;
      }
      System.arraycopy(leaf, read, all, write, leaf.length - read);
      return all;
    }

    private Object[] intoInner(Object[] node, int level, int from, int to) {
      Object[] all = node.clone();
      int shift = 0; // how much further right in all a slot of the node is by now
      int end;
      for (int i = from; i < to; i = end) {
        int at = slot(places[i], level);
        end = i + 1;
        while (end < to && slot(places[end], level) == at) {
          end++;
        }
        Object[] fresh = into(child(node, at), level - 1, i, end);
        if (fresh.length <= FULL) {
          all[shift + at] = fresh[0];
          all[shift + at + 1] = fresh;
        } else {
          all = splice(all, shift + at, 2, split(fresh, end));
          shift = all.length - node.length;
        }
      }
      return all;
    }

    /**
     * The pairs (smallest key, node) of the nodes that hold what one would be too long for: evenly;
     * but all full except for the last when what arrived is at the right end.
     *
     * @param end the number behind the last entry that was put into {@code node}
     */
    private Object[] split(Object[] node, int end) {
      int entries = node.length / 2;
      int pieces = (entries + WIDTH - 1) / WIDTH;
      boolean atEnd = node[node.length - 2] == pairs[2 * end - 2];
      var above = new Object[2 * pieces];
      for (int i = 0; i < pieces; i++) {
        int from = atEnd ? i * WIDTH : (int) ((long) entries * i / pieces);
        int to =
            atEnd ? Math.min(entries, (i + 1) * WIDTH) : (int) ((long) entries * (i + 1) / pieces);
        Object[] piece = Arrays.copyOfRange(node, 2 * from, 2 * to);
        above[2 * i] = piece[0];
        above[2 * i + 1] = piece;
      }
      return above;
    }
  }

  /**
   * A position between or on entries; starts before the first. For one thread. It holds on to the
   * map it came from and never sees another. {@link #key} and {@link #value} may be asked after
   * {@link #next} said true.
   */
  public static final class Cursor<K, V> {
    private final Object[][] path;
    private final int[] slots;
    private final int step;
    private Object[] leaf;
    private int at;

    private Cursor(Object[] root, int height, int step) {
      this.path = new Object[height][];
      this.slots = new int[height];
      this.step = step;
      this.leaf = root;
    }

    /** Moves on; false when there is no further entry. */
    public boolean next() {
      int to = at + step;
      if (to >= 0 && to < leaf.length) {
        at = to;
        return true;
      }
      for (int depth = path.length - 1; depth >= 0; depth--) {
        int slot = slots[depth] + step;
        if (slot >= 0 && slot < path[depth].length) {
          slots[depth] = slot;
          descendToEdge(depth + 1, child(path[depth], slot));
          at += step;
          return true;
        }
      }
      leaf = NONE;
      return false;
    }

    public K key() {
      return keyAt(leaf, at);
    }

    public V value() {
      return valueAt(leaf, at);
    }

    /** To just before the first entry below a node in the direction of travel. */
    private void descendToEdge(int depth, Object[] top) {
      Object[] node = top;
      for (int d = depth; d < path.length; d++) {
        path[d] = node;
        slots[d] = step > 0 ? 0 : node.length - 2;
        node = child(node, slots[d]);
      }
      leaf = node;
      at = step > 0 ? -2 : node.length;
    }

    private Object[] descendTo(K key, Comparator<? super K> order) {
      for (int d = 0; d < path.length; d++) {
        path[d] = leaf;
        slots[d] = Math.max(0, floorIn(leaf, key, order));
        leaf = child(leaf, slots[d]);
      }
      return leaf;
    }
  }

  /** A walk in key order whose items are entries (level 0) or whole sub-trees not entered yet. */
  private static final class Walk<K, V> {
    private final Object[][] path;
    private final int[] slots;
    private int depth;
    private boolean done;

    Walk(Object[] root, int height) {
      path = new Object[height + 1][];
      slots = new int[height + 1];
      path[0] = root;
      done = root.length == 0;
    }

    int level() {
      return path.length - 1 - depth;
    }

    K key() {
      return keyAt(path[depth], slots[depth]);
    }

    V value() {
      return valueAt(path[depth], slots[depth]);
    }

    Object item() {
      return path[depth][slots[depth] + 1];
    }

    void enter() {
      Object[] below = (Object[]) item();
      depth++;
      path[depth] = below;
      slots[depth] = 0;
    }

    void skip() {
      while ((slots[depth] += 2) == path[depth].length) {
        if (depth == 0) {
          done = true;
          return;
        }
        depth--;
      }
    }
  }

  /** Takes entries in strictly ascending order. For one thread, for one {@link #build}. */
  public static final class Builder<K, V> {
    private static final int LEVELS = 7; // 32^7 entries are more than an int can count

    private final Comparator<? super K> order;
    private final Object[][] open = new Object[LEVELS][FULL];
    private final int[] fills = new int[LEVELS];
    private int height;
    private int size;
    private @Nullable K last;

    private Builder(Comparator<? super K> order) {
      this.order = order;
    }

    /** Adds an entry whose key is greater than all before. */
    public Builder<K, V> append(K key, V value) {
      if (last != null && order.compare(last, key) >= 0) {
        throw new IllegalArgumentException("Keys must be strictly ascending, entry " + size);
      }
      last = key;
      size++;
      append(0, key, Objects.requireNonNull(value));
      return this;
    }

    public ZooVector<K, V> build() {
      Object[] node = Arrays.copyOf(open[0], fills[0]);
      for (int level = 1; level <= height; level++) {
        append(level, node[0], node);
        node = Arrays.copyOf(open[level], fills[level]);
      }
      return new ZooVector<>(order, node, height, size);
    }

    private void append(int level, Object key, Object item) {
      height = Math.max(height, level);
      if (fills[level] == FULL) {
        Object[] full = open[level];
        open[level] = new Object[FULL];
        fills[level] = 0;
        append(level + 1, full[0], full);
      }
      open[level][fills[level]++] = key;
      open[level][fills[level]++] = item;
    }
  }
}
