package io.quorate.cluster;

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
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Members on loopback with default settings, for measurements. One thread starts and ends them. */
final class LocalCluster implements AutoCloseable {
  private static final Pattern MEMBER =
      Pattern.compile("\"id\"\\s*:\\s*(\\d+)\\s*,\\s*\"role\"\\s*:\\s*\"(\\w+)\"");
  private static final Pattern TERM = Pattern.compile("\"term\"\\s*:\\s*(\\d+)");

  private final int size;
  private final Path dir;
  private final int[] ports;
  private final MemberProcess[] members;
  private final List<String> options;
  private final HttpClient client =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(2))
          .build();

  /** Starts members 1 to {@code size} and waits until all are ready. */
  LocalCluster(int size, Path dir, List<String> options) throws InterruptedException {
    this.size = size;
    this.dir = dir;
    this.options = options;
    ports = new int[2 * size + 1];
    for (int i = 1; i < ports.length; i++) {
      ports[i] = MemberProcess.freePort();
    }
    members = new MemberProcess[size + 1];
    for (int id = 1; id <= size; id++) {
      start(id);
    }
    for (int id = 1; id <= size; id++) {
      members[id].awaitReady();
    }
  }

  int size() {
    return size;
  }

  void start(int id) {
    var list = new ArrayList<String>();
    for (int i = 1; i <= size; i++) {
      list.add(i + "@127.0.0.1:" + ports[size + i]);
    }
    var all = new ArrayList<>(options);
    all.add("--quorate.id=" + id);
    all.add("--quorate.members=" + String.join(",", list));
    members[id] = MemberProcess.start(directory(id), ports[id], all);
  }

  MemberProcess member(int id) {
    return members[id];
  }

  Path directory(int id) {
    return dir.resolve("m" + id);
  }

  URI uri(int id, String path) {
    return URI.create("http://127.0.0.1:" + ports[id] + path);
  }

  HttpResponse<String> send(int id, String method, String path, String body)
      throws IOException, InterruptedException {
    return client.send(
        HttpRequest.newBuilder(uri(id, path))
            .timeout(Duration.ofSeconds(20))
            .header("Content-Type", "application/json")
            .method(method, HttpRequest.BodyPublishers.ofString(body))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  /** Who leads, as any member that answers says; waits for one. */
  int leader() throws InterruptedException {
    while (true) {
      for (int id = 1; id <= size; id++) {
        try {
          Matcher found = MEMBER.matcher(send(id, "GET", "/cluster", "").body());
          while (found.find()) {
            if (found.group(2).equals("leader")) {
              return Integer.parseInt(found.group(1));
            }
          }
        } catch (IOException e) {
          // Ask the next one.
        }
      }
      Thread.sleep(20);
    }
  }

  /** The highest term that member {@code id} knows of. */
  long term(int id) throws IOException, InterruptedException {
    Matcher found = TERM.matcher(send(id, "GET", "/cluster", "").body());
    long term = 0;
    while (found.find()) {
      term = Math.max(term, Long.parseLong(found.group(1)));
    }
    return term;
  }

  @Override
  public void close() {
    for (MemberProcess member : members) {
      if (member != null) {
        member.close();
      }
    }
  }
}
