package io.quorate.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** Results as Markdown, as a chart, and raw. */
final class Report {
  private final List<Measurement> measurements = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();

  void add(Measurement measurement) {
    measurements.add(measurement);
  }

  /** A sentence about the machine, the settings, or what could not be measured. */
  void note(String sentence) {
    notes.add(sentence);
  }

  /** What is compared: a number of Quorate and the same of a peer, round by round. */
  record Comparison(
      LoadKind load,
      int members,
      int width,
      Metric metric,
      double ours,
      Contestant peer,
      double theirs,
      double ratio,
      Optional<Target> target) {

    String name() {
      return "%s%s, %d member%s%s"
          .formatted(
              load.label(),
              width == 0 ? "" : " " + width,
              members,
              members == 1 ? "" : "s",
              metric == Metric.PER_SECOND ? "" : ", " + metric.label());
    }

    String verdict() {
      return target.map(wanted -> wanted.isMet(ratio) ? "met" : "**not met**").orElse("");
    }

    String wanted() {
      return target
          .map(wanted -> (wanted.isFloor() ? "≥ " : "≤ ") + number(wanted.bound(), 1) + " ×")
          .orElse("");
    }
  }

  List<Comparison> comparisons() {
    var comparisons = new ArrayList<Comparison>();
    for (Group group : groups()) {
      for (Metric metric : headline(group)) {
        for (Contestant peer : List.of(Contestant.ZOOKEEPER, Contestant.ETCD)) {
          double[] ours = rounds(Contestant.QUORATE, group, metric);
          double[] theirs = rounds(peer, group, metric);
          int both = Math.min(ours.length, theirs.length);
          if (both == 0) {
            continue;
          }
          var ratios = new double[both];
          Arrays.setAll(ratios, i -> ours[i] / theirs[i]);
          comparisons.add(
              new Comparison(
                  group.load,
                  group.members,
                  group.width,
                  metric,
                  median(ours),
                  peer,
                  median(theirs),
                  median(ratios),
                  peer == peerOf(group.load)
                      ? Target.of(group.load, group.members, group.width, metric)
                      : Optional.empty()));
        }
      }
    }
    return comparisons;
  }

  /** Whom the targets of a load speak of. */
  private static Contestant peerOf(LoadKind load) {
    return switch (load) {
      case HTTP_PUT, HTTP_GET, WATCH_HTTP -> Contestant.ETCD;
      default -> Contestant.ZOOKEEPER;
    };
  }

  private static List<Metric> headline(Group group) {
    return switch (group.load) {
      case ZK_SET, ZK_CREATE ->
          group.width == 1
              ? List.of(Metric.PER_SECOND, Metric.P50_MS)
              : group.width == 256
                  ? List.of(Metric.PER_SECOND, Metric.MOST_RSS_MB)
                  : List.of(Metric.PER_SECOND);
      case ZK_SET_1K, ZK_GET, ZK_EXISTS, ZK_MIX, HTTP_PUT, HTTP_GET -> List.of(Metric.PER_SECOND);
      case WATCH_ZK, WATCH_HTTP, START, LEADER_KILL, RESTART_KILLED -> List.of(Metric.MS);
      case RESTART -> List.of(Metric.MS, Metric.STOP_MS, Metric.LIVE_BYTES);
      case RESTART_AT_REST -> List.of(Metric.MS, Metric.STOP_MS);
      case HEAP -> List.of(Metric.BYTES);
      case IDLE -> List.of(Metric.CPU_SECONDS, Metric.GROWTH_RSS_MB, Metric.MS);
      case STEADY ->
          List.of(
              Metric.PER_SECOND,
              Metric.WORST_TO_MEAN,
              Metric.PAUSE_MS,
              Metric.GROWTH_RSS_MB,
              Metric.GROWTH_DISK_MB);
    };
  }

  private record Group(LoadKind load, int members, int width) {}

  private List<Group> groups() {
    var groups = new LinkedHashSet<Group>();
    measurements.forEach(each -> groups.add(new Group(each.load(), each.members(), each.width())));
    return List.copyOf(groups);
  }

  private double[] rounds(Contestant contestant, Group group, Metric metric) {
    return measurements.stream()
        .filter(each -> each.contestant() == contestant)
        .filter(each -> new Group(each.load(), each.members(), each.width()).equals(group))
        .map(Measurement::values)
        .filter(values -> values.containsKey(metric))
        .mapToDouble(values -> values.get(metric))
        .toArray();
  }

