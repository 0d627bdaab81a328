package io.quorate.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SessionClockTest {
  private static final int TIMEOUT_MS = 10_000;

  private final SessionClock clock = new SessionClock();

  @Test
  void silenceIsNamedOnceItHasOutlastedTheTimeoutAndNotBefore() {
    clock.opened(1, TIMEOUT_MS, 0);
    clock.opened(2, TIMEOUT_MS, 0);
    clock.heardFrom(2, 4_000);

    assertThat(clock.overdue(TIMEOUT_MS - 1, 10)).isEmpty();
    assertThat(clock.overdue(TIMEOUT_MS, 10)).containsExactly(1L);
    assertThat(clock.overdue(4_000 + TIMEOUT_MS - 1, 10)).isEmpty();
    assertThat(clock.overdue(4_000 + TIMEOUT_MS, 10)).containsExactly(2L);
  }

  @Test
  void aSilentOneIsFoundAmongManyThatComeDueTogether() {
    int count = 3 * SessionClock.MAX_LOOKS;
    for (int id = 1; id <= count; id++) {
      clock.opened(id, TIMEOUT_MS, 0);
    }
    for (int id = 1; id < count; id++) {
      clock.heardFrom(id, TIMEOUT_MS / 2);
    }

    List<Long> named = new ArrayList<>();
    for (int call = 0; call < 3; call++) {
      named.addAll(clock.overdue(TIMEOUT_MS, 10));
    }

    assertThat(named).containsExactly((long) count);
  }

  @Test
  void theTimeInWhichNothingCouldBeHeardDoesNotCount() {
    clock.opened(1, TIMEOUT_MS, 0);

    clock.late(5_000);

    assertThat(clock.overdue(TIMEOUT_MS + 4_999, 10)).isEmpty();
    assertThat(clock.overdue(TIMEOUT_MS + 5_000, 10)).containsExactly(1L);
  }
}
