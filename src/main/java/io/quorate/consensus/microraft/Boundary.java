package io.quorate.consensus.microraft;

import io.microraft.RaftEndpoint;
import io.microraft.RaftNodeStatus;
import io.microraft.RaftRole;
import io.microraft.exception.IndeterminateStateException;
import io.microraft.impl.RaftNodeImpl;
import io.microraft.impl.log.RaftLog;
import io.microraft.impl.state.CandidateState;
import io.microraft.impl.state.FollowerState;
import io.microraft.impl.state.RaftState;
import io.microraft.model.RaftModelFactory;
import io.microraft.model.impl.DefaultRaftModelFactory;
import io.microraft.model.log.LogEntry;
import io.microraft.model.log.SnapshotChunk;
import io.microraft.model.message.AppendEntriesFailureResponse;
import io.microraft.model.message.AppendEntriesRequest;
import io.microraft.model.message.AppendEntriesSuccessResponse;
import io.microraft.model.message.InstallSnapshotRequest;
import io.microraft.model.message.InstallSnapshotResponse;
import io.microraft.model.message.PreVoteResponse;
import io.microraft.model.message.RaftMessage;
import io.microraft.model.message.VoteResponse;
import io.microraft.transport.Transport;
import java.util.List;
import java.util.concurrent.TimeUnit;
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
 *   <li>One whose log says that it has left may still have to lead until that is committed, but its
 *       own vote does not count (Raft thesis §4.2.2). MicroRaft counts it; so the first other vote
 *       is held back.
 *   <li>MicroRaft keeps entries behind an image that do not follow from it, and cannot install one
 *       over a change of members that never happened. Once the image is durable they go; and
 *       whoever has the image's last entry in its log needs no image.
 *   <li>An answer that only repeats the one before it is not sent.
 *   <li>A member that asked for pre-votes and then hears from a leader of its own term keeps
 *       thinking that it is asking, and would never again begin an election. It steps into its term
 *       anew.
 * </ul>
 */
final class Boundary implements Transport {
  private static final RaftModelFactory MODEL = new DefaultRaftModelFactory();
  private static final long NOT_CUT = -1;

  /** Far below any heartbeat timeout. */
  private static final long SAID_FOR_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  private final MicroRaftReplicator member;
  private final Images images;
  private long cutBelow = NOT_CUT;
  private @Nullable AppendEntriesRequest handling;
  private @Nullable PeerEndpoint leader;
  private int leaderTerm;
  private @Nullable CandidateState heldBackIn;
  private @Nullable PeerEndpoint heldBackFrom;

  /** What is being handled is a part of a request that is answered as a whole later. */
  private boolean unanswered;

  /** The last answer to an append that left, to whom and when. */
  private @Nullable AppendEntriesSuccessResponse said;

