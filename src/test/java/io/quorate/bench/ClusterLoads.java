package io.quorate.bench;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Everything that is measured on one running cluster, one load after the other. */
final class ClusterLoads {
  private static final int KEYS = 1_000;
  private static final int FANOUTS = 7;
  private static final int UNMEASURED_FANOUTS = 2;
  private static final int DATA_BYTES = 100;
  private static final int SESSION_TIMEOUT_MS = 30_000;
  private static final Duration IDLE_TIME = Duration.ofSeconds(30);
  private static final String WATCHED = "bench/watched";

  private final Cluster cluster;
  private final BenchOptions options;
  private final int round;
  private final Consumer<Measurement> results;

  ClusterLoads(Cluster cluster, BenchOptions options, int round, Consumer<Measurement> results) {
    this.cluster = cluster;
    this.options = options;
    this.round = round;
    this.results = results;
  }

  void run(List<LoadKind> wanted) throws Exception {
    if (wanted.contains(LoadKind.START)) {
      add(LoadKind.START, 0, Map.of(Metric.MS, cluster.readyMs()));
    }
    if (wanted.stream().anyMatch(kind -> operation(kind) != null || kind == LoadKind.STEADY)) {
      zooKeeperLoads(wanted);
    }
    if (wanted.contains(LoadKind.HTTP_PUT) || wanted.contains(LoadKind.HTTP_GET)) {
      httpLoads(wanted);
    }
    if (wanted.contains(LoadKind.WATCH_ZK)) {
      for (int width : options.widths(LoadKind.WATCH_ZK)) {
        watchZooKeeper(width);
      }
    }
    if (wanted.contains(LoadKind.WATCH_HTTP)) {
      for (int width : options.widths(LoadKind.WATCH_HTTP)) {
        watchHttp(width);
      }
    }
    if (wanted.contains(LoadKind.IDLE)) {
      idle();
    }
    if (wanted.contains(LoadKind.LEADER_KILL)) {
      for (int i = 0; i < options.kills(); i++) {
        add(LoadKind.LEADER_KILL, 0, Map.of(Metric.MS, LeaderKill.once(cluster)));
      }
    }
  }

  private static ZooKeeperLoad.@Nullable Operation operation(LoadKind kind) {
    return switch (kind) {
      case ZK_SET, ZK_SET_1K -> ZooKeeperLoad.Operation.SET;
      case ZK_CREATE -> ZooKeeperLoad.Operation.CREATE;
      case ZK_GET -> ZooKeeperLoad.Operation.GET;
      case ZK_EXISTS -> ZooKeeperLoad.Operation.EXISTS;
      case ZK_MIX -> ZooKeeperLoad.Operation.MIX;
      default -> null;
    };
  }

  private void zooKeeperLoads(List<LoadKind> wanted) throws Exception {
    try (var load = new ZooKeeperLoad(cluster.zooKeeperPorts(), options.sessions())) {
      warmUp(
          load.of(ZooKeeperLoad.Operation.MIX, 64, DATA_BYTES),
          load.of(ZooKeeperLoad.Operation.SET, 64, DATA_BYTES),
          load.of(ZooKeeperLoad.Operation.CREATE_AND_DELETE, 64, DATA_BYTES),
          load.of(ZooKeeperLoad.Operation.SET, 256, DATA_BYTES),
          load.of(ZooKeeperLoad.Operation.CREATE_AND_DELETE, 256, DATA_BYTES));
      for (LoadKind kind : wanted) {
        var operation = operation(kind);
        if (operation != null) {
          int bytes = kind == LoadKind.ZK_SET_1K ? 1024 : DATA_BYTES;
          if (bytes != DATA_BYTES) {
            // Not after the start: what it leaves in memory would be there in all that is measured.
            warmUp(load.of(operation, 256, bytes));
          }
          for (int width : widths(kind)) {
            measure(kind, width, load.of(operation, width, bytes), options.measured());
          }
        }
      }
      if (wanted.contains(LoadKind.STEADY)) {
        for (int width : options.widths(LoadKind.STEADY)) {
          measure(
              LoadKind.STEADY,
              width,
              load.of(ZooKeeperLoad.Operation.SET, width, DATA_BYTES),
              options.steady());
        }
      }
    }
  }

  /** In the quick form one member alone is measured where it has a target. */
  private List<Integer> widths(LoadKind kind) {
    return options.quick() && cluster.size() == 1 && kind == LoadKind.ZK_SET
        ? List.of(256)
        : options.widths(kind);
  }

