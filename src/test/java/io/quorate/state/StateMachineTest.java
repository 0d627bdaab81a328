package io.quorate.state;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.tree.Acl;
import io.quorate.tree.Bytes;
import io.quorate.tree.Lifetime;
import io.quorate.tree.ZPath;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** What somebody once saw go wrong. The rules themselves are in the scenarios and the model. */
class StateMachineTest {
  @Test
  void twoSetsOfOneNodeInAMultiAreTwoEvents() {
    var set = new Command.SetData(ZPath.of("/zookeeper"), Bytes.utf8("x"), null, Precondition.NONE);

    var applied = apply(State.initial(Settings.DEFAULT), new Command.Multi(List.of(set, set)));

    assertThat(Objects.requireNonNull(applied.change()).events())
        .extracting(TreeEvent::kind)
        .containsExactly(TreeEvent.Kind.CHANGED, TreeEvent.Kind.CHANGED);
  }

  @Test
  void aSequentialNodeMayBeNamedDotAndANumber() {
    var applied =
        apply(
            State.initial(Settings.DEFAULT),
            create("..", Command.Naming.SEQUENTIAL, Command.Parents.REQUIRED));

    assertThat(applied.state().find(ZPath.of("/..0000000000"))).isNotNull();
  }

  @Test
  void aNameThatIsNoSegmentIsRefusedAndStopsNobody() {
    for (String name : List.of("..", ".", "a/b", "a\0", "/")) {
      var applied =
          apply(
              State.initial(Settings.DEFAULT),
              create(name, Command.Naming.EXACT, Command.Parents.REQUIRED));

      assertThat(applied.answer().outcome())
          .isInstanceOfSatisfying(
              Outcome.Rejected.class, no -> assertThat(no.code()).isEqualTo(Code.BADARGUMENTS));
    }
  }

  @Test
  void aHundredParentsAreCreatedAndNoMore() {
    assertThat(deepPut(101).state().find(ZPath.of("/a".repeat(101)))).isNotNull();

    assertThat(deepPut(102).answer().outcome())
        .isInstanceOfSatisfying(
            Outcome.Rejected.class,
            rejected -> assertThat(rejected.code()).isEqualTo(Code.BADARGUMENTS));
    assertThat(deepPut(30_000).answer().outcome()).isInstanceOf(Outcome.Rejected.class);
  }

  private static StateMachine.Applied deepPut(int depth) {
    return apply(
        State.initial(Settings.DEFAULT),
        new Command.Put(
            ZPath.of("/a".repeat(depth)),
            Bytes.EMPTY,
            null,
            Precondition.NONE,
            Acl.OPEN,
            Lifetime.PERSISTENT,
            Command.Parents.CREATED));
  }

  @Test
  void keysCanBeTurnedOffWhileSomeAreKept() {
    var state = State.initial(limits(4));
    var keyed =
        new Submission(
            Submission.Author.ANYONE,
            new Submission.OnceKey("s", "k", "f"),
            new Command.Read(ZPath.ROOT));
    state = StateMachine.apply(state, keyed, new Stamp(1)).state();
    state = apply(state, new Command.Configure(limits(0))).state();
    var other =
        new Submission(
            Submission.Author.ANYONE,
            new Submission.OnceKey("s", "k2", "f"),
            new Command.Read(ZPath.ROOT));

    var applied = StateMachine.apply(state, other, new Stamp(1_000_000));

    assertThat(applied.answer().outcome()).isInstanceOf(Outcome.Found.class);
  }

  private static Settings limits(int maxKeys) {
    return new Settings(1024, 100, 1 << 20, 4_000, 40_000, 100, 1_000, maxKeys, 4_000, false);
  }

  private static Command create(String name, Command.Naming naming, Command.Parents parents) {
    return new Command.Create(
        ZPath.ROOT, name, naming, null, null, Acl.OPEN, Lifetime.PERSISTENT, parents);
  }

  private static StateMachine.Applied apply(State state, Command command) {
    return StateMachine.apply(
        state, Submission.of(Submission.Author.ANYONE, command), new Stamp(1));
  }
}
