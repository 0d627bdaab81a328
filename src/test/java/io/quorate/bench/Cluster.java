package io.quorate.bench;

import io.quorate.bench.Contestant.Member;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The members of one contestant, running on fresh directories until closed. */
final class Cluster implements AutoCloseable {
  private static final long START_LIMIT_NANOS = Duration.ofSeconds(180).toNanos();
  private static final HttpClient CONTROL =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(2))
          .build();

  private final Contestant contestant;
  private final BenchOptions options;
  private final Path directory;
  private final List<Member> members = new ArrayList<>();
  private final List<ServerProcess> processes = new ArrayList<>();
  private double readyMs;

  private Cluster(Contestant contestant, BenchOptions options, Path directory) {
    this.contestant = contestant;
    this.options = options;
    this.directory = directory;
  }

  /** Starts them all and returns when each of them answers. */
  static Cluster start(Contestant contestant, int count, BenchOptions options) throws Exception {
    Path directory = Files.createTempDirectory(options.work(), contestant.fileName() + "-");
    var cluster = new Cluster(contestant, options, directory);
    var ports = freePorts(4 * count);
    for (int i = 0; i < count; i++) {
      cluster.members.add(
          new Member(
              i + 1,
              directory.resolve("member" + (i + 1)),
              ports.get(4 * i),
              ports.get(4 * i + 1),
              ports.get(4 * i + 2),
              ports.get(4 * i + 3)));
    }
    try {
      cluster.startAll();
      return cluster;
    } catch (Exception failed) {
      cluster.close();
      throw failed;
    }
  }

  Contestant contestant() {
    return contestant;
  }

  int size() {
    return members.size();
  }

  /** Milliseconds from the first command until every member answered, of the latest start. */
  double readyMs() {
    return readyMs;
  }

  List<Integer> zooKeeperPorts() {
    return members.stream().map(Member::zooKeeperPort).toList();
  }

  List<Integer> httpPorts() {
    return members.stream().map(Member::httpPort).toList();
  }

  String connectString() {
    return String.join(",", zooKeeperPorts().stream().map(port -> "127.0.0.1:" + port).toList());
  }

  void startAll() throws Exception {
    long begun = System.nanoTime();
    for (int i = 0; i < members.size(); i++) {
      start(i);
    }
    for (int i = 0; i < members.size(); i++) {
      awaitReady(i, begun);
    }
    readyMs = (System.nanoTime() - begun) / 1e6;
  }

  void stopAll() throws InterruptedException {
    for (ServerProcess process : processes) {
      process.stop();
    }
  }

  /** SIGKILL; returns when it is gone. */
  void kill(int index) throws InterruptedException {
    processes.get(index).kill();
  }

  void restart(int index) throws Exception {
    start(index);
    awaitReady(index, System.nanoTime());
  }

  private void start(int index) throws IOException {
    Member member = members.get(index);
    var launch = contestant.launch(member, List.copyOf(members), options);
    var process =
        ServerProcess.start(
            launch.command(),
            launch.environment(),
            member.directory(),
            options.work().resolve("pids"));
    if (index < processes.size()) {
      processes.set(index, process);
    } else {
      processes.add(process);
    }
  }

  private void awaitReady(int index, long begun) throws Exception {
    Member member = members.get(index);
    while (!answers(member)) {
      if (!processes.get(index).isAlive() || System.nanoTime() - begun > START_LIMIT_NANOS) {
        List<String> output = Files.readAllLines(member.directory().resolve("output"));
        throw new IllegalStateException(
            "%s member %d is not ready; the end of its output:%n%s"
                .formatted(
                    contestant.label(),
                    member.id(),
                    String.join(
                        System.lineSeparator(),
                        output.subList(Math.max(0, output.size() - 20), output.size()))));
      }
      Thread.sleep(10);
    }
  }

  private boolean answers(Member member) throws InterruptedException {
    try {
      return contestant.speaksZooKeeper()
          ? RawSessions.answers(member.zooKeeperPort())
          : http(member.httpPort(), "/health", null).contains("true");
    } catch (IOException notYet) {
      return false;
    }
  }

  /** Index of the leader. */
  int leader() throws Exception {
    long begun = System.nanoTime();
    while (System.nanoTime() - begun < START_LIMIT_NANOS) {
      for (int i = 0; i < members.size(); i++) {
        if (processes.get(i).isAlive() && leads(members.get(i))) {
          return i;
        }
      }
      Thread.sleep(50);
    }
    throw new IllegalStateException("no member of " + contestant.label() + " says that it leads");
  }

  private boolean leads(Member member) throws InterruptedException {
    try {
      if (contestant.speaksZooKeeper()) {
        return fourLetterWord(member.zooKeeperPort(), "srvr").contains("Mode: leader");
      }
      String status = http(member.httpPort(), "/v3/maintenance/status", "{}");
      return field(status, "member_id").equals(field(status, "leader"));
    } catch (IOException notNow) {
      return false;
    }
  }

  private static String field(String json, String name) {
    int at = json.indexOf("\"" + name + "\":\"");
    if (at < 0) {
      return "no " + name;
    }
    int from = at + name.length() + 4;
    return json.substring(from, json.indexOf('"', from));
  }

  /** GET without a body, POST with one; the body of the answer. */
  static String http(int port, String target, @Nullable String body)
      throws IOException, InterruptedException {
    var request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + target))
            .timeout(Duration.ofSeconds(5))
            .header("Content-Type", "application/json");
    if (body != null) {
      request.POST(HttpRequest.BodyPublishers.ofString(body));
    }
    return CONTROL.send(request.build(), HttpResponse.BodyHandlers.ofString()).body();
  }

  private static String fourLetterWord(int port, String word) throws IOException {
    try (var socket = new Socket()) {
      socket.connect(new InetSocketAddress("127.0.0.1", port), 1_000);
      socket.setSoTimeout(2_000);
      socket.getOutputStream().write(word.getBytes(StandardCharsets.US_ASCII));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  List<ServerProcess> processes() {
    return List.copyOf(processes);
  }

  List<ServerProcess.Usage> usages() throws IOException {
    var usages = new ArrayList<ServerProcess.Usage>();
    for (ServerProcess process : processes) {
      usages.add(process.usage());
    }
    return usages;
  }

  /** What all members' directories hold, in megabytes. */
  double diskMb() {
    try (Stream<Path> files = Files.walk(directory)) {
      return files.filter(Files::isRegularFile).mapToLong(Cluster::sizeOrNone).sum() / 1048576.0;
    } catch (IOException | UncheckedIOException changedMeanwhile) {
      return Double.NaN;
    }
  }

  private static long sizeOrNone(Path file) {
    try {
      return Files.size(file);
    } catch (IOException gone) {
      return 0;
    }
  }

  @Override
  public void close() throws InterruptedException, IOException {
    stopAll();
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }

  /** Odd ones below those that the kernel gives to outgoing connections. */
  private static List<Integer> freePorts(int count) throws IOException {
    var ports = new ArrayList<Integer>();
    while (ports.size() < count) {
      int port = ThreadLocalRandom.current().nextInt(20_001, 32_000) | 1;
      if (ports.contains(port)) {
        continue;
      }
      try (var free = new ServerSocket()) {
        free.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        ports.add(port);
      } catch (java.net.BindException taken) {
        // another one, then
      }
    }
    return ports;
  }
}