  private void httpLoads(List<LoadKind> wanted) throws Exception {
    var puts = new ArrayList<ByteBuffer>();
    var gets = new ArrayList<ByteBuffer>();
    byte[] data = "x".repeat(DATA_BYTES).getBytes(StandardCharsets.US_ASCII);
    for (int i = 0; i < KEYS; i++) {
      String key = "bench/k" + i;
      put(cluster.httpPorts().getFirst(), key, data);
      if (cluster.contestant() == Contestant.QUORATE) {
        puts.add(HttpLoad.request("PUT", "/znodes/" + key, "application/octet-stream", data));
        gets.add(HttpLoad.request("GET", "/znodes/" + key, "text/plain", new byte[0]));
      } else {
        puts.add(HttpLoad.request("POST", "/v3/kv/put", "application/json", etcdPut(key, data)));
        gets.add(
            HttpLoad.request(
                "POST",
                "/v3/kv/range",
                "application/json",
                ("{\"key\":\"" + base64(key) + "\"}").getBytes(StandardCharsets.US_ASCII)));
      }
    }
    warmUp(
        new HttpLoad(cluster.httpPorts(), 64, puts), new HttpLoad(cluster.httpPorts(), 64, gets));
    for (LoadKind kind : List.of(LoadKind.HTTP_PUT, LoadKind.HTTP_GET)) {
      if (wanted.contains(kind)) {
        for (int width : options.widths(kind)) {
          var requests = kind == LoadKind.HTTP_PUT ? puts : gets;
          measure(
              kind, width, new HttpLoad(cluster.httpPorts(), width, requests), options.measured());
        }
      }
    }
  }

  private static byte[] etcdPut(String key, byte[] data) {
    return ("{\"key\":\""
            + base64(key)
            + "\",\"value\":\""
            + Base64.getEncoder().encodeToString(data)
            + "\"}")
        .getBytes(StandardCharsets.US_ASCII);
  }

  private static String base64(String key) {
    return Base64.getEncoder().encodeToString(key.getBytes(StandardCharsets.UTF_8));
  }

  /** Writes a key by HTTP; throws when it was not acknowledged. */
  private void put(int port, String key, byte[] data) throws IOException, InterruptedException {
    put(cluster.contestant(), port, key, data);
  }

  static void put(Contestant contestant, int port, String key, byte[] data)
      throws IOException, InterruptedException {
    var request = HttpRequest.newBuilder().timeout(Duration.ofSeconds(5));
    if (contestant == Contestant.QUORATE) {
      request
          .uri(URI.create("http://127.0.0.1:" + port + "/znodes/" + key + "?parents=true"))
          .PUT(HttpRequest.BodyPublishers.ofByteArray(data));
    } else {
      request
          .uri(URI.create("http://127.0.0.1:" + port + "/v3/kv/put"))
          .POST(HttpRequest.BodyPublishers.ofByteArray(etcdPut(key, data)));
    }
    int status = CONTROL.send(request.build(), HttpResponse.BodyHandlers.discarding()).statusCode();
    if (status / 100 != 2) {
      throw new IOException("the write of " + key + " was answered with " + status);
    }
  }

