package io.quorate.state;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.Seeds;
import io.quorate.bytes.ByteReader;
import io.quorate.bytes.ByteWriter;
import io.quorate.bytes.MalformedException;
import io.quorate.state.StateMachine.Done;
import io.quorate.tree.Acl;
import io.quorate.tree.Bytes;
import io.quorate.tree.Lifetime;
import io.quorate.tree.ZPath;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Random;
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

  @Test
  void severalAtOnceAreWhatTheyAreOneByOne() {
    Seeds.each(
        40,
        seed -> {
          var random = new Random(seed);
          var commands = new RandomCommands(seed);
          State state = State.initial(RandomCommands.TIGHT);
          for (int done = 0; done < COMMANDS; ) {
            var submissions = new ArrayList<Submission>();
            for (int i = random.nextInt(30); i >= 0; i--) {
              submissions.add(random.nextInt(8) == 0 ? aboutQuotas(random) : commands.submission());
            }
            Stamp stamp = commands.stamp();
            done += submissions.size();

            State each = state;
            var answers = new ArrayList<Answer>();
            var repeated = new ArrayList<Boolean>();
            var changes = new ArrayList<HistoryEntry>();
            for (Submission submission : submissions) {
              StateMachine.Applied applied = StateMachine.apply(each, submission, stamp);
              each = applied.state();
              answers.add(applied.answer());
              repeated.add(applied.repeated());
              if (applied.change() != null) {
                changes.add(applied.change());
              }
            }
            List<String> before = NaiveModel.describe(state);
            StateMachine.AppliedAll all = StateMachine.applyAll(state, submissions, stamp);

            String what = submissions.toString();
            assertThat(all.done()).extracting(Done::answer).as(what).isEqualTo(answers);
            assertThat(all.done()).extracting(Done::repeated).as(what).isEqualTo(repeated);
            assertThat(words(changes(all.done()))).as(what).isEqualTo(words(changes));
            assertThat(NaiveModel.describe(all.state()))
                .as(what)
                .isEqualTo(NaiveModel.describe(each));
            assertThat(all.state().tree().digest()).as(what).isEqualTo(each.tree().digest());
            assertThat(all.state().tree().weightBytes()).isEqualTo(each.tree().weightBytes());
            assertThat(NaiveModel.describe(state)).as(what).isEqualTo(before);
            assertIndexesFollowTheTree(all.state());
            state = random.nextBoolean() ? all.state() : each;
          }
        });
  }

  /** Sets a quota on {@code /a}, or lets it go, or is refused after it did. */
  private static Submission aboutQuotas(Random random) {
    ZPath quota = ZPath.of("/zookeeper/quota/a");
    Command.Op set =
        new Command.Put(
            quota.child(random.nextBoolean() ? "zookeeper_stats" : "zookeeper_limits"),
            Bytes.utf8("count=-1,bytes=-1=;countHardLimit=3"),
            null,
            new Precondition.None(),
            Acl.OPEN,
            Lifetime.PERSISTENT,
            Command.Parents.CREATED);
    Command.Op letGo = new Command.DeleteTree(quota, new Precondition.None());
    Command.Op one = random.nextInt(4) == 0 ? letGo : set;
    return Submission.of(
        Submission.Author.CLUSTER,
        random.nextInt(3) > 0
            ? one
            : new Command.Multi(List.of(one, new Command.Check(ZPath.of("/never"), 0))));
  }

  private static List<HistoryEntry> changes(List<Done> done) {
    return done.stream().map(Done::change).filter(Objects::nonNull).toList();
  }

  private static List<String> words(List<HistoryEntry> entries) {
    return entries.stream()
        .flatMap(entry -> entry.events().stream().map(event -> entry.zxid() + " " + words(event)))
        .toList();
  }

  private static List<String> events(StateMachine.Applied applied, Submission submission) {
    var events = new ArrayList<String>();
    HistoryEntry change = applied.change();
    if (change != null) {
      for (TreeEvent event : change.events()) {
        events.add(words(event));
      }
    }
    return sortedIfTreesGo(events, submission);
  }

  private static String words(TreeEvent event) {
    return event.kind() + " " + event.path() + " v" + event.version();
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
