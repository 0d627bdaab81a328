package io.quorate.bench;

import java.time.Duration;

/** The stretch of {@link System#nanoTime()} in which completions count. */
record Window(long startNanos, long endNanos) {

  static Window after(Duration warmUp, Duration measured) {
    long start = System.nanoTime() + warmUp.toNanos();
    return new Window(start, start + measured.toNanos());
  }

  boolean holds(long nanos) {
    return nanos - startNanos >= 0 && nanos - endNanos < 0;
  }

  boolean isOver(long nanos) {
    return nanos - endNanos >= 0;
  }

  long lengthNanos() {
    return endNanos - startNanos;
  }

  static void sleepUntil(long nanos) throws InterruptedException {
    long left = nanos - System.nanoTime();
    if (left > 0) {
      Thread.sleep(Duration.ofNanos(left));
    }
  }
}
