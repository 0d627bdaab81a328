package io.quorate.tree;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A {@link ZnodeTree} while it is changed. What is changed stands beside the tree, where it is
 * found first, until somebody asks for {@link #tree}; then all of it is put in at once, and a node
 * that was changed many times, as the parent of new ones is, only as it came to be. For one thread.
 *
 * <p>It judges nothing: versions, permissions and limits are the state machine's.
 */
public final class TreeDraft {
  private static final int FEW = 4;

  /** A command looks at a node and its parent, and then changes both. */
  private static final int REMEMBERED = 4;

  private final ArrayList<Slot> slots = new ArrayList<>();
  private ZnodeTree tree;

  /** The slots again, once they are more than a few. */
  private final Map<ZPath, Slot> byPath = new LinkedHashMap<>();

  /**
   * The paths of which it was last seen that nothing was changed there, and where in the tree they
   * are or would be.
   */
  private final @Nullable ZPath[] located = new ZPath[REMEMBERED];

  private final long[] places = new long[REMEMBERED];
  private int nextLocated;

  /** What is at a path in the tree, and what is to be there. */
  static final class Slot {
    final byte[] key;

    /** See {@link ZnodeTree#locate}. */
    long place;

    final @Nullable Znode before;
    @Nullable Znode after;
    private final ZPath path;

    private Slot(ZPath path, long place, @Nullable Znode before, @Nullable Znode after) {
      this.path = path;
      this.place = place;
      this.key = path.key();
      this.before = before;
      this.after = after;
    }
  }

  public TreeDraft(ZnodeTree tree) {
    this.tree = tree;
  }

  /** The tree with all that was changed by now. */
  public ZnodeTree tree() {
    if (!slots.isEmpty()) {
      tree = tree.with(slots);
      forget();
    }
    return tree;
  }

  /** Back to a tree that {@link #tree} gave before. */
  public void goBackTo(ZnodeTree earlier) {
    forget();
    tree = earlier;
  }

  private void forget() {
    slots.clear();
    byPath.clear();
    Arrays.fill(located, null);
  }

  /** The znode at {@code path}, or null. */
  public @Nullable Znode find(ZPath path) {
    Slot slot = changed(path);
    return slot == null ? tree.at(places[locate(path)]) : slot.after;
  }

  /** Which of the remembered paths this very one is, or -1. */
  private int remembered(ZPath path) {
    for (int i = 0; i < REMEMBERED; i++) {
      if (located[i] == path) {
        return i;
      }
    }
    return -1;
  }

  /** Remembers where a path is at which nothing was changed; returns as which. */
  private int locate(ZPath path) {
    int known = remembered(path);
    if (known >= 0) {
      return known;
    }
    int number = nextLocated;
    places[number] = tree.locate(path);
    located[number] = path;
    nextLocated = (number + 1) % REMEMBERED;
    return number;
  }

  /** What was changed at a path, or null. */
  private @Nullable Slot changed(ZPath path) {
    return remembered(path) >= 0 ? null : slot(path);
  }

  private @Nullable Slot slot(ZPath path) {
    if (slots.size() > FEW) {
      return byPath.get(path);
    }
    for (int i = 0; i < slots.size(); i++) {
      if (slots.get(i).path.equals(path)) {
        return slots.get(i);
      }
    }
    return null;
  }

  public boolean contains(ZPath path) {
    return find(path) != null;
  }

  /** See {@link ZnodeTree#forEachBelow}. */
  public void forEachBelow(ZPath top, BiConsumer<ZPath, Znode> visitor) {
    tree().forEachBelow(top, visitor);
  }

  /** See {@link ZnodeTree#countBelow}. */
  public int countBelow(ZPath top, int limit) {
    return tree().countBelow(top, limit);
  }

  /** Puts a node without looking at its parent. */
  public void put(ZPath path, Znode node) {
    put(path, find(path), node);
  }

  /**
   * The same without a look at what is there.
   *
   * @param before what {@link #find} says of {@code path}
   */
  public void put(ZPath path, @Nullable Znode before, @Nullable Znode after) {
    Slot slot = changed(path);
    if (slot != null) {
      slot.after = after;
      return;
    }
    var added = new Slot(path, places[locate(path)], before, after);
    for (int i = 0; i < REMEMBERED; i++) {
      if (path.equals(located[i])) {
        located[i] = null;
      }
    }
    slots.add(added);
    if (slots.size() == FEW + 1) {
      slots.forEach(each -> byPath.put(each.path, each));
    } else if (slots.size() > FEW) {
      byPath.put(path, added);
    }
  }

  /**
   * A new child: its parent counts one more creation and its pzxid becomes {@code node.czxid()}.
   *
   * @param path where {@link #find} finds nothing
   * @param parent what {@link #find} says of {@code parentPath}, the path above
   */
  public void create(ZPath path, Znode node, ZPath parentPath, Znode parent) {
    count(parentPath, parent, 1, 1, node.czxid());
    put(path, null, node);
  }

  /**
   * Without one childless node; its parent's pzxid becomes {@code zxid}.
   *
   * @throws IllegalStateException when it is absent or has children
   */
  public void delete(ZPath path, long zxid) {
    if (require(path).numChildren() > 0) {
      throw new IllegalStateException(path + " has children");
    }
    cut(path, zxid);
  }

  /** {@link #delete} for a node whose children are gone already, whatever it says of them. */
  public void cut(ZPath path, long zxid) {
    ZPath parentPath = path.parent();
    Znode parent = require(parentPath);
    without(path);
    count(parentPath, parent, 0, -1, zxid);
  }

  /** Without {@code path}, its parent's bookkeeping left alone. */
  public void without(ZPath path) {
    Znode node = find(path);
    if (node != null) {
      put(path, node, null);
    }
  }

  /** Takes back {@link #create}: the parent has the pzxid it had before. */
  public void undoCreate(ZPath path, long parentPzxid) {
    ZPath parentPath = path.parent();
    Znode parent = require(parentPath);
    without(path);
    count(parentPath, parent, -1, -1, parentPzxid);
  }

  /** Takes back {@link #delete}: {@code node} is there again, the parent has its former pzxid. */
  public void undoDelete(ZPath path, Znode node, long parentPzxid) {
    ZPath parentPath = path.parent();
    Znode parent = require(parentPath);
    put(path, node);
    count(parentPath, parent, 0, 1, parentPzxid);
  }

  /** So many creations and children more at a parent, and another pzxid. */
  private void count(ZPath path, Znode parent, int creations, int children, long pzxid) {
    put(
        path,
        parent,
        parent.withChildren(
            parent.childCreations() + creations, parent.numChildren() + children, pzxid));
  }

  private Znode require(ZPath path) {
    Znode node = find(path);
    if (node == null) {
      throw new IllegalStateException(path + " is not there");
    }
    return node;
  }
}
