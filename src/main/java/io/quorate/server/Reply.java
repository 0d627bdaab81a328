package io.quorate.server;

import io.quorate.state.Answer;
import io.quorate.state.Outcome;
import io.quorate.state.State;

/**
 * What a write was answered.
 *
 * @param state one that has it applied, without any change behind it that was submitted apart; what
 *     is published may be newer
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
