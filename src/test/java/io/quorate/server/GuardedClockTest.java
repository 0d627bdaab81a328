package io.quorate.server;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class GuardedClockTest {
  private static final long NOON = 1_790_000_000_000L;

  private long wall = NOON;
  private long monotonic = 5_000;
  private final GuardedClock clock =
      new GuardedClock(
          new Clock() {
            @Override
            public long wallMs() {
              return wall;
            }

            @Override
            public long monotonicMs() {
              return monotonic;
            }
          });

  private void pass(long ms) {
    wall += ms;
    monotonic += ms;
  }

  @Test
  void aClockThatIsSetALittleIsFollowed() {
    assertThat(clock.wallMs()).isEqualTo(NOON);
    pass(1_000);
    wall -= 9_000;

    assertThat(clock.wallMs()).isEqualTo(NOON - 8_000);
    assertThat(clock.differenceMs()).isZero();
  }

  @Test
  void aJumpIsNotBelievedAndTimeGoesOn() {
    clock.wallMs();
    wall += 300_000;
    pass(2_000);

    assertThat(clock.wallMs()).isEqualTo(NOON + 2_000);
    assertThat(clock.differenceMs()).isEqualTo(300_000);
    pass(60_000);
    assertThat(clock.wallMs()).isEqualTo(NOON + 62_000);
  }

  @Test
  void aJumpThatIsTakenBackIsForgotten() {
    clock.wallMs();
    wall -= 300_000;
    clock.wallMs();
    wall += 300_000;
    pass(1_000);

    assertThat(clock.wallMs()).isEqualTo(NOON + 1_000);
    assertThat(clock.differenceMs()).isZero();
  }

  @Test
  void aDifferenceThatStandsForTenMinutesIsTakenForTruth() {
    clock.wallMs();
    wall += 3_600_000;
    clock.wallMs();
    pass(GuardedClock.PATIENCE_MS - 1);
    assertThat(clock.wallMs()).isEqualTo(NOON + GuardedClock.PATIENCE_MS - 1);
    pass(1);

    assertThat(clock.wallMs()).isEqualTo(wall);
    assertThat(clock.differenceMs()).isZero();
  }

  @Test
  void aNewLeaderWithAnotherClockGoesOnFromTheOldOnesTime() {
    wall += 7_200_000;
    clock.hear(NOON);
    pass(500);

    assertThat(clock.wallMs()).isEqualTo(NOON + 500);
    assertThat(clock.differenceMs()).isEqualTo(7_200_000);
  }
}
