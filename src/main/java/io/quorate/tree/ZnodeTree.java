package io.quorate.tree;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Objects;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * All znodes of one state, with ZooKeeper's bookkeeping of parents and a {@link Digest}; immutable.
 *
 * <p>A changed one comes from a {@link TreeDraft}. Every change costs O(log n) and shares
 * everything else with the tree before it.
 */
public final class ZnodeTree {
  private static final Comparator<byte[]> KEY_ORDER = ZooVector.UNSIGNED_BYTES;
  private static final Comparator<TreeDraft.Slot> BY_KEY =
      (a, b) ->
          a.place == b.place
              ? Arrays.compareUnsigned(a.key, b.key)
              : Long.compare(a.place, b.place);

  public static final ZnodeTree EMPTY = new ZnodeTree(ZooVector.empty(KEY_ORDER), Digest.ZERO, 0L);

  private final ZooVector<byte[], Znode> nodes;
  private final Digest digest;
  private final long weightBytes;

  private ZnodeTree(ZooVector<byte[], Znode> nodes, Digest digest, long weightBytes) {
    this.nodes = nodes;
    this.digest = digest;
    this.weightBytes = weightBytes;
  }

  /** Loads the nodes of a checkpoint, which come in key order; O(n). */
  public static Builder builder() {
    return new Builder();
  }

  public int size() {
    return nodes.size();
  }

  /** Bytes of paths and data, with a constant per znode. */
  public long weightBytes() {
    return weightBytes;
  }

  public Digest digest() {
    return digest;
  }

  /** The znode at {@code path}, or null: the one lookup that every request makes. */
  public @Nullable Znode find(ZPath path) {
    return nodes.get(path.key());
  }

  public boolean contains(ZPath path) {
    return find(path) != null;
  }

  /** Where it is or would be in this very tree, see {@link ZooVector#locate}. */
  long locate(ZPath path) {
    return nodes.locate(path.key());
  }

  @Nullable Znode at(long place) {
    return nodes.at(place);
  }

  /** With what a draft has beside it; changes the order of {@code slots}. */
  ZnodeTree with(ArrayList<TreeDraft.Slot> slots) {
    Digest sum = digest;
    long weight = weightBytes;
    ZooVector<byte[], Znode> kept = nodes;
    for (TreeDraft.Slot slot : slots) {
      if (slot.before != null) {
        sum = sum.minus(slot.key, slot.before);
        weight -= weight(slot.key, slot.before);
      }
      if (slot.after != null) {
        sum = sum.plus(slot.key, slot.after);
        weight += weight(slot.key, slot.after);
      } else if (slot.before != null) {
        kept = kept.remove(slot.key);
      }
    }
    if (kept != nodes) {
      for (TreeDraft.Slot slot : slots) {
        slot.place = kept.locate(slot.key);
      }
    }
    return new ZnodeTree(put(kept, slots), sum, weight);
  }

  private static ZooVector<byte[], Znode> put(
      ZooVector<byte[], Znode> nodes, ArrayList<TreeDraft.Slot> slots) {
    slots.removeIf(slot -> slot.after == null);
    if (slots.size() == 1) {
      TreeDraft.Slot only = slots.getFirst();
      return nodes.put(only.place, only.key, Objects.requireNonNull(only.after));
    }
    slots.sort(BY_KEY);
    var pairs = new Object[2 * slots.size()];
    var places = new long[slots.size()];
    for (int i = 0; i < slots.size(); i++) {
      pairs[2 * i] = slots.get(i).key;
      pairs[2 * i + 1] = Objects.requireNonNull(slots.get(i).after);
      places[i] = slots.get(i).place;
    }
    return nodes.putAll(pairs, places);
  }

  private static int weight(byte[] key, Znode node) {
    return key.length + node.weightBytes();
  }

  /** The children of {@code parent} in the order of their names. */
  public Children children(ZPath parent) {
    byte[] prefix = prefix(parent, (byte) 0);
    return new Children(nodes.from(prefix), prefix);
  }

  /** The children of {@code parent} whose names come after {@code name}. */
  public Children childrenAfter(ZPath parent, String name) {
    byte[] prefix = prefix(parent, (byte) 0);
    byte[] suffix = name.getBytes(StandardCharsets.UTF_8);
    byte[] low = Arrays.copyOf(prefix, prefix.length + suffix.length);
    System.arraycopy(suffix, 0, low, prefix.length, suffix.length);
    return new Children(nodes.after(low), prefix);
  }

