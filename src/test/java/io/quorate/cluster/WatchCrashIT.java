package io.quorate.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.testing.MemberProcess;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Watchers that drop and resume at random, over a member that is killed with SIGKILL: each sees
 * exactly what one undisturbed reader of the whole history sees, in that order.
 */
class WatchCrashIT {
  private static final int WATCHERS = 6;
  private static final int WRITERS = 4;
  private static final int KILLS = 3;

  private final HttpClient client =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(2))
          .build();
  private final int port = MemberProcess.freePort();
  private volatile boolean writing = true;

  /** Follows everything under {@code /w} until the last write, and keeps what it was told. */
  private final class Watcher implements Runnable {
    final List<String> told = new ArrayList<>();
    final Random random;
    final boolean drops;
    String since = "0x0";
    int connections;
    boolean done;

    Watcher(long seed, boolean drops) {
      this.random = new Random(seed);
      this.drops = drops;
    }

    @Override
    public void run() {
      while (!done && !Thread.currentThread().isInterrupted()) {
        try {
          connections++;
          follow();
        } catch (IOException | UncheckedIOException e) {
          pause(50);
        } catch (InterruptedException e) {
          return;
        }
      }
    }

    private void follow() throws IOException, InterruptedException {
      HttpResponse<java.io.InputStream> response =
          client.send(
              HttpRequest.newBuilder(uri("/watch?path=/w&depth=*&since=" + since))
                  .header("Accept", "text/event-stream")
                  .build(),
              HttpResponse.BodyHandlers.ofInputStream());
      if (response.statusCode() != 200) {
        response.body().close();
        pause(50);
        return;
      }
      int left = drops ? random.nextInt(400) : Integer.MAX_VALUE;
      String event = "";
      String id = "";
      try (var lines =
          new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          if (line.startsWith("event: ")) {
            event = line.substring(7);
          } else if (line.startsWith("id: ")) {
            id = line.substring(4);
          } else if (line.startsWith("data: ") && !id.isEmpty()) {
            since = id;
            if (!event.equals("bookmark")) {
              told.add(
                  event + " " + id + " " + line.replaceFirst(".*\"path\":\"([^\"]*)\".*", "$1"));
              if (line.contains("\"/w/end\"")) {
                done = true;
                return;
              }
              if (left-- == 0) {
                return;
              }
            }
          }
        }
      }
    }
  }

  private URI uri(String path) {
    return URI.create("http://127.0.0.1:" + port + path);
  }

  private int send(String method, String path, String body)
      throws IOException, InterruptedException {
    return client
        .send(
            HttpRequest.newBuilder(uri(path))
                .timeout(Duration.ofSeconds(10))
                .method(method, HttpRequest.BodyPublishers.ofString(body))
                .build(),
            HttpResponse.BodyHandlers.ofString())
        .statusCode();
  }

  private void write(Random random, AtomicInteger acknowledged) {
    while (writing) {
      String path = "/znodes/w/n" + random.nextInt(30);
      try {
        int status =
            random.nextInt(4) == 0
                ? send("DELETE", path, "")
                : send("PUT", path, Integer.toString(random.nextInt()));
        if (status < 300) {
          acknowledged.incrementAndGet();
        }
      } catch (IOException e) {
        pause(50);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private static void pause(long ms) {
    try {
      TimeUnit.MILLISECONDS.sleep(ms);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void watchersMissNothingAndHearNothingTwiceAcrossKills(@TempDir Path dir) throws Exception {
    long seed = Long.getLong("quorate.seed", System.nanoTime());
    System.out.println("WatchCrashIT, -Dquorate.seed=" + seed);
    var random = new Random(seed);
    List<String> options =
        List.of("--quorate.log.segment-size=256KB", "--quorate.log.checkpoint-after=512KB");
    var watchers = new ArrayList<Watcher>();
    var threads = new ArrayList<Thread>();
    var acknowledged = new AtomicInteger();
    MemberProcess member = MemberProcess.start(dir.resolve("data"), port, options).awaitReady();
    try {
      assertThat(send("PUT", "/znodes/w", "")).isEqualTo(201);
      for (int i = 0; i < WATCHERS; i++) {
        var watcher = new Watcher(random.nextLong(), true);
        watchers.add(watcher);
        threads.add(Thread.ofPlatform().start(watcher));
      }
      var writers = new ArrayList<Thread>();
      for (int i = 0; i < WRITERS; i++) {
        var choice = new Random(random.nextLong());
        writers.add(Thread.ofPlatform().start(() -> write(choice, acknowledged)));
      }
      for (int i = 0; i < KILLS; i++) {
        TimeUnit.MILLISECONDS.sleep(1_000 + random.nextInt(1_000));
        member.kill();
        member = MemberProcess.start(dir.resolve("data"), port, options).awaitReady();
      }
      TimeUnit.MILLISECONDS.sleep(500);
      writing = false;
      for (Thread writer : writers) {
        writer.join();
      }
      assertThat(send("PUT", "/znodes/w/end", "")).isEqualTo(201);
      var whole = new Watcher(0, false);
      threads.add(Thread.ofPlatform().start(whole));
      for (Thread thread : threads) {
        thread.join(60_000);
      }

      assertThat(whole.done).isTrue();
      assertThat(whole.told).doesNotHaveDuplicates().hasSizeGreaterThan(acknowledged.get());
      for (Watcher watcher : watchers) {
        assertThat(watcher.told).isEqualTo(whole.told);
      }
      System.out.println(
          "WatchCrashIT: "
              + acknowledged
              + " writes, "
              + whole.told.size()
              + " events, connections "
              + watchers.stream().map(watcher -> watcher.connections).toList());
    } finally {
      threads.forEach(Thread::interrupt);
      member.close();
    }
  }
}
