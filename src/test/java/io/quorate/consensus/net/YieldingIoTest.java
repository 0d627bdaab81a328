package io.quorate.consensus.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.quorate.Seeds;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class YieldingIoTest {
  private static final long LONG_SECONDS = 20;
  private static final long LATE_NANOS = TimeUnit.MILLISECONDS.toNanos(800);

  private final MultiThreadIoEventLoopGroup group =
      new MultiThreadIoEventLoopGroup(1, YieldingIo.factory(YieldingSelect::new));
  private final EventLoop loop = group.next();
  private final AtomicInteger late = new AtomicInteger();

  @AfterEach
  void close() throws Exception {
    assertThat(
            group.shutdownGracefully(0, 5, TimeUnit.SECONDS).await(LONG_SECONDS, TimeUnit.SECONDS))
        .isTrue();
  }

  /**
   * A wake-up that is lost would leave the loop asleep until Netty looks by itself, once a second.
   * So few may take nearly that long for another reason, of twenty thousand.
   */
  @Test
  void everyTaskRunsWheneverItIsHandedOver() {
    Seeds.each(1, this::handOver);
  }

  private void handOver(long seed) {
    Random seeds = new Random(seed);
    try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
      Stream.generate(() -> new Random(seeds.nextLong()))
          .limit(2)
          .map(random -> CompletableFuture.runAsync(() -> handOver(random), threads))
          .toList()
          .forEach(CompletableFuture::join);
    }
    assertThat(late).hasValueLessThan(4);
  }

  private void handOver(Random random) {
    for (int task = 0; task < 10_000; task++) {
      CompletableFuture<Void> ran = new CompletableFuture<>();
      long begin = System.nanoTime();
      loop.execute(() -> ran.complete(null));
      ran.orTimeout(LONG_SECONDS, TimeUnit.SECONDS).join();
      if (System.nanoTime() - begin > LATE_NANOS && late.incrementAndGet() >= 4) {
        return;
      }
      if (random.nextBoolean()) {
        LockSupport.parkNanos(random.nextInt(60_000));
      }
    }
  }

  @Test
  void whatIsDueLaterIsRunThen() throws Exception {
    CompletableFuture<Void> ran = new CompletableFuture<>();
    loop.schedule(() -> ran.complete(null), 20, TimeUnit.MILLISECONDS);
    ran.get(LONG_SECONDS, TimeUnit.SECONDS);
  }
}
