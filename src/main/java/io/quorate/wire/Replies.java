package io.quorate.wire;

import io.netty.buffer.ByteBuf;
import io.quorate.state.Code;
import io.quorate.state.Outcome;
import io.quorate.state.State;
import io.quorate.tree.Acl;
import io.quorate.tree.Identity;
import io.quorate.tree.ZPath;
import io.quorate.tree.Znode;
import io.quorate.tree.ZnodeTree;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes the bodies of replies. Every method returns the error for the header; 0 when there is
 * none. What was written before an error is taken back by the caller.
 */
final class Replies {
  private Replies() {}

  // Changes

  static int change(Ask.Change change, Outcome outcome, ByteBuf out) {
    return switch (outcome) {
      case Outcome.Rejected rejected -> rejected.code().number();
      case Outcome.Created created -> {
        Jute.writeString(out, created.path().toString());
        if (change.op() != Op.CREATE) {
          Jute.writeStat(out, created.stat());
        }
        yield 0;
      }
      case Outcome.Updated updated -> {
        Jute.writeStat(out, updated.stat());
        yield 0;
      }
      default -> 0;
    };
  }

  static int changes(Ask.Changes changes, Outcome outcome, ByteBuf out) {
    switch (outcome) {
      case Outcome.Several several -> {
        for (int i = 0; i < several.results().size(); i++) {
          result(changes.ops().get(i), several.results().get(i), out);
        }
      }
      case Outcome.SeveralRejected rejected -> {
        for (int i = 0; i < rejected.count(); i++) {
          int error =
              i < rejected.failedIndex()
                  ? 0
                  : i == rejected.failedIndex()
                      ? rejected.rejection().code().number()
                      : Code.RUNTIMEINCONSISTENCY.number();
          error(error, out);
        }
      }
      case Outcome.Rejected rejected -> {
        for (int i = 0; i < changes.ops().size(); i++) {
          error(i == 0 ? rejected.code().number() : Code.RUNTIMEINCONSISTENCY.number(), out);
        }
      }
      default -> throw new IllegalStateException("a multi came to " + outcome);
    }
    Jute.writeMultiHeader(out, Op.ERROR, true, -1);
    return 0;
  }

  private static void result(int op, Outcome outcome, ByteBuf out) {
    switch (outcome) {
      case Outcome.Created created -> {
        Jute.writeMultiHeader(out, op == Op.CREATE ? Op.CREATE : Op.CREATE2, false, 0);
        Jute.writeString(out, created.path().toString());
        if (op != Op.CREATE) {
          Jute.writeStat(out, created.stat());
        }
      }
      case Outcome.Updated updated -> {
        Jute.writeMultiHeader(out, op, false, 0);
        Jute.writeStat(out, updated.stat());
      }
      default -> Jute.writeMultiHeader(out, op, false, 0);
    }
  }

  private static void error(int error, ByteBuf out) {
    Jute.writeMultiHeader(out, Op.ERROR, false, error);
    out.writeInt(error);
  }

  // Reads

  /**
   * Answers a read, or what looks like one, from {@code state}.
   *
   * @param sessionId whose ephemerals are asked for
   */
  static int read(Ask ask, State state, List<Identity> identities, long sessionId, ByteBuf out) {
    return switch (ask) {
      case Ask.Exists exists -> exists(find(state, exists.path()), identities, out);
      case Ask.GetData get -> getData(find(state, get.path()), identities, out);
      case Ask.GetChildren get -> getChildren(get, state, identities, out);
      case Ask.GetAcl get -> getAcl(find(state, get.path()), identities, out);
      case Ask.CountBelow count -> countBelow(count.path(), state, identities, out);
      case Ask.Ephemerals ephemerals -> ephemerals(ephemerals, state, sessionId, out);
      case Ask.WhoAmI who -> whoAmI(identities, out);
      case Ask.Reads reads -> reads(reads, state, identities, sessionId, out);
      case Ask.HopelessDelete delete -> {
        Znode parent = find(state, delete.parent());
        yield parent == null || may(Acl.DELETE, parent, identities)
            ? Code.NONODE.number()
            : Code.NOAUTH.number();
      }
      case Ask.Refusal refusal -> refusal.error();
      case Ask.Sync sync -> {
        Jute.writeString(out, sync.path());
        yield 0;
      }
      case Ask.AddWatch add -> {
        out.writeInt(0);
        yield 0;
      }
      case Ask.Unknown unknown -> Code.UNIMPLEMENTED.number();
      default -> 0;
    };
  }

