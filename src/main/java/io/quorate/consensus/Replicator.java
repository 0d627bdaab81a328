package io.quorate.consensus;

import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;

/**
 * Orders opaque entries among the members of a group and says when a quorum has them on disk.
 *
 * <p>Any member may be asked: one that does not lead forwards to the leader. Every method is
 * thread-safe and none blocks. What is committed reaches the {@link LogConsumer} on every member,
 * in log order.
 */
public interface Replicator extends AutoCloseable {

  /**
   * Proposes one entry. The leader stamps it with its clock and appends it.
   *
   * <p>The answer never fails exceptionally. {@link Proposal.Refused} says that the entry is in no
   * log and never will be from this call; {@link Proposal.Unknown} that it may or may not appear
   * later.
   *
   * @param entry asked once, on the replicator's thread and soon, what the entry is: what the host
   *     gathers until the thread gets round to it comes along. Never asked when that thread takes
   *     nothing any more.
   */
  CompletionStage<Proposal> propose(Supplier<byte[]> entry);

  /** Proposes an entry that is there already. */
  default CompletionStage<Proposal> propose(byte[] entry) {
    return propose(() -> entry);
  }

  /**
   * An index that covers every write acknowledged before this call, confirmed by a quorum after the
   * call began. A state that has applied it may answer a linearizable read.
   *
   * <p>Barriers asked for while one is under way share the next one. Fails with {@link
   * NoQuorumException} when none could be had; the caller may ask again.
   */
  CompletionStage<Long> readBarrier();

  /**
   * Asks the leader's host something that is not logged, over the same connections as proposals; on
   * the leader itself, its own host. At most 1 MB.
   *
   * @return what {@link LogConsumer#answer} said; fails with {@link NoQuorumException} when no
   *     leader is known or no answer came in time
   */
  CompletionStage<byte[]> askLeader(byte[] question);

  /** Who leads, as far as this member knows. One volatile read. */
  Leadership leadership();

  /** Told of every change of {@link #leadership()}, in order, on a thread that must not block. */
  void onLeadership(java.util.function.Consumer<Leadership> listener);

  /** The members as this member knows them. */
  GroupView group();

  /** Room on the disk for more log, as judged on this member before anything is written. */
  DiskHeadroom headroom();

  /**
   * The host has a checkpoint on disk that covers the log up to {@code index}: log before it may
   * go. Called in increasing order.
   */
  void checkpointDurable(long index);

  /** Asks for a checkpoint soon, for example because the disk is short of room. */
  void requestCheckpoint();

  /**
   * Before this member stops: asks for a checkpoint of what is applied here, unless the log after
   * the newest one is short. Whoever starts again then has little to apply.
   *
   * @return completes when that checkpoint is on disk, or none is needed; never, when none can be
   *     made
   */
  CompletionStage<Void> coverLog();

  /** Adds a voter or an observer; a voter first learns, then is promoted when it has caught up. */
  CompletionStage<GroupView> addMember(Member member);

  /** Removes a member; a majority of the remaining ones must be reachable. */
  CompletionStage<GroupView> removeMember(int id);

  /** Hands leadership over and completes when the other member leads. */
  CompletionStage<Void> transferLeadership(int id);

  /**
   * Starts taking part. Replays to {@code consumer} what the log holds after its {@link
   * LogConsumer#restorePoint()}.
   */
  void start(LogConsumer consumer);

  /** Stops taking part, hands leadership over where it can, flushes, and releases every thread. */
  @Override
  void close();

  /** What became of a proposal. */
  sealed interface Proposal {
    /** A quorum has it on disk, at {@code index}. */
    record Committed(long index) implements Proposal {}

    /** It is certainly not in the log and will not be: nothing was applied. */
    record Refused(String reason) implements Proposal {}

    /** It was handed on and no answer came. */
    record Unknown(String reason) implements Proposal {}
  }

  /**
   * Who leads.
   *
   * @param term the term, 1 and up; 0 before the first election
   * @param leaderId the leader's member number, or 0 when none is known
   * @param localLeader whether this member leads
   */
  record Leadership(long term, int leaderId, boolean localLeader) {
    public boolean known() {
      return leaderId != 0;
    }
  }

  /** A member's number, replication address ({@code host:port}, empty for a group of one), role. */
  record Member(int id, String address, Role role) {}

  /** What a member may do. */
  enum Role {
    VOTER,
    OBSERVER
  }

  /**
   * The group as one member sees it.
   *
   * @param clusterId minted by the first member that held data
   * @param commitIndex highest index known to be committed
   * @param progress one row per member
   */
  record GroupView(String clusterId, int localId, long commitIndex, List<Progress> progress) {}

  /**
   * How far a member is, as the asked member knows.
   *
   * @param matchIndex highest index known to be on its disk; 0 when unknown
   * @param reachable whether it has answered lately; always true for the asked member
   */
  record Progress(Member member, long matchIndex, boolean reachable) {}

  /**
   * Disk room.
   *
   * @param freeBytes what the file system says
   * @param enough whether writes that grow data may be admitted
   */
  record DiskHeadroom(long freeBytes, boolean enough) {}
}
