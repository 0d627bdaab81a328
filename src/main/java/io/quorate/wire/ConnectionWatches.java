package io.quorate.wire;

import io.quorate.state.Position;
import io.quorate.state.State;
import io.quorate.state.TreeEvent;
import io.quorate.tree.Acl;
import io.quorate.tree.Identity;
import io.quorate.tree.ZPath;
import io.quorate.tree.Znode;
import io.quorate.watch.WatchTable;
import io.quorate.watch.WatchTable.Scope;
import io.quorate.watch.WatchTable.Subscription;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The watches of one connection, as ZooKeeper means them: data and child watches that fire once,
 * persistent ones, and recursive ones.
 *
 * <p>Everything but the identities is guarded by the {@link WatchTable}'s lock: events come under
 * it, and whoever changes watches does so inside {@link WatchTable#atomically}.
 *
 * <p>Source: ZooKeeper's {@code WatchManager}, of which {@code DataTree} has one for data and one
 * for children. An event that several watches match is told once; a deletion that both data and
 * child watches match, too.
 */
final class ConnectionWatches implements WatchTable.Subscriber {
  static final int NODE_CREATED = 1;
  static final int NODE_DELETED = 2;
  static final int NODE_DATA_CHANGED = 3;
  static final int NODE_CHILDREN_CHANGED = 4;

  static final int STANDARD = 1;
  static final int PERSISTENT = 2;
  static final int RECURSIVE = 4;

  /** The zxid of an event that stands for whatever happened while the client was away. */
  static final long CATCH_UP = -1;

  private final WatchTable table;
  private final Sink sink;
  private final Map<ZPath, Armed> armed = new HashMap<>();
  private int recursiveCount;
  private boolean closed;
  private @Nullable Position last;
  private volatile List<Identity> identities;

  /** Where events go, in order. Called under the table's lock: it only puts into a queue. */
  interface Sink {
    /**
     * @param seen the state that the event leads to
     */
    void event(int type, ZPath path, long zxid, State seen);

    /** What happened is not known in detail: the client must come back and ask. */
    void lost();
  }

  private static final class Armed {
    int data;
    int children;
    @Nullable Subscription node;
    @Nullable Subscription subtree;
  }

  ConnectionWatches(WatchTable table, Sink sink, List<Identity> identities) {
    this.table = table;
    this.sink = sink;
    this.identities = identities;
  }

  /** Who the connection is from now on: events of nodes that it may not read are hidden. */
  void identities(List<Identity> now) {
    identities = now;
  }

  void watchData(ZPath path, int mode) {
    arm(path, mode, 0);
  }

  void watchChildren(ZPath path, int mode) {
    arm(path, 0, mode);
  }

  void watchPersistently(ZPath path) {
    arm(path, PERSISTENT, PERSISTENT);
  }

  void watchRecursively(ZPath path) {
    arm(path, RECURSIVE, 0);
  }

  private void arm(ZPath path, int data, int children) {
    if (closed) {
      return;
    }
    Armed watch = armed.computeIfAbsent(path, p -> new Armed());
    watch.data |= data;
    watch.children |= children;
    settle(path, watch);
  }

  /** Whether there is such a watch; see ZooKeeper's {@code DataTree.containsWatcher}. */
  boolean has(ZPath path, Ask.WatchKind kind) {
    Armed watch = armed.get(path);
    if (watch == null) {
      return false;
    }
    return switch (kind) {
      case CHILDREN -> (watch.children & STANDARD) != 0;
      case DATA -> (watch.data & STANDARD) != 0;
      case PERSISTENT -> (watch.data & PERSISTENT) != 0;
      case RECURSIVE -> (watch.data & RECURSIVE) != 0;
      case ANY -> true;
    };
  }

  /** Whether there was such a watch; see ZooKeeper's {@code DataTree.removeWatch}. */
  boolean remove(ZPath path, Ask.WatchKind kind) {
    Armed watch = armed.get(path);
    if (watch == null) {
      return false;
    }
    int dataBefore = watch.data;
    int childrenBefore = watch.children;
    switch (kind) {
      case CHILDREN -> watch.children &= ~STANDARD;
      case DATA -> watch.data &= ~STANDARD;
      case PERSISTENT -> {
        watch.data &= ~PERSISTENT;
        watch.children &= ~PERSISTENT;
      }
      case RECURSIVE -> watch.data &= ~RECURSIVE;
      case ANY -> {
        watch.data = 0;
        watch.children = 0;
      }
    }
    settle(path, watch);
    return watch.data != dataBefore || watch.children != childrenBefore;
  }

  /** Arms what has not moved since, and tells of what has. */
  void resume(Ask.SetWatches watches, State state) {
    for (String text : watches.data()) {
      ZPath path = AskParser.path(text);
      Znode node = path == null ? null : state.find(path);
      if (path != null && node == null) {
        sink.event(NODE_DELETED, path, CATCH_UP, state);
      } else if (path != null && node != null && node.mzxid() > watches.sinceZxid()) {
        sink.event(NODE_DATA_CHANGED, path, CATCH_UP, state);
      } else if (path != null) {
        watchData(path, STANDARD);
      }
    }
    for (String text : watches.exists()) {
      ZPath path = AskParser.path(text);
      if (path != null && state.find(path) != null) {
        sink.event(NODE_CREATED, path, CATCH_UP, state);
      } else if (path != null) {
        watchData(path, STANDARD);
      }
    }
    for (String text : watches.children()) {
      ZPath path = AskParser.path(text);
      Znode node = path == null ? null : state.find(path);
      if (path != null && node == null) {
        sink.event(NODE_DELETED, path, CATCH_UP, state);
      } else if (path != null && node != null && node.pzxid() > watches.sinceZxid()) {
        sink.event(NODE_CHILDREN_CHANGED, path, CATCH_UP, state);
      } else if (path != null) {
        watchChildren(path, STANDARD);
      }
    }
    for (String text : watches.persistent()) {
      ZPath path = AskParser.path(text);
      if (path != null) {
        watchPersistently(path);
      }
    }
    for (String text : watches.recursive()) {
      ZPath path = AskParser.path(text);
      if (path != null) {
        watchRecursively(path);
      }
    }
  }

  /** Ends them all, and takes no more. */
  void close() {
    table.atomically(
        state -> {
          closed = true;
          for (Armed watch : armed.values()) {
            watch.data = 0;
            watch.children = 0;
          }
          new ArrayList<>(armed.entrySet()).forEach(each -> settle(each.getKey(), each.getValue()));
          return state;
        });
  }

  /** The watched paths, for those who show them. Called under the table's lock. */
  Set<ZPath> paths() {
    return armed.keySet();
  }

  @Override
  public void event(TreeEvent event, State after) {
    // Several subscriptions of this connection may match; the first call speaks for all.
    if (event.position().equals(last)) {
      return;
    }
    last = event.position();
    boolean told =
        switch (event.kind()) {
          case CREATED, CHANGED -> takeData(event.path());
          case CHILDREN -> takeChildren(event.path());
          case DELETED -> takeData(event.path()) | takeChildren(event.path());
        };
    if (told && mayRead(event.acl())) {
      sink.event(type(event.kind()), event.path(), event.position().zxid(), after);
    }
  }

  private boolean mayRead(Acl acl) {
    return acl == Acl.OPEN || acl.allows(Acl.READ, identities);
  }

  private static int type(TreeEvent.Kind kind) {
    return switch (kind) {
      case CREATED -> NODE_CREATED;
      case DELETED -> NODE_DELETED;
      case CHANGED -> NODE_DATA_CHANGED;
      case CHILDREN -> NODE_CHILDREN_CHANGED;
    };
  }

  private boolean takeData(ZPath path) {
    Armed watch = armed.get(path);
    boolean matched = watch != null && watch.data != 0;
    if (watch != null && (watch.data & STANDARD) != 0) {
      watch.data &= ~STANDARD;
      settle(path, watch);
    }
    return matched || recursiveAbove(path);
  }

  private boolean takeChildren(ZPath path) {
    Armed watch = armed.get(path);
    if (watch == null || watch.children == 0) {
      return false;
    }
    if ((watch.children & STANDARD) != 0) {
      watch.children &= ~STANDARD;
      settle(path, watch);
    }
    return true;
  }

  private boolean recursiveAbove(ZPath path) {
    if (recursiveCount == 0) {
      return false;
    }
    ZPath at = path;
    while (!at.isRoot()) {
      at = at.parent();
      Armed watch = armed.get(at);
      if (watch != null && (watch.data & RECURSIVE) != 0) {
        return true;
      }
    }
    return false;
  }

  /** Brings the table's subscriptions to what {@code watch} now asks for. */
  private void settle(ZPath path, Armed watch) {
    boolean wantsNode = ((watch.data | watch.children) & (STANDARD | PERSISTENT)) != 0;
    if (wantsNode && watch.node == null) {
      watch.node = table.subscribe(path, Scope.NODE, this);
    } else if (!wantsNode && watch.node != null) {
      watch.node.cancel();
      watch.node = null;
    }
    boolean wantsSubtree = (watch.data & RECURSIVE) != 0;
    if (wantsSubtree && watch.subtree == null) {
      watch.subtree = table.subscribe(path, Scope.SUBTREE, this);
      recursiveCount++;
    } else if (!wantsSubtree && watch.subtree != null) {
      watch.subtree.cancel();
      watch.subtree = null;
      recursiveCount--;
    }
    if (!wantsNode && !wantsSubtree) {
      armed.remove(path);
    }
  }

  @Override
  public void replaced(State before, State after) {
    sink.lost();
  }
}
