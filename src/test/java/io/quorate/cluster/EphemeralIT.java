package io.quorate.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * An ephemeral znode is there as long as its session lives, and gone within timeout and one tick of
 * its death, whatever it dies of. Three members; the client's is not the leader.
 *
 * <p>Nothing may go before the timeout has passed since the last sign of life. What is waited for
 * afterwards is timeout and tick, and what the machine may stand still meanwhile.
 */
@Timeout(180)
class EphemeralIT {
  private static final Duration TICK = Duration.ofSeconds(1);
  private static final Duration TIMEOUT = Duration.ofSeconds(4);
  private static final Duration LONGER = Duration.ofSeconds(15);
  private static final Duration MACHINE = Duration.ofSeconds(3);
  private static final Pattern ID = Pattern.compile("\"id\"\\s*:\\s*\"([^\"]+)\"");
  private static final Pattern TOKEN = Pattern.compile("\"token\"\\s*:\\s*\"([^\"]+)\"");

  @TempDir static Path dir;
  private static LocalCluster cluster;

  private final HttpClient client =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(2))
          .build();

  /** A session and its node. */
  private record Held(String id, String token, String node, Duration timeout) {}

  @BeforeAll
  static void start() throws Exception {
    cluster = new LocalCluster(3, dir, List.of("--quorate.tick-time=" + TICK.toMillis() + "ms"));
  }

  @AfterAll
  static void stop() {
    if (cluster != null) {
      cluster.close();
    }
  }

  @Test
  void itGoesWithTheSessionThatIsClosed() throws Exception {
    int member = follower();
    Held held = open(member, "closed");
    String second = held.node + "-second";
    ask(member, held, "PUT", "/znodes" + second + "?mode=ephemeral");
    staysWhile(member, held, () -> awaitSignOfLife(member, held));

    HttpResponse<String> closed = ask(member, held, "DELETE", "/sessions/" + held.id);

    assertThat(closed.statusCode()).isEqualTo(204);
    assertThat(isThere(member, held.node)).isFalse();
    assertThat(isThere(member, second)).isFalse();
    String events = watched(member, held.node, closed) + watched(member, second, closed);
    String zxid = closed.headers().firstValue("Quorate-Zxid").orElseThrow();
    assertThat(events.lines().filter(line -> line.contains("\"zxid\":\"" + zxid + "\"")))
        .hasSize(2);
  }

  @Test
  void itGoesWithTheSessionThatFallsSilent() throws Exception {
    int member = follower();
    Held held = open(member, "silent");
    staysWhile(member, held, () -> awaitSignOfLife(member, held));

    long said = System.nanoTime();
    awaitSignOfLife(member, held);
    long heard = System.nanoTime();

    goesInTime(member, held, said, heard);
    assertThat(ask(member, held, "PUT", "/sessions/" + held.id).statusCode()).isEqualTo(410);
  }

  @Test
  void aSocketKeepsItUntilTheSocketIsClosed() throws Exception {
    int member = follower();
    Held held = open(member, "socket");
    var attached = new CompletableFuture<String>();
    // As a browser: it sends one frame, and answers pings without knowing.
    WebSocket socket =
        client
            .newWebSocketBuilder()
            .buildAsync(
                URI.create(cluster.uri(member, "/watch").toString().replace("http:", "ws:")),
                new WebSocket.Listener() {
                  @Override
                  public @Nullable CompletionStage<?> onText(
                      WebSocket from, CharSequence text, boolean last) {
                    attached.complete(text.toString());
                    from.request(1);
                    return null;
                  }
                })
            .join();
    socket.sendText("{\"op\":\"attach\",\"token\":\"" + held.token + "\"}", true).join();
    assertThat(attached.get(20, TimeUnit.SECONDS)).contains("\"attached\"");
    staysWhile(member, held, () -> {});

    // The last pong may be as old as the time between two pings, a quarter of the timeout.
    long said = System.nanoTime() - TIMEOUT.toNanos() / 4;
    socket.abort();
    long heard = System.nanoTime();

    goesInTime(member, held, said, heard);
  }

  @Test
  void itOutlivesARestartOfEveryMemberButNotItsSession() throws Exception {
    int member = follower();
    // Longer than members take to come back on a machine that has much to do.
    Held lively = open(member, "lively", LONGER);
    Held silent = open(member, "orphan", LONGER);
    for (int id = 1; id <= cluster.size(); id++) {
      cluster.member(id).kill();
    }

    long killed = System.nanoTime();
    for (int id = 1; id <= cluster.size(); id++) {
      cluster.start(id);
    }
    awaitSignOfLife(member, lively);
    long heard = System.nanoTime();
    assertThat(isThere(member, lively.node)).isTrue();

    // A new leader gives each its full timeout again, some time before it answers.
    goesInTime(member, silent, killed, heard, () -> awaitSignOfLife(member, lively));
    assertThat(isThere(member, lively.node)).isTrue();
  }

  /** What keeps a session alive. */
  private interface SignOfLife {
    void give() throws IOException, InterruptedException;
  }

  /** Tried again while the member is not up or has no leader; a session that has ended is not. */
  private void awaitSignOfLife(int member, Held held) throws InterruptedException {
    while (true) {
      try {
        int status = ask(member, held, "PUT", "/sessions/" + held.id).statusCode();
        assertThat(status).isIn(204, 503);
        if (status == 204) {
          return;
        }
      } catch (IOException e) {
        // It has been killed and is not back yet.
      }
      Thread.sleep(20);
    }
  }

  private static int follower() throws InterruptedException {
    return cluster.leader() % cluster.size() + 1;
  }

  private Held open(int member, String name) throws IOException, InterruptedException {
    return open(member, name, TIMEOUT);
  }

  private Held open(int member, String name, Duration timeout)
      throws IOException, InterruptedException {
    String opened =
        cluster
            .send(member, "POST", "/sessions", "{\"timeout\":\"" + timeout.toMillis() + "ms\"}")
            .body();
    var id = ID.matcher(opened);
    var token = TOKEN.matcher(opened);
    assertThat(id.find() && token.find()).as(opened).isTrue();
    var held = new Held(id.group(1), token.group(1), "/" + name, timeout);
    assertThat(ask(member, held, "PUT", "/znodes" + held.node + "?mode=ephemeral").statusCode())
        .isEqualTo(201);
    return held;
  }

  /** Over twice the timeout, with a sign of life every quarter of it. */
  private void staysWhile(int member, Held held, SignOfLife life)
      throws IOException, InterruptedException {
    for (int quarter = 0; quarter < 8; quarter++) {
      life.give();
      long next = System.nanoTime() + TIMEOUT.toNanos() / 4;
      do {
        assertThat(isThere(member, held.node)).isTrue();
        Thread.sleep(20);
      } while (System.nanoTime() < next);
    }
  }

  private void goesInTime(int member, Held held, long said, long heard)
      throws IOException, InterruptedException {
    goesInTime(member, held, said, heard, () -> {});
  }

  /**
   * @param said the last sign of life was given after it
   * @param heard and before it
   */
  private void goesInTime(int member, Held held, long said, long heard, SignOfLife ofAnother)
      throws IOException, InterruptedException {
    long latest = heard + held.timeout.plus(TICK).plus(MACHINE).toNanos();
    long looked;
    do {
      looked = System.nanoTime();
      assertThat(looked).as("still there after timeout and tick").isLessThan(latest);
      ofAnother.give();
      Thread.sleep(10);
    } while (isThere(member, held.node));
    assertThat(System.nanoTime() - said).as("gone too early").isGreaterThan(held.timeout.toNanos());
  }

  /** As this member sees it, which answers also while a leader is looked for. */
  private boolean isThere(int member, String node) throws IOException, InterruptedException {
    int status =
        cluster.send(member, "GET", "/znodes" + node + "?consistency=local", "").statusCode();
    assertThat(status).isIn(200, 404);
    return status == 200;
  }

  /** The first event of the node from the zxid of {@code response} on. */
  private String watched(int member, String node, HttpResponse<?> response)
      throws IOException, InterruptedException {
    long zxid = Long.decode(response.headers().firstValue("Quorate-Zxid").orElseThrow());
    HttpResponse<java.util.stream.Stream<String>> stream =
        client.send(
            HttpRequest.newBuilder(
                    cluster.uri(
                        member, "/watch?path=" + node + "&since=0x" + Long.toHexString(zxid - 1)))
                .build(),
            HttpResponse.BodyHandlers.ofLines());
    try (var lines = stream.body()) {
      return lines.filter(line -> line.startsWith("data: ")).findFirst().orElseThrow() + "\n";
    }
  }

  private HttpResponse<String> ask(int member, Held held, String method, String target)
      throws IOException, InterruptedException {
    return client.send(
        HttpRequest.newBuilder(cluster.uri(member, target))
            .timeout(Duration.ofSeconds(20))
            .header("Quorate-Session", held.token)
            .method(method, HttpRequest.BodyPublishers.noBody())
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }
}
