package io.quorate.wire;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/** What the four-letter words tell of requests: counts and latencies since the start or a reset. */
final class Traffic {
  final LongAdder received = new LongAdder();
  final LongAdder sent = new LongAdder();
  final LongAdder outstanding = new LongAdder();
  private final LongAdder answered = new LongAdder();
  private final LongAdder totalNs = new LongAdder();
  private final AtomicLong minNs = new AtomicLong(Long.MAX_VALUE);
  private final AtomicLong maxNs = new AtomicLong();

  void answered(long latencyNs) {
    answered.increment();
    totalNs.add(latencyNs);
    if (latencyNs < minNs.get()) {
      minNs.accumulateAndGet(latencyNs, Math::min);
    }
    if (latencyNs > maxNs.get()) {
      maxNs.accumulateAndGet(latencyNs, Math::max);
    }
  }

  /** Begins again; what is outstanding stays so. */
  void reset() {
    received.reset();
    sent.reset();
    answered.reset();
    totalNs.reset();
    minNs.set(Long.MAX_VALUE);
    maxNs.set(0);
  }

  long minMs() {
    long min = minNs.get();
    return min == Long.MAX_VALUE ? 0 : min / 1_000_000;
  }

  long maxMs() {
    return maxNs.get() / 1_000_000;
  }

  double averageMs() {
    long count = answered.sum();
    return count == 0 ? 0 : Math.round(totalNs.sum() / 100.0 / count) / 10_000.0;
  }
}
