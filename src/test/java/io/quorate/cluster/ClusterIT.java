package io.quorate.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.testing.MemberProcess;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.yaml.snakeyaml.Yaml;

/** Three real members, started the way docker-compose.yml starts them. */
@NullUnmarked // its maps are filled before they are read
class ClusterIT {
  private static final String LOOPBACK = "127.0.0.1";

  private final HttpClient client =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(2))
          .build();
  private final Map<Integer, MemberProcess> members = new TreeMap<>();
  private final Map<Integer, Map<String, String>> environments = new TreeMap<>();
  private final Map<Integer, Integer> ports = new HashMap<>();

  @AfterEach
  void end() {
    members.values().forEach(MemberProcess::close);
  }

  /** The members of the compose file: their environment, with hosts and directories of our own. */
  @SuppressWarnings("unchecked")
  private void readComposeFile(Path dir) throws IOException {
    Map<String, Object> compose = new Yaml().load(Files.readString(Path.of("docker-compose.yml")));
    var services = (Map<String, Map<String, Object>>) compose.get("services");
    var addresses = new HashMap<String, String>();
    services.forEach(
        (name, service) -> {
          if (service.get("environment") instanceof Map<?, ?> environment
              && environment.get("QUORATE_ID") instanceof String id) {
            int number = Integer.parseInt(id);
            var variables = new HashMap<String, String>();
            environment.forEach((key, value) -> variables.put((String) key, (String) value));
            environments.put(number, variables);
            ports.put(number, MemberProcess.freePort());
            addresses.put(
                service.get("hostname") + ":9641", LOOPBACK + ":" + MemberProcess.freePort());
          }
        });
    environments.forEach(
        (id, variables) -> {
          String list = variables.get("QUORATE_MEMBERS");
          for (Map.Entry<String, String> address : addresses.entrySet()) {
            list = list.replace(address.getKey(), address.getValue());
          }
          variables.put("QUORATE_MEMBERS", list);
          variables.put("QUORATE_DATA_DIR", dir.resolve("m" + id).toString());
        });
    assertThat(environments.keySet()).containsExactly(1, 2, 3);
  }

  private void start(int id, Path dir) {
    members.put(
        id,
        MemberProcess.start(
            List.of(),
            LOOPBACK,
            dir.resolve("m" + id),
            ports.get(id),
            List.of(),
            environments.get(id)));
  }

  @Test
  void aRollingRestartFailsNoRetriedRequestAndLosesNoSession(@TempDir Path dir) throws Exception {
    readComposeFile(dir);
    for (int id : environments.keySet()) {
      start(id, dir);
    }
    for (MemberProcess member : members.values()) {
      member.awaitReady();
    }
    assertThat(send(1, "PUT", "/znodes/k", "1", Map.of()).statusCode()).isEqualTo(201);
    assertThat(send(3, "GET", "/znodes/k", "", Map.of()).body()).isEqualTo("1");

    HttpResponse<String> opened =
        send(
            2,
            "POST",
            "/sessions",
            "{\"timeout\":\"20s\"}",
            Map.of("Content-Type", "application/json"));
    assertThat(opened.statusCode()).isEqualTo(201);
    String token = field(opened.body(), "token");
    String session = field(opened.body(), "id");
    assertThat(
            send(1, "PUT", "/znodes/e?mode=ephemeral", "x", Map.of("Quorate-Session", token))
                .statusCode())
        .isEqualTo(201);

    var running = new AtomicBoolean(true);
    var failed = new ArrayList<String>();
    var written = new AtomicInteger();
    Thread writer =
        Thread.ofPlatform()
            .start(
                () -> {
                  while (running.get()) {
                    int number = written.incrementAndGet();
                    if (!retried("PUT", "/znodes/k", Integer.toString(number), Map.of())) {
                      failed.add("write " + number);
                    }
                    if (!retried(
                        "PUT", "/sessions/" + session, "", Map.of("Quorate-Session", token))) {
                      failed.add("heartbeat " + number);
                    }
                  }
                });
    for (int id : environments.keySet()) {
      assertThat(members.get(id).terminate(Duration.ofSeconds(10))).isIn(0, 143);
      start(id, dir);
      members.get(id).awaitReady();
    }
    running.set(false);
    writer.join();

    assertThat(failed).isEmpty();
    for (int id : environments.keySet()) {
      assertThat(send(id, "GET", "/znodes/k", "", Map.of()).body())
          .isEqualTo(Integer.toString(written.get()));
      assertThat(send(id, "GET", "/znodes/e", "", Map.of()).statusCode()).isEqualTo(200);
    }
    System.out.println("ClusterIT: " + written + " writes through a rolling restart");
  }

  /** As a client does that knows three addresses and has ten seconds. */
  private boolean retried(String method, String path, String body, Map<String, String> headers) {
    long deadline = System.nanoTime() + Duration.ofSeconds(10).toNanos();
    int member = 1;
    while (System.nanoTime() < deadline) {
      try {
        if (send(member, method, path, body, headers).statusCode() < 300) {
          return true;
        }
        TimeUnit.MILLISECONDS.sleep(50);
      } catch (IOException e) {
        // That one is restarting.
      } catch (InterruptedException e) {
        return false;
      }
      member = member % environments.size() + 1;
    }
    return false;
  }

  private HttpResponse<String> send(
      int member, String method, String path, String body, Map<String, String> headers)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://" + LOOPBACK + ":" + ports.get(member) + path))
            .timeout(Duration.ofSeconds(10))
            .method(method, HttpRequest.BodyPublishers.ofString(body));
    headers.forEach(request::header);
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private static String field(String json, String name) {
    Matcher matcher = Pattern.compile("\"" + name + "\"\\s*:\\s*\"([^\"]*)\"").matcher(json);
    assertThat(matcher.find()).as(json).isTrue();
    return matcher.group(1);
  }
}
