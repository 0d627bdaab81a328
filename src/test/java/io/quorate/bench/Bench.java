package io.quorate.bench;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.ZooDefs;
import org.slf4j.LoggerFactory;

/**
 * The question: how fast, how even and how small is Quorate beside ZooKeeper and etcd, on one
 * machine in one run? Started by {@code tools/bench}, which finds the peers.
 */
final class Bench {
  private static final Duration REST = Duration.ofSeconds(30);

  private static final int ZNODES_PER_TRANSACTION = 100;
  private static final int ZNODES_PER_PARENT = 1_000;
  private static final int DATA_BYTES = 100;

  private final BenchOptions options;
  private final Report report = new Report();

  private Bench(BenchOptions options) {
    this.options = options;
  }

  public static void main(String[] arguments) throws Exception {
    ((Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME)).setLevel(Level.OFF);
    BenchOptions options;
    try {
      options = BenchOptions.parse(arguments);
    } catch (IllegalArgumentException wrong) {
      System.err.println(wrong.getMessage() + "\n\n" + BenchOptions.HELP);
      System.exit(2);
      return;
    }
    var bench = new Bench(options);
    int failures = 0;
    try {
      failures = bench.run();
    } finally {
      bench.report.write(options.out());
      System.out.println("\n" + bench.report.markdown());
      System.out.println("In " + options.out() + ": report.md, report.svg, results.csv");
    }
    System.exit(failures == 0 ? 0 : 1);
  }

  /** How many clusters could not be measured to the end. */
  private int run() throws Exception {
    describe();
    if (options.contestants().contains(Contestant.QUORATE)) {
      Cluster.start(Contestant.QUORATE, 1, options).close(); // makes its cache of classes
    }
    int failures = 0;
    for (int members : options.memberCounts()) {
      for (int round = 1; round <= options.rounds(); round++) {
        for (Contestant contestant : options.contestants()) {
          var wanted = wanted(contestant, members, round);
          if (!wanted.isEmpty()) {
            say("%s, members %d, round %d".formatted(contestant.label(), members, round));
            failures += attempt(contestant, new ClusterRound(contestant, members, round, wanted));
          }
        }
      }
    }
    if (options.loads().stream().map(LoadKind::named).anyMatch(LoadKind::restarts)) {
      for (int round = 1; round <= options.rounds(); round++) {
        int number = round;
        for (Contestant contestant : options.contestants()) {
          if (contestant.speaksZooKeeper()) {
            say("%s, restart, round %d".formatted(contestant.label(), round));
            failures += attempt(contestant, () -> restart(contestant, number));
          }
        }
      }
    }
    if (options.runs(LoadKind.HEAP)) {
      heap();
    }
    return failures;
  }

  private List<LoadKind> wanted(Contestant contestant, int members, int round) {
    boolean first = round == 1 && members == options.memberCounts().getFirst();
    var wanted = new ArrayList<LoadKind>();
    for (String label : options.loads()) {
      var kind = LoadKind.named(label);
      boolean fits =
          switch (kind) {
            case ZK_SET, ZK_SET_1K, ZK_CREATE, ZK_GET, ZK_EXISTS, ZK_MIX, WATCH_ZK ->
                contestant.speaksZooKeeper();
            case HTTP_PUT, HTTP_GET, WATCH_HTTP -> contestant.speaksHttp();
            case START -> true;
            case LEADER_KILL -> members >= 3;
            case IDLE, STEADY -> first && contestant.speaksZooKeeper();
            case RESTART, RESTART_AT_REST, RESTART_KILLED, HEAP -> false;
          };
      boolean brief = options.quick() && members == 1 && options.memberCounts().size() > 1;
      if (fits && (!brief || kind == LoadKind.ZK_SET || kind == LoadKind.START)) {
        wanted.add(kind);
      }
    }
    return wanted;
  }

  private final class ClusterRound implements Attempt {
    private final Contestant contestant;
    private final int members;
    private final int round;
    private final List<LoadKind> wanted;

