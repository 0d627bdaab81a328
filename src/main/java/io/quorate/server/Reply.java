package io.quorate.server;

import io.quorate.state.Answer;
import io.quorate.state.Outcome;
import io.quorate.state.State;

/**
 * What a write was answered.
 *
 * @param state this member's state right after the entry that carried it
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
