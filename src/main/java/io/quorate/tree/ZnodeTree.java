package io.quorate.tree;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * All znodes of one state, with ZooKeeper's bookkeeping of parents and a {@link Digest}; immutable.
 * It judges nothing: versions, permissions and limits are the state machine's.
 *
 * <p>Every change costs O(log n) and shares everything else with the tree before it.
 */
public final class ZnodeTree {
  private static final Comparator<byte[]> KEY_ORDER = Arrays::compareUnsigned;

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

  /**
   * Puts a node without looking at its parent: for what was there from the beginning and for
   * loading.
   */
  public ZnodeTree with(ZPath path, Znode node) {
    byte[] key = path.key();
    return replacing(key, nodes.get(key), node);
  }

  /**
   * The same without a look at what is there.
   *
   * @param before what {@link #find} says of {@code path}
   */
  public ZnodeTree with(ZPath path, @Nullable Znode before, Znode after) {
    return replacing(path.key(), before, after);
  }

  /**
   * A new child: its parent counts one more creation and its pzxid becomes {@code node.czxid()}.
   *
   * @param path where {@link #find} finds nothing
   * @param parent what {@link #find} says of the path above
   */
  public ZnodeTree create(ZPath path, Znode node, Znode parent) {
    return with(
            path.parent(),
            parent,
            parent.withChildren(
                parent.childCreations() + 1, parent.numChildren() + 1, node.czxid()))
        .with(path, null, node);
  }

  /**
   * Without one childless node; its parent's pzxid becomes {@code zxid}.
   *
   * @throws IllegalStateException when it is absent or has children
   */
  public ZnodeTree delete(ZPath path, long zxid) {
    if (require(path).numChildren() > 0) {
      throw new IllegalStateException(path + " has children");
    }
    return cut(path, zxid);
  }

  /** {@link #delete} for a node whose children are gone already, whatever it says of them. */
  public ZnodeTree cut(ZPath path, long zxid) {
    Znode parent = require(path.parent());
    return without(path)
        .with(
            path.parent(),
            parent.withChildren(parent.childCreations(), parent.numChildren() - 1, zxid));
  }

  /** Without {@code path}, its parent's bookkeeping left alone. */
  public ZnodeTree without(ZPath path) {
    byte[] key = path.key();
    Znode node = nodes.get(key);
    if (node == null) {
      return this;
    }
    return new ZnodeTree(
        nodes.remove(key), digest.minus(key, node), weightBytes - weight(key, node));
  }

  /** Takes back {@link #create}: the parent has the pzxid it had before. */
  public ZnodeTree undoCreate(ZPath path, long parentPzxid) {
    Znode parent = require(path.parent());
    return without(path)
        .with(
            path.parent(),
            parent.withChildren(
                parent.childCreations() - 1, parent.numChildren() - 1, parentPzxid));
  }

  /** Takes back {@link #delete}: {@code node} is there again, the parent has its former pzxid. */
  public ZnodeTree undoDelete(ZPath path, Znode node, long parentPzxid) {
    Znode parent = require(path.parent());
    return with(path, node)
        .with(
            path.parent(),
            parent.withChildren(parent.childCreations(), parent.numChildren() + 1, parentPzxid));
  }

  private Znode require(ZPath path) {
    Znode node = find(path);
    if (node == null) {
      throw new IllegalStateException(path + " is not there");
    }
    return node;
  }

  private ZnodeTree replacing(byte[] key, @Nullable Znode before, Znode after) {
    Digest sum = before == null ? digest : digest.minus(key, before);
    long weight = weightBytes + weight(key, after) - (before == null ? 0 : weight(key, before));
    return new ZnodeTree(nodes.put(key, after), sum.plus(key, after), weight);
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
