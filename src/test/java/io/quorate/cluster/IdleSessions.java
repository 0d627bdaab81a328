package io.quorate.cluster;

import io.quorate.session.SessionClock;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What sessions cost that only exist: processor, memory and threads of a group's members, a leader
 * that is killed while they live, and the end of all of them at once. Started by {@code
 * tools/idle-sessions}.
 */
final class IdleSessions {
  private static final int AT_ONCE = 64;
  private static final int WINDOW_SECONDS = 20;
  private static final Duration TIMEOUT = Duration.ofSeconds(120);
  private static final Pattern SESSIONS =
      Pattern.compile("(?m)^quorate_sessions(?:\\{.*})? (\\S+)");

  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final LocalCluster cluster;
  private final int count;

  private IdleSessions(LocalCluster cluster, int count) {
    this.cluster = cluster;
    this.count = count;
  }

  public static void main(String[] arguments) throws Exception {
    int count = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 100_000;
    clock(count);
    Path dir = Files.createTempDirectory("idle-sessions");
    // So long that they can be opened and looked at in peace before the first one ends.
    try (var cluster =
        new LocalCluster(3, dir, List.of("--quorate.tick-time=" + TIMEOUT.toSeconds() / 2 + "s"))) {
      new IdleSessions(cluster, count).measure();
    } finally {
      try (Stream<Path> files = Files.walk(dir)) {
        files.sorted(java.util.Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
      }
    }
  }

  /**
   * The clock alone: an hour of a leader's ticks, with each session heard from every ten seconds.
   */
  private static void clock(int count) {
    var clock = new SessionClock();
    for (int id = 0; id < count; id++) {
      clock.opened(id, 30_000, 0);
    }
    long overdueNanos = 0;
    long heardNanos = 0;
    long worst = 0;
    int next = 0;
    for (long nowMs = 0; nowMs < 3_600_000; nowMs += 20) {
      long begun = System.nanoTime();
      for (long due = (long) count * (nowMs + 20) / 10_000; next < due; next++) {
        clock.heardFrom(next % count, nowMs);
      }
      long heard = System.nanoTime();
      if (!clock.overdue(nowMs, 1_000).isEmpty()) {
        throw new IllegalStateException("a session that was heard from is overdue");
      }
      long ended = System.nanoTime();
      heardNanos += heard - begun;
      overdueNanos += ended - heard;
      worst = Math.max(worst, ended - heard);
    }
    System.out.printf(
        "the clock of %d sessions, one hour: %.2f s of processor to look for silence (%.3f %%), at"
            + " most %.1f ms in one tick; %.2f s for %d signs of life%n",
        count, overdueNanos / 1e9, overdueNanos / 36e9, worst / 1e6, heardNanos / 1e9, next);
  }

  private void measure() throws Exception {
    int leader = cluster.leader();
    Used[] empty = used();
    window("without sessions");
    long begun = System.nanoTime();
    open();
    System.out.printf("%d sessions opened in %.1f s%n", count, (System.nanoTime() - begun) / 1e9);
    Used[] full = used();
    for (int id = 1; id <= cluster.size(); id++) {
      System.out.printf(
          "member %d%s: %d bytes of live heap for each session; threads %d, before %d%n",
          id,
          id == leader ? ", the leader" : "",
          (full[id].heapKb - empty[id].heapKb) * 1024 / count,
          full[id].threads,
          empty[id].threads);
    }
    window("with sessions");
    failOver(leader);
    end();
  }

  private void open() throws InterruptedException {
    var free = new Semaphore(AT_ONCE);
    var failed = new AtomicInteger();
    for (int i = 0; i < count; i++) {
      free.acquire();
      client
          .sendAsync(
              HttpRequest.newBuilder(cluster.uri(1 + i % cluster.size(), "/sessions"))
                  .header("Content-Type", "application/json")
                  .POST(
                      HttpRequest.BodyPublishers.ofString(
                          "{\"timeout\":\"" + (i % 2 == 0 ? 600 : TIMEOUT.toSeconds()) + "s\"}"))
                  .build(),
              HttpResponse.BodyHandlers.discarding())
          .whenComplete(
              (response, failure) -> {
                free.release();
                if (failure != null || response.statusCode() != 201) {
                  failed.incrementAndGet();
                }
              });
    }
    free.acquire(AT_ONCE);
    if (failed.get() > 0) {
      throw new IllegalStateException(failed + " sessions were not opened");
    }
  }

  private void window(String what) throws IOException, InterruptedException {
    double[] before = cpuSeconds();
    TimeUnit.SECONDS.sleep(WINDOW_SECONDS);
    double[] after = cpuSeconds();
    var line = new StringBuilder(what + ", % of one core by member:");
    for (int id = 1; id <= cluster.size(); id++) {
      line.append(" %.1f".formatted(100 * (after[id] - before[id]) / WINDOW_SECONDS));
    }
    System.out.println(line);
  }

  /** The leader is killed: until the next write, and whether the sessions are all there. */
  private void failOver(int leader) throws Exception {
    int other = leader % cluster.size() + 1;
    int before = sessions(other);
    cluster.member(leader).kill();
    long killed = System.nanoTime();
    write(other);
    double tookMs = (System.nanoTime() - killed) / 1e6;
    System.out.printf(
        "leader killed: next write after %.0f ms; sessions %d, before %d%n",
        tookMs, sessions(other), before);
    cluster.start(leader);
    cluster.member(leader).awaitReady();
  }

  /** Half of them fall silent together, and somebody goes on writing. */
  private void end() throws Exception {
    int member = cluster.leader();
    int left = sessions(member);
    long first = 0;
    long worst = 0;
    while (left > count / 2) {
      long begun = System.nanoTime();
      write(member);
      worst = Math.max(worst, System.nanoTime() - begun);
      int now = sessions(member);
      if (now < left && first == 0) {
        first = begun;
      }
      left = now;
    }
    System.out.printf(
        "%d sessions ended in %.1f s; the slowest write meanwhile took %.0f ms%n",
        count / 2, (System.nanoTime() - first) / 1e9, worst / 1e6);
  }

  private void write(int member) throws InterruptedException {
    while (true) {
      try {
        if (cluster.send(member, "PUT", "/znodes/w", "").statusCode() < 300) {
          return;
        }
      } catch (IOException e) {
        // Tried again.
      }
      Thread.sleep(5);
    }
  }

  private int sessions(int member) throws IOException, InterruptedException {
    String metrics = cluster.send(member, "GET", "/actuator/prometheus", "").body();
    var found = SESSIONS.matcher(metrics);
    if (!found.find()) {
      throw new IllegalStateException("no count of sessions");
    }
    return (int) Double.parseDouble(found.group(1));
  }

  private double[] cpuSeconds() throws IOException {
    double[] seconds = new double[cluster.size() + 1];
    for (int id = 1; id <= cluster.size(); id++) {
      String stat = Files.readString(proc(id).resolve("stat"));
      String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
      seconds[id] = (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / 100.0;
    }
    return seconds;
  }

  private Path proc(int id) {
    return Path.of("/proc", Long.toString(cluster.member(id).pid()));
  }

  /** After a full collection. */
  private record Used(long heapKb, int threads) {}

  private Used[] used() throws Exception {
    Used[] used = new Used[cluster.size() + 1];
    for (int id = 1; id <= cluster.size(); id++) {
      String pid = Long.toString(cluster.member(id).pid());
      jcmd(pid, "GC.run");
      var heap = Pattern.compile("heap .*used (\\d+)K").matcher(jcmd(pid, "GC.heap_info"));
      if (!heap.find()) {
        throw new IllegalStateException("the heap of member " + id + " is not told");
      }
      used[id] =
          new Used(Long.parseLong(heap.group(1)), proc(id).resolve("task").toFile().list().length);
    }
    return used;
  }

  private static String jcmd(String pid, String command) throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(), pid, command)
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return output;
  }
}
