package io.quorate.consensus.microraft;

import io.microraft.Ordered;
import io.microraft.exception.CannotReplicateException;
import io.microraft.exception.NotLeaderException;
import io.microraft.impl.RaftNodeImpl;
import io.quorate.consensus.Replicator.Proposal;
import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** Entries on their way into the log, from here or from a peer. Owned by the strand. */
final class Proposals {
  private static final String NO_LEADER = "no leader is known";

  private final MicroRaftReplicator member;
  private final ArrayDeque<Pending> pending = new ArrayDeque<>();
  private final ArrayDeque<Pending> held = new ArrayDeque<>();
  private final Map<Long, Pending> forwarded = new LinkedHashMap<>();
  private long nextRequest;
  private boolean holding;

  private record Pending(byte[] entry, CompletableFuture<Proposal> answer, long deadlineNanos) {}

  Proposals(MicroRaftReplicator member) {
    this.member = member;
    this.nextRequest = member.firstRequest();
  }

  /** From the host of this member. */
  void propose(byte[] entry, CompletableFuture<Proposal> answer) {
    Pending proposal = pending(entry, answer);
    int leaderId = member.leadership().leaderId();
    if (member.leads() || leaderId == 0 || member.stopping()) {
      admit(proposal);
      return;
    }
    long request = nextRequest++;
    forwarded.put(request, proposal);
    if (!member.send(leaderId, new Frame.Propose(request, entry))) {
      forwarded.remove(request);
      answer.complete(new Proposal.Refused("the leader cannot be reached"));
    }
  }

  /** From the host of another member. */
  void propose(PeerEndpoint from, Frame.Propose propose) {
    CompletableFuture<Proposal> answer = new CompletableFuture<>();
    answer.thenAccept(outcome -> member.send(from, new Frame.Proposed(propose.request(), outcome)));
    admit(pending(propose.entry(), answer));
  }

  void proposed(Frame.Proposed proposed) {
    Pending proposal = forwarded.remove(proposed.request());
    if (proposal != null) {
      proposal.answer().complete(proposed.outcome());
    }
  }

  private Pending pending(byte[] entry, CompletableFuture<Proposal> answer) {
    return new Pending(
        entry, answer, member.nanoTime() + member.config().proposalTimeout().toNanos());
  }

  private void admit(Pending proposal) {
    RaftNodeImpl raft = member.node();
    if (raft == null || !member.leads() || member.stopping()) {
      proposal.answer().complete(new Proposal.Refused(NO_LEADER));
    } else if (holding || !held.isEmpty() || member.tooFarAhead()) {
      held.add(proposal);
      member.wantCheckpointIfFarAhead();
    } else {
      replicate(raft, proposal);
    }
  }

  private void replicate(RaftNodeImpl raft, Pending proposal) {
    pending.add(proposal);
    Operation.Entry entry =
        new Operation.Entry(member.config().clockMs().getAsLong(), proposal.entry());
    member.inline(
        () -> {
          CompletableFuture<Ordered<Object>> result = raft.replicate(entry);
          result.whenComplete(
              (ordered, failure) -> {
                proposal.answer().complete(outcome(ordered, failure));
                dropDone();
              });
        });
  }

  private static Proposal outcome(@Nullable Ordered<Object> ordered, @Nullable Throwable failure) {
    if (ordered != null) {
      return new Proposal.Committed(ordered.getCommitIndex());
    }
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    // These are thrown before anything is appended. A leader that steps down fails what it had
    // appended with IndeterminateStateException before it ever truncates.
    if (cause instanceof NotLeaderException
        || cause instanceof CannotReplicateException
        || cause instanceof IllegalStateException) {
      return new Proposal.Refused(String.valueOf(cause));
    }
    return new Proposal.Unknown(String.valueOf(cause));
  }

  /** Lets proposals wait, so that everything appended can be committed. */
  void hold(boolean on) {
    holding = on;
    admitHeld();
  }

  /** Whether nothing of ours waits to be committed. */
  boolean idle() {
    dropDone();
    return pending.isEmpty();
  }

  void admitHeld() {
    RaftNodeImpl raft = member.node();
    while (raft != null && !holding && !held.isEmpty()) {
      if (!member.leads()) {
        refuseHeld(NO_LEADER);
      } else if (member.tooFarAhead()) {
        return;
      } else {
        replicate(raft, held.remove());
      }
    }
  }

  void refuseHeld(String why) {
    for (Pending proposal = held.poll(); proposal != null; proposal = held.poll()) {
      proposal.answer().complete(new Proposal.Refused(why));
    }
  }

  /** Whoever led, or the way to him, is gone: what was sent may or may not be in the log. */
  void loseForwarded(String why) {
    Map<Long, Pending> lost = new LinkedHashMap<>(forwarded);
    forwarded.clear();
    lost.values().forEach(p -> p.answer().complete(new Proposal.Unknown(why)));
  }

  void expire(long nowNanos) {
    dropDone();
    while (!pending.isEmpty() && nowNanos - pending.element().deadlineNanos() >= 0) {
      pending.remove().answer().complete(new Proposal.Unknown("no quorum answered in time"));
    }
    while (!held.isEmpty() && nowNanos - held.element().deadlineNanos() >= 0) {
      held.remove().answer().complete(new Proposal.Refused("no checkpoint became durable in time"));
    }
    var oldest = forwarded.values().iterator();
    while (oldest.hasNext()) {
      Pending proposal = oldest.next();
      if (nowNanos - proposal.deadlineNanos() < 0) {
        break;
      }
      oldest.remove();
      proposal.answer().complete(new Proposal.Unknown("the leader did not answer in time"));
    }
  }

  void abandon(String why) {
    refuseHeld(why);
    loseForwarded(why);
    for (Pending proposal = pending.poll(); proposal != null; proposal = pending.poll()) {
      proposal.answer().complete(new Proposal.Unknown(why));
    }
  }

  private void dropDone() {
    while (!pending.isEmpty() && pending.element().answer().isDone()) {
      pending.remove();
    }
  }
}
