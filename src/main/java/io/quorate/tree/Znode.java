package io.quorate.tree;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One version of one znode; immutable. It does not hold its path, nor its children, which stand in
 * the tree.
 *
 * <p>A million of these are the bulk of the heap: fields are primitive, the data is the bare array,
 * and {@link Stat} and {@link Lifetime} are made when asked for.
 */
public final class Znode {
  private static final byte PERSISTENT = 0;
  private static final byte EPHEMERAL = 1;
  private static final byte CONTAINER = 2;
  private static final byte TTL = 3;

  private final byte @Nullable [] data;
  private final Acl acl;
  private final @Nullable String contentType;
  private final long czxid;
  private final long mzxid;
  private final long pzxid;
  private final long ctime;
  private final long mtime;
  private final long ownerOrTtl;
  private final int version;
  private final int childCreations;
  private final int numChildren;
  private final int aversion;
  private final byte kind;

  private Znode(
      byte @Nullable [] data,
      Acl acl,
      @Nullable String contentType,
      long czxid,
      long mzxid,
      long pzxid,
      long ctime,
      long mtime,
      long ownerOrTtl,
      int version,
      int childCreations,
      int numChildren,
      int aversion,
      byte kind) {
    this.data = data;
    this.acl = acl;
    this.contentType = contentType;
    this.czxid = czxid;
    this.mzxid = mzxid;
    this.pzxid = pzxid;
    this.ctime = ctime;
    this.mtime = mtime;
    this.ownerOrTtl = ownerOrTtl;
    this.version = version;
    this.childCreations = childCreations;
    this.numChildren = numChildren;
    this.aversion = aversion;
    this.kind = kind;
  }

  /** A znode as it is born. */
  public static Znode born(
      @Nullable Bytes data,
      @Nullable String contentType,
      Acl acl,
      Lifetime lifetime,
      long zxid,
      long timeMs) {
    return new Znode(
        data == null ? null : data.shared(),
        acl,
        contentType,
        zxid,
        zxid,
        zxid,
        timeMs,
        timeMs,
        ownerOrTtl(lifetime),
        0,
        0,
        0,
        0,
        kind(lifetime));
  }

  /**
   * A znode as a checkpoint has it.
   *
   * @param childCreations see {@link #childCreations()}
   */
  public static Znode restored(
      @Nullable Bytes data,
      @Nullable String contentType,
      Acl acl,
      Lifetime lifetime,
      Stat stat,
      int childCreations) {
    return new Znode(
        data == null ? null : data.shared(),
        acl,
        contentType,
        stat.czxid(),
        stat.mzxid(),
        stat.pzxid(),
        stat.ctime(),
        stat.mtime(),
        ownerOrTtl(lifetime),
        stat.version(),
        childCreations,
        stat.numChildren(),
        stat.aversion(),
        kind(lifetime));
  }

  private static byte kind(Lifetime lifetime) {
    return switch (lifetime) {
      case Lifetime.Persistent p -> PERSISTENT;
      case Lifetime.Ephemeral e -> EPHEMERAL;
      case Lifetime.Container c -> CONTAINER;
      case Lifetime.Ttl t -> TTL;
    };
  }

  private static long ownerOrTtl(Lifetime lifetime) {
    return switch (lifetime) {
      case Lifetime.Persistent p -> 0;
      case Lifetime.Ephemeral e -> e.sessionId();
      case Lifetime.Container c -> 0;
      case Lifetime.Ttl t -> t.ttlMs();
    };
  }

  /** The data; empty for null data, which is not the same as data of no bytes. */
  public Optional<Bytes> data() {
    return data == null ? Optional.empty() : Optional.of(Bytes.wrap(data));
  }

  /** The media type that HTTP wrote with the data. */
  public Optional<String> contentType() {
    return Optional.ofNullable(contentType);
  }

  public Acl acl() {
    return acl;
  }

