package io.quorate.storage.mvstore;

import java.io.InterruptedIOException;
import java.util.concurrent.TimeUnit;

/** Spreads writing over time, so that the log's fsync on the same disk does not starve. */
final class Throttle {
  private final long bytesPerSecond;
  private long freeAtNanos = System.nanoTime();
  private volatile boolean lifted;

  Throttle(long bytesPerSecond) {
    this.bytesPerSecond = bytesPerSecond;
  }

  /** From now on nobody waits. Called by any thread; who sleeps, sleeps on. */
  void lift() {
    lifted = true;
  }

  /** Waits until these bytes, which were just written, are paid for. */
  void paid(long bytes) throws InterruptedIOException {
    if (lifted) {
      return;
    }
    long now = System.nanoTime();
    if (freeAtNanos - now < 0) {
      freeAtNanos = now;
    }
    freeAtNanos += (long) (bytes * 1e9 / bytesPerSecond);
    try {
      TimeUnit.NANOSECONDS.sleep(freeAtNanos - now);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while throttled");
    }
  }
}
