package io.quorate.consensus.microraft;

import io.microraft.model.RaftModelFactory;
import io.microraft.model.impl.DefaultRaftModelFactory;
import io.microraft.model.log.LogEntry;
import io.microraft.model.log.RaftGroupMembersView;
import io.microraft.model.log.SnapshotChunk;
import io.microraft.model.message.AppendEntriesFailureResponse;
import io.microraft.model.message.AppendEntriesRequest;
import io.microraft.model.message.AppendEntriesSuccessResponse;
import io.microraft.model.message.InstallSnapshotRequest;
import io.microraft.model.message.InstallSnapshotResponse;
import io.microraft.model.message.PreVoteRequest;
import io.microraft.model.message.PreVoteResponse;
import io.microraft.model.message.RaftMessage;
import io.microraft.model.message.TriggerLeaderElectionRequest;
import io.microraft.model.message.VoteRequest;
import io.microraft.model.message.VoteResponse;
import io.quorate.consensus.Replicator.Proposal;
import java.io.DataInput;
import java.io.DataInputStream;
import java.io.DataOutput;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Bytes of frames. Each begins with version, group, sender and the incarnation it is meant for, so
 * that a frame for a member that lost its disk never reaches its successor.
 */
final class FrameCodec {
  private static final int VERSION = 1;

  /** Index, term and length before the bytes of an entry. */
  private static final int ENTRY_BYTES = 16;

  private static final RaftModelFactory MODEL = new DefaultRaftModelFactory();

  private FrameCodec() {}

  /**
   * What stands before a frame.
   *
   * @param group of the sender; 0 while it has none
   * @param forIncarnation 0 for whoever is there
   */
  record Header(long group, int from, long fromIncarnation, long forIncarnation) {}

  record Decoded(Header header, Frame frame) {}

  static ByteBuffer encode(Header header, Frame frame) {
    return Codec.buffer(
        payloadBytes(frame),
        out -> {
          out.writeByte(VERSION);
          out.writeLong(header.group());
          out.writeByte(header.from());
          out.writeLong(header.fromIncarnation());
          out.writeLong(header.forIncarnation());
          write(out, frame);
        });
  }

  /** Of what may be long, so that it is put in its place at once. */
  private static int payloadBytes(Frame frame) {
    return switch (frame) {
      case Frame.Propose propose -> propose.entry().length;
      case Frame.ImagePiece piece -> piece.bytes().length;
      case Frame.Raft raft when raft.message() instanceof AppendEntriesRequest append -> {
        int bytes = 0;
        for (LogEntry entry : append.getLogEntries()) {
          bytes += ENTRY_BYTES;
          if (entry.getOperation() instanceof Operation.Entry ours) {
            bytes += ours.size();
          }
        }
        yield bytes;
      }
      default -> 0;
    };
  }

  /**
   * @param groupId what messages of MicroRaft are given as their group
   */
  static Decoded decode(byte[] bytes, Object groupId) throws IOException {
    DataInputStream in = Codec.input(bytes);
    int version = in.readUnsignedByte();
    if (version != VERSION) {
      throw new IOException("a peer speaks version " + version + " of the replication protocol");
    }
    Header header = new Header(in.readLong(), in.readUnsignedByte(), in.readLong(), in.readLong());
    return new Decoded(header, read(in, groupId));
  }

