package io.quorate.state;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.bytes.ByteWriter;
import io.quorate.tree.Acl;
import io.quorate.tree.Bytes;
import io.quorate.tree.Lifetime;
import io.quorate.tree.ZPath;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
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
    assertThat(state.history().size()).isLessThan(30);
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

    assertThat(state.history().size()).isZero();
    assertThat(state.history().heldAfter()).isEqualTo(2);
    assertThat(state.history().treeAt(2, state)).contains(state.tree());
    assertThat(state.history().treeAt(1, state)).isEmpty();
  }

  @Test
  void entriesAreFoundAcrossManyBlocks() {
    State state = after(State.initial(limits(9_500, 1 << 30)), 10_000);
    History history = state.history();
    assertThat(history.runs()).hasSizeGreaterThan(3);

    for (long from : new long[] {0, 500, 501, 502, 777, 9_999, 10_000, 10_001}) {
      var seen = new ArrayList<Long>();
      History.Entries entries = history.from(from);
      while (entries.next()) {
        assertThat(entries.value().zxid()).isEqualTo(entries.zxid());
        seen.add(entries.zxid());
      }
      assertThat(seen)
          .as("from %d", from)
          .isEqualTo(LongStream.rangeClosed(Math.max(501, from), 10_000).boxed().toList());
      assertThat(entries.next()).isFalse();
    }
    assertThat(history.treeAt(500, state).orElseThrow().size()).isEqualTo(4 + 500);
    assertThat(history.treeAt(499, state)).isEmpty();
  }

  @Test
  void twoThatGoOnFromOneSeeNothingOfEachOther() {
    State common = after(State.initial(limits(100, 1 << 20)), 3);
    List<String> before = States.describe(common);

    State one = apply(common, put(path(77), new byte[10]));
    State other = apply(common, put(path(88), new byte[200]));
    State further = apply(one, put(path(99), new byte[5]));

    assertThat(States.describe(common)).isEqualTo(before);
    assertThat(changed(further)).endsWith("/n2", "/n77", "/n99");
    assertThat(changed(other)).endsWith("/n2", "/n88");
  }

  @Test
  void blocksThatOnlyOlderHistoriesHaveAreWrittenOverUnlessHeld() {
    State state = after(State.initial(limits(200, 64 << 20)), 50, 10_000);
    History held = state.history();
    List<String> before = described(held);
    History.Hold hold = held.hold();

    state = shown(state, 1_000);

    assertThat(described(held)).isEqualTo(before);
    assertThat(held.hold(0)).as("once it is gone nobody else takes hold of it").isNull();
    int spares = state.history().spareBlocks();
    hold.close();
    assertThat(state.history().spareBlocks()).isEqualTo(spares + fullBlocks(held));

    state = shown(state, 1_000);

    assertThat(state.history().spareBlocks())
        .as("what waits is used, what is dropped waits")
        .isBetween(1, spares + fullBlocks(held));
    assertThat(described(held)).isNotEqualTo(before);
    assertThat(changed(state)).hasSize(200);
    assertThat(state.history().treeAt(state.zxid() - 100, state).orElseThrow().size())
        .isEqualTo(state.tree().size() - 100);
  }

  @Test
  void theTreeOfLongAgoIsNotAskedOfAHistoryThatHasGivenWay() {
    State old = after(State.initial(limits(200, 64 << 20)), 200, 10_000);
    long newest = old.zxid();

    State state = shown(old, 150);

    assertThat(old.history().treeAt(newest - 199, old)).isEmpty();
    assertThat(old.history().treeAt(newest - 10, old).orElseThrow().size())
        .as("that much is in both")
        .isEqualTo(old.tree().size() - 10);
    assertThat(state.history().treeAt(newest, state).orElseThrow().digest())
        .isEqualTo(old.tree().digest());
  }

  /** With so many changes more, each shown in the place of the one before. */
  private static State shown(State from, int changes) {
    State state = from;
    for (int i = 0; i < changes; i++) {
      State next = apply(state, put(path((int) state.zxid()), new byte[10_000]));
      state.history().giveWayTo(next.history());
      state = next;
    }
    return state;
  }

  private static int fullBlocks(History history) {
    // The first are smaller: 64 KB and 128 KB.
    return history.runs().size() - 2;
  }

  /** Byte for byte. */
  private static List<String> described(History history) {
    var runs = new ArrayList<String>();
    for (History.Run run : history.runs()) {
      var bytes = new ByteWriter(run.sizeBytes());
      run.writeTo(bytes);
      runs.add(run.firstZxid() + ":" + Arrays.hashCode(bytes.toArray()));
    }
    return runs;
  }

  @Test
  void aChangeLargerThanTheLimitEmptiesTheHistory() {
    State state = after(State.initial(limits(100, 4_000)), 3);

    State then = apply(state, put(path(50), new byte[5_000]));

    assertThat(then.history().size()).isZero();
    assertThat(then.history().heldAfter()).isEqualTo(4);
    assertThat(after(then, 1).history().size()).as("and it goes on").isEqualTo(1);
  }

  @Test
  void aLongAclOfTheParentThatEachNewChildRepeatsDoesNotFillTheMemory() {
    var entries = new ArrayList<Acl.Entry>();
    entries.add(new Acl.Entry(Acl.ALL, "world", "anyone"));
    for (int i = 0; i < 500; i++) {
      entries.add(new Acl.Entry(Acl.READ, "digest", "u" + i + ":" + "x".repeat(1_900)));
    }
    State state = State.initial(limits(100_000, 64 << 20));
    state =
        apply(
            state,
            new Command.Put(
                path(0),
                Bytes.EMPTY,
                null,
                Precondition.NONE,
                new Acl(entries),
                Lifetime.PERSISTENT,
                Command.Parents.REQUIRED));
    assertThat(state.history().weightBytes()).isGreaterThan(900_000);
    var children = new ArrayList<Command.Op>();
    for (int i = 0; i < 5_000; i++) {
      children.add((Command.Op) put(path(0).child("c" + i), new byte[0]));
    }

    State then = apply(state, new Command.Multi(children));

    assertThat(then.tree().size()).isEqualTo(4 + 1 + 5_000);
    assertThat(then.history().size()).isZero();
    assertThat(then.history().heldAfter()).isEqualTo(then.zxid());
  }

  private static List<String> changed(State state) {
    var paths = new ArrayList<String>();
    History.Entries entries = state.history().entries();
    while (entries.next()) {
      entries.value().changes().forEach(change -> paths.add(change.path().toString()));
    }
    return paths;
  }

  private static State after(State from, int creations) {
    return after(from, creations, 100);
  }

  private static State after(State from, int creations, int bytes) {
    State state = from;
    for (int i = 0; i < creations; i++) {
      state = apply(state, put(path(i), new byte[bytes]));
    }
    return state;
  }

  private static Command put(ZPath path, byte[] data) {
    return new Command.Put(
        path,
        Bytes.wrap(data),
        null,
        Precondition.NONE,
        Acl.OPEN,
        Lifetime.PERSISTENT,
        Command.Parents.REQUIRED);
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
