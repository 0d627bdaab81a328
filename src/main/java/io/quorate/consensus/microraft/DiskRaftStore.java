package io.quorate.consensus.microraft;

import io.microraft.model.impl.persistence.DefaultRaftTermPersistentStateOrBuilder;
import io.microraft.model.log.LogEntry;
import io.microraft.model.log.RaftGroupMembersView;
import io.microraft.model.log.SnapshotChunk;
import io.microraft.model.persistence.RaftEndpointPersistentState;
import io.microraft.model.persistence.RaftTermPersistentState;
import io.microraft.persistence.RaftStore;
import io.quorate.consensus.log.Disk;
import io.quorate.consensus.log.LogMetrics;
import io.quorate.consensus.log.SegmentLog;
import io.quorate.consensus.log.SmallFile;
import java.io.DataInputStream;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What MicroRaft wants kept: log, term and vote, identity. On the strand, but for opening.
 *
 * <p>Whatever goes wrong with the disk is final: the failure is told once and nothing is written
 * any more. MicroRaft alone would log it and stay leader (trap 6).
 */
final class DiskRaftStore implements RaftStore {
  private final SegmentLog log;
  private final SmallFile termFile;
  private final SmallFile memberFile;
  private final Consumer<Throwable> failed;
  private final Snapshots snapshots;
  private final Operation.Entry.Log reader = this::read;
  private Identity identity;
  private int term;
  private @Nullable PeerEndpoint votedFor;

  /** What becomes of snapshots; the log itself only keeps entries. */
  interface Snapshots {
    /** A snapshot at this index was taken or has been received whole. */
    void persist(SnapshotChunk chunk) throws IOException;

    /** A durable checkpoint covers everything up to {@code index}. */
    void covered(long index) throws IOException;

    /** Term of the snapshot at {@code index}. */
    int termOf(long index);
  }

  DiskRaftStore(
      Disk disk,
      SegmentLog.Options options,
      Executor background,
      LogMetrics metrics,
      Identity whenNew,
      Snapshots snapshots,
      Consumer<Throwable> failed)
      throws IOException {
    this.snapshots = snapshots;
    this.failed = failed;
    termFile = new SmallFile(disk, "term");
    memberFile = new SmallFile(disk, "member");
    Optional<Identity> known = Identity.read(memberFile);
    boolean used = disk.list().stream().anyMatch(name -> name.endsWith(".log"));
    if (known.isEmpty()) {
      if (used || termFile.read().isPresent()) {
        throw new IOException(
            disk.describe("member")
                + " is missing although there is a log: this directory is not whole. Restore it, or"
                + " start with an empty one and let this member be rebuilt from its peers.");
      }
      whenNew.write(memberFile);
    }
    identity = known.orElse(whenNew);
    Optional<byte[]> termBytes = termFile.read();
    if (termBytes.isPresent()) {
      DataInputStream in = Codec.input(termBytes.get());
      term = in.readInt();
      votedFor = in.readBoolean() ? Codec.readEndpoint(in) : null;
    }
    if (term > 0 && !used) {
      throw new IOException(
          disk.describe("")
              + " has no log although this member took part before: entries that it promised to"
              + " keep are gone. Start with an empty directory and let it be rebuilt from its"
              + " peers, or restore a backup.");
    }
    log = SegmentLog.open(disk, options, background, metrics);
    if (term == 0 && log.lastIndex() > 0) {
      throw new IOException(
          disk.describe("term")
              + " is missing although there is a log: this member no longer knows what it voted."
              + " Start with an empty directory and let it be rebuilt from its peers.");
    }
  }

  Identity identity() {
    return identity;
  }

  /** Makes this member part of a group. */
  void join(String clusterId, RaftGroupMembersView initial) {
    guard(
        () -> {
          boolean voting = initial.getVotingMembers().contains(identity.self());
          identity = new Identity(identity.self(), clusterId, voting, initial);
          identity.write(memberFile);
        });
  }

  RaftTermPersistentState term() {
    return new DefaultRaftTermPersistentStateOrBuilder()
        .setTerm(term)
        .setVotedFor(votedFor)
        .build();
  }

  SegmentLog log() {
    return log;
  }

  void recoveredAfter(long index, SegmentLog.Visitor visitor) throws IOException {
    log.recoveredAfter(index, visitor);
  }

  @Override
  public void persistAndFlushLocalEndpoint(RaftEndpointPersistentState state) {
    if (state.isVoting() != identity.voting()) {
      guard(
          () -> {
            identity =
                new Identity(
                    identity.self(), identity.clusterId(), state.isVoting(), identity.initial());
            identity.write(memberFile);
          });
    }
  }

  @Override
  public void persistAndFlushInitialGroupMembers(RaftGroupMembersView initial) {
    if (!identity.formed()) {
      throw new IllegalStateException("a member joins its group before it starts");
    }
  }

  @Override
  public void persistAndFlushTerm(RaftTermPersistentState state) {
    PeerEndpoint vote = (PeerEndpoint) state.getVotedFor();
    if (state.getTerm() == term && Objects.equals(vote, votedFor)) {
      return;
    }
    guard(
        () -> {
          term = state.getTerm();
          votedFor = vote;
          termFile.write(
              Codec.bytes(
                  out -> {
                    out.writeInt(state.getTerm());
                    out.writeBoolean(vote != null);
                    if (vote != null) {
                      Codec.write(out, vote);
                    }
                  }));
        });
  }

  @Override
  public void persistLogEntries(List<LogEntry> entries) {
    guard(
        () -> {
          for (LogEntry entry : entries) {
            long place =
                log.append(entry.getIndex(), entry.getTerm(), Codec.encode(entry.getOperation()));
            standsAt(entry.getOperation(), place, entry.getIndex());
          }
        });
  }

  /** From now on {@code operation} can let go of its bytes. */
  void standsAt(Object operation, long place, long index) {
    if (operation instanceof Operation.Entry entry) {
      entry.standsIn(reader, place, index);
    }
  }

  private byte[] read(long place, long index) {
    byte[][] bytes = new byte[1][];
    guard(() -> bytes[0] = log.read(place, index));
    return bytes[0];
  }

  @Override
  public void truncateLogEntriesFrom(long index) {
    guard(() -> log.cutFrom(index));
  }

  /**
   * Advice, unless it leaves the log behind: then a snapshot was installed and the log goes on
   * after it. Segments go only when a checkpoint is durable, see {@link #checkpointDurable}.
   */
  @Override
  public void truncateLogEntriesUntil(long index) {
    if (index > log.lastIndex()) {
      guard(() -> log.reset(index, snapshots.termOf(index)));
    }
  }

  /**
   * @param firstKept the oldest entry that is still in memory, and may be read
   */
  void checkpointDurable(long index, long firstKept) {
    guard(
        () -> {
          log.discardUntil(Math.min(index, firstKept - 1));
          snapshots.covered(index);
        });
  }

  @Override
  public void persistSnapshotChunk(SnapshotChunk chunk) {
    guard(() -> snapshots.persist(chunk));
  }

  @Override
  public void deleteSnapshotChunks(long index, int count) {
    // An image that is not whole lies in one file, which the next one takes over.
  }

  @Override
  public void flush() {
    guard(log::flush);
  }

  void close() throws IOException {
    log.close();
  }

  private interface Action {
    void run() throws IOException;
  }

  private void guard(Action action) {
    try {
      action.run();
    } catch (Throwable t) {
      failed.accept(t);
      throw t instanceof RuntimeException e ? e : new IllegalStateException(t);
    }
  }
}
