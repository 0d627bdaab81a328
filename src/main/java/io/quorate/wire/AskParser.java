package io.quorate.wire;

import io.quorate.state.Code;
import io.quorate.state.Command;
import io.quorate.state.Precondition;
import io.quorate.tree.Acl;
import io.quorate.tree.Bytes;
import io.quorate.tree.IllegalPathException;
import io.quorate.tree.Lifetime;
import io.quorate.tree.ZPath;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Makes an {@link Ask} of a request's body.
 *
 * <p>Whatever can be refused without looking at the tree is refused here, with the error that
 * ZooKeeper's {@code PrepRequestProcessor} and {@code FinalRequestProcessor} give.
 */
final class AskParser {
  private static final int EPHEMERAL_FLAG = 1;
  private static final int SEQUENTIAL_FLAG = 2;
  private static final int CONTAINER_FLAG = 4;
  private static final int TTL_FLAG = 5;
  private static final int TTL_SEQUENTIAL_FLAG = 6;

  private static final int PERSISTENT_MODE = 0;
  private static final int RECURSIVE_MODE = 1;

  /** Always refused as invalid. */
  private static final Acl NO_ACL = new Acl(List.of());

  /** Always refused as a bad argument, wherever it stands in a multi. */
  private static final Command.Op BAD_ARGUMENTS = new Command.Delete(ZPath.ROOT, Precondition.NONE);

  private static final ZPath NOWHERE = ZPath.of("/zookeeper/config/nowhere");

  /** Always refused as a missing node: only super could put one there. */
  private static final Command.Op NO_NODE = new Command.Check(NOWHERE, -1);

  /** Should someone give a node this name, it is not deleted by mistake. */
  private static final String NO_NAME = "what-no-node-can-be-called";

  private static final int NO_VERSION = Integer.MIN_VALUE;

  private final long sessionId;

  AskParser(long sessionId) {
    this.sessionId = sessionId;
  }

  Ask parse(int op, JuteReader body) throws MalformedRequestException {
    return switch (op) {
      case Op.CREATE, Op.CREATE2, Op.CREATE_CONTAINER, Op.CREATE_TTL -> create(op, body);
      case Op.DELETE -> singleDelete(body);
      case Op.SET_DATA -> new Ask.Change(op, setData(body));
      case Op.SET_ACL -> new Ask.Change(op, setAcl(body));
      case Op.MULTI -> changes(body);
      case Op.EXISTS -> exists(body);
      case Op.GET_DATA -> getData(body);
      case Op.GET_CHILDREN -> getChildren(body, false);
      case Op.GET_CHILDREN2 -> getChildren(body, true);
      case Op.GET_ACL -> new Ask.GetAcl(readPath(body));
      case Op.GET_ALL_CHILDREN_NUMBER -> new Ask.CountBelow(readPath(body));
      case Op.GET_EPHEMERALS -> new Ask.Ephemerals(ephemeralsPrefix(body));
      case Op.WHO_AM_I -> new Ask.WhoAmI();
      case Op.MULTI_READ -> reads(body);
      case Op.ADD_WATCH -> addWatch(body);
      case Op.CHECK_WATCHES -> new Ask.CheckWatches(readPath(body), watchKind(body));
      case Op.REMOVE_WATCHES -> new Ask.RemoveWatches(readPath(body), watchKind(body));
      case Op.SET_WATCHES, Op.SET_WATCHES2 -> setWatches(op, body);
      case Op.SYNC -> new Ask.Sync(body.readString());
      case Op.PING -> new Ask.Ping();
      case Op.CLOSE_SESSION -> new Ask.CloseSession();
      case Op.RECONFIG -> reconfig(body);
      default -> new Ask.Unknown();
    };
  }

  // Changes

  private Ask create(int op, JuteReader body) throws MalformedRequestException {
    var fields = new CreateFields(op, body, false);
    if (!fields.sound) {
      return new Ask.Refusal(Code.BADARGUMENTS.number());
    }
    return new Ask.Change(op, fields.command());
  }

  /** The fields of a create request, and what is wrong with them. */
  private final class CreateFields {
    final String path;
    final @Nullable Bytes data;
    final Acl acl;
    final boolean aclIsNull;
    final int flags;
    final boolean sequential;
    final Lifetime lifetime;

    /** The type of the request; within a multi the container's flag makes it one of a container. */
    final int kind;

    /** Flags, TTL and the shape of the path are possible. */
    final boolean sound;