  private static void write(DataOutput out, Frame frame) throws IOException {
    switch (frame) {
      case Frame.Hello hello -> {
        out.writeByte(1);
        Codec.write(out, hello.self());
        out.writeUTF(hello.voters());
        out.writeUTF(hello.clusterId());
        RaftGroupMembersView initial = hello.initial();
        out.writeBoolean(initial != null);
        if (initial != null) {
          Codec.write(out, initial);
        }
        out.writeByte(hello.members().size());
        for (PeerEndpoint member : hello.members()) {
          Codec.write(out, member);
        }
        out.writeBoolean(hello.answer());
      }
      case Frame.Raft raft -> {
        out.writeByte(2);
        write(out, raft.message());
        out.writeLong(raft.hint());
      }
      case Frame.Propose propose -> {
        out.writeByte(3);
        out.writeLong(propose.request());
        write(out, propose.entry());
      }
      case Frame.Proposed proposed -> {
        out.writeByte(4);
        out.writeLong(proposed.request());
        write(out, proposed.outcome());
      }
      case Frame.AskBarrier ask -> {
        out.writeByte(5);
        out.writeLong(ask.request());
      }
      case Frame.BarrierAnswer answer -> {
        out.writeByte(6);
        out.writeLong(answer.request());
        out.writeLong(answer.index());
        out.writeUTF(answer.why());
      }
      case Frame.ImagePiece piece -> {
        out.writeByte(7);
        out.writeLong(piece.index());
        out.writeLong(piece.total());
        out.writeLong(piece.offset());
        write(out, piece.bytes());
      }
      case Frame.ImageTaken taken -> {
        out.writeByte(8);
        out.writeLong(taken.index());
        out.writeLong(taken.offset());
      }
      case Frame.Change change -> {
        out.writeByte(9);
        out.writeLong(change.request());
        out.writeUTF(change.wish().name());
        out.writeByte(change.id());
        out.writeUTF(change.address());
      }
      case Frame.Changed changed -> {
        out.writeByte(10);
        out.writeLong(changed.request());
        out.writeUTF(changed.fate().name());
        out.writeUTF(changed.why());
      }
      case Frame.Ask ask -> {
        out.writeByte(11);
        out.writeLong(ask.request());
        write(out, ask.question());
      }
      case Frame.Answered answered -> {
        out.writeByte(12);
        out.writeLong(answered.request());
        write(out, answered.answer());
      }
    }
  }

  private static Frame read(DataInput in, Object groupId) throws IOException {
    int kind = in.readUnsignedByte();
    return switch (kind) {
      case 1 -> {
        PeerEndpoint self = Codec.readEndpoint(in);
        String voters = in.readUTF();
        String clusterId = in.readUTF();
        @Nullable RaftGroupMembersView initial = in.readBoolean() ? Codec.readView(in) : null;
        int count = in.readUnsignedByte();
        List<PeerEndpoint> members = new ArrayList<>();
        for (int i = 0; i < count; i++) {
          members.add(Codec.readEndpoint(in));
        }
        yield new Frame.Hello(self, voters, clusterId, initial, members, in.readBoolean());
      }
      case 2 -> new Frame.Raft(readMessage(in, groupId), in.readLong());
      case 3 -> new Frame.Propose(in.readLong(), readBytes(in));
      case 4 -> new Frame.Proposed(in.readLong(), readProposal(in));
      case 5 -> new Frame.AskBarrier(in.readLong());
      case 6 -> new Frame.BarrierAnswer(in.readLong(), in.readLong(), in.readUTF());
      case 7 -> new Frame.ImagePiece(in.readLong(), in.readLong(), in.readLong(), readBytes(in));
      case 8 -> new Frame.ImageTaken(in.readLong(), in.readLong());
      case 9 ->
          new Frame.Change(
              in.readLong(), Frame.Wish.valueOf(in.readUTF()), in.readUnsignedByte(), in.readUTF());
      case 10 -> new Frame.Changed(in.readLong(), Frame.Fate.valueOf(in.readUTF()), in.readUTF());
      case 11 -> new Frame.Ask(in.readLong(), readBytes(in));
      case 12 -> new Frame.Answered(in.readLong(), readBytes(in));
      default -> throw new IOException("unknown frame " + kind);
    };
  }

  private static void write(DataOutput out, byte[] bytes) throws IOException {
    out.writeInt(bytes.length);
    out.write(bytes);
  }

  private static byte[] readBytes(DataInput in) throws IOException {
    byte[] bytes = new byte[in.readInt()];
    in.readFully(bytes);
    return bytes;
  }

  private static void write(DataOutput out, Proposal outcome) throws IOException {
    switch (outcome) {
      case Proposal.Committed committed -> {
        out.writeByte(0);
        out.writeLong(committed.index());
      }
      case Proposal.Refused refused -> {
        out.writeByte(1);
        out.writeUTF(refused.reason());
      }
      case Proposal.Unknown unknown -> {
        out.writeByte(2);
        out.writeUTF(unknown.reason());
      }
    }
  }

