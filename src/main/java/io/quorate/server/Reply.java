package io.quorate.server;

import io.quorate.state.Answer;
import io.quorate.state.Outcome;
import io.quorate.state.State;

/**
 * What a write was answered.
 *
 * @param state the state right after it, or before it when it was refused; a newer one is published
 *     when others rode the same entry
 * @param repeated whether an idempotency key brought back an earlier answer
 */
public record Reply(Answer answer, State state, boolean repeated) {
  public Outcome outcome() {
    return answer.outcome();
  }

  public long zxid() {
    return answer.zxid();
  }
}
