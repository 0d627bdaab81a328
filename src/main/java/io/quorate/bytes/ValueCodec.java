package io.quorate.bytes;

import io.quorate.tree.Acl;
import io.quorate.tree.Bytes;
import io.quorate.tree.Identity;
import io.quorate.tree.IllegalPathException;
import io.quorate.tree.Lifetime;
import io.quorate.tree.Stat;
import io.quorate.tree.ZPath;
import io.quorate.tree.Znode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Bytes of what a tree is made of. */
public final class ValueCodec {
  /** Never reorder: the place of a scheme is what stands in the bytes. 0 is for any other. */
  private static final List<String> SCHEMES =
      List.of("", "world", "auth", "digest", "ip", "x509", "super");

  private ValueCodec() {}

  public static void write(ByteWriter out, ZPath path) {
    out.text(path.toString());
  }

  public static ZPath path(ByteReader in) throws MalformedException {
    try {
      return ZPath.of(in.text());
    } catch (IllegalPathException e) {
      throw new MalformedException(e.getMessage() == null ? "no path" : e.getMessage());
    }
  }

  public static Bytes present(ByteReader in) throws MalformedException {
    Bytes bytes = in.bytes();
    if (bytes == null) {
      throw new MalformedException("bytes that must be there are null");
    }
    return bytes;
  }

  public static void write(ByteWriter out, Acl acl) {
    if (acl.equals(Acl.OPEN)) {
      out.octet(0);
      return;
    }
    out.number(acl.entries().size() + 1L);
    for (Acl.Entry entry : acl.entries()) {
      out.signed(entry.perms());
      writeScheme(out, entry.scheme());
      out.text(entry.id());
    }
  }

  public static Acl acl(ByteReader in) throws MalformedException {
    int countPlusOne = in.count();
    if (countPlusOne == 0) {
      return Acl.OPEN;
    }
    var entries = new ArrayList<Acl.Entry>(countPlusOne - 1);
    for (int i = 1; i < countPlusOne; i++) {
      entries.add(new Acl.Entry(in.signedInt(), scheme(in), in.text()));
    }
    return new Acl(entries);
  }

  public static void write(ByteWriter out, Identity identity) {
    writeScheme(out, identity.scheme());
    out.text(identity.id());
  }

  public static Identity identity(ByteReader in) throws MalformedException {
    return new Identity(scheme(in), in.text());
  }

  private static void writeScheme(ByteWriter out, String scheme) {
    int known = Math.max(0, SCHEMES.indexOf(scheme));
    out.octet(known);
    if (known == 0) {
      out.text(scheme);
    }
  }

  private static String scheme(ByteReader in) throws MalformedException {
    int known = in.octet();
    if (known >= SCHEMES.size()) {
      throw new MalformedException("unknown scheme " + known);
    }
    return known == 0 ? in.text() : SCHEMES.get(known);
  }

  public static void write(ByteWriter out, Lifetime lifetime) {
    switch (lifetime) {
      case Lifetime.Persistent p -> out.octet(0);
      case Lifetime.Ephemeral e -> out.octet(1).fixed(e.sessionId());
      case Lifetime.Container c -> out.octet(2);
      case Lifetime.Ttl t -> out.octet(3).number(t.ttlMs());
    }
  }

  public static Lifetime lifetime(ByteReader in) throws MalformedException {
    int kind = in.octet();
    return switch (kind) {
      case 0 -> Lifetime.PERSISTENT;
      case 1 -> new Lifetime.Ephemeral(in.fixed());
      case 2 -> Lifetime.CONTAINER;
      case 3 -> ttl(in.number());
      default -> throw new MalformedException("unknown lifetime " + kind);
    };
  }

  private static Lifetime ttl(long ttlMs) throws MalformedException {
    if (ttlMs < 1 || ttlMs > Lifetime.MAX_TTL_MS) {
      throw new MalformedException("no time to live: " + ttlMs + " ms");
    }
    return new Lifetime.Ttl(ttlMs);
  }

  public static void write(ByteWriter out, Stat stat) {
    out.signed(stat.czxid())
        .signed(stat.mzxid())
        .signed(stat.ctime())
        .signed(stat.mtime())
        .signed(stat.version())
        .signed(stat.cversion())
        .signed(stat.aversion())
        .fixed(stat.ephemeralOwner())
        .signed(stat.dataLength())
        .signed(stat.numChildren())
        .signed(stat.pzxid());
  }

  public static Stat stat(ByteReader in) throws MalformedException {
    return new Stat(
        in.signed(),
        in.signed(),
        in.signed(),
        in.signed(),
        in.signedInt(),
        in.signedInt(),
        in.signedInt(),
        in.fixed(),
        in.signedInt(),
        in.signedInt(),
        in.signed());
  }

  /** The later zxids and times are mostly near the first, so their distances are written. */
  public static void write(ByteWriter out, Znode node) {
    out.signed(node.czxid())
        .signed(node.mzxid() - node.czxid())
        .signed(node.pzxid() - node.czxid())
        .signed(node.ctime())
        .signed(node.mtime() - node.ctime())
        .signed(node.version())
        .signed(node.childCreations())
        .signed(node.numChildren())
        .signed(node.aversion());
    write(out, node.lifetime());
    write(out, node.acl());
    out.optionalText(node.contentType().orElse(null)).bytes(node.data().orElse(null));
  }

  /**
   * Reads many znodes and gives equal ACLs and content types the same object: a million nodes have
   * a handful of them. For one thread.
   */
  public static final class ZnodeReader {
    private final TreeMap<byte[], Acl> acls = new TreeMap<>(Arrays::compareUnsigned);
    private final TreeMap<String, String> contentTypes = new TreeMap<>();

    public Znode read(ByteReader in) throws MalformedException {
      long czxid = in.signed();
      long mzxid = czxid + in.signed();
      long pzxid = czxid + in.signed();
      long ctime = in.signed();
      long mtime = ctime + in.signed();
      int version = in.signedInt();
      int childCreations = in.signedInt();
      int numChildren = in.signedInt();
      int aversion = in.signedInt();
      Lifetime lifetime = lifetime(in);
      Acl acl = sharedAcl(in);
      String contentType = shared(in.optionalText());
      Bytes data = in.bytes();
      var stat =
          new Stat(czxid, mzxid, ctime, mtime, version, 0, aversion, 0, 0, numChildren, pzxid);
      return Znode.restored(data, contentType, acl, lifetime, stat, childCreations);
    }

    public Acl sharedAcl(ByteReader in) throws MalformedException {
      Acl acl = acl(in);
      if (acl == Acl.OPEN) {
        return acl;
      }
      var key = new ByteWriter(64);
      write(key, acl);
      Acl known = acls.putIfAbsent(key.toArray(), acl);
      return known == null ? acl : known;
    }

    private @Nullable String shared(@Nullable String contentType) {
      if (contentType == null) {
        return null;
      }
      String known = contentTypes.putIfAbsent(contentType, contentType);
      return known == null ? contentType : known;
    }
  }
}
