package io.quorate.bench;

import java.util.List;
import java.util.Map;

/**
 * What one contestant showed in one round.
 *
 * @param width operations outstanding, connections or watchers; 0 where there is no such thing
 * @param uses of each member in turn; empty where processes come and go
 */
record Measurement(
    Contestant contestant,
    int members,
    LoadKind load,
    int width,
    int round,
    Map<Metric, Double> values,
    List<Use> uses) {

  /** What one process took: processor seconds in a second, and resident memory at the end. */
  record Use(double cpu, double rssMb) {}
}
