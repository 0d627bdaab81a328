package io.quorate.consensus.microraft;

import io.microraft.model.log.RaftGroupMembersView;
import java.io.DataInputStream;
import java.io.IOException;

/** What the log must know about the index a checkpoint stands at: its term and the members then. */
record SnapshotMeta(int term, RaftGroupMembersView members) {
  private static final int VERSION = 1;

  byte[] encode() {
    return Codec.bytes(
        out -> {
          out.writeByte(VERSION);
          out.writeInt(term);
          Codec.write(out, members);
        });
  }

  static SnapshotMeta decode(byte[] bytes) throws IOException {
    DataInputStream in = Codec.input(bytes);
    int version = in.readUnsignedByte();
    if (version != VERSION) {
      throw new IOException("The checkpoint's log part has an unknown version " + version);
    }
    return new SnapshotMeta(in.readInt(), Codec.readView(in));
  }
}
