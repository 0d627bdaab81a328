package io.quorate.bench;

/** A number in a result: its name, which carries the unit, and its decimals. */
enum Metric {
  PER_SECOND("op/s", 0),
  P50_MS("p50 ms", 2),
  P99_MS("p99 ms", 2),
  P999_MS("p99.9 ms", 2),
  WORST_SECOND("worst second", 0),
  PAUSE_MS("longest pause ms", 0),
  FAILURES("errors", 0),
  CPU_SECONDS("CPU s/s", 2),
  MOST_RSS_MB("largest RSS MB", 0),
  RSS_MB("RSS MB of all", 0),
  WRITTEN_MB("written MB/s", 1),
  CLIENT_CPU("client CPU s/s", 2),
  MS("ms", 0),
  STOP_MS("ms to stop", 0),
  LOST("lost sessions", 0),
  GROWTH_RSS_MB("RSS growth MB", 0),
  GROWTH_DISK_MB("disk growth MB", 0),
  WORST_TO_MEAN("worst second / mean", 2),
  LIVE_BYTES("live heap bytes per znode beside data", 0),
  BYTES("heap bytes per znode beside data", 0);

  private final String label;
  private final int decimals;

  Metric(String label, int decimals) {
    this.label = label;
    this.decimals = decimals;
  }

  String label() {
    return label;
  }

  int decimals() {
    return decimals;
  }
}