  private static Proposal readProposal(DataInput in) throws IOException {
    return switch (in.readUnsignedByte()) {
      case 0 -> new Proposal.Committed(in.readLong());
      case 1 -> new Proposal.Refused(in.readUTF());
      default -> new Proposal.Unknown(in.readUTF());
    };
  }

  private static void write(DataOutput out, RaftMessage message) throws IOException {
    int kind =
        switch (message) {
          case AppendEntriesRequest m -> 1;
          case AppendEntriesSuccessResponse m -> 2;
          case AppendEntriesFailureResponse m -> 3;
          case InstallSnapshotRequest m -> 4;
          case InstallSnapshotResponse m -> 5;
          case PreVoteRequest m -> 6;
          case PreVoteResponse m -> 7;
          case VoteRequest m -> 8;
          case VoteResponse m -> 9;
          case TriggerLeaderElectionRequest m -> 10;
          default -> throw new IllegalArgumentException(message.getClass().getName());
        };
    out.writeByte(kind);
    Codec.write(out, (PeerEndpoint) message.getSender());
    out.writeInt(message.getTerm());
    switch (message) {
      case AppendEntriesRequest m -> {
        out.writeInt(m.getPreviousLogTerm());
        out.writeLong(m.getPreviousLogIndex());
        out.writeLong(m.getCommitIndex());
        out.writeLong(m.getQuerySequenceNumber());
        out.writeLong(m.getFlowControlSequenceNumber());
        out.writeInt(m.getLogEntries().size());
        for (LogEntry entry : m.getLogEntries()) {
          out.writeLong(entry.getIndex());
          out.writeInt(entry.getTerm());
          write(out, Codec.encode(entry.getOperation()));
        }
      }
      case AppendEntriesSuccessResponse m -> {
        out.writeLong(m.getLastLogIndex());
        out.writeLong(m.getQuerySequenceNumber());
        out.writeLong(m.getFlowControlSequenceNumber());
      }
      case AppendEntriesFailureResponse m -> {
        out.writeLong(m.getExpectedNextIndex());
        out.writeLong(m.getQuerySequenceNumber());
        out.writeLong(m.getFlowControlSequenceNumber());
      }
      case InstallSnapshotRequest m -> {
        out.writeBoolean(m.isSenderLeader());
        out.writeInt(m.getSnapshotTerm());
        out.writeLong(m.getSnapshotIndex());
        out.writeInt(m.getTotalSnapshotChunkCount());
        Codec.write(out, m.getSnapshottedMembers());
        Codec.write(out, m.getGroupMembersView());
        out.writeLong(m.getQuerySequenceNumber());
        out.writeLong(m.getFlowControlSequenceNumber());
        // The chunk itself has gone before, as a file.
        out.writeBoolean(m.getSnapshotChunk() != null);
      }
      case InstallSnapshotResponse m -> {
        out.writeLong(m.getSnapshotIndex());
        out.writeInt(m.getRequestedSnapshotChunkIndex());
        out.writeLong(m.getQuerySequenceNumber());
        out.writeLong(m.getFlowControlSequenceNumber());
      }
      case PreVoteRequest m -> {
        out.writeInt(m.getLastLogTerm());
        out.writeLong(m.getLastLogIndex());
      }
      case PreVoteResponse m -> out.writeBoolean(m.isGranted());
      case VoteRequest m -> {
        out.writeInt(m.getLastLogTerm());
        out.writeLong(m.getLastLogIndex());
        out.writeBoolean(m.isSticky());
      }
      case VoteResponse m -> out.writeBoolean(m.isGranted());
      case TriggerLeaderElectionRequest m -> {
        out.writeInt(m.getLastLogTerm());
        out.writeLong(m.getLastLogIndex());
      }
      default -> throw new IllegalArgumentException(message.getClass().getName());
    }
  }

