package io.quorate.cluster;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * How writes fare while a member that lost its disk comes back: {@code NODES}, how many WRITERS
 * each send one write after the other, and how many writes a second they want together; 0 for as
 * many as they can. Three members with default settings and 1 GB heaps.
 */
final class Rejoin {
  private static final int SIZE = 3;
  private static final int SECONDS_BEFORE = 20;
  private static final int SECONDS_AFTER = 10;
  private static final int LONGEST_SECONDS = 240;
  private static final int LOADERS = 16;
  private static final int NODES_PER_TRANSACTION = 500;
  private static final int TARGETS = 1_000;
  private static final String DATA = "x".repeat(100);
  private static final Pattern ROW =
      Pattern.compile(
          "\"id\"\\s*:\\s*(\\d+)\\s*,\\s*\"role\"\\s*:\\s*\"(\\w+)\".*?\"lag\"\\s*:\\s*(\\d+)"
              + ".*?\"health\"\\s*:\\s*\"([\\w-]+)\"");

  private final LocalCluster cluster;
  private final int wantedPerSecond;
  private final AtomicIntegerArray acknowledged = new AtomicIntegerArray(1_000);
  private final ConcurrentLinkedQueue<String> refusals = new ConcurrentLinkedQueue<>();
  private volatile boolean running = true;
  private volatile long beganNanos;
  private volatile int absent;
  private volatile long longestGapNanos;
  private final AtomicLong lastNanos = new AtomicLong();

  private Rejoin(LocalCluster cluster, int wantedPerSecond) {
    this.cluster = cluster;
    this.wantedPerSecond = wantedPerSecond;
  }

  public static void main(String[] arguments) throws Exception {
    int nodes = Integer.parseInt(arguments[0]);
    int writers = Integer.parseInt(arguments[1]);
    int wantedPerSecond = Integer.parseInt(arguments[2]);
    Path dir = Files.createTempDirectory("rejoin");
    try (var cluster = new LocalCluster(SIZE, dir, List.of("-Xmx1g"))) {
      new Rejoin(cluster, wantedPerSecond).measure(nodes, writers);
    } finally {
      delete(dir);
    }
  }

  private void measure(int nodes, int writers) throws Exception {
    long filling = System.nanoTime();
    fill(nodes);
    System.out.printf("%d znodes made in %d s%n", nodes, seconds(filling));
    int leader = cluster.leader();
    absent = leader % SIZE + 1;
    begin(writers, leader);
    double before = settled();

    cluster.member(absent).kill();
    delete(cluster.directory(absent));
    int killed = second();
    TimeUnit.SECONDS.sleep(SECONDS_AFTER);
    double without = rate(killed, killed + SECONDS_AFTER);
    int started = second();
    longestGapNanos = 0;
    cluster.start(absent);
    long start = System.nanoTime();
    double voting = awaitVoter(start);
    int back = second();
    long gap = longestGapNanos;
    TimeUnit.SECONDS.sleep(SECONDS_AFTER);
    running = false;

    double during = rate(started, back);
    System.out.printf("writes/s before %.0f, with two members %.0f%n", before, without);
    System.out.printf("back as a caught-up voter after %.1f s from its start%n", voting);
    System.out.printf(
        "writes/s meanwhile %.0f: %.0f %% of before, %.0f %% of with two%n",
        during, 100 * during / before, 100 * during / without);
    System.out.printf(
        "worst second %d; longest time without an acknowledged write %d ms%n",
        worst(started, back), gap / 1_000_000);
    System.out.printf("writes/s afterwards %.0f%n", rate(back, back + SECONDS_AFTER));
    System.out.printf("each second from the start: %s%n", each(started, back));
    System.out.printf("resident memory of the leader at most %d MiB%n", peak(leader) >> 10);
    System.out.printf("leader then and now: %d, %d%n", leader, cluster.leader());
    System.out.printf("writes not acknowledged: %d %s%n", refusals.size(), refusals.peek());
  }

  private void fill(int nodes) throws InterruptedException, IOException {
    cluster.send(1, "PUT", "/znodes/million", "");
    var next = new AtomicInteger();
    int transactions = nodes / NODES_PER_TRANSACTION;
    Runnable loader =
        () -> {
          for (int t = next.getAndIncrement(); t < transactions; t = next.getAndIncrement()) {
            transaction(t);
          }
        };
    List<Thread> loaders =
        Stream.generate(() -> Thread.ofPlatform().start(loader)).limit(LOADERS).toList();
    for (Thread thread : loaders) {
      thread.join();
    }
  }

