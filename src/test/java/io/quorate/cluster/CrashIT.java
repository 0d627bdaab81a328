package io.quorate.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.testing.MemberProcess;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code kill -9} under load: every acknowledged write is there afterwards, and nothing that nobody
 * asked for.
 *
 * <p>{@code -Dquorate.crash.rounds} says how often, {@code -Dquorate.seed} repeats a run's choices.
 */
class CrashIT {
  private static final int WRITERS = 8;
  private static final Pattern CHILD = Pattern.compile("\"(q-\\d{10})\"");
  private static final Pattern NEXT = Pattern.compile("<([^>]*)>");

  private final HttpClient client =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(5))
          .build();

  /** Writes one counter and one queue, one request at a time, and remembers what it was told. */
  private final class Writer implements Runnable {
    final int number;
    long acknowledged;
    long attempted;
    final TreeSet<String> queued = new TreeSet<>();
    int queueAttempts;
    volatile MemberProcess member;
    volatile boolean running;

    Writer(int number, MemberProcess member) {
      this.number = number;
      this.member = member;
    }

    @Override
    public void run() {
      while (running) {
        try {
          attempted++;
          if (put("/znodes/crash/counter-" + number, Long.toString(attempted)) < 300) {
            acknowledged = attempted;
          }
          queueAttempts++;
          HttpResponse<String> created =
              send("POST", "/znodes/crash/queue-" + number + "?name=q-&sequential=true", "x");
          if (created.statusCode() == 201) {
            queued.add(
                URI.create(created.headers().firstValue("Location").orElseThrow()).getRawPath());
          }
        } catch (IOException | InterruptedException e) {
          // The server is being killed: the last request's fate is unknown.
          return;
        }
      }
    }

    int put(String path, String body) throws IOException, InterruptedException {
      return send("PUT", path + "?parents=true", body).statusCode();
    }

    HttpResponse<String> send(String method, String path, String body)
        throws IOException, InterruptedException {
      return client.send(
          HttpRequest.newBuilder(member.uri(path))
              .timeout(Duration.ofSeconds(10))
              .method(method, HttpRequest.BodyPublishers.ofString(body))
              .build(),
          HttpResponse.BodyHandlers.ofString());
    }

    void check() throws IOException, InterruptedException {
      HttpResponse<String> counter = send("GET", "/znodes/crash/counter-" + number, "");
      long found = counter.statusCode() == 404 ? 0 : Long.parseLong(counter.body());
      assertThat(found).as("counter %d", number).isBetween(acknowledged, attempted);
      // What is there now is the truth from here on.
      acknowledged = found;
      attempted = found;

      var present = new TreeSet<String>();
      String next = "/znodes/crash/queue-" + number + "?view=children&limit=1000";
      while (!next.isEmpty()) {
        HttpResponse<String> page = send("GET", next, "");
        assertThat(page.statusCode()).isEqualTo(200);
        Matcher names = CHILD.matcher(page.body());
        while (names.find()) {
          present.add("/znodes/crash/queue-" + number + "/" + names.group(1));
        }
        Matcher link = NEXT.matcher(page.headers().firstValue("Link").orElse(""));
        next = link.find() ? link.group(1) : "";
      }
      assertThat(present).as("acknowledged in queue %d", number).containsAll(queued);
      assertThat(present.size()).as("queue %d", number).isLessThanOrEqualTo(queueAttempts);
    }
  }

  @Test
  void nothingAcknowledgedIsLostAndNothingIsInvented(@TempDir Path dir) throws Exception {
    int rounds = Integer.getInteger("quorate.crash.rounds", 10);
    long seed = Long.getLong("quorate.seed", System.nanoTime());
    System.out.println("CrashIT rounds " + rounds + ", -Dquorate.seed=" + seed);
    var random = new Random(seed);
    Path data = dir.resolve("data");
    int port = MemberProcess.freePort();
    // Small segments and checkpoints: crashes meet every step of both.
    List<String> options =
        List.of("--quorate.log.segment-size=256KB", "--quorate.log.checkpoint-after=512KB");
    var writers = new ArrayList<Writer>();

    for (int round = 0; round < rounds; round++) {
      try (MemberProcess member = MemberProcess.start(data, port, options).awaitReady()) {
        if (writers.isEmpty()) {
          for (int i = 0; i < WRITERS; i++) {
            var writer = new Writer(i, member);
            writers.add(writer);
            assertThat(writer.put("/znodes/crash/queue-" + i, "")).isEqualTo(201);
          }
        }
        var threads = new ArrayList<Thread>();
        for (Writer writer : writers) {
          writer.member = member;
          writer.check();
          writer.running = true;
          threads.add(Thread.ofPlatform().start(writer));
        }
        TimeUnit.MILLISECONDS.sleep(300 + random.nextInt(1_500));
        member.kill();
        for (Writer writer : writers) {
          writer.running = false;
        }
        for (Thread thread : threads) {
          thread.join(20_000);
          assertThat(thread.isAlive()).isFalse();
        }
      }
    }
    try (MemberProcess member = MemberProcess.start(data, port, options).awaitReady()) {
      long acknowledged = 0;
      for (Writer writer : writers) {
        writer.member = member;
        acknowledged += writer.acknowledged + writer.queued.size();
        writer.check();
      }
      System.out.println(
          "CrashIT: " + rounds + " kills, " + acknowledged + " acknowledged writes, all there");
    }
  }

  /** Entries of many operations each: few are behind where much is. */
  @Test
  void aMemberIsReadyWhenItHasReadItsLog(@TempDir Path dir) throws Exception {
    Path data = dir.resolve("data");
    int port = MemberProcess.freePort();
    int transactions = 200;
    var writer = new Writer(0, MemberProcess.start(data, port, List.of()).awaitReady());
    try (MemberProcess member = writer.member) {
      for (int i = 0; i < transactions; i++) {
        String parent = "/t" + i;
        var text = new StringBuilder("{\"then\":[{\"create\":\"" + parent + "\"}");
        for (int k = 0; k < 500; k++) {
          text.append(",{\"create\":\"" + parent + "/n" + k + "\"}");
        }
        assertThat(writer.send("POST", "/txn", text.append("]}").toString()).statusCode())
            .isEqualTo(200);
      }
      member.kill();
    }
    try (MemberProcess member = MemberProcess.start(data, port, List.of()).awaitReady()) {
      writer.member = member;
      String last = "/znodes/t" + (transactions - 1) + "/n499?consistency=local";
      assertThat(writer.send("GET", last, "").statusCode()).isEqualTo(200);
    }
  }
}