    CreateFields(int op, JuteReader body, boolean inMulti) throws MalformedRequestException {
      path = body.readString();
      data = body.readData();
      Acl written = body.readAcl();
      acl = written == null ? NO_ACL : written;
      aclIsNull = written == null;
      flags = body.readInt();
      kind = inMulti && flags == CONTAINER_FLAG ? Op.CREATE_CONTAINER : op;
      long ttlMs = op == Op.CREATE_TTL ? body.readLong() : -1;
      boolean ttlFlag = flags == TTL_FLAG || flags == TTL_SEQUENTIAL_FLAG;
      boolean ttlFits = ttlFlag ? ttlMs > 0 && ttlMs <= Lifetime.MAX_TTL_MS : ttlMs < 0;
      sequential = flags == TTL_SEQUENTIAL_FLAG || flags <= 3 && (flags & SEQUENTIAL_FLAG) != 0;
      sound =
          flags >= 0
              && flags <= TTL_SEQUENTIAL_FLAG
              && ttlFits
              && ttlFlag == (op == Op.CREATE_TTL)
              && path.indexOf('/') >= 0
              && path.indexOf('\0') < 0;
      lifetime = !sound ? Lifetime.PERSISTENT : lifetime(ttlMs);
    }

    private Lifetime lifetime(long ttlMs) {
      if (kind == Op.CREATE_CONTAINER) {
        return Lifetime.CONTAINER;
      }
      if (kind == Op.CREATE_TTL) {
        return new Lifetime.Ttl(ttlMs);
      }
      return flags < CONTAINER_FLAG && (flags & EPHEMERAL_FLAG) != 0
          ? new Lifetime.Ephemeral(sessionId)
          : Lifetime.PERSISTENT;
    }

    /** The name may be none that a node can have: what is refused first depends on the parent. */
    Command.Create command() {
      ZPath parent = parent(path);
      return new Command.Create(
          parent == null ? NOWHERE : parent,
          path.substring(path.lastIndexOf('/') + 1),
          sequential ? Command.Naming.SEQUENTIAL : Command.Naming.EXACT,
          data,
          null,
          acl,
          lifetime,
          Command.Parents.REQUIRED);
    }
  }

  private static Ask singleDelete(JuteReader body) throws MalformedRequestException {
    String text = body.readString();
    Command.Op delete = delete(text, body.readInt());
    if (delete != NO_NODE) {
      return new Ask.Change(Op.DELETE, delete);
    }
    return new Ask.HopelessDelete(parent(text));
  }

  private static Command.Op delete(String text, int version) {
    ZPath path = path(text);
    if (path != null) {
      return new Command.Delete(path, new Precondition.Version(version));
    }
    return text.indexOf('/') < 0 || text.indexOf('\0') >= 0 ? BAD_ARGUMENTS : NO_NODE;
  }

  /** Of what no node can be called, too: whether the parent lets it go is asked first. */
  private static Command.Op deleteIn(String text, int version) {
    Command.Op delete = delete(text, version);
    if (delete != NO_NODE) {
      return delete;
    }
    ZPath parent = parent(text);
    return parent == null
        ? NO_NODE
        : new Command.Delete(parent.child(NO_NAME), new Precondition.Version(NO_VERSION));
  }

  private static Command.Op setData(JuteReader body) throws MalformedRequestException {
    ZPath path = path(body.readString());
    Bytes data = body.readData();
    int version = body.readInt();
    return path == null
        ? BAD_ARGUMENTS
        : new Command.SetData(path, data, null, new Precondition.Version(version));
  }

  private static Command.Op setAcl(JuteReader body) throws MalformedRequestException {
    ZPath path = path(body.readString());
    Acl acl = body.readAcl();
    int version = body.readInt();
    return path == null
        ? BAD_ARGUMENTS
        : new Command.SetAcl(path, acl == null ? NO_ACL : acl, new Precondition.Version(version));
  }

  private static Command.Op check(JuteReader body) throws MalformedRequestException {
    ZPath path = path(body.readString());
    int version = body.readInt();
    return path == null ? BAD_ARGUMENTS : new Command.Check(path, version);
  }

  private Ask changes(JuteReader body) throws MalformedRequestException {
    var types = new ArrayList<Integer>();
    var ops = new ArrayList<Command.Op>();
    for (int type = nextInMulti(body); type != Op.ERROR; type = nextInMulti(body)) {
      int kind = type;
      ops.add(
          switch (type) {
            case Op.CREATE, Op.CREATE2, Op.CREATE_CONTAINER, Op.CREATE_TTL -> {
              var fields = new CreateFields(type, body, true);
              kind = fields.kind;
              yield createIn(fields);
            }
            case Op.DELETE -> deleteIn(body.readString(), body.readInt());
            case Op.SET_DATA -> setData(body);
            case Op.CHECK -> check(body);
            default -> throw new MalformedRequestException("type " + type + " in a multi");
          });
      types.add(kind);
    }
    return new Ask.Changes(List.copyOf(types), new Command.Multi(ops));
  }

