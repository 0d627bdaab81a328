package io.quorate.bench;

import java.util.Optional;

/**
 * What Quorate should reach beside a peer, as a ratio of its number to the peer's.
 *
 * @param isFloor whether the ratio should be at least, else at most, the bound
 */
record Target(double bound, boolean isFloor) {

  static Optional<Target> of(LoadKind load, int members, int width, Metric metric) {
    boolean three = members == 3;
    boolean throughput = metric == Metric.PER_SECOND;
    return Optional.ofNullable(
        switch (load) {
          case ZK_SET, ZK_CREATE -> {
            if (three && throughput && (width == 64 || width == 256)) {
              yield atLeast(2.5);
            }
            if (three && metric == Metric.P50_MS && width == 1) {
              yield atMost(1);
            }
            if (three && metric == Metric.MOST_RSS_MB) {
              yield atMost(1.3);
            }
            yield load == LoadKind.ZK_SET && members == 1 && throughput && width == 256
                ? atLeast(1.5)
                : null;
          }
          case ZK_SET_1K -> three && throughput && width == 256 ? atLeast(2) : null;
          case ZK_GET, ZK_EXISTS, ZK_MIX ->
              three && throughput && width == 64 ? atLeast(1.3) : null;
          case HTTP_PUT ->
              three && throughput && (width == 64 || width == 256) ? atLeast(2.5) : null;
          case HTTP_GET -> three && throughput && width == 64 ? atLeast(2.5) : null;
          case LEADER_KILL -> metric == Metric.MS ? atMost(0.5) : null;
          case RESTART, RESTART_AT_REST, RESTART_KILLED -> metric == Metric.MS ? atMost(1) : null;
          case HEAP -> metric == Metric.BYTES ? atMost(0.6) : null;
          case STEADY, START, IDLE, WATCH_ZK, WATCH_HTTP -> null;
        });
  }

  /** What Quorate should reach by itself. */
  static Optional<Target> alone(LoadKind load, Metric metric) {
    return Optional.ofNullable(
        load != LoadKind.STEADY
            ? null
            : switch (metric) {
              case WORST_TO_MEAN -> atLeast(0.5);
              case PAUSE_MS -> atMost(300);
              default -> null;
            });
  }

  boolean isMet(double value) {
    return isFloor ? value >= bound : value <= bound;
  }

  private static Target atLeast(double bound) {
    return new Target(bound, true);
  }

  private static Target atMost(double bound) {
    return new Target(bound, false);
  }
}
