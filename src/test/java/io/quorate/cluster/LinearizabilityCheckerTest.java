package io.quorate.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.Seeds;
import io.quorate.cluster.Operation.Kind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LinearizabilityCheckerTest {
  private static Operation read(long from, long to, @Nullable String value) {
    return new Operation(1, from, to, Kind.READ, value, null, true);
  }

  private static Operation write(long from, long to, @Nullable String value) {
    return new Operation(1, from, to, Kind.WRITE, value, null, true);
  }

  private static Operation swap(long from, long to, String expected, String value, boolean done) {
    return new Operation(1, from, to, Kind.COMPARE_AND_SET, value, expected, done);
  }

  private static boolean check(Operation... operations) {
    return LinearizabilityChecker.isLinearizable(List.of(operations), null);
  }

  @Test
  void oneAfterAnother() {
    assertThat(check(write(0, 1, "a"), read(2, 3, "a"), write(4, 5, null), read(6, 7, null)))
        .isTrue();
  }

  @Test
  void aReadOfSomethingThatNobodyWroteIsWrong() {
    assertThat(check(write(0, 1, "a"), read(2, 3, "b"))).isFalse();
  }

  @Test
  void aStaleReadIsWrong() {
    assertThat(check(write(0, 1, "a"), write(2, 3, "b"), read(4, 5, "a"))).isFalse();
  }

  @Test
  void readsDuringAWriteMaySeeEither() {
    assertThat(check(write(0, 1, "a"), write(2, 9, "b"), read(3, 4, "a"), read(5, 6, "b")))
        .isTrue();
  }

  @Test
  void readsDuringAWriteMayNotGoBack() {
    assertThat(check(write(0, 1, "a"), write(2, 9, "b"), read(3, 4, "b"), read(5, 6, "a")))
        .isFalse();
  }

  @Test
  void anUnansweredWriteMayHaveHappenedLater() {
    assertThat(
            check(
                write(0, 1, "a"),
                write(2, Operation.NEVER, "b"),
                read(3, 4, "a"),
                read(50, 60, "b")))
        .isTrue();
  }

  @Test
  void anUnansweredWriteMayNeverHaveHappened() {
    assertThat(check(write(0, 1, "a"), write(2, Operation.NEVER, "b"), read(50, 60, "a"))).isTrue();
  }

  @Test
  void anUnansweredWriteDoesNotComeAndGo() {
    assertThat(
            check(
                write(0, 1, "a"),
                write(2, Operation.NEVER, "b"),
                read(50, 60, "b"),
                read(70, 80, "a")))
        .isFalse();
  }

  @Test
  void twoSwapsOfTheSameValueCannotBothSucceed() {
    assertThat(check(write(0, 1, "a"), swap(2, 9, "a", "b", true), swap(3, 8, "a", "c", true)))
        .isFalse();
    assertThat(check(write(0, 1, "a"), swap(2, 9, "a", "b", true), swap(3, 8, "a", "c", false)))
        .isTrue();
  }

  @Test
  void aLostAcknowledgedWriteIsWrong() {
    assertThat(check(write(0, 1, "a"), read(2, 3, null))).isFalse();
  }

  /** Histories of a real register are accepted; with one answer falsified they are not. */
  @Test
  void randomHistoriesOfARealRegister() {
    Seeds.each(
        200,
        seed -> {
          var random = new Random(seed);
          List<Operation> history = realHistory(random);
          assertThat(LinearizabilityChecker.isLinearizable(history, null)).isTrue();

          var falsified = new ArrayList<>(history);
          long end = falsified.stream().mapToLong(Operation::invokedNs).max().orElse(0) + 1_000;
          falsified.add(read(end, end + 1, "never written"));
          Collections.shuffle(falsified, random);
          assertThat(LinearizabilityChecker.isLinearizable(falsified, null)).isFalse();
        });
  }

  /** Operations that take effect at a moment of their own between call and return. */
  private static List<Operation> realHistory(Random random) {
    var history = new ArrayList<Operation>();
    String value = null;
    long moment = 0;
    for (int i = 0; i < 60; i++) {
      moment += 10;
      long from = moment - random.nextInt(40);
      long to = moment + random.nextInt(40);
      boolean answered = random.nextInt(10) > 0;
      switch (random.nextInt(3)) {
        case 0 -> {
          value = "v" + i;
          history.add(write(from, answered ? to : Operation.NEVER, value));
        }
        case 1 -> history.add(read(from, to, value));
        default -> {
          String expected = random.nextBoolean() && value != null ? value : "x";
          boolean done = expected.equals(value);
          history.add(swap(from, to, expected, "v" + i, done));
          value = done ? "v" + i : value;
        }
      }
    }
    return history;
  }
}