    ClusterRound(Contestant contestant, int members, int round, List<LoadKind> wanted) {
      this.contestant = contestant;
      this.members = members;
      this.round = round;
      this.wanted = wanted;
    }

    @Override
    public void run() throws Exception {
      try (var cluster = Cluster.start(contestant, members, options)) {
        new ClusterLoads(cluster, options, round, Bench.this::add).run(wanted);
      }
    }
  }

  private interface Attempt {
    void run() throws Exception;
  }

  /** One that fails is said in the report and does not take the others with it. */
  private int attempt(Contestant contestant, Attempt attempt) throws InterruptedException {
    try {
      attempt.run();
      return 0;
    } catch (InterruptedException stopped) {
      throw stopped;
    } catch (Exception failed) {
      report.note("**%s failed**: %s".formatted(contestant.label(), failed));
      System.err.println(contestant.label() + " failed:");
      failed.printStackTrace();
      return 1;
    }
  }

  private void add(Measurement measurement) {
    report.add(measurement);
    var shown = new StringBuilder();
    for (Metric metric :
        List.of(
            Metric.PER_SECOND,
            Metric.MS,
            Metric.P50_MS,
            Metric.P99_MS,
            Metric.FAILURES,
            Metric.CPU_SECONDS,
            Metric.CLIENT_CPU)) {
      Double value = measurement.values().get(metric);
      if (value != null) {
        shown.append("  %s %s".formatted(metric.label(), Report.number(value, metric.decimals())));
      }
    }
    say(
        "  %-12s %6s%s"
            .formatted(
                measurement.load().label(),
                measurement.width() == 0 ? "" : measurement.width(),
                shown));
  }

  /**
   * One member with many znodes is stopped and started again, right after they were made and when
   * nothing has been written for a while; another one is killed right after they were made. The
   * clock runs until it answers.
   */
  private void restart(Contestant contestant, int round) throws Exception {
    if (options.runs(LoadKind.RESTART) || options.runs(LoadKind.RESTART_AT_REST)) {
      restartStopped(contestant, round);
    }
    if (options.runs(LoadKind.RESTART_KILLED)) {
      try (var cluster = Cluster.start(contestant, 1, options)) {
        fill(cluster);
        cluster.kill(0);
        add(restarted(contestant, LoadKind.RESTART_KILLED, round, started(cluster)));
      }
    }
  }

  private void restartStopped(Contestant contestant, int round) throws Exception {
    try (var cluster = Cluster.start(contestant, 1, options)) {
      double empty = liveHeapBytes(cluster);
      fill(cluster);
      if (options.runs(LoadKind.RESTART)) {
        Map<Metric, Double> values = stoppedAndStarted(cluster);
        values.put(
            Metric.LIVE_BYTES, (liveHeapBytes(cluster) - empty) / options.znodes() - DATA_BYTES);
        add(restarted(contestant, LoadKind.RESTART, round, values));
      }
      if (options.runs(LoadKind.RESTART_AT_REST)) {
        Thread.sleep(REST);
        Map<Metric, Double> values = stoppedAndStarted(cluster);
        add(restarted(contestant, LoadKind.RESTART_AT_REST, round, values));
      }
    }
  }

  private static Map<Metric, Double> stoppedAndStarted(Cluster cluster) throws Exception {
    long begun = System.nanoTime();
    cluster.stopAll();
    double stopMs = (System.nanoTime() - begun) / 1e6;
    Map<Metric, Double> values = started(cluster);
    values.put(Metric.STOP_MS, stopMs);
    return values;
  }

  private static Map<Metric, Double> started(Cluster cluster) throws Exception {
    cluster.startAll();
    Map<Metric, Double> values = new EnumMap<>(Metric.class);
    values.put(Metric.MS, cluster.readyMs());
    return values;
  }

  private Measurement restarted(
      Contestant contestant, LoadKind load, int round, Map<Metric, Double> values) {
    return new Measurement(contestant, 1, load, options.znodes(), round, values, List.of());
  }