  private static RaftMessage readMessage(DataInput in, Object group) throws IOException {
    int kind = in.readUnsignedByte();
    PeerEndpoint sender = Codec.readEndpoint(in);
    int term = in.readInt();
    return switch (kind) {
      case 1 -> {
        var builder =
            MODEL
                .createAppendEntriesRequestBuilder()
                .setGroupId(group)
                .setSender(sender)
                .setTerm(term)
                .setPreviousLogTerm(in.readInt())
                .setPreviousLogIndex(in.readLong())
                .setCommitIndex(in.readLong())
                .setQuerySequenceNumber(in.readLong())
                .setFlowControlSequenceNumber(in.readLong());
        int count = in.readInt();
        List<LogEntry> entries = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
          entries.add(
              MODEL
                  .createLogEntryBuilder()
                  .setIndex(in.readLong())
                  .setTerm(in.readInt())
                  .setOperation(Codec.decode(readBytes(in)))
                  .build());
        }
        yield builder.setLogEntries(entries).build();
      }
      case 2 ->
          MODEL
              .createAppendEntriesSuccessResponseBuilder()
              .setGroupId(group)
              .setSender(sender)
              .setTerm(term)
              .setLastLogIndex(in.readLong())
              .setQuerySequenceNumber(in.readLong())
              .setFlowControlSequenceNumber(in.readLong())
              .build();
      case 3 ->
          MODEL
              .createAppendEntriesFailureResponseBuilder()
              .setGroupId(group)
              .setSender(sender)
              .setTerm(term)
              .setExpectedNextIndex(in.readLong())
              .setQuerySequenceNumber(in.readLong())
              .setFlowControlSequenceNumber(in.readLong())
              .build();
      case 4 -> {
        var builder =
            MODEL
                .createInstallSnapshotRequestBuilder()
                .setGroupId(group)
                .setSender(sender)
                .setTerm(term)
                .setSenderLeader(in.readBoolean());
        int snapshotTerm = in.readInt();
        long snapshotIndex = in.readLong();
        int chunks = in.readInt();
        var snapshotted = Codec.readEndpoints(in);
        RaftGroupMembersView view = Codec.readView(in);
        builder
            .setSnapshotTerm(snapshotTerm)
            .setSnapshotIndex(snapshotIndex)
            .setTotalSnapshotChunkCount(chunks)
            .setSnapshottedMembers(snapshotted)
            .setGroupMembersView(view)
            .setQuerySequenceNumber(in.readLong())
            .setFlowControlSequenceNumber(in.readLong());
        if (in.readBoolean()) {
          SnapshotChunk chunk =
              MODEL
                  .createSnapshotChunkBuilder()
                  .setTerm(snapshotTerm)
                  .setIndex(snapshotIndex)
                  .setOperation(new Images.Received(snapshotIndex))
                  .setSnapshotChunkIndex(0)
                  .setSnapshotChunkCount(1)
                  .setGroupMembersView(view)
                  .build();
          builder.setSnapshotChunk(chunk);
        }
        yield builder.build();
      }
      case 5 ->
          MODEL
              .createInstallSnapshotResponseBuilder()
              .setGroupId(group)
              .setSender(sender)
              .setTerm(term)
              .setSnapshotIndex(in.readLong())
              .setRequestedSnapshotChunkIndex(in.readInt())
              .setQuerySequenceNumber(in.readLong())
              .setFlowControlSequenceNumber(in.readLong())
              .build();
      case 6 ->
          MODEL
              .createPreVoteRequestBuilder()
              .setGroupId(group)
              .setSender(sender)
              .setTerm(term)
              .setLastLogTerm(in.readInt())
              .setLastLogIndex(in.readLong())
              .build();
      case 7 ->
          MODEL
              .createPreVoteResponseBuilder()
              .setGroupId(group)
              .setSender(sender)
              .setTerm(term)
              .setGranted(in.readBoolean())
              .build();
      case 8 ->
          MODEL
              .createVoteRequestBuilder()
              .setGroupId(group)
              .setSender(sender)
              .setTerm(term)
              .setLastLogTerm(in.readInt())
              .setLastLogIndex(in.readLong())
              .setSticky(in.readBoolean())
              .build();
      case 9 ->
          MODEL
              .createVoteResponseBuilder()
              .setGroupId(group)
              .setSender(sender)
              .setTerm(term)
              .setGranted(in.readBoolean())
              .build();
      case 10 ->
          MODEL
              .createTriggerLeaderElectionRequestBuilder()
              .setGroupId(group)
              .setSender(sender)
              .setTerm(term)
              .setLastLogTerm(in.readInt())
              .setLastLogIndex(in.readLong())
              .build();
      default -> throw new IOException("unknown message " + kind);
    };
  }
}
