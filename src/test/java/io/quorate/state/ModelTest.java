package io.quorate.state;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.Seeds;
import io.quorate.bytes.ByteReader;
import io.quorate.bytes.ByteWriter;
import io.quorate.bytes.MalformedException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The state machine beside {@link NaiveModel}, command by command. */
class ModelTest {
  private static final int COMMANDS = 1_000;

  @Test
  void everyAnswerEveryStatAndEveryEventAgreesWithTheModel() {
    Seeds.each(
        60,
        seed -> {
          var commands = new RandomCommands(seed);
          var model = new NaiveModel(RandomCommands.TIGHT);
          State state = State.initial(RandomCommands.TIGHT);

          for (int i = 0; i < COMMANDS; i++) {
            Submission submission = commands.submission();
            Stamp stamp = commands.stamp();
            String expected = model.apply(submission, stamp);
            StateMachine.Applied applied = StateMachine.apply(state, submission, stamp);
            state = applied.state();

            String when = "command " + i + " " + submission;
            assertThat(NaiveModel.words(applied.answer())).as(when).isEqualTo(expected);
            assertThat(NaiveModel.describe(state)).as(when).isEqualTo(model.describe());
            assertThat(events(applied, submission)).as(when).isEqualTo(inOrder(model, submission));
            assertIndexesFollowTheTree(state);
          }
          assertThat(state.zxid()).as("a story in which little happens").isGreaterThan(50);
        });
  }

  private static List<String> events(StateMachine.Applied applied, Submission submission) {
    var events = new ArrayList<String>();
    HistoryEntry change = applied.change();
    if (change != null) {
      for (TreeEvent event : change.events()) {
        events.add(event.kind() + " " + event.path() + " v" + event.version());
      }
    }
    return sortedIfTreesGo(events, submission);
  }

  private static List<String> inOrder(NaiveModel model, Submission submission) {
    return sortedIfTreesGo(new ArrayList<>(model.events()), submission);
  }

  /** Which of two cousins goes first is nobody's promise. */
  private static List<String> sortedIfTreesGo(List<String> events, Submission submission) {
    if (submission.command().toString().contains("DeleteTree")) {
      Collections.sort(events);
    }
    return events;
  }

  private static History restored(History history) {
    var restoring = new History.Restoring(history.heldAfter());
    try {
      for (History.Run run : history.runs()) {
        var bytes = new ByteWriter(run.sizeBytes());
        run.writeTo(bytes);
        restoring.run(run.firstZxid(), ByteReader.over(bytes.toArray(), 0, run.sizeBytes()));
      }
      return restoring.history();
    } catch (MalformedException e) {
      throw new AssertionError(e);
    }
  }

  /** Ephemerals, reapable nodes, counts, digest and weight are what the tree says they are. */
  private static void assertIndexesFollowTheTree(State state) {
    State again =
        State.assemble(
            state.zxid(),
            state.timeMs(),
            state.term(),
            state.tree(),
            state.sessions(),
            state.lanes(),
            state.answers(),
            restored(state.history()),
            state.settings());
    assertThat(States.describe(state)).isEqualTo(States.describe(again));
    assertThat(state.history().changeCount())
        .isLessThanOrEqualTo(state.settings().historyMaxEvents());
    assertThat(state.history().weightBytes())
        .isLessThanOrEqualTo(state.settings().historyMaxBytes());
  }
}
