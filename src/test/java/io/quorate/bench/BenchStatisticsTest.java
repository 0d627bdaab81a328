package io.quorate.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BenchStatisticsTest {
  private static final long MS = 1_000_000;

  @Test
  void onlyWhatEndsInTheWindowCounts() {
    var window = new Window(1_000 * MS, 2_000 * MS);
    var tally = new Tally(window);

    tally.succeeded(900 * MS, 999 * MS);
    tally.succeeded(900 * MS, 1_000 * MS);
    tally.succeeded(1_990 * MS, 1_999 * MS);
    tally.succeeded(1_990 * MS, 2_000 * MS);
    tally.failed(1_500 * MS);
    tally.failed(2_500 * MS);

    var summary = Tally.summary(List.of(tally), window);
    assertThat(summary.perSecond()).isEqualTo(2);
    assertThat(summary.failures()).isEqualTo(1);
  }

  @Test
  void percentilesAreOfAllThreadsTogether() {
    var window = new Window(0, 10_000 * MS);
    var tallies = new ArrayList<Tally>();
    for (int thread = 0; thread < 2; thread++) {
      var tally = new Tally(window);
      for (int i = 1; i <= 500; i++) {
        tally.succeeded(0, (2 * i - thread) * MS);
      }
      tallies.add(tally);
    }

    var summary = Tally.summary(tallies, window);

    assertThat(summary.p50Ms()).isBetween(499.0, 501.0);
    assertThat(summary.p99Ms()).isBetween(989.0, 991.0);
    assertThat(summary.p999Ms()).isBetween(998.0, 1_000.0);
  }

  @Test
  void theWorstSecondIsAWholeOneAndAPauseIsWhereNobodyFinishes() {
    var slices = new int[250];
    Arrays.fill(slices, 2);
    Arrays.fill(slices, 130, 160, 0);

    assertThat(Tally.worstSecond(slices)).isEqualTo(140);
    assertThat(Tally.longestEmptyRun(slices)).isEqualTo(30);
  }

  @Test
  void theMedianOfAnEvenCountLiesBetween() {
    assertThat(Report.median(5, 1, 3)).isEqualTo(3);
    assertThat(Report.median(4, 1, 2, 8)).isEqualTo(3);
  }

  @Test
  void theRatioIsTakenRoundByRound() {
    var report = new Report();
    double[] ours = {3_000, 1_000, 8_000};
    double[] theirs = {1_000, 1_000, 2_000};
    for (int round = 0; round < 3; round++) {
      report.add(set64(Contestant.ZOOKEEPER, round, theirs[round]));
      report.add(set64(Contestant.QUORATE, round, ours[round]));
    }

    var comparison = report.comparisons().getFirst();

    assertThat(comparison.ratio()).isEqualTo(3);
    assertThat(comparison.ours()).isEqualTo(3_000);
    assertThat(comparison.theirs()).isEqualTo(1_000);
    assertThat(comparison.verdict()).isEqualTo("met");
    assertThat(report.markdown()).contains("| zk-set 64, 3 members | 3\u202f000 |");
  }

  private static Measurement set64(Contestant contestant, int round, double perSecond) {
    return new Measurement(
        contestant, 3, LoadKind.ZK_SET, 64, round, Map.of(Metric.PER_SECOND, perSecond), List.of());
  }

  @Test
  void anHttpAnswerIsCompleteWithItsLastByte() throws IOException {
    assertStatusOnlyWhenWhole("HTTP/1.1 200 \r\nX: y\r\ncontent-length: 3\r\n\r\nabc", 200);
    assertStatusOnlyWhenWhole("HTTP/1.1 201 \r\nContent-Length: 0\r\nX: y\r\n\r\n", 201);
    assertStatusOnlyWhenWhole("HTTP/1.1 204 \r\n\r\n", 204);
    assertStatusOnlyWhenWhole(
        "HTTP/1.1 503 \r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 503);
  }

  private static void assertStatusOnlyWhenWhole(String answer, int status) throws IOException {
    byte[] bytes = Arrays.copyOf(answer.getBytes(StandardCharsets.US_ASCII), 200);
    for (int count = 0; count < answer.length(); count++) {
      assertThat(HttpAnswer.status(bytes, count)).as("after %d bytes", count).isZero();
    }
    assertThat(HttpAnswer.status(bytes, answer.length())).isEqualTo(status);
  }
}
