package io.quorate.state;

import io.quorate.tree.Acl;
import io.quorate.tree.Bytes;
import io.quorate.tree.Lifetime;
import io.quorate.tree.Stat;
import io.quorate.tree.TreeDraft;
import io.quorate.tree.ZPath;
import io.quorate.tree.Znode;
import io.quorate.tree.ZnodeTree;
import io.quorate.tree.ZooVector;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * All that the cluster agrees on, at one point of the log; immutable. Two members that applied the
 * same log hold equal states.
 *
 * @param zxid one more for each command that changed the tree or the sessions
 * @param timeMs log time, milliseconds since 1970; it never goes back
 * @param term the newest leader's term
 * @param ephemerals every ephemeral node, by its session; follows from the tree
 * @param reapable every container and TTL node; follows from the tree
 * @param lanes which batch each member may apply next
 * @param answers what keyed requests were answered
 */
public record State(
    long zxid,
    long timeMs,
    long term,
    ZnodeTree tree,
    ZooVector<Long, Session> sessions,
    ZooVector<OwnedPath, ZPath> ephemerals,
    ZooVector<ZPath, ZPath> reapable,
    ZooVector<Integer, Lane> lanes,
    Answers answers,
    History history,
    Settings settings) {

  /** An ephemeral's place in the order by session, then path. */
  public record OwnedPath(long sessionId, ZPath path) implements Comparable<OwnedPath> {
    @Override
    public int compareTo(OwnedPath other) {
      int bySession = Long.compare(sessionId, other.sessionId);
      return bySession != 0 ? bySession : path.compareTo(other.path);
    }
  }

  /**
   * The batches of one member.
   *
   * @param boot the start of the member's process that they belong to
   * @param next sequence number of the next batch that applies
   */
  public record Lane(long boot, long next) {}

  /** The state before the first command. */
  public static State initial(Settings settings) {
    return new State(
        0,
        0,
        0,
        birth(),
        ZooVector.empty(Comparator.<Long>naturalOrder()),
        ZooVector.empty(Comparator.<OwnedPath>naturalOrder()),
        ZooVector.empty(Comparator.<ZPath>naturalOrder()),
        ZooVector.empty(Comparator.<Integer>naturalOrder()),
        Answers.NONE,
        History.startingAfter(0),
        settings);
  }

  /**
   * What ZooKeeper has from its first start: the root and its own three nodes, down to the aversion
   * of -1 that its {@code DataTree.addConfigNode} leaves.
   */
  private static ZnodeTree birth() {
    var readOnly = new Acl(List.of(new Acl.Entry(Acl.READ, "world", "anyone")));
    var tree = new TreeDraft(ZnodeTree.EMPTY);
    tree.put(ZPath.ROOT, founding(Acl.OPEN, 0, 1));
    tree.put(ZPath.of("/zookeeper"), founding(Acl.OPEN, 0, 2));
    tree.put(ZPath.of("/zookeeper/config"), founding(readOnly, -1, 0));
    tree.put(ZPath.of("/zookeeper/quota"), founding(Acl.OPEN, 0, 0));
    return tree.tree();
  }

  private static Znode founding(Acl acl, int aversion, int children) {
    return Znode.restored(
        Bytes.EMPTY,
        null,
        acl,
        Lifetime.PERSISTENT,
        new Stat(0, 0, 0, 0, 0, 0, aversion, 0, 0, children, 0),
        0);
  }

  /** A state put together from its parts; what follows from the tree is computed. Costs O(n). */
  public static State assemble(
      long zxid,
      long timeMs,
      long term,
      ZnodeTree tree,
      ZooVector<Long, Session> sessions,
      ZooVector<Integer, Lane> lanes,
      Answers answers,
      History history,
      Settings settings) {
    var owned =
        new Object() {
          ZooVector<OwnedPath, ZPath> ephemerals =
              ZooVector.empty(Comparator.<OwnedPath>naturalOrder());
          ZooVector<ZPath, ZPath> reapable = ZooVector.empty(Comparator.<ZPath>naturalOrder());
        };
    tree.forEach(
        (path, node) -> {
          if (node.isEphemeral()) {
            owned.ephemerals =
                owned.ephemerals.put(new OwnedPath(node.ephemeralOwner(), path), path);
          } else if (node.isReapable()) {
            owned.reapable = owned.reapable.put(path, path);
          }
        });
    return new State(
        zxid,
        timeMs,
        term,
        tree,
        sessions,
        owned.ephemerals,
        owned.reapable,
        lanes,
        answers,
        history,
        settings);
  }

  public Optional<Session> session(long id) {
    return Optional.ofNullable(sessions.get(id));
  }

  /** The paths of a session's ephemerals, in order. */
  public List<ZPath> ephemeralsOf(long sessionId) {
    var paths = new java.util.ArrayList<ZPath>();
    ZooVector.Cursor<OwnedPath, ZPath> cursor =
        ephemerals.from(new OwnedPath(sessionId, ZPath.ROOT));
    while (cursor.next() && cursor.key().sessionId() == sessionId) {
      paths.add(cursor.value());
    }
    return paths;
  }

  /** See {@link ZnodeTree#find}. */
  public @Nullable Znode find(ZPath path) {
    return tree.find(path);
  }

  /** Whether a container or TTL node may go now. */
  public static boolean isDue(Znode node, long nowMs) {
    if (node.numChildren() > 0) {
      return false;
    }
    return switch (node.lifetime()) {
      case Lifetime.Container c -> node.childCreations() > 0;
      case Lifetime.Ttl ttl -> nowMs - node.mtime() > ttl.ttlMs();
      case Lifetime.Persistent p -> false;
      case Lifetime.Ephemeral e -> false;
    };
  }

  State withLane(int member, Lane lane) {
    return new State(
        zxid,
        timeMs,
        term,
        tree,
        sessions,
        ephemerals,
        reapable,
        lanes.put(member, lane),
        answers,
        history,
        settings);
  }
}
