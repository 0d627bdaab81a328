package io.quorate.state;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.tree.Acl;
import io.quorate.tree.Bytes;
import io.quorate.tree.Lifetime;
import io.quorate.tree.ZPath;
import java.util.List;
import org.junit.jupiter.api.Test;

class HistoryTest {
  @Test
  void theOldestEntriesLeaveAndTheRestIsHeldWithoutAGap() {
    State state = after(State.initial(limits(3, 1 << 20)), 5);

    assertThat(state.history().heldAfter()).isEqualTo(2);
    assertThat(state.history().changeCount()).isEqualTo(3);
    assertThat(state.history().treeAt(1, state)).isEmpty();
    assertThat(state.history().treeAt(2, state).orElseThrow().contains(path(1))).isTrue();
    assertThat(state.history().treeAt(2, state).orElseThrow().contains(path(2))).isFalse();
    assertThat(state.history().treeAt(6, state)).as("yet to come").isEmpty();
  }

  @Test
  void bytesAreALimitTooAndCountWhatWasReplaced() {
    State state = after(State.initial(limits(1_000, 4_000)), 30);

    assertThat(state.history().weightBytes()).isBetween(2_500L, 4_000L);
    assertThat(state.history().entries().size()).isLessThan(30);
  }

  @Test
  void smallerLimitsTrimAtOnce() {
    State state = after(State.initial(limits(100, 1 << 20)), 10);

    State trimmed = apply(state, new Command.Configure(limits(4, 1 << 20)));

    assertThat(trimmed.history().heldAfter()).isEqualTo(6);
  }

  @Test
  void oneChangeLargerThanTheWholeHistoryLeavesItEmptyButHonest() {
    State state = after(State.initial(limits(0, 1 << 20)), 2);

    assertThat(state.history().entries().isEmpty()).isTrue();
    assertThat(state.history().heldAfter()).isEqualTo(2);
    assertThat(state.history().treeAt(2, state)).contains(state.tree());
    assertThat(state.history().treeAt(1, state)).isEmpty();
  }

  private static State after(State from, int creations) {
    State state = from;
    for (int i = 0; i < creations; i++) {
      state =
          apply(
              state,
              new Command.Put(
                  path(i),
                  Bytes.wrap(new byte[100]),
                  null,
                  Precondition.NONE,
                  Acl.OPEN,
                  Lifetime.PERSISTENT,
                  Command.Parents.REQUIRED));
    }
    return state;
  }

  private static ZPath path(int number) {
    return ZPath.of("/n" + number);
  }

  private static State apply(State state, Command command) {
    return StateMachine.apply(
            state,
            new Submission(
                new Submission.Author(0, Submission.Author.ANY_GENERATION, List.of()),
                null,
                command),
            new Stamp(1))
        .state();
  }

  private static Settings limits(int events, long bytes) {
    return new Settings(1 << 20, events, bytes, 1, 1, 1, 1, 1, 1, false);
  }
}
