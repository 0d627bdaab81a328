package io.quorate.consensus.microraft;

import io.microraft.RaftEndpoint;
import io.microraft.RaftRole;
import io.microraft.impl.RaftNodeImpl;
import io.microraft.impl.log.RaftLog;
import io.microraft.impl.state.FollowerState;
import io.microraft.impl.state.RaftState;
import io.microraft.model.RaftModelFactory;
import io.microraft.model.impl.DefaultRaftModelFactory;
import io.microraft.model.log.LogEntry;
import io.microraft.model.message.AppendEntriesFailureResponse;
import io.microraft.model.message.AppendEntriesRequest;
import io.microraft.model.message.AppendEntriesSuccessResponse;
import io.microraft.model.message.InstallSnapshotRequest;
import io.microraft.model.message.InstallSnapshotResponse;
import io.microraft.model.message.RaftMessage;
import io.microraft.transport.Transport;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where MicroRaft's messages come in and go out, and where its traps are mended. Owned by the
 * strand.
 *
 * <ul>
 *   <li>Answers of an older term are dropped; MicroRaft would count them (trap 3).
 *   <li>A follower whose ring begins behind its snapshot cannot check an append that begins at or
 *       below the snapshot, and would never resync (trap 4). All it has up to there is committed,
 *       and a leader of this or a later term has it too (Raft §5.4, leader completeness), so such
 *       an append is cut down to what lies above.
 *   <li>Learners' answers do not count as signs of a majority (trap 10): while one is handled, the
 *       clock stands still.
 *   <li>A refused append says how far the logs may agree, so that the leader need not step back one
 *       index per round trip (trap 14).
 *   <li>A member that asked for pre-votes and then hears from a leader of its own term keeps
 *       thinking that it is asking, and would never again begin an election. It steps into its term
 *       anew.
 * </ul>
 */
final class Boundary implements Transport {
  private static final RaftModelFactory MODEL = new DefaultRaftModelFactory();
  private static final long NOT_CUT = -1;

  private final MicroRaftReplicator member;
  private final Images images;
  private long cutBelow = NOT_CUT;
  private @Nullable AppendEntriesRequest handling;

  /** What is being handled is a part of a request that is answered as a whole later. */
  private boolean unanswered;

  Boundary(MicroRaftReplicator member, Images images) {
    this.member = member;
    this.images = images;
  }

  // ---- out

  @Override
  public void send(RaftEndpoint target, RaftMessage message) {
    PeerEndpoint peer = (PeerEndpoint) target;
    if (unanswered
        && (message instanceof AppendEntriesSuccessResponse
            || message instanceof AppendEntriesFailureResponse)) {
      return;
    }
    if (message instanceof InstallSnapshotRequest install && install.getSnapshotChunk() != null) {
      if (images.has(install.getSnapshotIndex())) {
        images.offer(peer, install);
      } else {
        member.wantImage();
      }
    } else if (message instanceof AppendEntriesSuccessResponse success && cutBelow != NOT_CUT) {
      member.send(peer, new Frame.Raft(withLastIndex(success), 0));
    } else if (message instanceof AppendEntriesFailureResponse) {
      member.send(peer, new Frame.Raft(message, hint()));
    } else {
      member.send(peer, new Frame.Raft(message, 0));
    }
  }

  @Override
  public boolean isReachable(RaftEndpoint endpoint) {
    return member.hears((PeerEndpoint) endpoint);
  }

  private AppendEntriesSuccessResponse withLastIndex(AppendEntriesSuccessResponse success) {
    return MODEL
        .createAppendEntriesSuccessResponseBuilder()
        .setGroupId(success.getGroupId())
        .setSender(success.getSender())
        .setTerm(success.getTerm())
        .setLastLogIndex(success.getLastLogIndex() + cutBelow)
        .setQuerySequenceNumber(success.getQuerySequenceNumber())
        .setFlowControlSequenceNumber(success.getFlowControlSequenceNumber())
        .build();
  }

  /** The newest index at which the log of a leader may agree with ours. */
  private long hint() {
    AppendEntriesRequest request = handling;
    RaftNodeImpl raft = member.node();
    if (request == null || raft == null) {
      return 0;
    }
    RaftLog log = raft.state().log();
    long previous = request.getPreviousLogIndex();
    long may = log.lastLogOrSnapshotIndex();
    if (previous > 0 && previous <= may) {
      may = previous - 1;
      LogEntry conflicting = entry(log, previous);
      if (conflicting != null) {
        // Whatever of this term lies before it was written by the same leader (Raft §5.3).
        for (LogEntry e = entry(log, may);
            e != null && e.getTerm() == conflicting.getTerm();
            e = entry(log, may)) {
          may--;
        }
      }
    }
    return Math.max(may, raft.state().commitIndex());
  }

  private static @Nullable LogEntry entry(RaftLog log, long index) {
    return index < 1 ? null : log.getLogEntry(index);
  }

  // ---- in

  void receive(PeerEndpoint from, Frame.Raft frame) {
    RaftNodeImpl raft = member.node();
    if (raft == null || !from.equals(frame.message().getSender())) {
      return;
    }
    RaftState state = raft.state();
    switch (frame.message()) {
      case AppendEntriesSuccessResponse success -> {
        if (success.getTerm() == state.term()) {
          handleAnswer(raft, from, success);
        }
      }
      case AppendEntriesFailureResponse failure -> {
        if (failure.getTerm() >= state.term()) {
          handleAnswer(raft, from, nextTry(state, from, failure, frame.hint()));
        }
      }
      case InstallSnapshotResponse wanted -> {
        if (wanted.getTerm() >= state.term()) {
          handleAnswer(raft, from, wanted);
        }
      }
      case AppendEntriesRequest request -> {
        followAnew(raft, request);
        append(raft, request);
      }
      case InstallSnapshotRequest request -> {
        if (request.getSnapshotChunk() == null || images.whole(request.getSnapshotIndex())) {
          followAnew(raft, request);
          forgetNewer(state, request);
          member.inline(() -> raft.handle(request));
        }
      }
      default -> member.inline(() -> raft.handle(frame.message()));
    }
  }