  public Lifetime lifetime() {
    return switch (kind) {
      case PERSISTENT -> Lifetime.PERSISTENT;
      case EPHEMERAL -> new Lifetime.Ephemeral(ownerOrTtl);
      case CONTAINER -> Lifetime.CONTAINER;
      case TTL -> new Lifetime.Ttl(ownerOrTtl);
      default -> throw new IllegalStateException("kind " + kind);
    };
  }

  public boolean isEphemeral() {
    return kind == EPHEMERAL;
  }

  /** Whether time or the loss of children may remove it: a container or one with a TTL. */
  public boolean isReapable() {
    return kind == CONTAINER || kind == TTL;
  }

  /** The owning session; 0 when it is not ephemeral. */
  public long ephemeralOwner() {
    return kind == EPHEMERAL ? ownerOrTtl : 0;
  }

  public long czxid() {
    return czxid;
  }

  public long mzxid() {
    return mzxid;
  }

  public long pzxid() {
    return pzxid;
  }

  /** Log time of the creation, milliseconds since 1970. */
  public long ctime() {
    return ctime;
  }

  /** Log time of the last data change, milliseconds since 1970. */
  public long mtime() {
    return mtime;
  }

  public int version() {
    return version;
  }

  public int aversion() {
    return aversion;
  }

  public int numChildren() {
    return numChildren;
  }

  public int dataLength() {
    return data == null ? 0 : data.length;
  }

  /**
   * How many children were ever created: the next sequence number. ZooKeeper keeps the same number
   * and shows {@link #cversion()} computed from it.
   */
  public int childCreations() {
    return childCreations;
  }

  /** Creations plus deletions of children: 2 · creations − children. */
  public int cversion() {
    return childCreations * 2 - numChildren;
  }

  public Stat stat() {
    return new Stat(
        czxid,
        mzxid,
        ctime,
        mtime,
        version,
        cversion(),
        aversion,
        ephemeralOwner(),
        dataLength(),
        numChildren,
        pzxid);
  }

  /** Bytes that it counts for in limits: path, data and a constant for the rest. */
  public int weightBytes() {
    return 96 + dataLength();
  }

  public Znode withData(
      @Nullable Bytes newData, @Nullable String newContentType, long zxid, long timeMs) {
    return new Znode(
        newData == null ? null : newData.shared(),
        acl,
        newContentType,
        czxid,
        zxid,
        pzxid,
        ctime,
        timeMs,
        ownerOrTtl,
        version + 1,
        childCreations,
        numChildren,
        aversion,
        kind);
  }

  public Znode withAcl(Acl newAcl) {
    return new Znode(
        data,
        newAcl,
        contentType,
        czxid,
        mzxid,
        pzxid,
        ctime,
        mtime,
        ownerOrTtl,
        version,
        childCreations,
        numChildren,
        aversion + 1,
        kind);
  }

  /** As it is with other counts of children. */
  Znode withChildren(int newChildCreations, int newNumChildren, long newPzxid) {
    return new Znode(
        data,
        acl,
        contentType,
        czxid,
        mzxid,
        newPzxid,
        ctime,
        mtime,
        ownerOrTtl,
        version,
        newChildCreations,
        newNumChildren,
        aversion,
        kind);
  }

  /** Adds everything that makes this version of the node what it is to {@code hash}. */
  void hashInto(Hash128 hash) {
    hash.add(czxid).add(mzxid).add(pzxid).add(ctime).add(mtime).add(ownerOrTtl);
    hash.add((long) version << 32 | childCreations & 0xffffffffL);
    hash.add((long) numChildren << 32 | aversion & 0xffffffffL);
    hash.add(kind).add(data == null ? -1 : data.length);
    if (data != null) {
      hash.add(data);
    }
    if (contentType != null) {
      hash.add(contentType);
    }
    if (acl != Acl.OPEN) {
      for (Acl.Entry entry : acl.entries()) {
        hash.add(entry.perms()).add(entry.scheme()).add(entry.id());
      }
    } else {
      hash.add(Acl.ALL).add("world").add("anyone");
    }
  }
}