  private void transaction(int number) {
    String parent = "/million/p%05d".formatted(number);
    var text = new StringBuilder("{\"then\":[{\"create\":\"").append(parent).append("\"}");
    for (int i = 0; i < NODES_PER_TRANSACTION; i++) {
      text.append(",{\"create\":\"%s/n%05d\",\"data\":\"%s\"}".formatted(parent, i, DATA));
    }
    text.append("]}");
    while (true) {
      try {
        int status = cluster.send(number % SIZE + 1, "POST", "/txn", text.toString()).statusCode();
        // 409: it was done by a try whose answer did not come.
        if (status == 200 || status == 409) {
          return;
        }
        Thread.sleep(20);
      } catch (IOException e) {
        // Again.
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private void begin(int writers, int leader) {
    beganNanos = System.nanoTime();
    lastNanos.set(beganNanos);
    for (int i = 0; i < writers; i++) {
      int number = i;
      // Through the two that stay.
      int member = i % 2 == 0 ? leader : SIZE * (SIZE + 1) / 2 - leader - absent;
      Thread.ofPlatform().daemon().start(() -> write(number, member, writers));
    }
  }

  private void write(int number, int member, int writers) {
    long pauseNanos =
        wantedPerSecond == 0 ? 0 : writers * TimeUnit.SECONDS.toNanos(1) / wantedPerSecond;
    long nextNanos = System.nanoTime() + number * pauseNanos / writers;
    for (int i = number; running; i += 7) {
      try {
        // What was missed is not made up for: one write at a time.
        nextNanos = Math.max(nextNanos + pauseNanos, System.nanoTime() - pauseNanos);
        TimeUnit.NANOSECONDS.sleep(nextNanos - System.nanoTime());
        HttpResponse<String> answer =
            cluster.send(
                member, "PUT", "/znodes/million/p00000/n%05d".formatted(i % TARGETS), DATA);
        if (answer.statusCode() < 300) {
          long now = System.nanoTime();
          long gap = now - lastNanos.getAndSet(now);
          longestGapNanos = Math.max(longestGapNanos, gap);
          acknowledged.incrementAndGet(second());
        } else {
          refusals.add(answer.statusCode() + " " + answer.body());
        }
      } catch (IOException e) {
        refusals.add(e.toString());
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  /** The rate once it has stopped to grow. */
  private double settled() throws InterruptedException {
    TimeUnit.SECONDS.sleep(2 * SECONDS_BEFORE);
    return rate(second() - SECONDS_BEFORE, second());
  }

  private double awaitVoter(long start) throws InterruptedException {
    while (System.nanoTime() - start < TimeUnit.SECONDS.toNanos(LONGEST_SECONDS)) {
      try {
        int asked = cluster.leader();
        Matcher row = ROW.matcher(cluster.send(asked, "GET", "/cluster", "").body());
        while (row.find()) {
          boolean caughtUp =
              row.group(2).equals("follower") && Integer.parseInt(row.group(3)) < 100;
          if (Integer.parseInt(row.group(1)) == absent && caughtUp && row.group(4).equals("ok")) {
            return (System.nanoTime() - start) / 1e9;
          }
        }
      } catch (IOException e) {
        // Asked again.
      }
      TimeUnit.MILLISECONDS.sleep(100);
    }
    throw new IllegalStateException(
        "not back after " + LONGEST_SECONDS + " s:\n" + cluster.member(absent).output());
  }

  private int second() {
    return (int) seconds(beganNanos);
  }

  private static long seconds(long since) {
    return TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - since);
  }

  private double rate(int from, int to) {
    long sum = 0;
    for (int i = from; i < to; i++) {
      sum += acknowledged.get(i);
    }
    return (double) sum / Math.max(1, to - from);
  }

  private int worst(int from, int to) {
    int worst = Integer.MAX_VALUE;
    // The first and the last second are not whole.
    for (int i = from + 1; i < to; i++) {
      worst = Math.min(worst, acknowledged.get(i));
    }
    return worst;
  }

  private String each(int from, int to) {
    var out = new StringBuilder();
    for (int i = from; i <= to; i++) {
      out.append(i == from ? "" : " ").append(acknowledged.get(i));
    }
    return out.toString();
  }

  /** KiB, as the kernel remembers. */
  private long peak(int id) throws IOException {
    Path status = Path.of("/proc/" + cluster.member(id).pid() + "/status");
    if (!Files.exists(status)) {
      return 0;
    }
    return Files.readAllLines(status).stream()
        .filter(line -> line.startsWith("VmHWM:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .findFirst()
        .orElse(0);
  }

  private static void delete(Path dir) throws IOException {
    try (Stream<Path> files = Files.walk(dir)) {
      files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
    }
  }
}
