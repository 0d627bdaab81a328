package io.quorate.state;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class AnswersTest {
  private static final Answer DONE = new Answer(Outcome.DONE, 1);

  @Test
  void theOldestLeaveWhenRoomIsNeededAndTheyAreOldEnough() {
    Settings settings = limits(3, 1 << 20);
    Answers answers = Answers.NONE;
    for (int i = 0; i < 3; i++) {
      answers = answers.with(key("k" + i), DONE, settings, 1_000 + 10 * i);
    }

    assertThat(answers.hasRoom(settings, 1_099)).isFalse();
    assertThat(answers.hasRoom(settings, 1_100)).isTrue();
    Answers later = answers.with(key("k3"), DONE, settings, 1_100);

    assertThat(later.find(key("k0"))).isEmpty();
    assertThat(later.find(key("k1"))).isPresent();
    assertThat(later.size()).isEqualTo(3);
    assertThat(answers.find(key("k0"))).as("the older value is untouched").isPresent();
  }

  @Test
  void oldKeysStayWhileThereIsRoom() {
    Answers answers = Answers.NONE.with(key("k"), DONE, limits(3, 1 << 20), 0);

    answers = answers.with(key("l"), DONE, limits(3, 1 << 20), Long.MAX_VALUE / 2);

    assertThat(answers.find(key("k"))).isPresent();
  }

  @Test
  void bytesAreALimitToo() {
    Settings settings = limits(1_000, 2_000);
    Answers answers = Answers.NONE;
    int taken = 0;
    while (answers.hasRoom(settings, 0)) {
      answers = answers.with(key("k" + taken++), DONE, settings, 0);
    }

    assertThat(taken).isBetween(3, 8);
    assertThat(answers.with(key("last"), DONE, settings, 100).weightBytes()).isLessThan(2_300);
  }

  @Test
  void aRejectionThatSpeaksAtLengthWeighsWhatItSays() {
    var long1 = new Answer(Outcome.Rejected.of(Code.NONODE, null, "x".repeat(10_000)), 1);

    Answers answers = Answers.NONE.with(key("k"), long1, limits(9, 1 << 20), 0);

    assertThat(answers.weightBytes()).isGreaterThan(10_000);
  }

  @Test
  void scopesDoNotShareKeys() {
    var mine = new Submission.OnceKey("a", "bc", "f");
    var theirs = new Submission.OnceKey("ab", "c", "f");

    Answers answers = Answers.NONE.with(mine, DONE, limits(9, 1 << 20), 0);

    assertThat(answers.find(mine)).isPresent();
    assertThat(answers.find(theirs)).isEmpty();
  }

  private static Submission.OnceKey key(String key) {
    return new Submission.OnceKey("scope", key, "f");
  }

  private static Settings limits(int maxKeys, long maxKeyBytes) {
    return new Settings(1, 1, 1, 1, 1, 1, 100, maxKeys, maxKeyBytes, false);
  }
}