  private static Command.Op createIn(CreateFields fields) throws MalformedRequestException {
    if (fields.flags < 0 || fields.flags > TTL_SEQUENTIAL_FLAG) {
      throw new MalformedRequestException("create flags " + fields.flags + " in a multi");
    }
    if (fields.aclIsNull) {
      throw new MalformedRequestException("no ACL in a multi");
    }
    if (!fields.sound) {
      return BAD_ARGUMENTS;
    }
    return fields.command();
  }

  /** The next operation's type; {@link Op#ERROR} at the end. */
  private static int nextInMulti(JuteReader body) throws MalformedRequestException {
    int type = body.readInt();
    boolean done = body.readBoolean();
    body.readInt();
    if (!done && type == Op.ERROR) {
      throw new MalformedRequestException("an error in a request");
    }
    return done ? Op.ERROR : type;
  }

  // Reads

  private static Ask exists(JuteReader body) throws MalformedRequestException {
    String text = body.readString();
    boolean watch = body.readBoolean();
    return text.indexOf('\0') >= 0
        ? new Ask.Refusal(Code.BADARGUMENTS.number())
        : new Ask.Exists(pathToRead(text), watch);
  }

  private static Ask getData(JuteReader body) throws MalformedRequestException {
    return new Ask.GetData(readPath(body), body.readBoolean());
  }

  private static Ask getChildren(JuteReader body, boolean withStat)
      throws MalformedRequestException {
    return new Ask.GetChildren(readPath(body), body.readBoolean(), withStat);
  }

  /** Membership is not changed through this protocol; a sound request is told so. */
  private static Ask reconfig(JuteReader body) throws MalformedRequestException {
    body.readNullableString();
    body.readNullableString();
    body.readNullableString();
    body.readLong();
    return new Ask.Refusal(Code.RECONFIGDISABLED.number());
  }

  private static String ephemeralsPrefix(JuteReader body) throws MalformedRequestException {
    String prefix = body.readNullableString();
    return prefix == null || prefix.isBlank() || prefix.trim().equals("/") ? "/" : prefix;
  }

  private static Ask reads(JuteReader body) throws MalformedRequestException {
    var reads = new ArrayList<Ask>();
    for (int type = nextInMulti(body); type != Op.ERROR; type = nextInMulti(body)) {
      // ZooKeeper forgets the watch flag of reads in a multi.
      Ask read =
          switch (type) {
            case Op.GET_DATA -> new Ask.GetData(pathAndFlag(body), false);
            case Op.GET_CHILDREN -> new Ask.GetChildren(pathAndFlag(body), false, false);
            default -> throw new MalformedRequestException("type " + type + " in a multi read");
          };
      reads.add(read);
    }
    return new Ask.Reads(List.copyOf(reads));
  }

  private static @Nullable ZPath pathAndFlag(JuteReader body) throws MalformedRequestException {
    ZPath path = readPath(body);
    body.readBoolean();
    return path;
  }

  // Watches

  private static Ask addWatch(JuteReader body) throws MalformedRequestException {
    ZPath path = readPath(body);
    int mode = body.readInt();
    if (mode != PERSISTENT_MODE && mode != RECURSIVE_MODE) {
      throw new MalformedRequestException("watch mode " + mode);
    }
    return new Ask.AddWatch(path, mode == RECURSIVE_MODE);
  }

  private static Ask.WatchKind watchKind(JuteReader body) throws MalformedRequestException {
    int type = body.readInt();
    Ask.WatchKind[] kinds = Ask.WatchKind.values();
    if (type < 1 || type > kinds.length) {
      throw new MalformedRequestException("watcher type " + type);
    }
    return kinds[type - 1];
  }

  private static Ask setWatches(int op, JuteReader body) throws MalformedRequestException {
    boolean two = op == Op.SET_WATCHES2;
    return new Ask.SetWatches(
        body.readLong(),
        body.readStrings(),
        body.readStrings(),
        body.readStrings(),
        two ? body.readStrings() : List.of(),
        two ? body.readStrings() : List.of());
  }

  // Paths

  private static @Nullable ZPath readPath(JuteReader body) throws MalformedRequestException {
    return pathToRead(body.readString());
  }

  /** ZooKeeper keeps its root under the empty path too, and readers get it. */
  private static @Nullable ZPath pathToRead(String text) {
    return text.isEmpty() ? ZPath.ROOT : path(text);
  }

  /** What stands before the last slash; null when no node can be there. */
  private static @Nullable ZPath parent(String text) {
    return pathToRead(text.substring(0, text.lastIndexOf('/')));
  }

  /** Null when no node can be at {@code text}. */
  static @Nullable ZPath path(String text) {
    try {
      return ZPath.of(text);
    } catch (IllegalPathException e) {
      return null;
    }
  }
}
