package io.quorate.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.testing.MemberProcess;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What members say that reach no majority, and whether it was true. */
class NoQuorumIT {
  /** The request timeout, and what a busy machine adds. */
  private static final long BOUND_MS = 8_000;

  private static final long AT_ONCE_MS = 1_500;
  private static final List<String> OPTIONS = List.of("--quorate.request-timeout=3s");

  private final Map<String, String> told = new TreeMap<>();
  private int next;

  @Test
  void withoutAMajorityTheAnswersAreBoundedAndTrue(@TempDir Path dir) throws Exception {
    try (var cluster = new LocalCluster(3, dir, OPTIONS)) {
      write(cluster, 1, 2);
      int leader = cluster.leader();
      int one = leader % 3 + 1;
      int other = one % 3 + 1;

      // The leader alone: its first write is on its own disk and may yet be everybody's.
      cluster.member(one).pause();
      cluster.member(other).pause();
      ask(cluster, leader);
      cluster.member(one).resume();
      cluster.member(other).resume();
      settle(cluster);

      // A follower alone, of a leader that stands still and of one that is dead.
      leader = cluster.leader();
      int follower = leader % 3 + 1;
      int third = follower % 3 + 1;
      cluster.member(leader).pause();
      cluster.member(third).pause();
      ask(cluster, follower);
      cluster.member(leader).kill();
      cluster.member(third).kill();
      ask(cluster, follower);
      cluster.start(leader);
      cluster.start(third);
      cluster.member(leader).awaitReady();
      cluster.member(third).awaitReady();
      settle(cluster);

      judge(cluster);
    }
  }

  @Test
  void sigtermIsObeyedWithinTenSecondsWithoutAMajorityAndWithClientsThatHang(@TempDir Path dir)
      throws Exception {
    var options = new ArrayList<>(OPTIONS);
    options.add("--quorate.log.checkpoint-after=1MB");
    options.add("--quorate.log.segment-size=1MB");
    try (var cluster = new LocalCluster(3, dir, options);
        Socket silent = new Socket()) {
      for (int i = 0; i < 40; i++) {
        String large = "x".repeat(100_000);
        assertThat(cluster.send(1, "PUT", "/znodes/large" + i, large).statusCode()).isEqualTo(201);
      }
      int leader = cluster.leader();
      int stopping = leader;
      hang(cluster, stopping, silent);
      cluster.member(leader % 3 + 1).pause();
      cluster.member((leader + 1) % 3 + 1).pause();
      for (int i = 0; i < 5; i++) {
        int number = i;
        forgotten(() -> cluster.send(stopping, "PUT", "/znodes/w" + number, "x"));
      }
      TimeUnit.MILLISECONDS.sleep(200);

      long began = System.nanoTime();
      int code = cluster.member(stopping).terminate(Duration.ofSeconds(10));

      assertThat(code).isIn(0, 143);
      System.out.println("NoQuorumIT: gone " + millisSince(began) + " ms after SIGTERM");
    }
  }

  @Test
  void anotherMembersDirectoryAndAnotherGroupAreRefusedInASentence(@TempDir Path dir)
      throws Exception {
    String one = "1@127.0.0.1:" + MemberProcess.freePort();
    String two = "2@127.0.0.1:" + MemberProcess.freePort();
    for (int id = 1; id <= 2; id++) {
      try (MemberProcess alone = start(dir, "m" + id, id, id == 1 ? one : two)) {
        alone.awaitReady();
      }
    }

    try (MemberProcess stranger = start(dir, "m1", 2, two)) {
      assertThat(stranger.awaitExit(Duration.ofSeconds(60))).isNotZero();
      assertThat(stranger.output())
          .contains("belongs to member 1, but quorate.id is 2")
          .doesNotContain("\tat ");
    }
    try (MemberProcess first = start(dir, "m1", 1, one + "," + two);
        MemberProcess second = start(dir, "m2", 2, one + "," + two)) {
      first.awaitReady();
      second.awaitReady();
      awaitOutput(first, "Member 2 belongs to group ");
      assertThat(first.output()).contains("they will not talk");
    }
  }

  private static MemberProcess start(Path dir, String directory, int id, String members) {
    return MemberProcess.start(
        dir.resolve(directory),
        MemberProcess.freePort(),
        List.of("--quorate.id=" + id, "--quorate.members=" + members));
  }

  private static void awaitOutput(MemberProcess member, String text) throws InterruptedException {
    for (int i = 0; i < 200 && !member.output().contains(text); i++) {
      TimeUnit.MILLISECONDS.sleep(50);
    }
    assertThat(member.output()).contains(text);
  }