  private static @Nullable Znode find(State state, @Nullable ZPath path) {
    return path == null ? null : state.find(path);
  }

  static boolean may(int perms, Znode node, List<Identity> identities) {
    return node.acl() == Acl.OPEN || node.acl().allows(perms, identities);
  }

  /** Whether a node is there and may be read: 0, or the error that says why not. */
  static int readable(@Nullable Znode node, List<Identity> identities) {
    if (node == null) {
      return Code.NONODE.number();
    }
    return may(Acl.READ, node, identities) ? 0 : Code.NOAUTH.number();
  }

  private static int exists(@Nullable Znode node, List<Identity> identities, ByteBuf out) {
    int error = readable(node, identities);
    if (error == 0 && node != null) {
      Jute.writeStat(out, node.stat());
    }
    return error;
  }

  private static int getData(@Nullable Znode node, List<Identity> identities, ByteBuf out) {
    int error = readable(node, identities);
    if (error == 0 && node != null) {
      Jute.writeData(out, node.data().orElse(null));
      Jute.writeStat(out, node.stat());
    }
    return error;
  }

  private static int getChildren(
      Ask.GetChildren get, State state, List<Identity> identities, ByteBuf out) {
    ZPath path = get.path();
    Znode node = find(state, path);
    int error = readable(node, identities);
    if (error == 0 && node != null && path != null) {
      out.writeInt(node.numChildren());
      ZnodeTree.Children children = state.tree().children(path);
      while (children.next()) {
        Jute.writeString(out, children.name());
      }
      if (get.withStat()) {
        Jute.writeStat(out, node.stat());
      }
    }
    return error;
  }

  private static int getAcl(@Nullable Znode node, List<Identity> identities, ByteBuf out) {
    if (node == null) {
      return Code.NONODE.number();
    }
    // As ZooKeeper means READ | ADMIN: either is enough.
    boolean administers = may(Acl.ADMIN, node, identities);
    if (!administers && !may(Acl.READ, node, identities)) {
      return Code.NOAUTH.number();
    }
    Jute.writeAcl(out, administers ? node.acl().entries() : masked(node.acl().entries()));
    Jute.writeStat(out, node.stat());
    return 0;
  }

  /** Without the digests, which only those who administer a node may see. */
  private static List<Acl.Entry> masked(List<Acl.Entry> entries) {
    var masked = new ArrayList<Acl.Entry>(entries.size());
    for (Acl.Entry entry : entries) {
      int colon = entry.id().indexOf(':');
      masked.add(
          entry.scheme().equals("digest") && colon >= 0
              ? new Acl.Entry(entry.perms(), entry.scheme(), entry.id().substring(0, colon) + ":x")
              : entry);
    }
    return masked;
  }

  private static int countBelow(
      @Nullable ZPath path, State state, List<Identity> identities, ByteBuf out) {
    int error = readable(find(state, path), identities);
    if (error == 0 && path != null) {
      out.writeInt(state.tree().countBelow(path, Integer.MAX_VALUE));
    }
    return error;
  }

  private static int ephemerals(
      Ask.Ephemerals ephemerals, State state, long sessionId, ByteBuf out) {
    var paths = new ArrayList<String>();
    for (ZPath path : state.ephemeralsOf(sessionId)) {
      if (path.toString().startsWith(ephemerals.prefix())) {
        paths.add(path.toString());
      }
    }
    Jute.writeStrings(out, paths);
    return 0;
  }

  private static int whoAmI(List<Identity> identities, ByteBuf out) {
    out.writeInt(identities.size());
    for (Identity who : identities) {
      int colon = who.id().indexOf(':');
      Jute.writeString(out, who.scheme());
      // The user of a digest, not the digest.
      Jute.writeString(
          out,
          who.scheme().equals("digest") && colon >= 0 ? who.id().substring(0, colon) : who.id());
    }
    return 0;
  }

  private static int reads(
      Ask.Reads reads, State state, List<Identity> identities, long sessionId, ByteBuf out) {
    for (Ask each : reads.reads()) {
      int start = out.writerIndex();
      Jute.writeMultiHeader(
          out, each instanceof Ask.GetData ? Op.GET_DATA : Op.GET_CHILDREN, false, 0);
      int error = read(each, state, identities, sessionId, out);
      if (error != 0) {
        out.writerIndex(start);
        error(error, out);
      }
    }
    Jute.writeMultiHeader(out, Op.ERROR, true, -1);
    return 0;
  }
}
