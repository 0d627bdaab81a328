package io.quorate.consensus.microraft;

import io.microraft.MembershipChangeMode;
import io.microraft.RaftEndpoint;
import io.microraft.model.groupop.UpdateRaftGroupMembersOp;
import io.microraft.model.impl.groupop.DefaultUpdateRaftGroupMembersOpOrBuilder;
import io.microraft.model.impl.log.DefaultRaftGroupMembersViewOrBuilder;
import io.microraft.model.log.RaftGroupMembersView;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInput;
import java.io.DataInputStream;
import java.io.DataOutput;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.LinkedHashSet;

/** Bytes of what the log holds. The first byte of everything says its kind and version. */
final class Codec {
  private static final int NEW_TERM = 2;
  private static final int MEMBERS = 3;
  private static final int USUAL_BYTES = 256;

  private Codec() {}

  interface Writer {
    void write(DataOutput out) throws IOException;
  }

  static byte[] bytes(Writer writer) {
    return written(USUAL_BYTES, writer).toByteArray();
  }

  /**
   * @param payloadBytes of what may be long; if that is right, nothing is copied
   */
  static ByteBuffer buffer(int payloadBytes, Writer writer) {
    return written(USUAL_BYTES + payloadBytes, writer).buffer();
  }

  private static Bytes written(int expectedBytes, Writer writer) {
    Bytes bytes = new Bytes(expectedBytes);
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      writer.write(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes;
  }

  private static final class Bytes extends ByteArrayOutputStream {
    Bytes(int expectedBytes) {
      super(expectedBytes);
    }

    ByteBuffer buffer() {
      return ByteBuffer.wrap(buf, 0, count);
    }
  }

  static DataInputStream input(byte[] bytes) {
    return new DataInputStream(new ByteArrayInputStream(bytes));
  }

  /** Not to be changed: an entry gives what it is made of. */
  static byte[] encode(Object operation) {
    return switch (operation) {
      case Operation.Entry entry -> entry.encoded();
      case Operation.NewTerm term ->
          bytes(
              out -> {
                out.writeByte(NEW_TERM);
                out.writeByte(term.leaderId());
                out.writeLong(term.stampMs());
              });
      case UpdateRaftGroupMembersOp members ->
          bytes(
              out -> {
                out.writeByte(MEMBERS);
                out.writeUTF(members.getMode().name());
                write(out, (PeerEndpoint) members.getEndpoint());
                write(out, members.getMembers());
                write(out, members.getVotingMembers());
              });
      default -> throw new IllegalArgumentException("not loggable: " + operation.getClass());
    };
  }

  /** Takes ownership of {@code bytes}. */
  static Object decode(byte[] bytes) throws IOException {
    DataInputStream in = input(bytes);
    int kind = in.readUnsignedByte();
    return switch (kind) {
      case Operation.Entry.KIND -> {
        if (bytes.length < Operation.Entry.HEADER_BYTES) {
          throw new IOException("An entry of " + bytes.length + " bytes.");
        }
        yield new Operation.Entry(bytes);
      }
      case NEW_TERM -> new Operation.NewTerm(in.readUnsignedByte(), in.readLong());
      case MEMBERS ->
          new DefaultUpdateRaftGroupMembersOpOrBuilder()
              .setMode(MembershipChangeMode.valueOf(in.readUTF()))
              .setEndpoint(readEndpoint(in))
              .setMembers(readEndpoints(in))
              .setVotingMembers(readEndpoints(in))
              .build();
      default ->
          throw new IOException(
              "A log entry of kind "
                  + kind
                  + " was written by a newer version of this program; start that version.");
    };
  }

  static void write(DataOutput out, PeerEndpoint endpoint) throws IOException {
    out.writeByte(endpoint.id());
    out.writeLong(endpoint.incarnation());
    out.writeUTF(endpoint.address());
  }

  static PeerEndpoint readEndpoint(DataInput in) throws IOException {
    return new PeerEndpoint(in.readUnsignedByte(), in.readLong(), in.readUTF());
  }

  static void write(DataOutput out, Collection<RaftEndpoint> endpoints) throws IOException {
    out.writeByte(endpoints.size());
    for (RaftEndpoint endpoint : endpoints) {
      write(out, (PeerEndpoint) endpoint);
    }
  }

  static Collection<RaftEndpoint> readEndpoints(DataInput in) throws IOException {
    int count = in.readUnsignedByte();
    Collection<RaftEndpoint> endpoints = new LinkedHashSet<>();
    for (int i = 0; i < count; i++) {
      endpoints.add(readEndpoint(in));
    }
    return endpoints;
  }

  static void write(DataOutput out, RaftGroupMembersView view) throws IOException {
    out.writeLong(view.getLogIndex());
    write(out, view.getMembers());
    write(out, view.getVotingMembers());
  }

  static RaftGroupMembersView readView(DataInput in) throws IOException {
    return new DefaultRaftGroupMembersViewOrBuilder()
        .setLogIndex(in.readLong())
        .setMembers(readEndpoints(in))
        .setVotingMembers(readEndpoints(in))
        .build();
  }
}
