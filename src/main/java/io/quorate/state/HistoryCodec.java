package io.quorate.state;

import io.quorate.bytes.ByteReader;
import io.quorate.bytes.ByteWriter;
import io.quorate.bytes.MalformedException;
import io.quorate.bytes.ValueCodec;
import io.quorate.tree.ZPath;
import io.quorate.tree.Znode;
import java.util.ArrayList;

/** Bytes of what one zxid changed, without the zxid. Checkpoints keep them: never change them. */
final class HistoryCodec {
  private static final int BEFORE = 1;
  private static final int AFTER = 2;
  private static final int PARENT = 4;

  private HistoryCodec() {}

  /**
   * Stops as soon as it is more than {@code mostBytes}: each of many children that come repeats
   * what its parent may have long, and so a short command could ask for more memory than there is.
   *
   * @return whether all of it was written
   */
  static boolean write(ByteWriter out, HistoryEntry entry, long mostBytes) {
    out.signed(entry.timeMs()).number(entry.changes().size());
    for (Change change : entry.changes()) {
      Znode before = change.before();
      Znode after = change.after();
      Change.ParentChange parent = change.parent();
      out.octet(
          (before == null ? 0 : BEFORE)
              | (after == null ? 0 : AFTER)
              | (parent == null ? 0 : PARENT));
      ValueCodec.write(out, change.path());
      if (before != null) {
        ValueCodec.write(out, before);
      }
      if (after != null) {
        ValueCodec.write(out, after);
      }
      if (parent != null) {
        out.signed(parent.pzxidBefore()).signed(parent.cversionAfter());
        ValueCodec.write(out, parent.acl());
      }
      if (out.size() > mostBytes) {
        return false;
      }
    }
    return true;
  }

  static HistoryEntry read(long zxid, ByteReader in, ValueCodec.ZnodeReader znodes)
      throws MalformedException {
    long timeMs = in.signed();
    int count = in.count();
    var changes = new ArrayList<Change>(count);
    for (int i = 0; i < count; i++) {
      changes.add(change(in, znodes));
    }
    return new HistoryEntry(zxid, timeMs, changes);
  }

  private static Change change(ByteReader in, ValueCodec.ZnodeReader znodes)
      throws MalformedException {
    int flags = in.octet();
    if (flags > (BEFORE | AFTER | PARENT)
        || (flags & (BEFORE | AFTER)) == 0
        || (flags & (BEFORE | PARENT)) == 0) {
      throw new MalformedException("no change: flags " + flags);
    }
    ZPath path = ValueCodec.path(in);
    Znode before = (flags & BEFORE) == 0 ? null : znodes.read(in);
    Znode after = (flags & AFTER) == 0 ? null : znodes.read(in);
    Change.ParentChange parent =
        (flags & PARENT) == 0
            ? null
            : new Change.ParentChange(in.signed(), in.signedInt(), znodes.sharedAcl(in));
    return new Change(path, before, after, parent);
  }
}
