package io.quorate.bench;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What {@code tools/bench} was asked to do. See {@link #HELP}.
 *
 * @param home the directory of this project
 * @param work where the servers' directories go
 * @param out where the report goes
 * @param widths how many operations outstanding, or connections, instead of each load's own; empty
 *     for those
 */
record BenchOptions(
    Path home,
    Path work,
    Path out,
    Path javaHome,
    String zooKeeperClasspath,
    boolean quick,
    List<String> loads,
    List<Contestant> contestants,
    List<Integer> memberCounts,
    List<Integer> widths,
    int rounds,
    Duration warmUp,
    Duration measured,
    Duration start,
    Duration steady,
    int sessions,
    int kills,
    int znodes,
    int idleSessions,
    String heap,
    String quorateJavaOptions,
    String zooKeeperJavaOptions,
    List<String> quorateArguments) {

  static final String HELP =
      """
      Measures Quorate beside ZooKeeper and etcd on this machine, in turn, with the same load.

        tools/bench             everything
        tools/bench --quick     the loads with a target, shorter, about 6 minutes

        --only LIST             loads: %s
        --systems LIST          quorate,zookeeper,etcd
        --members LIST          sizes of the clusters, 3,1
        --rounds N              how often each is started in turn, 3 (quick: 1)
        --seconds N             measured time of each load, 10 (quick: 4)
        --warm-up N             seconds before that, 3 (quick: 1)
        --first-warm-up N       seconds of load after each start of the servers and before 1 KiB, 30 (quick: 20)
        --outstanding LIST      operations outstanding, or connections, or watchers
        --sessions N            ZooKeeper sessions that share the outstanding operations, 12
        --steady-seconds N      600
        --kills N               leaders killed in each round, 5 (quick: 2)
        --znodes N              for restart and heap, 1000000
        --idle-sessions N       10000
        --heap SIZE             -Xmx of ZooKeeper and of Quorate, 1g
        --quorate-java OPTIONS  more options for Quorate's JVM
        --zookeeper-java OPTIONS
        --quorate ARGUMENTS     more arguments for Quorate, as "--quorate.tick-time=1s"
        --zookeeper-version V   3.9.5
        --out DIR               for report.md, report.svg and results.csv; target/bench
      """
          .formatted(String.join(",", LoadKind.names()));

  public static void main(String[] arguments) {
    System.out.print(HELP);
  }

  static BenchOptions parse(String[] arguments) {
    Map<String, String> given = new LinkedHashMap<>();
    boolean quick = false;
    for (int i = 0; i < arguments.length; i++) {
      String name = arguments[i];
      if (name.equals("--quick")) {
        quick = true;
      } else if (name.startsWith("--") && i + 1 < arguments.length) {
        given.put(name.substring(2), arguments[++i]);
      } else {
        throw new IllegalArgumentException(name + " is not an option, or lacks its value");
      }
    }
    var read = new Given(given);
    var options =
        new BenchOptions(
            Path.of(System.getProperty("bench.home", ".")).toAbsolutePath().normalize(),
            Path.of(System.getProperty("bench.work", System.getProperty("java.io.tmpdir"))),
            Path.of(read.text("out", "target/bench")),
            Path.of(System.getProperty("java.home")),
            System.getProperty("bench.zookeeper.classpath", ""),
            quick,
            read.list("only", quick ? LoadKind.quickNames() : LoadKind.names()),
            read.list("systems", List.of("zookeeper", "quorate", "etcd")).stream()
                .map(name -> Contestant.valueOf(name.toUpperCase(Locale.ROOT)))
                .toList(),
            read.numbers("members", List.of(3, 1)),
            read.numbers("outstanding", List.of()),
            read.number("rounds", quick ? 1 : 3),
            Duration.ofSeconds(read.number("warm-up", quick ? 1 : 3)),
            Duration.ofSeconds(read.number("seconds", quick ? 4 : 10)),
            Duration.ofSeconds(read.number("first-warm-up", quick ? 20 : 30)),
            Duration.ofSeconds(read.number("steady-seconds", 600)),
            read.number("sessions", 12),
            read.number("kills", quick ? 2 : 5),
            read.number("znodes", 1_000_000),
            read.number("idle-sessions", 10_000),
            read.text("heap", "1g"),
            read.text("quorate-java", ""),
            read.text("zookeeper-java", ""),
            words(read.text("quorate", "")));
    if (!given.isEmpty()) {
      throw new IllegalArgumentException("unknown: --" + String.join(" --", given.keySet()));
    }
    options.loads().forEach(LoadKind::named);
    return options;
  }

  boolean runs(LoadKind kind) {
    return loads.contains(kind.label());
  }

  List<Integer> widths(LoadKind kind) {
    return widths.isEmpty() ? kind.widths(quick) : widths;
  }

  private static List<String> words(String text) {
    return text.isBlank() ? List.of() : List.of(text.trim().split("\\s+"));
  }

  /** Takes each option out, so that what stays behind is unknown. */
  private record Given(Map<String, String> options) {
    String text(String name, String otherwise) {
      String value = options.remove(name);
      return value == null ? otherwise : value;
    }

    int number(String name, int otherwise) {
      return Integer.parseInt(text(name, Integer.toString(otherwise)));
    }

    List<String> list(String name, List<String> otherwise) {
      return Arrays.asList(text(name, String.join(",", otherwise)).split(","));
    }

    List<Integer> numbers(String name, List<Integer> otherwise) {
      var numbers = new ArrayList<Integer>();
      String value = options.remove(name);
      if (value == null) {
        return otherwise;
      }
      for (String number : value.split(",")) {
        numbers.add(Integer.valueOf(number));
      }
      return numbers;
    }
  }
}
