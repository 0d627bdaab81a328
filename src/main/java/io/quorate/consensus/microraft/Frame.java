package io.quorate.consensus.microraft;

import io.microraft.model.log.RaftGroupMembersView;
import io.microraft.model.message.RaftMessage;
import io.quorate.consensus.Replicator.Proposal;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Everything members say to one another. */
sealed interface Frame {

  /**
   * Who I am and which group I belong to; asked until there is one.
   *
   * @param voters the configured first formation, as text, to be compared
   * @param clusterId empty while I belong to no group
   * @param initial the members that the group was formed of; null while there is none
   * @param members the members now; empty while there is no group
   * @param answer whether an answer is wanted
   */
  record Hello(
      PeerEndpoint self,
      String voters,
      String clusterId,
      @Nullable RaftGroupMembersView initial,
      List<PeerEndpoint> members,
      boolean answer)
      implements Frame {}

  /**
   * A message of MicroRaft.
   *
   * @param hint for a refused append, the newest index up to which the logs may agree; else 0
   */
  record Raft(RaftMessage message, long hint) implements Frame {}

  record Propose(long request, byte[] entry) implements Frame {}

  record Proposed(long request, Proposal outcome) implements Frame {}

  record AskBarrier(long request) implements Frame {}

  /**
   * @param index -1 when there is none
   */
  record BarrierAnswer(long request, long index, String why) implements Frame {}

  /** A piece of the image at {@code index}; {@code total} is its whole length. */
  record ImagePiece(long index, long total, long offset, byte[] bytes) implements Frame {}

  /** Everything before {@code offset} of the image at {@code index} has been taken. */
  record ImageTaken(long index, long offset) implements Frame {}

  /** A change of the members, for the leader. */
  record Change(long request, Wish wish, int id, String address) implements Frame {}

  /** What became of a {@link Change}; {@code why} is empty when it was done. */
  record Changed(long request, Fate fate, String why) implements Frame {}

  /** A question of a member's host to the leader's. */
  record Ask(long request, byte[] question) implements Frame {}

  record Answered(long request, byte[] answer) implements Frame {}

  /** How a change of the members ended. */
  enum Fate {
    DONE,
    /** It was begun and may still happen. */
    UNDECIDED,
    /** Not begun: there is no leader, or it takes nothing in. */
    NO_QUORUM,
    /** Not begun: what was asked for makes no sense. */
    WRONG,
    /** Not begun, or it did not take place. */
    REFUSED
  }

  /** What may be asked of the leader. */
  enum Wish {
    ADD_VOTER,
    ADD_OBSERVER,
    REMOVE,
    LEAD
  }
}
