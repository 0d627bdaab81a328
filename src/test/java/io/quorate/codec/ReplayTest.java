package io.quorate.codec;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.Seeds;
import io.quorate.state.RandomCommands;
import io.quorate.state.Stamp;
import io.quorate.state.State;
import io.quorate.state.StateMachine;
import io.quorate.state.States;
import io.quorate.state.Submission;
import io.quorate.tree.Digest;
import io.quorate.tree.ZnodeTree;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The same log gives the same state, from wherever one begins. */
class ReplayTest {
  private static final int COMMANDS = 500;

  private record Logged(byte[] entry, Stamp stamp) {}

  @Test
  void twoMembersWithTheSameLogHoldTheSameState() {
    Seeds.each(
        20,
        seed -> {
          List<Logged> log = log(seed);

          State one = replayed(State.initial(RandomCommands.TIGHT), log);
          State other = replayed(State.initial(RandomCommands.TIGHT), log);

          assertThat(States.describe(other)).isEqualTo(States.describe(one));
        });
  }

  @Test
  void aCheckpointAndTheRestOfTheLogAreTheWholeLog() {
    Seeds.each(
        20,
        seed -> {
          List<Logged> log = log(seed);
          State whole = replayed(State.initial(RandomCommands.TIGHT), log);
          var random = new Random(seed);
          var store = new Store();
          @Nullable State since = null;
          State state = State.initial(RandomCommands.TIGHT);

          for (int k = 0; k < COMMANDS; k++) {
            state = replayed(state, log.subList(k, k + 1));
            if (random.nextInt(25) == 0) {
              store.take(state, since);
              // Sometimes a member starts again and goes on from what it read.
              state = random.nextBoolean() ? store.restored() : state;
              since = state;
              State rest = replayed(store.restored(), log.subList(k + 1, COMMANDS));
              assertThat(States.describe(rest)).isEqualTo(States.describe(whole));
              rest = replayed(copied(state), log.subList(k + 1, COMMANDS));
              assertThat(States.describe(rest)).isEqualTo(States.describe(whole));
            }
          }

          assertThat(States.describe(state)).isEqualTo(States.describe(whole));
        });
  }

  @Test
  void everyOldTreeThatHistoryHoldsIsTheTreeOfThen() {
    Seeds.each(
        20,
        seed -> {
          var digests = new TreeMap<Long, Digest>();
          State state = State.initial(RandomCommands.TIGHT);
          for (Logged logged : log(seed)) {
            state = replayed(state, List.of(logged));
            digests.put(state.zxid(), state.tree().digest());

            for (long zxid = Math.max(0, state.zxid() - 80); zxid <= state.zxid() + 1; zxid++) {
              Digest then = state.history().treeAt(zxid, state).map(ZnodeTree::digest).orElse(null);
              boolean held = zxid >= state.history().heldAfter() && zxid <= state.zxid();
              assertThat(then)
                  .as("at %s of %s", zxid, state.zxid())
                  .isEqualTo(held ? digests.getOrDefault(zxid, INITIAL) : null);
            }
          }
        });
  }

  private static final Digest INITIAL = State.initial(RandomCommands.TIGHT).tree().digest();

  private static List<Logged> log(long seed) {
    var commands = new RandomCommands(seed);
    var log = new ArrayList<Logged>();
    for (int i = 0; i < COMMANDS; i++) {
      byte[] submission = EntryCodec.submission(commands.submission());
      log.add(new Logged(EntryCodec.solo(List.of(submission)), commands.stamp()));
    }
    return log;
  }

  private static State replayed(State from, List<Logged> log) {
    State state = from;
    for (Logged logged : log) {
      try {
        for (Submission submission : EntryCodec.decode(logged.entry).submissions()) {
          state = StateMachine.apply(state, submission, logged.stamp).state();
        }
      } catch (CorruptEntryException e) {
        throw new AssertionError(e);
      }
    }
    return state;
  }

  private static State copied(State state) {
    var image = new ByteArrayOutputStream();
    try {
      ImageCodec.write(state, image);
      return ImageCodec.read(new ByteArrayInputStream(image.toByteArray()));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