  private @Nullable PeerEndpoint saidTo;
  private long saidNanos;

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
    } else if (!(message instanceof AppendEntriesSuccessResponse success)
        || isNews(peer, success)) {
      member.send(peer, new Frame.Raft(message, 0));
    }
  }

  /**
   * A leader tells each commit by an append without entries, and the answer to it would say once
   * more what was said when the entries were taken. MicroRaft waits for an answer where it gave the
   * request a number, and else wants to hear now and then that we are there.
   */
  private boolean isNews(PeerEndpoint leader, AppendEntriesSuccessResponse answer) {
    AppendEntriesSuccessResponse before = said;
    long now = member.nanoTime();
    if (answer.getFlowControlSequenceNumber() == 0
        && before != null
        && leader.equals(saidTo)
        && before.getTerm() == answer.getTerm()
        && before.getLastLogIndex() == answer.getLastLogIndex()
        && before.getQuerySequenceNumber() == answer.getQuerySequenceNumber()
        && now - saidNanos < SAID_FOR_NANOS) {
      return false;
    }
    said = answer;
    saidTo = leader;
    saidNanos = now;
    return true;
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
        hearLeader(from, state, request);
        followAnew(raft, request);
        append(raft, request);
      }
      case InstallSnapshotRequest request -> {
        hearLeader(from, state, request);
        if (request.getSnapshotChunk() == null || images.whole(request.getSnapshotIndex())) {
          followAnew(raft, request);
          forgetNewer(state, request);
          if (request.getTerm() == state.term() && holds(state.log(), request)) {
            state.snapshotChunkCollector(null);
            images.dropIncoming();
            member.send(from, new Frame.Raft(taken(raft, request), 0));
          } else {
            member.inline(() -> raft.handle(request));
          }
        }
      }
      case PreVoteResponse vote -> {
        if (isRefusedByNewerTerm(state, vote)) {
          member.inline(() -> raft.toFollower(vote.getTerm()));
        } else if (!vote.isGranted() || countsBesides(raft, state.preCandidateState(), from)) {
          member.inline(() -> raft.handle(vote));
        }
      }
      case VoteResponse vote -> {
        if (!vote.isGranted() || countsBesides(raft, state.candidateState(), from)) {
          member.inline(() -> raft.handle(vote));
        }
      }
      default -> member.inline(() -> raft.handle(frame.message()));
    }
  }

  /**
   * MicroRaft ignores the term of a refusal. Whoever alone has the log to be elected with would ask
   * for ever for a term that the others have left behind.
   *
   * <p>A pre-vote asks for the term after ours, and a refusal for another reason names at most that
   * one: it must raise nothing, or each pre-vote of a member whose log is behind would.
   */
  private static boolean isRefusedByNewerTerm(RaftState state, PreVoteResponse vote) {
    return !vote.isGranted()
        && vote.getTerm() > state.term() + 1
        && state.role() == RaftRole.FOLLOWER
        && state.leader() == null;
  }

  /** Whether this vote may be counted besides our own. */
  private boolean countsBesides(
      RaftNodeImpl raft, @Nullable CandidateState election, PeerEndpoint from) {
    if (election == null || raft.state().isVotingMember(raft.getLocalEndpoint())) {
      return true;
    }
    if (election != heldBackIn) {
      heldBackIn = election;
      heldBackFrom = from;
    }
    return !from.equals(heldBackFrom);
  }

  private void hearLeader(PeerEndpoint from, RaftState state, RaftMessage request) {
    if (request.getTerm() >= state.term()) {
      leader = from;
      leaderTerm = request.getTerm();
    }
  }

  /**
   * Whether it leads in our term, as it said. MicroRaft forgets at each heartbeat a leader that it
   * does not find among the members it knows.
   */
  boolean leads(PeerEndpoint peer) {
    RaftNodeImpl raft = member.node();
    return raft != null && peer.equals(leader) && raft.state().term() == leaderTerm;
  }

  private void handleAnswer(RaftNodeImpl raft, PeerEndpoint from, RaftMessage answer) {
    boolean counts = raft.state().isVotingMember(from);
    Runnable handling = () -> member.inline(() -> raft.handle(answer));
    if (counts) {
      member.byMajority(handling);
    } else {
      member.withClockStopped(() -> member.byMajority(handling));
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

  private static boolean holds(RaftLog log, InstallSnapshotRequest request) {
    LogEntry last = entry(log, request.getSnapshotIndex());
    return last != null && last.getTerm() == request.getSnapshotTerm();
  }

  /** Raft §5.3: logs that agree on this entry agree on all before it. */
  private static AppendEntriesSuccessResponse taken(
      RaftNodeImpl raft, InstallSnapshotRequest request) {
    return MODEL
        .createAppendEntriesSuccessResponseBuilder()
        .setGroupId(raft.getGroupId())
        .setSender(raft.getLocalEndpoint())
        .setTerm(raft.state().term())
        .setLastLogIndex(request.getSnapshotIndex())
        .setQuerySequenceNumber(request.getQuerySequenceNumber())
        .setFlowControlSequenceNumber(request.getFlowControlSequenceNumber())
        .build();
  }

  /**
   * An image is durable here and about to be installed, over a log that does not hold its last
   * entry: whatever lies behind that follows from another one, which was never committed.
   */
  void makeWayFor(SnapshotChunk image) {
    RaftNodeImpl raft = member.node();
    if (raft == null) {
      return;
    }
    RaftState state = raft.state();
    long behind = image.getIndex() + 1;
    if (state.log().lastLogOrSnapshotIndex() >= behind) {
      state.log().truncateEntriesFrom(behind);
      state.invalidateFuturesFrom(behind, new IndeterminateStateException());
    }
    if (state.effectiveGroupMembers().getLogIndex() > image.getGroupMembersView().getLogIndex()) {
      raft.setStatus(RaftNodeStatus.ACTIVE);
      raft.revertGroupMembers();
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
    // One is enough to go on from; with more there could be two changes of the members among them,
    // and how far they are committed cannot be said in a request that is cut.
    List<LogEntry> above =
        request.getLogEntries().stream().filter(e -> e.getIndex() > snapshot).limit(1).toList();
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
