package io.quorate.consensus.microraft;

import io.microraft.RaftRole;
import io.microraft.impl.state.RaftGroupMembersState;
import io.microraft.impl.state.RaftState;
import java.lang.reflect.Field;

/**
 * Makes a leader of four or six voters commit, answer and stay by more than half of them. Owned by
 * the strand.
 *
 * <p>MicroRaft lets half of an even group do, since an election takes one more. That is not enough
 * where the members change one by one: a leader that was cut off with the removal of a fourth in
 * its log is elected by two of three, who may be just those that the other two committed without.
 * Of any two groups that differ by one member, majorities have somebody in common (Raft thesis
 * §4.1); a half and a majority need not.
 *
 * <p>It counts by majority while a change is not committed, which it knows by the place of the
 * members in the log. So for as long as something runs that counts, the members stand elsewhere.
 */
final class Majority {
  /** Of two voters it asks both. */
  private static final int LEAST = 4;

  private static final Field MEMBERS = Hidden.field(RaftState.class, "effectiveGroupMembers");

  private Majority() {}

  /** Runs something of MicroRaft's that counts answers and does not change the members. */
  static void run(RaftState state, Runnable task) {
    RaftGroupMembersState members = state.effectiveGroupMembers();
    if (state.role() != RaftRole.LEADER
        || members.votingMemberCount() < LEAST
        || members.votingMemberCount() % 2 != 0
        || members != state.committedGroupMembers()) {
      task.run();
      return;
    }
    RaftGroupMembersState elsewhere =
        new RaftGroupMembersState(
            members.getLogIndex() + 1,
            members.getMembers(),
            members.getVotingMembers(),
            state.localEndpoint());
    put(state, elsewhere);
    try {
      task.run();
    } finally {
      if (state.effectiveGroupMembers() == elsewhere) {
        put(state, members);
      }
    }
  }

  private static void put(RaftState state, RaftGroupMembersState members) {
    try {
      MEMBERS.set(state, members);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e);
    }
  }
}
