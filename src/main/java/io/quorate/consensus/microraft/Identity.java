package io.quorate.consensus.microraft;

import io.microraft.model.log.RaftGroupMembersView;
import io.quorate.consensus.log.SmallFile;
import java.io.DataInputStream;
import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Who this member is and which group it belongs to; made with the data directory.
 *
 * @param clusterId empty until the member belongs to a group
 * @param voting whether it votes, as MicroRaft last said
 * @param initial the members the group was formed of; null until it belongs to one
 */
record Identity(
    PeerEndpoint self, String clusterId, boolean voting, @Nullable RaftGroupMembersView initial) {
  private static final int VERSION = 1;

  boolean formed() {
    return initial != null;
  }

  static Optional<Identity> read(SmallFile file) throws IOException {
    Optional<byte[]> bytes = file.read();
    if (bytes.isEmpty()) {
      return Optional.empty();
    }
    DataInputStream in = Codec.input(bytes.get());
    int version = in.readUnsignedByte();
    if (version != VERSION) {
      throw new IOException("The member file has version " + version + "; start a newer program.");
    }
    PeerEndpoint self = Codec.readEndpoint(in);
    String clusterId = in.readUTF();
    boolean voting = in.readBoolean();
    return Optional.of(
        new Identity(self, clusterId, voting, in.readBoolean() ? Codec.readView(in) : null));
  }

  void write(SmallFile file) throws IOException {
    RaftGroupMembersView members = initial;
    file.write(
        Codec.bytes(
            out -> {
              out.writeByte(VERSION);
              Codec.write(out, self);
              out.writeUTF(clusterId);
              out.writeBoolean(voting);
              out.writeBoolean(members != null);
              if (members != null) {
                Codec.write(out, members);
              }
            }));
  }
}
