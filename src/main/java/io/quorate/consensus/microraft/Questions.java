package io.quorate.consensus.microraft;

import io.quorate.consensus.NoQuorumException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** What hosts ask the leader's host without logging it. Owned by the strand. */
final class Questions {
  private final MicroRaftReplicator member;
  private final Map<Long, Asked> asked = new LinkedHashMap<>();
  private long nextRequest;

  private record Asked(CompletableFuture<byte[]> answer, long deadlineNanos) {}

  Questions(MicroRaftReplicator member) {
    this.member = member;
    this.nextRequest = member.firstRequest();
  }

  /** From the host of this member. */
  void ask(byte[] question, CompletableFuture<byte[]> answer) {
    if (member.leads()) {
      try {
        answer.complete(member.host().answer(member.config().id(), question));
      } catch (RuntimeException e) {
        answer.completeExceptionally(e);
      }
      return;
    }
    long request = nextRequest++;
    int leaderId = member.leadership().leaderId();
    if (leaderId == 0 || !member.send(leaderId, new Frame.Ask(request, question))) {
      answer.completeExceptionally(new NoQuorumException("no leader can be reached"));
      return;
    }
    long patience = member.config().electionTimeout().toNanos();
    asked.put(request, new Asked(answer, member.nanoTime() + patience));
  }

  /** From the host of another member. A member that does not lead keeps silent. */
  void asked(PeerEndpoint from, Frame.Ask ask) {
    if (member.leads()) {
      byte[] answer = member.host().answer(from.id(), ask.question());
      member.send(from, new Frame.Answered(ask.request(), answer));
    }
  }

  void answered(Frame.Answered answered) {
    Asked one = asked.remove(answered.request());
    if (one != null) {
      one.answer().complete(answered.answer());
    }
  }

  void expire(long nowNanos) {
    List<Asked> late =
        asked.values().stream().filter(a -> nowNanos - a.deadlineNanos() >= 0).toList();
    asked.values().removeAll(late);
    late.forEach(
        a -> a.answer().completeExceptionally(new NoQuorumException("the leader did not answer")));
  }

  void abandon(String why) {
    List<Asked> lost = List.copyOf(asked.values());
    asked.clear();
    lost.forEach(a -> a.answer().completeExceptionally(new NoQuorumException(why)));
  }
}
