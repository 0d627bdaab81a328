package io.quorate.state;

import io.quorate.tree.Znode;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Everything that one zxid changed, in order.
 *
 * @param timeMs log time
 */
public record HistoryEntry(long zxid, long timeMs, List<Change> changes) {
  public HistoryEntry {
    changes = List.copyOf(changes);
  }

  /**
   * The events in the order in which watchers are told: the node, then its parent's children. The
   * position's {@code n} is twice the place of the change, and one more for the parent.
   */
  public List<TreeEvent> events() {
    var events = new ArrayList<TreeEvent>(changes.size() * 2);
    for (int i = 0; i < changes.size(); i++) {
      Change change = changes.get(i);
      TreeEvent.Kind kind = change.kind();
      if (kind != null) {
        Znode node =
            Objects.requireNonNull(change.after() == null ? change.before() : change.after());
        events.add(
            new TreeEvent(
                kind, change.path(), new Position(zxid, 2 * i), node, node.version(), node.acl()));
      }
      Change.ParentChange parent = change.parent();
      if (parent != null) {
        events.add(
            new TreeEvent(
                TreeEvent.Kind.CHILDREN,
                change.path().parent(),
                new Position(zxid, 2 * i + 1),
                null,
                parent.cversionAfter(),
                parent.acl()));
      }
    }
    return events;
  }
}