  private static final HttpClient CONTROL =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(1))
          .build();

  /** These in turn, each for its part of the time that follows a start of the servers. */
  private void warmUp(Load... loads) throws InterruptedException {
    for (Load load : loads) {
      var window = Window.after(Duration.ZERO, options.start().dividedBy(loads.length));
      load.start(window);
      Window.sleepUntil(window.endNanos());
      load.finish();
    }
  }

  private void measure(LoadKind kind, int width, Load load, Duration measured) throws Exception {
    var window = Window.after(options.warmUp(), measured);
    load.start(window);
    Window.sleepUntil(window.startNanos());
    var before = Snapshot.of(cluster, kind);
    Window.sleepUntil(window.endNanos());
    var after = Snapshot.of(cluster, kind);
    var summary = load.finish();
    Map<Metric, Double> values = new EnumMap<>(Metric.class);
    values.put(Metric.PER_SECOND, summary.perSecond());
    values.put(Metric.P50_MS, summary.p50Ms());
    values.put(Metric.P99_MS, summary.p99Ms());
    values.put(Metric.P999_MS, summary.p999Ms());
    values.put(Metric.WORST_SECOND, (double) summary.worstSecond());
    values.put(Metric.PAUSE_MS, (double) summary.pauseMs());
    values.put(Metric.FAILURES, (double) summary.failures());
    if (kind == LoadKind.STEADY) {
      values.put(Metric.WORST_TO_MEAN, summary.worstSecond() / summary.perSecond());
      values.put(Metric.GROWTH_DISK_MB, after.diskMb - before.diskMb);
    }
    add(kind, width, values, before, after);
  }

  private void watchZooKeeper(int watchers) throws Exception {
    var times = new ArrayList<Double>();
    try (var writer = ZooKeeperLoad.connect("127.0.0.1:" + cluster.zooKeeperPorts().getFirst())) {
      ZooKeeperLoad.ensure(writer, ZooKeeperLoad.ROOT);
      ZooKeeperLoad.ensure(writer, "/" + WATCHED);
      try (var sessions = new RawSessions(cluster.zooKeeperPorts(), watchers, SESSION_TIMEOUT_MS)) {
        for (int i = 0; i < FANOUTS; i++) {
          sessions.watch("/" + WATCHED);
          long begun = System.nanoTime();
          writer.setData("/" + WATCHED, new byte[DATA_BYTES], -1);
          times.add((sessions.awaitNotified() - begun) / 1e6);
        }
      }
    }
    add(LoadKind.WATCH_ZK, watchers, Map.of(Metric.MS, medianOfMeasured(times)));
  }

  private void watchHttp(int watchers) throws Exception {
    boolean quorate = cluster.contestant() == Contestant.QUORATE;
    int port = cluster.httpPorts().getFirst();
    byte[] data = new byte[DATA_BYTES];
    put(port, WATCHED, data);
    String create = "{\"create_request\":{\"key\":\"" + base64(WATCHED) + "\"}}";
    String request =
        quorate
            ? "GET /watch?path=/%s&depth=0 HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n"
                .formatted(WATCHED)
            : "POST /v3/watch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s"
                .formatted(create.length(), create);
    var times = new ArrayList<Double>();
    try (var streams =
        new WatchStreams(
            cluster.httpPorts(),
            watchers,
            request,
            quorate ? "HTTP/1.1 200" : "created\":true",
            quorate ? "\nevent: changed" : "kv\":{")) {
      for (int i = 0; i < FANOUTS; i++) {
        streams.expect();
        long begun = System.nanoTime();
        put(port, WATCHED, data);
        times.add((streams.awaitNotified() - begun) / 1e6);
      }
    }
    add(LoadKind.WATCH_HTTP, watchers, Map.of(Metric.MS, medianOfMeasured(times)));
  }

  private static double medianOfMeasured(List<Double> times) {
    return Report.median(
        times.stream().skip(UNMEASURED_FANOUTS).mapToDouble(Double::doubleValue).toArray());
  }

  private void idle() throws Exception {
    var empty = Snapshot.of(cluster, LoadKind.IDLE);
    long begun = System.nanoTime();
    try (var sessions =
        new RawSessions(cluster.zooKeeperPorts(), options.idleSessions(), SESSION_TIMEOUT_MS)) {
      double openedMs = (System.nanoTime() - begun) / 1e6;
      var before = Snapshot.of(cluster, LoadKind.IDLE);
      Thread.sleep(IDLE_TIME);
      var after = Snapshot.of(cluster, LoadKind.IDLE);
      Map<Metric, Double> values = new EnumMap<>(Metric.class);
      values.put(Metric.MS, openedMs);
      values.put(Metric.LOST, (double) sessions.lost());
      values.put(Metric.GROWTH_RSS_MB, after.rssMb() - empty.rssMb());
      add(LoadKind.IDLE, options.idleSessions(), values, before, after);
    }
  }

  private void add(LoadKind kind, int width, Map<Metric, Double> values) {
    results.accept(
        new Measurement(
            cluster.contestant(), cluster.size(), kind, width, round, values, List.of()));
  }

  private void add(
      LoadKind kind, int width, Map<Metric, Double> values, Snapshot before, Snapshot after) {
    double seconds = (after.nanos - before.nanos) / 1e9;
    var uses = new ArrayList<Measurement.Use>();
    double written = 0;
    for (int i = 0; i < after.members.size(); i++) {
      var from = before.members.get(i);
      var to = after.members.get(i);
      uses.add(new Measurement.Use((to.cpuSeconds() - from.cpuSeconds()) / seconds, to.rssMb()));
      written += to.writtenMb() - from.writtenMb();
    }
    values.put(Metric.CPU_SECONDS, uses.stream().mapToDouble(Measurement.Use::cpu).sum());
    values.put(
        Metric.MOST_RSS_MB, uses.stream().mapToDouble(Measurement.Use::rssMb).max().orElse(0));
    values.put(Metric.WRITTEN_MB, written / seconds);
    values.put(Metric.CLIENT_CPU, (after.clientCpuNanos - before.clientCpuNanos) / 1e9 / seconds);
    values.putIfAbsent(Metric.GROWTH_RSS_MB, after.rssMb() - before.rssMb());
    results.accept(
        new Measurement(cluster.contestant(), cluster.size(), kind, width, round, values, uses));
  }

  /** What everyone had used at one moment; the disk only where it is asked for. */
  private record Snapshot(
      long nanos, List<ServerProcess.Usage> members, long clientCpuNanos, double diskMb) {

    static Snapshot of(Cluster cluster, LoadKind kind) throws IOException {
      return new Snapshot(
          System.nanoTime(),
          cluster.usages(),
          ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime(),
          kind == LoadKind.STEADY ? cluster.diskMb() : 0);
    }

    double rssMb() {
      return members.stream().mapToDouble(ServerProcess.Usage::rssMb).sum();
    }
  }
}
