package io.quorate.state;

import io.quorate.tree.Znode;
import java.util.List;

/** What must be true of one znode for a change to happen; judged in apply. */
public sealed interface Precondition {
  Precondition NONE = new None();
  Precondition ABSENT = new Absent();
  Precondition PRESENT = new Present();

  record None() implements Precondition {}

  /** {@code If-None-Match: *}. */
  record Absent() implements Precondition {}

  /** {@code If-Match: *}. */
  record Present() implements Precondition {}

  /** {@code If-Match}: one of these, as {@link Etags} writes them. */
  record OneOf(List<String> etags) implements Precondition {
    public OneOf {
      etags = List.copyOf(etags);
    }
  }

  /** ZooKeeper's expected version; -1 matches any. */
  record Version(int version) implements Precondition {}

  /** Entity tags, without the quotes that HTTP puts around them. */
  final class Etags {
    private Etags() {}

    public static String data(Znode node) {
      return "0x" + Long.toHexString(node.mzxid());
    }

    public static String acl(Znode node) {
      return "a" + node.aversion() + "-0x" + Long.toHexString(node.czxid());
    }

    public static String children(Znode node) {
      return "0x" + Long.toHexString(node.pzxid());
    }
  }
}