  private void handleAnswer(RaftNodeImpl raft, PeerEndpoint from, RaftMessage answer) {
    boolean counts = raft.state().isVotingMember(from);
    if (counts) {
      member.inline(() -> raft.handle(answer));
    } else {
      member.withClockStopped(() -> member.inline(() -> raft.handle(answer)));
    }
  }

  /** Lets MicroRaft, which steps back by one, arrive where the follower says. */
  private static AppendEntriesFailureResponse nextTry(
      RaftState state, PeerEndpoint from, AppendEntriesFailureResponse failure, long hint) {
    FollowerState follower =
        state.leaderState() == null ? null : state.leaderState().getFollowerStateOrNull(from);
    if (follower == null
        || failure.getTerm() != state.term()
        || failure.getExpectedNextIndex() != follower.nextIndex()) {
      return failure;
    }
    long next = Math.max(follower.matchIndex() + 1, Math.min(follower.nextIndex() - 1, hint + 1));
    follower.nextIndex(next + 1);
    return MODEL
        .createAppendEntriesFailureResponseBuilder()
        .setGroupId(failure.getGroupId())
        .setSender(failure.getSender())
        .setTerm(failure.getTerm())
        .setExpectedNextIndex(next + 1)
        .setQuerySequenceNumber(failure.getQuerySequenceNumber())
        .setFlowControlSequenceNumber(failure.getFlowControlSequenceNumber())
        .build();
  }

  private static void followAnew(RaftNodeImpl raft, RaftMessage request) {
    RaftState state = raft.state();
    if (request.getTerm() == state.term()
        && state.preCandidateState() != null
        && state.role() == RaftRole.FOLLOWER) {
      raft.toFollower(state.term());
    }
  }

  private static void forgetNewer(RaftState state, InstallSnapshotRequest request) {
    if (state.snapshotChunkCollector() != null
        && state.snapshotChunkCollector().getSnapshotIndex() > request.getSnapshotIndex()
        && request.isSenderLeader()
        && request.getTerm() >= state.term()) {
      state.snapshotChunkCollector(null);
    }
  }

  private void append(RaftNodeImpl raft, AppendEntriesRequest request) {
    RaftLog log = raft.state().log();
    long snapshot = log.snapshotIndex();
    long previous = request.getPreviousLogIndex();
    boolean checkable =
        previous > snapshot
            || previous == log.lastLogOrSnapshotIndex()
            || (previous > 0 && log.containsLogEntry(previous))
            || (previous == 0 && (snapshot == 0 || log.containsLogEntry(1)));
    handling = request;
    try {
      if (checkable) {
        learnCommit(raft, request);
        member.inline(() -> raft.handle(request));
      } else {
        appendAbove(raft, request, snapshot);
      }
    } finally {
      handling = null;
      cutBelow = NOT_CUT;
    }
  }

  /**
   * MicroRaft forces the new entries to disk before it applies the old ones, whose clients would
   * wait for that. So the commit index is taken first, as from a request without entries.
   */
  private void learnCommit(RaftNodeImpl raft, AppendEntriesRequest request) {
    long commit = Math.min(request.getCommitIndex(), request.getPreviousLogIndex());
    if (request.getLogEntries().isEmpty() || commit <= raft.state().commitIndex()) {
      return;
    }
    AppendEntriesRequest commitOnly =
        MODEL
            .createAppendEntriesRequestBuilder()
            .setGroupId(request.getGroupId())
            .setSender(request.getSender())
            .setTerm(request.getTerm())
            .setPreviousLogTerm(request.getPreviousLogTerm())
            .setPreviousLogIndex(request.getPreviousLogIndex())
            .setCommitIndex(commit)
            .setLogEntries(List.of())
            .setQuerySequenceNumber(0)
            .setFlowControlSequenceNumber(0)
            .build();
    unanswered = true;
    try {
      member.inline(() -> raft.handle(commitOnly));
    } finally {
      unanswered = false;
    }
  }

  private void appendAbove(RaftNodeImpl raft, AppendEntriesRequest request, long snapshot) {
    List<LogEntry> above =
        request.getLogEntries().stream().filter(e -> e.getIndex() > snapshot).toList();
    // MicroRaft answers "previous + size"; with previous cut to 0, this much is missing.
    cutBelow =
        above.isEmpty()
            ? request.getPreviousLogIndex() + request.getLogEntries().size()
            : above.getFirst().getIndex() - 1;
    AppendEntriesRequest cut =
        MODEL
            .createAppendEntriesRequestBuilder()
            .setGroupId(request.getGroupId())
            .setSender(request.getSender())
            .setTerm(request.getTerm())
            .setPreviousLogTerm(0)
            .setPreviousLogIndex(0)
            .setCommitIndex(0)
            .setLogEntries(above)
            .setQuerySequenceNumber(request.getQuerySequenceNumber())
            .setFlowControlSequenceNumber(request.getFlowControlSequenceNumber())
            .build();
    member.inline(() -> raft.handle(cut));
  }
}
