package io.quorate.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * How long nobody can write when the leader goes, and how often it changes for nothing: {@code
 * kills N}, {@code transfers N}, {@code idle SECONDS}. Three members with default settings.
 */
final class FailOver {
  private static final int SIZE = 3;

  private final LocalCluster cluster;
  private volatile boolean running = true;
  private volatile long acknowledgedNs;
  private volatile long longestGapNs;

  private FailOver(LocalCluster cluster) {
    this.cluster = cluster;
  }

  public static void main(String[] arguments) throws Exception {
    String what = arguments[0];
    int count = Integer.parseInt(arguments[1]);
    Path dir = Files.createTempDirectory("fail-over");
    try (var cluster = new LocalCluster(SIZE, dir, List.of())) {
      var measurement = new FailOver(cluster);
      switch (what) {
        case "kills" -> measurement.kills(count);
        case "transfers" -> measurement.transfers(count);
        case "idle" -> measurement.idle(count);
        default -> throw new IllegalArgumentException("kills, transfers or idle, not " + what);
      }
    } finally {
      try (Stream<Path> files = Files.walk(dir)) {
        files.sorted(java.util.Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
      }
    }
  }

  /** One write after the other through one member; a write that fails is tried again at once. */
  private Thread writer(int member) {
    return Thread.ofPlatform()
        .daemon()
        .start(
            () -> {
              for (long number = 0; running; number++) {
                try {
                  int status =
                      cluster
                          .send(member, "PUT", "/znodes/w" + member, Long.toString(number))
                          .statusCode();
                  if (status < 300) {
                    acknowledged();
                  }
                } catch (IOException e) {
                  pause(10);
                } catch (InterruptedException e) {
                  return;
                }
              }
            });
  }

  private synchronized void acknowledged() {
    long now = System.nanoTime();
    longestGapNs = Math.max(longestGapNs, now - acknowledgedNs);
    acknowledgedNs = now;
  }

  private synchronized void forgetGap() {
    acknowledgedNs = System.nanoTime();
    longestGapNs = 0;
  }

  private void kills(int count) throws Exception {
    var times = new ArrayList<Long>();
    startWriters();
    for (int i = 0; i < count; i++) {
      TimeUnit.MILLISECONDS.sleep(3_000);
      int leader = cluster.leader();
      cluster.member(leader).kill();
      // Answers on their way from the dead count for nothing.
      pause(5);
      forgetGap();
      long from = acknowledgedNs;
      while (acknowledgedNs == from) {
        pause(1);
      }
      times.add((acknowledgedNs - from) / 1_000_000 + 5);
      cluster.start(leader);
      cluster.member(leader).awaitReady();
    }
    running = false;
    print("leader kill -9 to the next acknowledged write", times);
  }

  private void transfers(int count) throws Exception {
    var gaps = new ArrayList<Long>();
    startWriters();
    for (int i = 0; i < count; i++) {
      TimeUnit.MILLISECONDS.sleep(1_500);
      int next = cluster.leader() % SIZE + 1;
      forgetGap();
      int status =
          cluster.send(next, "POST", "/cluster/leader", "{\"id\":" + next + "}").statusCode();
      if (status != 200) {
        throw new IllegalStateException("transfer answered " + status);
      }
      TimeUnit.MILLISECONDS.sleep(1_000);
      gaps.add(longestGapNs / 1_000_000);
    }
    running = false;
    print("planned transfer, longest time without an acknowledged write", gaps);
  }

  private void idle(int seconds) throws Exception {
    TimeUnit.SECONDS.sleep(5);
    long before = cluster.term(1);
    int cores = Runtime.getRuntime().availableProcessors();
    for (int i = 0; i < cores; i++) {
      Thread.ofPlatform()
          .daemon()
          .start(
              () -> {
                while (running) {
                  Thread.onSpinWait();
                }
              });
    }
    TimeUnit.SECONDS.sleep(seconds);
    running = false;
    long after = cluster.term(1);
    System.out.println(
        cores + " cores busy for " + seconds + " s, idle cluster: " + (after - before) + " terms");
  }

  private void startWriters() throws InterruptedException {
    for (int id = 1; id <= SIZE; id++) {
      writer(id);
    }
    TimeUnit.SECONDS.sleep(5);
  }

  private static void print(String what, List<Long> times) {
    long[] sorted = times.stream().mapToLong(Long::longValue).sorted().toArray();
    System.out.println(
        what
            + ", ms: "
            + times
            + "; median "
            + sorted[sorted.length / 2]
            + ", worst "
            + Arrays.stream(sorted).max().orElse(0));
  }

  private static void pause(long ms) {
    try {
      TimeUnit.MILLISECONDS.sleep(ms);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
