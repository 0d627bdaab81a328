package io.quorate.wire;

import io.quorate.testing.MemberProcess;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.zookeeper.ZooKeeper;

/** Three real members with their ZooKeeper ports, each a process. */
final class Members implements AutoCloseable {
  static final int COUNT = 3;
  private static final Pattern LEADER =
      Pattern.compile("\"id\"\\s*:\\s*(\\d+)[^{}]*?\"role\"\\s*:\\s*\"leader\"");

  private final Path dir;
  private final List<Integer> httpPorts = ports();
  private final List<Integer> wirePorts = ports();
  private final List<Integer> logPorts = ports();
  private final List<MemberProcess> processes = new ArrayList<>();
  private final HttpClient http =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();

  private Members(Path dir) {
    this.dir = dir;
  }

  private static List<Integer> ports() {
    return IntStream.range(0, COUNT).mapToObj(i -> MemberProcess.freePort()).toList();
  }

  static Members start(Path dir) throws InterruptedException {
    var members = new Members(dir);
    for (int i = 0; i < COUNT; i++) {
      members.processes.add(members.run(i));
    }
    for (MemberProcess each : members.processes) {
      each.awaitReady();
    }
    return members;
  }

  private MemberProcess run(int index) {
    String group =
        IntStream.range(0, COUNT)
            .mapToObj(i -> (i + 1) + "@127.0.0.1:" + logPorts.get(i))
            .collect(Collectors.joining(","));
    return MemberProcess.start(
        dir.resolve("m" + index),
        httpPorts.get(index),
        List.of(
            "--quorate.id=" + (index + 1),
            "--quorate.members=" + group,
            "--quorate.tick-time=1s",
            "--quorate.zookeeper.port=" + wirePorts.get(index),
            "--quorate.zookeeper.enforce-quota=true"));
  }

  int port(int index) {
    return wirePorts.get(index);
  }

  /** What a client is told. */
  String addresses() {
    return wirePorts.stream().map(port -> "127.0.0.1:" + port).collect(Collectors.joining(","));
  }

  MemberProcess process(int index) {
    return processes.get(index);
  }

  /** Which member a client is connected to now. */
  int of(ZooKeeper client) {
    String text = client.toString();
    for (int i = 0; i < COUNT; i++) {
      if (text.matches("(?s).*remoteserver:[^ ]*:" + wirePorts.get(i) + " .*")) {
        return i;
      }
    }
    throw new IllegalStateException("connected to none: " + text);
  }

  /** The member that leads, by the word of any that knows. */
  int leader() throws Exception {
    for (int tries = 0; tries < 600; tries++) {
      for (MemberProcess each : processes) {
        if (each.isAlive()) {
          try {
            String text =
                http.send(
                        HttpRequest.newBuilder(each.uri("/cluster"))
                            .timeout(Duration.ofSeconds(2))
                            .build(),
                        HttpResponse.BodyHandlers.ofString())
                    .body();
            Matcher leader = LEADER.matcher(text);
            if (leader.find()) {
              return Integer.parseInt(leader.group(1)) - 1;
            }
          } catch (java.io.IOException e) {
            // Another one is asked.
          }
        }
      }
      Thread.sleep(50);
    }
    throw new IllegalStateException("nobody leads");
  }

  void kill(int index) throws InterruptedException {
    processes.get(index).kill();
  }

  void revive(int index) throws InterruptedException {
    processes.set(index, run(index));
    processes.get(index).awaitReady();
  }

  @Override
  public void close() {
    processes.forEach(MemberProcess::close);
  }
}
