package io.quorate.state;

import io.quorate.tree.ZPath;
import io.quorate.tree.Znode;
import io.quorate.tree.ZnodeTree;
import io.quorate.tree.ZooVector;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * The changes of the last zxids, as far back as the settings allow; immutable.
 *
 * <p>Old trees are not kept: {@link #treeAt} undoes changes over the newest one.
 */
public final class History {
  private final ZooVector<Long, HistoryEntry> entries;
  private final long heldAfter;
  private final long changeCount;
  private final long weightBytes;

  private History(
      ZooVector<Long, HistoryEntry> entries, long heldAfter, long changeCount, long weightBytes) {
    this.entries = entries;
    this.heldAfter = heldAfter;
    this.changeCount = changeCount;
    this.weightBytes = weightBytes;
  }

  /** Nothing yet; everything after {@code zxid} will be held. */
  public static History startingAfter(long zxid) {
    return new History(ZooVector.empty(Comparator.<Long>naturalOrder()), zxid, 0, 0);
  }

  /** As a checkpoint has it. */
  public static History restored(long heldAfter, ZooVector<Long, HistoryEntry> entries) {
    long changeCount = 0;
    long weightBytes = 0;
    ZooVector.Cursor<Long, HistoryEntry> cursor = entries.cursor();
    while (cursor.next()) {
      changeCount += cursor.value().changes().size();
      weightBytes += cursor.value().weightBytes();
    }
    return new History(entries, heldAfter, changeCount, weightBytes);
  }

  /**
   * The newest zxid of which nothing is held any more: a watcher that has seen this one whole, or a
   * later one, can go on without a gap.
   */
  public long heldAfter() {
    return heldAfter;
  }

  public long changeCount() {
    return changeCount;
  }

  public long weightBytes() {
    return weightBytes;
  }

  /** The entries by zxid. */
  public ZooVector<Long, HistoryEntry> entries() {
    return entries;
  }

  /** With {@code entry} at the end, and what is then too old gone. */
  public History append(HistoryEntry entry, Settings settings) {
    return new History(
            entries.put(entry.zxid(), entry),
            heldAfter,
            changeCount + entry.changes().size(),
            weightBytes + entry.weightBytes())
        .trimmedTo(settings);
  }

  /** Without the oldest entries that are over the limits. */
  public History trimmedTo(Settings settings) {
    if (changeCount <= settings.historyMaxEvents() && weightBytes <= settings.historyMaxBytes()) {
      return this;
    }
    ZooVector<Long, HistoryEntry> kept = entries;
    long held = heldAfter;
    long count = changeCount;
    long weight = weightBytes;
    while (!kept.isEmpty()
        && (count > settings.historyMaxEvents() || weight > settings.historyMaxBytes())) {
      HistoryEntry oldest = Objects.requireNonNull(kept.first()).value();
      kept = kept.remove(oldest.zxid());
      held = oldest.zxid();
      count -= oldest.changes().size();
      weight -= oldest.weightBytes();
    }
    return new History(kept, held, count, weight);
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
    ZnodeTree tree = newest.tree();
    ZooVector.Cursor<Long, HistoryEntry> cursor = entries.descending();
    while (cursor.next() && cursor.key() > zxid) {
      List<Change> changes = cursor.value().changes();
      for (int i = changes.size() - 1; i >= 0; i--) {
        tree = undo(tree, changes.get(i));
      }
    }
    return Optional.of(tree);
  }

  private static ZnodeTree undo(ZnodeTree tree, Change change) {
    ZPath path = change.path();
    Znode before = change.before();
    Change.ParentChange parent = change.parent();
    if (before == null) {
      return tree.undoCreate(path, Objects.requireNonNull(parent).pzxidBefore());
    }
    if (change.after() != null) {
      // Children may have come and gone since; only data and ACL are put back.
      return tree.with(path, before);
    }
    return parent == null
        ? tree.with(path, before)
        : tree.undoDelete(path, before, parent.pzxidBefore());
  }
}
