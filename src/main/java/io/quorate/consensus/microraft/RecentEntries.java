package io.quorate.consensus.microraft;

import java.util.ArrayDeque;

/** The entries applied last, whose bytes stay in memory for peers that are a little behind. */
final class RecentEntries {
  private final long mostBytes;
  private final ArrayDeque<Operation.Entry> entries = new ArrayDeque<>();
  private long bytes;

  RecentEntries(long mostBytes) {
    this.mostBytes = mostBytes;
  }

  /** Takes the next one, and lets the oldest go. */
  void add(Operation.Entry applied) {
    entries.add(applied);
    bytes += applied.size();
    while (bytes > mostBytes) {
      Operation.Entry oldest = entries.remove();
      bytes -= oldest.size();
      oldest.letGo();
    }
  }
}