  /** The middle one, or the mean of the two in the middle. */
  static double median(double... values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  void write(Path directory) throws IOException {
    Files.createDirectories(directory);
    Files.writeString(directory.resolve("report.md"), markdown());
    Files.writeString(directory.resolve("report.svg"), Chart.svg(comparisons()));
    Files.write(directory.resolve("results.csv"), csv());
  }

  String markdown() {
    var lines = new ArrayList<String>();
    lines.add("# Quorate beside ZooKeeper and etcd");
    lines.add("");
    lines.addAll(notes.stream().map(note -> "- " + note).toList());
    lines.add("");
    lines.add("The number is the median of the rounds; so is the ratio, taken round by round.");
    lines.add("");
    lines.add("| what | Quorate | peer | | ratio | target | |");
    lines.add("| --- | ---: | --- | ---: | ---: | --- | --- |");
    for (Comparison row : comparisons()) {
      lines.add(
          "| %s | %s | %s | %s | %s | %s | %s |"
              .formatted(
                  row.name(),
                  number(row.ours, row.metric.decimals()),
                  row.peer.label(),
                  number(row.theirs, row.metric.decimals()),
                  number(row.ratio, 2),
                  row.wanted(),
                  row.verdict()));
    }
    for (Group group : groups()) {
      for (Metric metric : headline(group)) {
        double[] ours = rounds(Contestant.QUORATE, group, metric);
        var target = Target.alone(group.load, metric);
        if (ours.length > 0 && target.isPresent()) {
          lines.add(
              "| %s alone, %s | %s | | | | %s %s | %s |"
                  .formatted(
                      group.load.label(),
                      metric.label(),
                      number(median(ours), metric.decimals()),
                      target.get().isFloor() ? "≥" : "≤",
                      number(target.get().bound(), metric.decimals()),
                      target.get().isMet(median(ours)) ? "met" : "**not met**"));
        }
      }
    }
    lines.add("");
    lines.addAll(details());
    return String.join("\n", lines) + "\n";
  }

  private List<String> details() {
    var lines = new ArrayList<String>();
    var metrics =
        Arrays.stream(Metric.values())
            .filter(metric -> measurements.stream().anyMatch(m -> m.values().containsKey(metric)))
            .toList();
    lines.add(
        "| load | width | members | who | "
            + String.join(" | ", metrics.stream().map(Metric::label).toList())
            + " | CPU s/s by member | RSS MB by member |");
    lines.add("| --- | ---: | ---: | --- |" + " ---: |".repeat(metrics.size() + 2));
    for (Group group : groups()) {
      for (Contestant contestant : Contestant.values()) {
        Map<Metric, Double> medians = new EnumMap<>(Metric.class);
        for (Metric metric : metrics) {
          double[] values = rounds(contestant, group, metric);
          if (values.length > 0) {
            medians.put(metric, median(values));
          }
        }
        if (!medians.isEmpty()) {
          lines.add(
              "| %s | %s | %d | %s | %s | %s | %s |"
                  .formatted(
                      group.load.label(),
                      group.width == 0 ? "" : group.width,
                      group.members,
                      contestant.label(),
                      String.join(
                          " | ",
                          metrics.stream()
                              .map(
                                  metric ->
                                      medians.containsKey(metric)
                                          ? number(medians.get(metric), metric.decimals())
                                          : "")
                              .toList()),
                      uses(contestant, group, use -> number(use.cpu(), 2)),
                      uses(contestant, group, use -> number(use.rssMb(), 0))));
        }
      }
    }
    return lines;
  }

  /** Of the last round: which member leads differs between rounds. */
  private String uses(Contestant contestant, Group group, Function<Measurement.Use, String> form) {
    return measurements.stream()
        .filter(each -> each.contestant() == contestant)
        .filter(each -> new Group(each.load(), each.members(), each.width()).equals(group))
        .reduce((earlier, later) -> later)
        .map(each -> String.join(" ", each.uses().stream().map(form).toList()))
        .orElse("");
  }

  private List<String> csv() {
    var lines = new ArrayList<String>();
    lines.add("contestant,members,load,width,round,metric,value");
    for (Measurement each : measurements) {
      for (int i = 0; i < each.uses().size(); i++) {
        Measurement.Use use = each.uses().get(i);
        lines.add(raw(each, "CPU s/s of member " + (i + 1), use.cpu()));
        lines.add(raw(each, "RSS MB of member " + (i + 1), use.rssMb()));
      }
      each.values().forEach((metric, value) -> lines.add(raw(each, metric.label(), value)));
    }
    return lines;
  }

  private static String raw(Measurement of, String metric, double value) {
    return "%s,%d,%s,%d,%d,%s,%s"
        .formatted(
            of.contestant().label(),
            of.members(),
            of.load().label(),
            of.width(),
            of.round(),
            metric,
            value);
  }

  /** Thousands apart by a thin space, as SI has it. */
  static String number(double value, int decimals) {
    return String.format(Locale.ROOT, "%,." + decimals + "f", value).replace(',', '\u202f');
  }
}