  private void fill(Cluster cluster) throws Exception {
    try (var client = ZooKeeperLoad.connect(cluster.connectString())) {
      var operations = new ArrayList<Op>();
      for (int i = 0; i < options.znodes(); i++) {
        String parent = "/p%06d".formatted(i / ZNODES_PER_PARENT);
        if (i % ZNODES_PER_PARENT == 0) {
          operations.add(create(parent, 0));
        }
        operations.add(create(parent + "/node-%07d".formatted(i), DATA_BYTES));
        if (operations.size() >= ZNODES_PER_TRANSACTION || i == options.znodes() - 1) {
          client.multi(operations);
          operations.clear();
        }
      }
    }
  }

  private static Op create(String path, int dataBytes) {
    return Op.create(path, new byte[dataBytes], ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
  }

  /** What is alive after a full collection, as the server's own JVM counts it. */
  private double liveHeapBytes(Cluster cluster) throws Exception {
    String histogram =
        output(
            List.of(
                options.javaHome().resolve("bin/jcmd").toString(),
                Long.toString(cluster.processes().getFirst().pid()),
                "GC.class_histogram"));
    var total = Pattern.compile("(?m)^Total\\s+\\d+\\s+(\\d+)").matcher(histogram);
    if (!total.find()) {
      throw new IllegalStateException("jcmd showed no class histogram: " + histogram);
    }
    return Long.parseLong(total.group(1));
  }

  /** Both trees in one process of their own. */
  private void heap() throws Exception {
    String shown =
        output(
            List.of(
                options.javaHome().resolve("bin/java").toString(),
                "-Xmx3g",
                "-cp",
                System.getProperty("java.class.path"),
                "io.quorate.tree.HeapPerZnode",
                Integer.toString(options.znodes())));
    var line = Pattern.compile("DataTree (-?\\d+), ours (-?\\d+)").matcher(shown);
    for (int round = 1; line.find(); round++) {
      addHeap(Contestant.ZOOKEEPER, round, line.group(1));
      addHeap(Contestant.QUORATE, round, line.group(2));
    }
  }

  private void addHeap(Contestant contestant, int round, String bytes) {
    add(
        new Measurement(
            contestant,
            1,
            LoadKind.HEAP,
            options.znodes(),
            round,
            Map.of(Metric.BYTES, Double.valueOf(bytes)),
            List.of()));
  }

  private static String output(List<String> command) throws IOException, InterruptedException {
    var process = new ProcessBuilder(command).redirectErrorStream(true).start();
    var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return output;
  }

  private void describe() throws IOException, InterruptedException {
    String model =
        Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
            .filter(line -> line.startsWith("model name"))
            .map(line -> line.substring(line.indexOf(':') + 1).trim())
            .findFirst()
            .orElse("unknown processor");
    report.note(
        "%s, %d × %s, %s, load average at the start %s"
            .formatted(
                LocalDate.now(),
                Runtime.getRuntime().availableProcessors(),
                model,
                Files.getFileStore(options.work()).type(),
                Files.readString(Path.of("/proc/loadavg")).split(" ")[0]));
    report.note(
        "%s %s for ZooKeeper and Quorate, `-Xmx%s` both; ZooKeeper %s%s"
            .formatted(
                System.getProperty("java.vendor.version", "Java"),
                Runtime.version(),
                options.heap(),
                System.getProperty("bench.zookeeper.version", "not used"),
                options.contestants().contains(Contestant.ETCD)
                    ? ", " + output(List.of("etcd", "--version")).lines().findFirst().orElse("etcd")
                    : ""));
    report.note(
        "rounds %d, measured %d s after %d s of warm-up, %d sessions"
            .formatted(
                options.rounds(),
                options.measured().toSeconds(),
                options.warmUp().toSeconds(),
                options.sessions()));
  }

  private static void say(String line) {
    System.out.println(line);
  }
}
