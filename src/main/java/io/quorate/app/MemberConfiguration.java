package io.quorate.app;

import io.quorate.consensus.Replicator.Member;
import io.quorate.consensus.Replicator.Role;
import io.quorate.consensus.net.Tls;
import io.quorate.state.Settings;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.springframework.boot.convert.DurationStyle;
import org.springframework.util.unit.DataSize;

/**
 * What this member is told, read and checked.
 *
 * @param members voters of the first formation; empty for a group of one
 * @param zookeeperPort 0 for any free one, -1 for none
 * @param logSegmentBytes size of one file of the log
 * @param checkpointAfterBytes so much log asks for a checkpoint
 * @param tls how members prove to each other who they are; empty for plain TCP
 * @param settings what the cluster agrees on when this member founds it
 */
record MemberConfiguration(
    int id,
    Path dataDir,
    List<Member> members,
    List<Member> observers,
    int zookeeperPort,
    Set<String> fourLetterWords,
    int maxConnectionsPerAddress,
    Duration handshakeTimeout,
    Duration tickTime,
    Duration electionTimeout,
    Duration requestTimeout,
    Optional<String> superDigest,
    List<String> allowedOrigins,
    long logSegmentBytes,
    long checkpointAfterBytes,
    Optional<Tls> tls,
    Settings settings) {

  private static final int MAX_OBSERVERS = 2;
  private static final Pattern MEMBER =
      Pattern.compile("(\\d{1,3})@(\\[[0-9a-fA-F:.%]+]|[^:@\\s\\[\\]]+):(\\d{1,5})");
  private static final Pattern ORIGIN = Pattern.compile("[A-Za-z][A-Za-z0-9+.-]*://[^/?#\\s,]+");
  private static final Pattern RETENTION =
      Pattern.compile("\\s*(\\d{1,9})\\s+events\\s*,\\s*(\\d+\\s*(?:B|KB|MB|GB))\\s*");
  private static final List<String> FOUR_LETTER_WORDS =
      List.of(
          "conf", "cons", "crst", "dirs", "dump", "envi", "isro", "mntr", "ruok", "srst", "srvr",
          "stat", "wchc", "wchp", "wchs");

  /**
   * @throws WrongConfigurationException naming the key and the accepted form
   */
  static MemberConfiguration from(QuorateProperties given) {
    int id = number("quorate.id", given.id(), 1, 254);
    List<Member> members = members("quorate.members", given.members(), Role.VOTER);
    List<Member> observers = members("quorate.observers", given.observers(), Role.OBSERVER);
    if (observers.size() > MAX_OBSERVERS) {
      throw new WrongConfigurationException(
          "quorate.observers", given.observers(), "at most " + MAX_OBSERVERS + " members");
    }
    if (members.isEmpty() && !observers.isEmpty()) {
      throw new WrongConfigurationException(
          "quorate.observers",
          given.observers(),
          "empty while quorate.members is: a group of one has nobody to observe");
    }
    var seen = new HashSet<String>();
    for (Member member : Stream.concat(members.stream(), observers.stream()).toList()) {
      if (!seen.add("number " + member.id()) || !seen.add("address " + member.address())) {
        throw new WrongConfigurationException(
            "quorate.members and quorate.observers",
            given.members() + " and " + given.observers(),
            "members that each have a number and an address of their own");
      }
    }
    if (!members.isEmpty()
        && members.stream().noneMatch(member -> member.id() == id)
        && observers.stream().noneMatch(member -> member.id() == id)) {
      throw new WrongConfigurationException(
          "quorate.members",
          given.members(),
          "a list that names this member, quorate.id " + id + ", too");
    }
    Duration tick = duration("quorate.tick-time", given.tickTime(), 100, 60_000);
    Duration election = duration("quorate.election-timeout", given.electionTimeout(), 100, 60_000);
    if (election.compareTo(tick) > 0) {
      throw new WrongConfigurationException(
          "quorate.election-timeout",
          given.electionTimeout(),
          "at most quorate.tick-time, which is " + given.tickTime());
    }
    return new MemberConfiguration(
        id,
        path("quorate.data-dir", given.dataDir()),
        members,
        observers,
        number("quorate.zookeeper.port", given.zookeeper().port(), -1, 65_535),
        words(given.zookeeper().fourLetterWords()),
        number(
            "quorate.zookeeper.max-connections-per-address",
            given.zookeeper().maxConnectionsPerAddress(),
            0,
            1_000_000),
        duration(
            "quorate.zookeeper.handshake-timeout",
            given.zookeeper().handshakeTimeout(),
            100,
            600_000),
        tick,
        election,
        duration("quorate.request-timeout", given.requestTimeout(), 100, 600_000),
        superDigest(given.superDigest()),
        origins(given.allowedOrigins()),
        size("quorate.log.segment-size", given.log().segmentSize(), 64 << 10, 1L << 30),
        size("quorate.log.checkpoint-after", given.log().checkpointAfter(), 64 << 10, 4L << 30),
        tls(given.tls()),
        settings(given, tick));
  }

  private static Optional<Tls> tls(QuorateProperties.Tls given) {
    if (given.certificates().isBlank() && given.key().isBlank() && given.trusted().isBlank()) {
      return Optional.empty();
    }
    return Optional.of(
        new Tls(
            file("quorate.tls.certificates", given.certificates()),
            file("quorate.tls.key", given.key()),
            file("quorate.tls.trusted", given.trusted())));
  }

  private static Path file(String key, String value) {
    Path file = path(key, value);
    if (!Files.isReadable(file)) {
      throw new WrongConfigurationException(
          key,
          value,
          "a readable PEM file; quorate.tls.certificates, .key and .trusted go together");
    }
    return file;
  }

  private static Settings settings(QuorateProperties given, Duration tick) {
    Matcher retention = RETENTION.matcher(given.history().retention());
    if (!retention.matches()) {
      throw new WrongConfigurationException(
          "quorate.history.retention",
          given.history().retention(),
          "a count and a size, as \"100000 events, 64MB\"");
    }
    Settings defaults = Settings.DEFAULT;
    int tickMs = (int) tick.toMillis();
    return new Settings(
        (int) size("quorate.max-data-size", given.maxDataSize(), 1024, 64L << 20),
        Integer.parseInt(retention.group(1)),
        size("quorate.history.retention", retention.group(2), 0, 1L << 40),
        2 * tickMs,
        20 * tickMs,
        defaults.maxDeleteTree(),
        defaults.keyMinAgeMs(),
        defaults.maxKeys(),
        defaults.maxKeyBytes(),
        flag("quorate.zookeeper.enforce-quota", given.zookeeper().enforceQuota()));
  }

  private static boolean flag(String key, String value) {
    return switch (value.trim()) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new WrongConfigurationException(key, value, "true or false");
    };
  }

  private static int number(String key, String value, int min, int max) {
    try {
      int number = Integer.parseInt(value.trim());
      if (number >= min && number <= max) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Answered below, with the range.
    }
    throw new WrongConfigurationException(key, value, "a number from " + min + " to " + max);
  }

  private static Duration duration(String key, String value, long minMs, long maxMs) {
    try {
      Duration duration = DurationStyle.detectAndParse(value.trim());
      if (duration.toMillis() >= minMs && duration.toMillis() <= maxMs) {
        return duration;
      }
    } catch (IllegalArgumentException | ArithmeticException e) {
      // Answered below, with the range.
    }
    throw new WrongConfigurationException(
        key,
        value,
        "a duration from " + minMs + "ms to " + maxMs / 1000 + "s, as \"2s\" or \"500ms\"");
  }

  private static long size(String key, String value, long min, long max) {
    try {
      long bytes = DataSize.parse(value.replace(" ", "")).toBytes();
      if (bytes >= min && bytes <= max) {
        return bytes;
      }
    } catch (IllegalArgumentException | ArithmeticException e) {
      // Answered below, with the range.
    }
    throw new WrongConfigurationException(
        key, value, "a size from " + min + "B to " + max + "B, as \"512KB\" or \"1MB\"");
  }

  private static Path path(String key, String value) {
    try {
      if (!value.isBlank()) {
        return Path.of(value.trim()).toAbsolutePath().normalize();
      }
    } catch (InvalidPathException e) {
      // Answered below.
    }
    throw new WrongConfigurationException(key, value, "the path of a directory");
  }

  private static List<Member> members(String key, String value, Role role) {
    var members = new ArrayList<Member>();
    var ids = new HashSet<Integer>();
    for (String part : value.isBlank() ? new String[0] : value.split(",", -1)) {
      Matcher matcher = MEMBER.matcher(part.trim());
      int id = matcher.matches() ? Integer.parseInt(matcher.group(1)) : 0;
      int port = matcher.matches() ? Integer.parseInt(matcher.group(3)) : 0;
      if (id < 1 || id > 254 || port < 1 || port > 65_535 || !ids.add(id)) {
        throw new WrongConfigurationException(
            key,
            value,
            "members with different numbers 1 to 254, as"
                + " \"1@host:9641,2@host:9642,3@host:9643\"");
      }
      members.add(new Member(id, matcher.group(2) + ":" + port, role));
    }
    return List.copyOf(members);
  }

  private static Set<String> words(String value) {
    var words = new HashSet<String>();
    for (String word : Arrays.asList(value.split(",", -1))) {
      String trimmed = word.trim();
      if (trimmed.equals("*")) {
        words.addAll(FOUR_LETTER_WORDS);
      } else if (FOUR_LETTER_WORDS.contains(trimmed)) {
        words.add(trimmed);
      } else if (!trimmed.isEmpty()) {
        throw new WrongConfigurationException(
            "quorate.zookeeper.four-letter-words",
            value,
            "\"*\" or some of " + String.join(",", FOUR_LETTER_WORDS));
      }
    }
    return Set.copyOf(words);
  }

  private static List<String> origins(String value) {
    var origins = new ArrayList<String>();
    for (String part : value.isBlank() ? new String[0] : value.split(",", -1)) {
      if (!ORIGIN.matcher(part.trim()).matches()) {
        throw new WrongConfigurationException(
            "quorate.allowed-origins",
            value,
            "origins as browsers name them, \"https://console.example,http://host:8080\"");
      }
      origins.add(part.trim());
    }
    return List.copyOf(origins);
  }

  private static Optional<String> superDigest(String value) {
    if (value.isBlank()) {
      return Optional.empty();
    }
    String[] parts = value.trim().split(":", -1);
    try {
      if (parts.length == 2
          && !parts[0].isEmpty()
          && parts[1].length() == 28
          && Base64.getDecoder().decode(parts[1]).length == 20) {
        return Optional.of(value.trim());
      }
    } catch (IllegalArgumentException e) {
      // Answered below.
    }
    // The value is a secret's hash: it is not repeated.
    throw new WrongConfigurationException(
        "quorate.super-digest", "…", "user:base64(sha1(user:password))");
  }
}
