package io.quorate.consensus.net;

import static io.netty.channel.SelectStrategy.CONTINUE;
import static io.netty.channel.SelectStrategy.SELECT;
import static io.quorate.consensus.net.YieldingSelect.YIELDS;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class YieldingSelectTest {
  private final YieldingSelect select = new YieldingSelect();

  @Test
  void sleepsOnlyAfterAFewLooksInVain() throws Exception {
    for (int round = 0; round < 3; round++) {
      looksInVain(YIELDS);
      assertThat(select.calculateStrategy(() -> failed(), false)).isEqualTo(SELECT);
    }
  }

  @Test
  void whatIsReadyIsTakenAndBeginsTheLooksAnew() throws Exception {
    looksInVain(YIELDS - 1);
    assertThat(select.calculateStrategy(() -> 2, false)).isEqualTo(2);
    looksInVain(YIELDS);
    assertThat(select.calculateStrategy(() -> failed(), false)).isEqualTo(SELECT);
  }

  @Test
  void neverSleepsWhileThereAreTasks() throws Exception {
    for (int i = 0; i < 3 * YIELDS; i++) {
      assertThat(select.calculateStrategy(() -> 0, true)).isZero();
    }
    looksInVain(YIELDS);
    assertThat(select.calculateStrategy(() -> 1, true)).isEqualTo(1);
    looksInVain(YIELDS);
  }

  @Test
  void sleepsAtOnceWhileItIsHurried() throws Exception {
    select.hurry(true);
    for (int i = 0; i < 3; i++) {
      assertThat(select.calculateStrategy(() -> failed(), false)).isEqualTo(SELECT);
    }
    assertThat(select.calculateStrategy(() -> 1, true)).isEqualTo(1);
    select.hurry(false);
    looksInVain(YIELDS);
    assertThat(select.calculateStrategy(() -> failed(), false)).isEqualTo(SELECT);
  }

  private void looksInVain(int times) throws Exception {
    for (int i = 0; i < times; i++) {
      assertThat(select.calculateStrategy(() -> 0, false)).isEqualTo(CONTINUE);
    }
  }

  private static int failed() {
    throw new AssertionError("looked again before it slept");
  }
}