  /** Visits everything below {@code top}, ancestors before descendants; not {@code top} itself. */
  public void forEachBelow(ZPath top, BiConsumer<ZPath, Znode> visitor) {
    for (byte separator : new byte[] {0, '/'}) {
      if (separator == '/' && top.isRoot()) {
        // Everything but the root and its children: their keys start "/x".
        deeperThanRoot(visitor);
        return;
      }
      byte[] prefix = prefix(top, separator);
      ZooVector.Cursor<byte[], Znode> cursor = nodes.from(prefix);
      while (cursor.next() && startsWith(cursor.key(), prefix)) {
        visitor.accept(ZPath.ofKey(cursor.key()), cursor.value());
      }
    }
  }

  private void deeperThanRoot(BiConsumer<ZPath, Znode> visitor) {
    ZooVector.Cursor<byte[], Znode> cursor = nodes.from(new byte[] {'/', 1});
    while (cursor.next()) {
      visitor.accept(ZPath.ofKey(cursor.key()), cursor.value());
    }
  }

  /** How many nodes are below {@code top}, counting no further than {@code limit}. */
  public int countBelow(ZPath top, int limit) {
    int count = 0;
    for (byte separator : new byte[] {0, '/'}) {
      byte[] prefix = separator == '/' && top.isRoot() ? new byte[] {'/'} : prefix(top, separator);
      ZooVector.Cursor<byte[], Znode> cursor =
          nodes.from(separator == '/' && top.isRoot() ? new byte[] {'/', 1} : prefix);
      while (count < limit && cursor.next() && startsWith(cursor.key(), prefix)) {
        count++;
      }
    }
    return count;
  }

  /** Visits every node, ancestors before descendants. */
  public void forEach(BiConsumer<ZPath, Znode> visitor) {
    ZooVector.Cursor<byte[], Znode> cursor = nodes.cursor();
    while (cursor.next()) {
      visitor.accept(ZPath.ofKey(cursor.key()), cursor.value());
    }
  }

  /**
   * Visits what differs from {@code older}, in key order; costs what changed. Either node is null
   * when it is absent on that side.
   */
  public void diff(ZnodeTree older, DiffVisitor visitor) {
    nodes.diff(
        older.nodes, (key, before, after) -> visitor.changed(ZPath.ofKey(key), before, after));
  }

  /** Told of one difference. */
  @FunctionalInterface
  public interface DiffVisitor {
    void changed(ZPath path, @Nullable Znode before, @Nullable Znode after);
  }

  private static byte[] prefix(ZPath parent, byte separator) {
    byte[] path = parent.toString().getBytes(StandardCharsets.UTF_8);
    byte[] prefix = Arrays.copyOf(path, path.length + 1);
    prefix[path.length] = separator;
    return prefix;
  }

  private static boolean startsWith(byte[] key, byte[] prefix) {
    return key.length >= prefix.length
        && Arrays.equals(key, 0, prefix.length, prefix, 0, prefix.length);
  }

  /** A walk over the children of one node; starts before the first. Used by one thread. */
  public static final class Children {
    private final ZooVector.Cursor<byte[], Znode> cursor;
    private final byte[] prefix;

    private Children(ZooVector.Cursor<byte[], Znode> cursor, byte[] prefix) {
      this.cursor = cursor;
      this.prefix = prefix;
    }

    public boolean next() {
      return cursor.next() && startsWith(cursor.key(), prefix);
    }

    public String name() {
      byte[] key = cursor.key();
      return new String(key, prefix.length, key.length - prefix.length, StandardCharsets.UTF_8);
    }

    public Znode node() {
      return cursor.value();
    }
  }

  /**
   * Takes nodes in strictly ascending order of {@link ZPath#key}. It believes the keys: compare the
   * digest of what comes out before anything else is done with it. For one thread.
   */
  public static final class Builder {
    private final ZooVector.Builder<byte[], Znode> nodes = ZooVector.builder(KEY_ORDER);
    private Digest digest = Digest.ZERO;
    private long weightBytes;

    private Builder() {}

    /**
     * @param key the tree keeps it: nobody touches it again
     * @throws IllegalArgumentException when it does not come after the one before
     */
    public Builder append(byte[] key, Znode node) {
      nodes.append(key, node);
      digest = digest.plus(key, node);
      weightBytes += weight(key, node);
      return this;
    }

    public ZnodeTree build() {
      return new ZnodeTree(nodes.build(), digest, weightBytes);
    }
  }
}
