package io.quorate.consensus.microraft;

import io.microraft.executor.RaftNodeExecutor;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * The executor and the clock that MicroRaft is given. Owned by the strand.
 *
 * <p>MicroRaft counts time in whole seconds, too coarse for us (trap 1). So its clock runs faster
 * and its delays are divided by the same factor: one of its seconds is a quarter of the election
 * timeout.
 */
final class FasterTime implements RaftNodeExecutor {
  private static final long SCALED_MILLIS_PER_ELECTION_TIMEOUT = TimeUnit.SECONDS.toMillis(4);
  private static final int ELECTION_NOISE_SCALED_MILLIS = 1_000;

  /** Far from zero, which MicroRaft takes for "a heartbeat at time zero". */
  private static final long BASE_MILLIS = 1_000_000_000L;

  private final Strand strand;
  private final Consumer<Runnable> runner;
  private final long electionTimeoutMillis;
  private final long startNanos;
  private boolean inline;
  private boolean stopped;
  private long skippedMillis;

  /**
   * @param runner runs what MicroRaft does later by itself
   */
  FasterTime(Strand strand, Consumer<Runnable> runner, Duration electionTimeout) {
    this.strand = strand;
    this.runner = runner;
    this.electionTimeoutMillis = electionTimeout.toMillis();
    this.startNanos = strand.nanoTime();
  }

  /** Lets MicroRaft do at once the next thing that it would queue: we are on its thread already. */
  void inline(Runnable task) {
    inline = true;
    try {
      task.run();
    } finally {
      inline = false;
    }
  }

  /** Lets no time pass for MicroRaft meanwhile. */
  void withClockStopped(Runnable task) {
    stopped = true;
    try {
      task.run();
    } finally {
      stopped = false;
    }
  }

  /** Lets that much of its time have passed at once. */
  void skip(long time, TimeUnit unit) {
    skippedMillis += unit.toMillis(time);
  }

  @Override
  public void execute(Runnable task) {
    if (inline) {
      inline = false;
      task.run();
    } else {
      strand.execute(task);
    }
  }

  @Override
  public void submit(Runnable task) {
    strand.execute(() -> runner.accept(task));
  }

  @Override
  public void schedule(Runnable task, long delay, TimeUnit unit) {
    strand.schedule(
        () -> runner.accept(task),
        unit.toNanos(delay) * electionTimeoutMillis / SCALED_MILLIS_PER_ELECTION_TIMEOUT);
  }

  private long millis() {
    long passed = TimeUnit.NANOSECONDS.toMillis(strand.nanoTime() - startNanos);
    return stopped
        ? BASE_MILLIS
        : BASE_MILLIS
            + skippedMillis
            + passed * SCALED_MILLIS_PER_ELECTION_TIMEOUT / electionTimeoutMillis;
  }

  Clock clock() {
    return new Clock() {
      @Override
      public long millis() {
        return FasterTime.this.millis();
      }

      @Override
      public Instant instant() {
        return Instant.ofEpochMilli(millis());
      }

      @Override
      public ZoneId getZone() {
        return ZoneOffset.UTC;
      }

      @Override
      public Clock withZone(ZoneId zone) {
        return this;
      }
    };
  }

  /** MicroRaft spreads elections over 100 of its milliseconds, too little for a distant peer. */
  static Random noise(Random random) {
    return new Random() {
      private static final long serialVersionUID = 1L;

      @Override
      public int nextInt(int bound) {
        return random.nextInt(ELECTION_NOISE_SCALED_MILLIS);
      }
    };
  }
}
