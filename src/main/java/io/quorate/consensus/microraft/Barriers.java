package io.quorate.consensus.microraft;

import io.microraft.Ordered;
import io.microraft.QueryPolicy;
import io.microraft.impl.RaftNodeImpl;
import io.quorate.consensus.NoQuorumException;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Read barriers, from here or from a peer. Owned by the strand.
 *
 * <p>One question is under way at a time and answers those who waited when it began; whoever comes
 * later shares the next one. MicroRaft would let him join a question whose acknowledgements had
 * been sent before he came (trap 2). A question that is lost is asked again: it was begun after all
 * who wait for it had come.
 */
final class Barriers {
  private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
  private static final long NONE = -1;

  private final MicroRaftReplicator member;
  private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();
  private long asked = NONE;
  private long askedNanos;
  private boolean askedHere;
  private boolean doubted;
  private int sharing;
  private long nextRequest;
  private boolean retryPlanned;

  private record Waiting(CompletableFuture<Long> answer, long deadlineNanos) {}

  Barriers(MicroRaftReplicator member) {
    this.member = member;
    this.nextRequest = member.firstRequest();
  }

  /** From the host of this member. */
  void wait(CompletableFuture<Long> answer) {
    long patience = 2 * member.config().electionTimeout().toNanos();
    waiting.add(new Waiting(answer, member.nanoTime() + patience));
    ask();
  }

  /** From another member. */
  void wait(PeerEndpoint from, Frame.AskBarrier ask) {
    CompletableFuture<Long> answer = new CompletableFuture<>();
    answer.whenComplete(
        (index, failure) ->
            member.send(
                from,
                new Frame.BarrierAnswer(
                    ask.request(),
                    index == null ? NONE : index,
                    failure == null ? "" : String.valueOf(failure.getMessage()))));
    if (member.leads()) {
      wait(answer);
    } else {
      answer.completeExceptionally(new NoQuorumException("this member does not lead"));
    }
  }

  /** The leader's answer. */
  void answered(Frame.BarrierAnswer answer) {
    if (answer.request() == asked) {
      settle(answer.index());
    }
  }

  /** Somebody else leads, or the way to the leader broke: asks again. */
  void restart() {
    asked = NONE;
    ask();
  }

  /**
   * The members have just changed: MicroRaft may take what was said before for enough of the new
   * ones, by half of an even group. What is asked now is asked once more.
   */
  void doubt() {
    doubted = true;
  }

  private void ask() {
    member.hurry(!waiting.isEmpty());
    RaftNodeImpl raft = member.node();
    if (asked != NONE || waiting.isEmpty() || raft == null) {
      return;
    }
    long request = nextRequest++;
    sharing = waiting.size();
    if (member.leads()) {
      asked = request;
      askedHere = true;
      doubted = false;
      CompletableFuture<Ordered<Object>> result =
          raft.query(
              Operation.Barrier.BARRIER,
              QueryPolicy.LINEARIZABLE,
              Optional.empty(),
              Optional.empty());
      result.whenComplete(
          (ordered, failure) -> {
            if (asked == request) {
              settle(ordered == null || doubted ? NONE : ordered.getCommitIndex());
            }
          });
      return;
    }
    int leaderId = member.leadership().leaderId();
    if (leaderId != 0 && member.send(leaderId, new Frame.AskBarrier(request))) {
      asked = request;
      askedHere = false;
      askedNanos = member.nanoTime();
    }
  }

  private void settle(long index) {
    asked = NONE;
    if (index == NONE) {
      // For example a new leader whose first entry is not yet committed.
      retryLater();
      return;
    }
    for (int i = 0; i < sharing; i++) {
      waiting.remove().answer().complete(index);
    }
    sharing = 0;
    ask();
  }

  private void retryLater() {
    if (!retryPlanned) {
      retryPlanned = true;
      member.schedule(
          () -> {
            retryPlanned = false;
            ask();
          },
          RETRY_NANOS);
    }
  }

  void expire(long nowNanos) {
    while (!waiting.isEmpty() && nowNanos - waiting.element().deadlineNanos() >= 0) {
      waiting
          .remove()
          .answer()
          .completeExceptionally(new NoQuorumException("no quorum answered in time"));
      sharing = Math.max(0, sharing - 1);
    }
    // A question to the leader may have been lost. One to MicroRaft must not be asked twice.
    long patience = member.config().electionTimeout().toNanos() / 2;
    if (asked != NONE && !askedHere && nowNanos - askedNanos >= patience) {
      asked = NONE;
    }
    ask();
  }

  void abandon(String why) {
    for (Waiting one = waiting.poll(); one != null; one = waiting.poll()) {
      one.answer().completeExceptionally(new NoQuorumException(why));
    }
    sharing = 0;
  }
}
