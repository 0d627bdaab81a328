package io.quorate.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.quorate.tree.Acl;
import io.quorate.tree.Bytes;
import io.quorate.tree.Stat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Writes jute, the record format of the ZooKeeper protocol. */
final class Jute {
  private static final int NOTIFICATION_XID = -1;
  private static final int SYNC_CONNECTED = 3;
  private static final int ERROR_OFFSET = 16;

  private Jute() {}

  /**
   * Begins a reply's frame; {@link #end} closes it.
   *
   * @return where it begins
   */
  static int begin(ByteBuf out, int xid, long zxid) {
    int start = out.writerIndex();
    out.writeInt(0).writeInt(xid).writeLong(zxid).writeInt(0);
    return start;
  }

  /** Closes the frame that begins at {@code start}; an error takes the body away. */
  static void end(ByteBuf out, int start, int error) {
    if (error != 0) {
      out.setInt(start + ERROR_OFFSET, error);
      out.writerIndex(start + ERROR_OFFSET + 4);
    }
    out.setInt(start, out.writerIndex() - start - 4);
  }

  static void writeEvent(ByteBuf out, int type, String path, long zxid) {
    int start = begin(out, NOTIFICATION_XID, zxid);
    out.writeInt(type).writeInt(SYNC_CONNECTED);
    writeString(out, path);
    end(out, start, 0);
  }

  static void writeString(ByteBuf out, String text) {
    int start = out.writerIndex();
    out.writeInt(0);
    out.setInt(start, ByteBufUtil.writeUtf8(out, text));
  }

  static void writeStrings(ByteBuf out, List<String> texts) {
    out.writeInt(texts.size());
    for (String text : texts) {
      writeString(out, text);
    }
  }

  static void writeData(ByteBuf out, @Nullable Bytes data) {
    if (data == null) {
      out.writeInt(-1);
    } else {
      out.writeInt(data.size());
      out.writeBytes(data.buffer());
    }
  }

  static void writeStat(ByteBuf out, Stat stat) {
    out.writeLong(stat.czxid());
    out.writeLong(stat.mzxid());
    out.writeLong(stat.ctime());
    out.writeLong(stat.mtime());
    out.writeInt(stat.version());
    out.writeInt(stat.cversion());
    out.writeInt(stat.aversion());
    out.writeLong(stat.ephemeralOwner());
    out.writeInt(stat.dataLength());
    out.writeInt(stat.numChildren());
    out.writeLong(stat.pzxid());
  }

  static void writeAcl(ByteBuf out, List<Acl.Entry> entries) {
    out.writeInt(entries.size());
    for (Acl.Entry entry : entries) {
      out.writeInt(entry.perms());
      writeString(out, entry.scheme());
      writeString(out, entry.id());
    }
  }

  /** The header before each result of a multi, and with {@code done} after the last. */
  static void writeMultiHeader(ByteBuf out, int type, boolean done, int error) {
    out.writeInt(type).writeBoolean(done).writeInt(error);
  }
}
