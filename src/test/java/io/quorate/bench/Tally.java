package io.quorate.bench;

import java.util.Arrays;
import org.HdrHistogram.Histogram;

/**
 * What one thread saw complete inside a window: latencies, failures, and how many in each slice of
 * {@value #SLICE_MS} ms. Written by one thread; read when that thread has finished.
 */
final class Tally {
  static final int SLICE_MS = 10;
  private static final long SLICE_NANOS = SLICE_MS * 1_000_000L;
  private static final long HIGHEST_MICROS = 600_000_000L;

  private final Window window;
  private final Histogram micros = new Histogram(HIGHEST_MICROS, 3);
  private final int[] slices;
  private long failures;

  Tally(Window window) {
    this.window = window;
    this.slices = new int[Math.toIntExact((window.lengthNanos() + SLICE_NANOS - 1) / SLICE_NANOS)];
  }

  void succeeded(long begunNanos, long endedNanos) {
    if (window.holds(endedNanos)) {
      micros.recordValue(Math.clamp((endedNanos - begunNanos) / 1_000, 1, HIGHEST_MICROS));
      slices[(int) ((endedNanos - window.startNanos()) / SLICE_NANOS)]++;
    }
  }

  void failed(long nowNanos) {
    if (window.holds(nowNanos)) {
      failures++;
    }
  }

  static Summary summary(Iterable<Tally> tallies, Window window) {
    var micros = new Histogram(HIGHEST_MICROS, 3);
    var slices = new int[new Tally(window).slices.length];
    long failures = 0;
    for (Tally tally : tallies) {
      micros.add(tally.micros);
      failures += tally.failures;
      for (int i = 0; i < slices.length; i++) {
        slices[i] += tally.slices[i];
      }
    }
    return new Summary(
        micros.getTotalCount() * 1e9 / window.lengthNanos(),
        micros.getValueAtPercentile(50) / 1e3,
        micros.getValueAtPercentile(99) / 1e3,
        micros.getValueAtPercentile(99.9) / 1e3,
        worstSecond(slices),
        longestEmptyRun(slices) * SLICE_MS,
        failures);
  }

  /** The fewest completions in a whole second, counted from the start; all of them when shorter. */
  static long worstSecond(int[] slices) {
    int perSecond = 1_000 / SLICE_MS;
    if (slices.length < perSecond) {
      return Arrays.stream(slices).asLongStream().sum();
    }
    long worst = Long.MAX_VALUE;
    for (int from = 0; from + perSecond <= slices.length; from += perSecond) {
      long sum = Arrays.stream(slices, from, from + perSecond).asLongStream().sum();
      worst = Math.min(worst, sum);
    }
    return worst;
  }

  static int longestEmptyRun(int[] slices) {
    int longest = 0;
    int run = 0;
    for (int slice : slices) {
      run = slice == 0 ? run + 1 : 0;
      longest = Math.max(longest, run);
    }
    return longest;
  }

  /**
   * What all threads saw together.
   *
   * @param p50Ms milliseconds, as the other percentiles
   * @param worstSecond completions in the worst whole second of the window
   * @param pauseMs the longest time in which nothing completed, in steps of {@value #SLICE_MS} ms
   */
  record Summary(
      double perSecond,
      double p50Ms,
      double p99Ms,
      double p999Ms,
      long worstSecond,
      long pauseMs,
      long failures) {}
}