  /** A stream that nobody ends, and a request whose body never comes. */
  private static void hang(LocalCluster cluster, int member, Socket silent) throws Exception {
    forgotten(() -> cluster.send(member, "GET", "/watch?path=/", ""));
    silent.connect(new InetSocketAddress("127.0.0.1", cluster.uri(member, "/").getPort()));
    String begun = "PUT /znodes/hung HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc";
    silent.getOutputStream().write(begun.getBytes(StandardCharsets.US_ASCII));
    silent.getOutputStream().flush();
    TimeUnit.MILLISECONDS.sleep(500);
  }

  private interface Call {
    void run() throws Exception;
  }

  private static void forgotten(Call call) {
    Thread.ofPlatform()
        .daemon()
        .start(
            () -> {
              try {
                call.run();
              } catch (Exception e) {
                // It was to be left hanging.
              }
            });
  }

  private void write(LocalCluster cluster, int member, int count) throws Exception {
    for (int i = 0; i < count; i++) {
      String path = "/znodes/n" + next++;
      HttpResponse<String> answer = cluster.send(member, "PUT", path, "x");
      told.put(path, fate(answer));
    }
  }

  private static String fate(HttpResponse<String> answer) {
    String body = answer.body();
    return switch (answer.statusCode()) {
      case 200, 201 -> "done";
      case 503 -> {
        assertThat(body).contains("\"not-applied\"");
        assertThat(answer.headers().firstValue("Retry-After")).isPresent();
        yield "not-applied";
      }
      case 504 -> {
        assertThat(body).contains("\"unknown\"");
        yield "unknown";
      }
      default -> throw new AssertionError(answer + ": " + body);
    };
  }

  /** Several writes and reads at once at a member that has no majority. */
  private void ask(LocalCluster cluster, int member) throws Exception {
    long began = System.nanoTime();
    var writes = new TreeMap<String, CompletableFuture<HttpResponse<String>>>();
    var reads = new ArrayList<CompletableFuture<HttpResponse<String>>>();
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      for (int i = 0; i < 5; i++) {
        String path = "/znodes/n" + next++;
        writes.put(path, async(threads, cluster, member, "PUT", path));
        TimeUnit.MILLISECONDS.sleep(20);
        reads.add(async(threads, cluster, member, "GET", "/znodes/n0"));
      }
      assertThat(cluster.send(member, "GET", "/znodes/n0?consistency=local", "").statusCode())
          .isEqualTo(200);
      assertThat(millisSince(began)).as("local reads wait for nobody").isLessThan(AT_ONCE_MS);
      for (CompletableFuture<HttpResponse<String>> read : reads) {
        assertThat(fate(read.get())).isEqualTo("not-applied");
      }
      for (Map.Entry<String, CompletableFuture<HttpResponse<String>>> write : writes.entrySet()) {
        told.put(write.getKey(), fate(write.getValue().get()));
        assertThat(told.get(write.getKey())).isNotEqualTo("done");
      }
      assertThat(millisSince(began)).isLessThan(BOUND_MS);
      assertThat(cluster.send(member, "GET", "/actuator/health/readiness", "").statusCode())
          .isEqualTo(503);
    }
  }

  private static CompletableFuture<HttpResponse<String>> async(
      ExecutorService threads, LocalCluster cluster, int member, String method, String path) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return cluster.send(member, method, path, "x");
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        },
        threads);
  }

  private static long millisSince(long nanos) {
    return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - nanos);
  }

  private static void settle(LocalCluster cluster) throws InterruptedException {
    for (int id = 1; id <= cluster.size(); id++) {
      cluster.member(id).awaitReady();
    }
  }

  private void judge(LocalCluster cluster) throws Exception {
    for (Map.Entry<String, String> each : told.entrySet()) {
      var seen = new ArrayList<Integer>();
      for (int id = 1; id <= cluster.size(); id++) {
        seen.add(cluster.send(id, "GET", each.getKey(), "").statusCode());
      }
      assertThat(seen.stream().distinct()).as("members agree about " + each).hasSize(1);
      switch (each.getValue()) {
        case "done" -> assertThat(seen).as(each.toString()).containsOnly(200);
        case "not-applied" -> assertThat(seen).as(each.toString()).containsOnly(404);
        default -> assertThat(seen).as(each.toString()).containsAnyOf(200, 404);
      }
    }
    System.out.println("NoQuorumIT: " + told);
    assertThat(told.values()).contains("done", "not-applied", "unknown");
  }
}
