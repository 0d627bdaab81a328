package io.quorate.wire;

import com.sun.management.UnixOperatingSystemMXBean;
import io.quorate.consensus.Replicator;
import io.quorate.consensus.Replicator.Progress;
import io.quorate.state.Settings;
import io.quorate.state.State;
import io.quorate.tree.ZPath;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * The commands of four letters that stand where a frame's length would, for people and monitors.
 * Prefixes are ZooKeeper's, since scripts cut them off.
 */
final class FourLetterWords {
  /** ZooKeeper's version first: clients read from it what they may ask. */
  private static final String VERSION = "3.9.5-quorate";

  /** As ZooKeeper writes the time of its build. */
  private static final DateTimeFormatter BUILT_ON =
      DateTimeFormatter.ofPattern("', built on 'yyyy-MM-dd HH:mm 'UTC'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  /** Every word that ZooKeeper knows; those that it has and we have not are refused politely. */
  private static final Set<String> KNOWN =
      Set.of(
          "conf", "cons", "crst", "dirs", "dump", "envi", "gtmk", "hash", "isro", "mntr", "ruok",
          "srst", "srvr", "stat", "stmk", "wchc", "wchp", "wchs");

  private static final Set<String> SERVED =
      Set.of(
          "conf", "cons", "crst", "dirs", "dump", "envi", "isro", "mntr", "ruok", "srst", "srvr",
          "stat", "wchc", "wchp", "wchs");

  /** Answered also while nobody leads. */
  private static final Set<String> ALWAYS = Set.of("conf", "envi", "ruok");

  private final WireServer server;
  private final String version;

  FourLetterWords(WireServer server) {
    this.server = server;
    this.version = VERSION + server.options().builtAt().map(BUILT_ON::format).orElse("");
  }

  /** Whether the four bytes, read as a number, are a word. */
  static boolean isOne(int letters) {
    return KNOWN.contains(text(letters));
  }

  private static String text(int letters) {
    byte[] bytes = {
      (byte) (letters >> 24), (byte) (letters >> 16), (byte) (letters >> 8), (byte) letters
    };
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  String answer(int letters) {
    String word = text(letters);
    Set<String> allowed = server.options().fourLetterWords();
    if (!SERVED.contains(word) || !allowed.contains(word) && !allowed.contains("*")) {
      return word + " is not executed because it is not in the whitelist.\n";
    }
    if (!ALWAYS.contains(word) && !server.coordinator().replicator().leadership().known()) {
      return word.equals("isro")
          ? "null"
          : "This ZooKeeper instance is not currently serving requests\n";
    }
    return switch (word) {
      case "ruok" -> "imok";
      case "isro" -> "rw";
      case "srvr" -> "Zookeeper version: " + version + "\n" + statistics();
      case "stat" -> "Zookeeper version: " + version + "\n" + clients() + statistics();
      case "mntr" -> monitor();
      case "conf" -> configuration();
      case "cons" -> connections(false) + "\n";
      case "wchs" -> watches() + "\n";
      case "wchc" -> watchesBySession() + "\n";
      case "wchp" -> watchesByPath() + "\n";
      case "dirs" -> directories();
      case "srst" -> {
        server.traffic().reset();
        yield "Server stats reset.\n";
      }
      case "crst" -> {
        server.connections().forEach(Connection::resetCounts);
        yield "Connection stats reset.\n";
      }
      case "dump" -> dump();
      case "envi" -> environment();
      default -> throw new IllegalStateException(word + " is served but has no answer");
    };
  }

  private String clients() {
    return "Clients:\n" + connections(true) + "\n";
  }

  private String connections(boolean brief) {
    var lines = new StringBuilder();
    for (Connection each : server.connections()) {
      lines.append(each.describe(brief)).append('\n');
    }
    return lines.toString();
  }

  private String statistics() {
    Traffic traffic = server.traffic();
    State state = server.coordinator().state();
    return "Latency min/avg/max: "
        + traffic.minMs()
        + "/"
        + traffic.averageMs()
        + "/"
        + traffic.maxMs()
        + "\nReceived: "
        + traffic.received.sum()
        + "\nSent: "
        + traffic.sent.sum()
        + "\nConnections: "
        + server.connectionCount()
        + "\nOutstanding: "
        + traffic.outstanding.sum()
        + "\nZxid: 0x"
        + Long.toHexString(state.zxid())
        + "\nMode: "
        + mode()
        + "\nNode count: "
        + state.tree().size()
        + "\n";
  }

  private String mode() {
    Replicator replicator = server.coordinator().replicator();
    List<Progress> group = replicator.group().progress();
    if (group.size() <= 1) {
      return "standalone";
    }
    if (replicator.leadership().localLeader()) {
      return "leader";
    }
    return group.stream()
            .map(Progress::member)
            .anyMatch(
                member ->
                    member.id() == server.options().member()
                        && member.role() == Replicator.Role.OBSERVER)
        ? "observer"
        : "follower";
  }

  private String monitor() {
    Traffic traffic = server.traffic();
    State state = server.coordinator().state();
    Runtime runtime = Runtime.getRuntime();
    var lines = new Lines("zk_", "\t");
    lines.add("version", version);
    lines.add("server_state", mode());
    lines.add("min_latency", traffic.minMs());
    lines.add("avg_latency", traffic.averageMs());
    lines.add("max_latency", traffic.maxMs());
    lines.add("packets_received", traffic.received.sum());
    lines.add("packets_sent", traffic.sent.sum());
    lines.add("num_alive_connections", server.connectionCount());
    lines.add("uptime", ManagementFactory.getRuntimeMXBean().getUptime());
    lines.add("outstanding_requests", traffic.outstanding.sum());
    lines.add("znode_count", state.tree().size());
    lines.add("watch_count", server.watchTable().count());
    lines.add("ephemerals_count", state.ephemerals().size());
    lines.add("approximate_data_size", state.tree().weightBytes());
    lines.add("global_sessions", state.sessions().size());
    if (ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix) {
      lines.add("open_file_descriptor_count", unix.getOpenFileDescriptorCount());
      lines.add("max_file_descriptor_count", unix.getMaxFileDescriptorCount());
    }
    lines.add("heap_used", runtime.totalMemory() - runtime.freeMemory());
    List<Progress> group = server.coordinator().replicator().group().progress();
    if (mode().equals("leader")) {
      List<Progress> others =
          group.stream().filter(each -> each.member().id() != server.options().member()).toList();
      lines.add("quorum_size", count(group, Replicator.Role.VOTER));
      lines.add("learners", others.size());
      List<Progress> level = others.stream().filter(Progress::reachable).toList();
      lines.add("synced_followers", count(level, Replicator.Role.VOTER));
      lines.add("synced_observers", count(level, Replicator.Role.OBSERVER));
      lines.add("pending_syncs", 0);
    }
    return lines.toString();
  }

  private static long count(List<Progress> members, Replicator.Role role) {
    return members.stream().filter(each -> each.member().role() == role).count();
  }

  /** One line for each name and value. */
  private static final class Lines {
    private final StringBuilder text = new StringBuilder();
    private final String prefix;
    private final String separator;

    Lines(String prefix, String separator) {
      this.prefix = prefix;
      this.separator = separator;
    }

    void add(String name, Object value) {
      text.append(prefix).append(name).append(separator).append(value).append('\n');
    }

    @Override
    public String toString() {
      return text.toString();
    }
  }

  private String configuration() {
    WireServer.Options options = server.options();
    Settings settings = server.coordinator().state().settings();
    var lines = new Lines("", "=");
    lines.add("clientPort", server.port());
    lines.add("secureClientPort", -1);
    lines.add("dataDir", options.dataDir());
    lines.add("dataLogDir", options.dataDir());
    lines.add("tickTime", options.tickTime().toMillis());
    lines.add("maxClientCnxns", options.maxConnectionsPerAddress());
    lines.add("minSessionTimeout", settings.minSessionTimeoutMs());
    lines.add("maxSessionTimeout", settings.maxSessionTimeoutMs());
    lines.add("clientPortListenBacklog", -1);
    lines.add("serverId", options.member());
    return lines.toString();
  }

  private String watches() {
    record Counts(int connections, int paths, int total) {}

    Counts counts =
        server
            .watchTable()
            .atomically(
                state -> {
                  var paths = new HashSet<ZPath>();
                  int connections = 0;
                  int total = 0;
                  for (Connection each : server.connections()) {
                    Set<ZPath> watched =
                        each.watches().map(ConnectionWatches::paths).orElse(Set.of());
                    paths.addAll(watched);
                    total += watched.size();
                    connections += watched.isEmpty() ? 0 : 1;
                  }
                  return new Counts(connections, paths.size(), total);
                });
    return counts.connections
        + " connections watching "
        + counts.paths
        + " paths\nTotal watches:"
        + counts.total;
  }

  private String watchesBySession() {
    return server
        .watchTable()
        .atomically(
            state -> {
              var text = new StringBuilder();
              watchedBySession()
                  .forEach(
                      (id, paths) -> {
                        text.append("0x").append(Long.toHexString(id)).append('\n');
                        paths.forEach(path -> text.append('\t').append(path).append('\n'));
                      });
              return text.toString();
            });
  }

  private String watchesByPath() {
    return server
        .watchTable()
        .atomically(
            state -> {
              var byPath = new TreeMap<ZPath, List<Long>>();
              watchedBySession()
                  .forEach(
                      (id, paths) ->
                          paths.forEach(
                              path ->
                                  byPath.computeIfAbsent(path, p -> new ArrayList<>()).add(id)));
              var text = new StringBuilder();
              byPath.forEach(
                  (path, ids) -> {
                    text.append(path).append('\n');
                    ids.forEach(
                        id -> text.append("\t0x").append(Long.toHexString(id)).append('\n'));
                  });
              return text.toString();
            });
  }

  /** Called under the watch table's lock. */
  private Map<Long, Set<ZPath>> watchedBySession() {
    var bySession = new TreeMap<Long, Set<ZPath>>();
    for (Connection each : server.connections()) {
      Set<ZPath> paths = each.watches().map(ConnectionWatches::paths).orElse(Set.of());
      if (!paths.isEmpty()) {
        bySession.put(each.sessionId(), paths);
      }
    }
    return bySession;
  }

  /** The directory holds both, what was written whole and the log. */
  private String directories() {
    long log = sizeOf(Path.of(server.options().dataDir()), "log");
    long all = sizeOf(Path.of(server.options().dataDir()), "");
    return "datadir_size: " + (all - log) + "\nlogdir_size: " + log + "\n";
  }

  private static long sizeOf(Path directory, String below) {
    try (Stream<Path> files = Files.walk(directory.resolve(below))) {
      return files.mapToLong(file -> file.toFile().length()).sum();
    } catch (IOException | UncheckedIOException e) {
      return 0; // none is there, or one went while it was looked at
    }
  }

  private String dump() {
    State state = server.coordinator().state();
    var bySession = new TreeMap<Long, List<String>>();
    var cursor = state.ephemerals().cursor();
    while (cursor.next()) {
      bySession
          .computeIfAbsent(cursor.key().sessionId(), id -> new ArrayList<>())
          .add(cursor.value().toString());
    }
    var text = new StringBuilder("SessionTracker dump:\n");
    text.append("Global Sessions(").append(state.sessions().size()).append("):\n");
    var sessions = state.sessions().cursor();
    while (sessions.next()) {
      text.append("0x").append(Long.toHexString(sessions.key()));
      text.append("\t").append(sessions.value().timeoutMs()).append("ms\n");
    }
    text.append("ephemeral nodes dump:\nSessions with Ephemerals (");
    text.append(bySession.size()).append("):\n");
    bySession.forEach(
        (id, paths) -> {
          text.append("0x").append(Long.toHexString(id)).append(":\n");
          paths.forEach(path -> text.append('\t').append(path).append('\n'));
        });
    return text.append("Connections dump:\n").append(connections(true)).toString();
  }

  private String environment() {
    var lines = new Lines("", "=");
    lines.add("zookeeper.version", version);
    lines.add("host.name", hostName());
    for (String name :
        List.of(
            "java.version",
            "java.vendor",
            "java.home",
            "java.io.tmpdir",
            "os.name",
            "os.arch",
            "os.version",
            "user.name",
            "user.dir")) {
      lines.add(name, System.getProperty(name, "<NA>"));
    }
    Runtime runtime = Runtime.getRuntime();
    lines.add("os.memory.free", (runtime.freeMemory() >> 20) + "MB");
    lines.add("os.memory.max", (runtime.maxMemory() >> 20) + "MB");
    lines.add("os.memory.total", (runtime.totalMemory() >> 20) + "MB");
    return "Environment:\n" + lines;
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "<NA>";
    }
  }
}
