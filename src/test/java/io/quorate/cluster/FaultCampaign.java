package io.quorate.cluster;

import io.quorate.cluster.Operation.Kind;
import io.quorate.testing.MemberProcess;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Real members in network namespaces (on loopback, without cuts of the network, when the user may
 * not make any), clients that record what they were told, and faults: SIGKILL, SIGSTOP, partitions,
 * slow links, a full disk, clocks that jump. Afterwards every key's history must be linearizable,
 * every acknowledged node there, every watch stream whole, and ephemerals must have lived exactly
 * as long as their sessions.
 */
final class FaultCampaign implements AutoCloseable {
  private static final int KEYS = 6;
  private static final int CLIENTS_PER_MEMBER = 2;
  private static final int SESSION_TIMEOUT_MS = 6_000;
  private static final int TICK_MS = 2_000;
  private static final int ELECTION_TIMEOUT_MS = 1_000;
  private static final int SETTLE_MS = 5_000;
  private static final int SMALL_DISK_MB = 600;
  private static final int CLOCK_TOLERANCE_S = 15;

  /** A key's history must stay small enough to judge: each key is used for this long. */
  private static final long KEY_LIFE_MS = 8_000;

  private final int size;
  private final long seed;
  private final Random random;
  private final Path dir;
  private final @Nullable Namespaces hosts;
  private final MemberProcess[] members;

  /** HTTP ports of members 1 to size, then their replication ports. */
  private final int[] ports;

  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(2))
          .build();
  private final Map<String, ConcurrentLinkedQueue<Operation>> histories = new HashMap<>();
  private final ConcurrentLinkedQueue<String> created = new ConcurrentLinkedQueue<>();
  private final Map<String, List<Long>> faults = new TreeMap<>();
  private final ConcurrentLinkedQueue<String> violations = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<String> endedEphemerals = new ConcurrentLinkedQueue<>();
  private final AtomicInteger sessions = new AtomicInteger();
  private final AtomicInteger keptAlive = new AtomicInteger();
  private final boolean smallDisk;
  private final @Nullable SkewedClocks clocks;
  private volatile boolean running = true;
  private volatile long startNs;
  private String fault = "no fault yet";
  private long lastAcknowledgedNs;
  private long longestGapNs;

  /**
   * What was seen.
   *
   * @param operations on keys, by kind
   * @param gaps by kind of fault, the longest time without an acknowledged write anywhere from each
   *     such fault to the next one, ms
   * @param keptAlive signs of life that were acknowledged, and after each of which it was checked
   *     that session and ephemeral were there
   * @param endedEphemerals that were checked to be gone, on every member
   * @param violations what must not be; empty when all is well
   */
  record Report(
      int members,
      long seconds,
      long seed,
      Map<Kind, Integer> operations,
      int unknown,
      int createdNodes,
      int sessions,
      int keptAlive,
      int endedEphemerals,
      int streams,
      int watchEvents,
      Map<String, List<Long>> gaps,
      List<String> violations) {

    String markdown() {
      var out = new StringBuilder();
      out.append("### ").append(members).append(" members, ").append(seconds);
      out.append(" s of faults, seed ").append(seed).append("\n\n");
      out.append("| what clients did | how often |\n| --- | --- |\n");
      row(out, "writes of keys", operations.getOrDefault(Kind.WRITE, 0));
      row(out, "compare-and-set of keys", operations.getOrDefault(Kind.COMPARE_AND_SET, 0));
      row(out, "linearizable reads of keys", operations.getOrDefault(Kind.READ, 0));
      row(out, "of these, answer unknown to the client", unknown);
      row(out, "sequential nodes acknowledged, all there at the end", createdNodes);
      row(out, "sessions with an ephemeral", sessions);
      row(out, "signs of life acknowledged, session and ephemeral checked after each", keptAlive);
      row(out, "ephemerals of ended sessions, gone on every member", endedEphemerals);
      row(out, "events on " + streams + " watch streams, each compared with the list", watchEvents);
      row(out, "**violations**", violations.size());
      long times = gaps.values().stream().mapToLong(List::size).sum();
      out.append("\n").append(times).append(" faults. The time is the longest without an");
      out.append(" acknowledged write from one fault to the next, ms.\n\n");
      out.append("| fault | times | median | worst |\n| --- | --- | --- | --- |\n");
      gaps.forEach(
          (kind, each) -> {
            long[] sorted = each.stream().mapToLong(Long::longValue).sorted().toArray();
            out.append("| ").append(kind).append(" | ").append(sorted.length).append(" | ");
            out.append(sorted[sorted.length / 2]).append(" | ");
            out.append(sorted[sorted.length - 1]).append(" |\n");
          });
      for (String violation : violations) {
        out.append("\n- ").append(violation).append('\n');
      }
      return out.toString();
    }

    private static void row(StringBuilder out, String what, int count) {
      out.append("| ").append(what).append(" | ").append(count).append(" |\n");
    }
  }

  FaultCampaign(int size, long seed, Path dir) {
    this.size = size;
    this.seed = seed;
    this.random = new Random(seed);
    this.dir = dir;
    this.hosts = System.getProperty("user.name").equals("root") ? Namespaces.create(size) : null;
    this.ports = new int[2 * size + 2];
    for (int i = 1; i < ports.length; i++) {
      ports[i] = hosts == null ? MemberProcess.freePort() : i <= size ? 8080 : 9641;
    }
    this.members = new MemberProcess[size + 1];
    this.clocks = SkewedClocks.inDirectory(dir, size);
    this.smallDisk = hosts != null && mountSmallDisk();
  }

  /** The last member keeps its data on a disk that can be filled. */
  private boolean mountSmallDisk() {
    try {
      Path disk = Files.createDirectory(dir.resolve("disk"));
      String space = "size=" + SMALL_DISK_MB + "m";
      return new ProcessBuilder("mount", "-t", "tmpfs", "-o", space, "tmpfs", disk.toString())
              .start()
              .waitFor()
          == 0;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private Path directory(int id) {
    return smallDisk && id == size ? dir.resolve("disk/m" + id) : dir.resolve("m" + id);
  }

  private void start(int id) {
    var list = new StringBuilder();
    for (int i = 1; i <= size; i++) {
      list.append(i == 1 ? "" : ",").append(i).append('@');
      list.append(address(i)).append(':').append(ports[size + i]);
    }
    members[id] =
        MemberProcess.start(
            hosts == null ? List.of() : hosts.prefix(id),
            address(id),
            directory(id),
            ports[id],
            List.of(
                "--quorate.id=" + id,
                "--quorate.members=" + list,
                "--quorate.log.segment-size=1MB",
                "--quorate.log.checkpoint-after=2MB"),
            clocks == null ? Map.of() : clocks.environment(id));
  }

  private String address(int id) {
    return hosts == null ? "127.0.0.1" : hosts.address(id);
  }

  private void heal() {
    if (hosts != null) {
      hosts.healAll();
    }
  }

  Report run(Duration length) throws Exception {
    for (int id = 1; id <= size; id++) {
      start(id);
    }
    for (int id = 1; id <= size; id++) {
      members[id].awaitReady();
    }
    send(1, "PUT", "/znodes/faults", "", Map.of());
    send(1, "PUT", "/znodes/faults/nodes", "", Map.of());
    startNs = System.nanoTime();
    lastAcknowledgedNs = startNs;
    var clients = new ArrayList<Thread>();
    for (int i = 0; i < CLIENTS_PER_MEMBER * size; i++) {
      int number = i;
      // One at each member stays there, so that a member that answers nobody holds up only its own.
      int home = i < size ? i + 1 : 0;
      long seed = random.nextLong();
      clients.add(Thread.ofPlatform().start(() -> client(number, home, new Random(seed))));
    }
    for (int i = 0; i < size; i++) {
      long seed = random.nextLong();
      clients.add(Thread.ofPlatform().start(() -> keepSessions(new Random(seed))));
    }
    var watchers = new ArrayList<StreamReader>();
    for (int i = 0; i < size; i++) {
      watchers.add(new StreamReader(i + 1, random.nextLong(), random.nextInt(2) == 0));
    }
    long end = startNs + length.toNanos();
    while (System.nanoTime() < end) {
      fault();
    }
    begin("");
    heal();
    for (int id = 1; id <= size; id++) {
      members[id].awaitReady();
    }
    running = false;
    for (Thread client : clients) {
      client.join();
    }
    TimeUnit.MILLISECONDS.sleep(SESSION_TIMEOUT_MS + TICK_MS + SETTLE_MS);
    return judge(watchers, length);
  }

  // Faults

  private void fault() throws InterruptedException {
    TimeUnit.MILLISECONDS.sleep(1_000 + random.nextInt(1_500));
    int leader = leader();
    int victim = random.nextInt(3) > 0 && leader > 0 ? leader : 1 + random.nextInt(size);
    int other = 1 + (victim + random.nextInt(size - 1)) % size;
    int kind = random.nextInt(7);
    switch (hosts == null ? kind % 2 : kind) {
      case 0 -> {
        begin(victim == leader ? "kill -9 of the leader" : "kill -9 of a follower");
        members[victim].kill();
        TimeUnit.MILLISECONDS.sleep(random.nextInt(1_500));
        start(victim);
        members[victim].awaitReady();
      }
      case 1 -> {
        begin(victim == leader ? "SIGSTOP of the leader" : "SIGSTOP of a follower");
        members[victim].pause();
        TimeUnit.MILLISECONDS.sleep(1_500 + random.nextInt(2_500));
        members[victim].resume();
      }
      case 2 -> {
        begin(victim == leader ? "leader cut off" : "follower cut off");
        Objects.requireNonNull(hosts).isolate(victim);
        TimeUnit.MILLISECONDS.sleep(1_500 + random.nextInt(3_000));
        heal();
      }
      case 3 -> {
        begin("one-way cut");
        Objects.requireNonNull(hosts).block(victim, other);
        TimeUnit.MILLISECONDS.sleep(1_500 + random.nextInt(3_000));
        heal();
      }
      case 4 -> fillDisk(leader);
      case 5 -> jumpClock(victim, leader);
      default -> slowLink(victim, leader);
    }
  }

  /** Delays packets where the kernel can; else, and half of the time, leaves little bandwidth. */
  private void slowLink(int victim, int leader) throws InterruptedException {
    Namespaces links = Objects.requireNonNull(hosts);
    int delayMs = 20 + random.nextInt(80);
    int kilobits = 200 + random.nextInt(1_800);
    boolean late = random.nextBoolean() && links.delay(victim, delayMs);
    if (late || links.narrow(victim, kilobits, 10 * delayMs)) {
      begin(victim == leader ? "link of the leader slow" : "link of a follower slow");
      TimeUnit.MILLISECONDS.sleep(2_000 + random.nextInt(3_000));
    }
    heal();
  }

  private void fillDisk(int leader) throws InterruptedException {
    if (!smallDisk) {
      return;
    }
    begin(size == leader ? "disk of the leader full" : "disk of a follower full");
    Path ballast = dir.resolve("disk/ballast");
    try (var out = Files.newOutputStream(ballast)) {
      var chunk = new byte[256 << 10];
      while (true) {
        out.write(chunk);
      }
    } catch (IOException e) {
      // Full, as was wanted.
    }
    TimeUnit.MILLISECONDS.sleep(2_000 + random.nextInt(2_000));
    try {
      Files.deleteIfExists(ballast);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (!members[size].isAlive()) {
      // Its log found no more room, which ends a member; now there is room again.
      start(size);
    }
    members[size].awaitReady();
  }

  private void jumpClock(int victim, int leader) throws InterruptedException {
    if (clocks == null) {
      return;
    }
    begin(victim == leader ? "clock of the leader jumps" : "clock of a follower jumps");
    clocks.set(victim, (random.nextBoolean() ? 1 : -1) * (60 + random.nextInt(3_000)));
    TimeUnit.MILLISECONDS.sleep(2_000 + random.nextInt(2_000));
    int asked = 1 + random.nextInt(size);
    try {
      if (send(asked, "PUT", "/znodes/faults/time", "", Map.of()).statusCode() < 300) {
        String modified =
            send(asked, "HEAD", "/znodes/faults/time", "", Map.of())
                .headers()
                .firstValue("Last-Modified")
                .orElseThrow();
        Instant stamp = DateTimeFormatter.RFC_1123_DATE_TIME.parse(modified, Instant::from);
        long off = Duration.between(stamp, Instant.now()).toSeconds();
        if (Math.abs(off) > CLOCK_TOLERANCE_S) {
          violations.add("after a clock jumped, a write is dated " + off + " s from now");
        }
      }
    } catch (IOException e) {
      // Nobody wrote; nothing to judge.
    }
    clocks.set(victim, 0);
  }

  /** From here on, times without a write are this fault's. */
  private synchronized void begin(String next) {
    long now = System.nanoTime();
    longestGapNs = Math.max(longestGapNs, now - lastAcknowledgedNs);
    faults.computeIfAbsent(fault, f -> new ArrayList<>()).add(longestGapNs / 1_000_000);
    fault = next;
    longestGapNs = 0;
  }

  private int leader() {
    for (int id = 1; id <= size; id++) {
      try {
        String body = send(id, "GET", "/cluster", "", Map.of()).body();
        var found =
            Pattern.compile("\"id\"\\s*:\\s*(\\d+)[^{}]*?\"role\"\\s*:\\s*\"leader\"")
                .matcher(body);
        if (found.find()) {
          return Integer.parseInt(found.group(1));
        }
      } catch (IOException e) {
        // Ask the next one.
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    return 0;
  }

  // Clients

  private void client(int number, int home, Random choice) {
    long count = 0;
    var lastRead = new HashMap<String, String[]>();
    while (running) {
      long generation = (System.nanoTime() - startNs) / 1_000_000 / KEY_LIFE_MS;
      String key = "/znodes/faults/k" + choice.nextInt(KEYS) + "-" + generation;
      int member = home > 0 ? home : 1 + choice.nextInt(size);
      String value = number + "-" + count++;
      long invoked = System.nanoTime();
      try {
        switch (choice.nextInt(10)) {
          case 0, 1, 2 -> {
            HttpResponse<String> response = send(member, "PUT", key, value, Map.of());
            settle(number, key, Kind.WRITE, value, null, invoked, response);
          }
          case 3 -> {
            String[] seen = lastRead.get(key);
            if (seen != null) {
              HttpResponse<String> response =
                  send(member, "PUT", key, value, Map.of("If-Match", seen[1]));
              settle(number, key, Kind.COMPARE_AND_SET, value, seen[0], invoked, response);
            }
          }
          case 4 -> {
            HttpResponse<String> response =
                send(
                    member,
                    "POST",
                    "/znodes/faults/nodes?name=n-&sequential=true",
                    value,
                    Map.of());
            if (response.statusCode() == 201) {
              created.add(response.headers().firstValue("Location").orElseThrow());
              acknowledged();
            }
          }
          default -> {
            HttpResponse<String> response = send(member, "GET", key, "", Map.of());
            if (response.statusCode() == 200) {
              record(key, number, invoked, Kind.READ, response.body(), null, true);
              lastRead.put(
                  key,
                  new String[] {
                    response.body(), response.headers().firstValue("ETag").orElseThrow()
                  });
            } else if (response.statusCode() == 404) {
              record(key, number, invoked, Kind.READ, null, null, true);
            }
          }
        }
      } catch (ConnectException | HttpConnectTimeoutException e) {
        pause(50);
      } catch (IOException e) {
        // The request of this round may have happened: what settle() would have recorded is
        // pending.
        pending(number, key, value, invoked);
        pause(50);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private final ThreadLocal<@Nullable Operation> underWay = new ThreadLocal<>();

  private URI uri(int member, String path) {
    return URI.create("http://" + address(member) + ":" + ports[member] + path);
  }

  private HttpResponse<String> send(
      int member, String method, String path, String body, Map<String, String> headers)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri(member, path))
            .timeout(Duration.ofSeconds(9))
            .method(method, HttpRequest.BodyPublishers.ofString(body));
    headers.forEach(request::header);
    boolean writes = method.equals("PUT") && path.startsWith("/znodes/faults/k");
    String ifMatch = headers.get("If-Match");
    underWay.set(
        writes
            ? new Operation(
                0,
                0,
                Operation.NEVER,
                ifMatch == null ? Kind.WRITE : Kind.COMPARE_AND_SET,
                body,
                null,
                false)
            : null);
    return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  /** A write that got an answer: done, certainly not done, or unknown. */
  private void settle(
      int client,
      String key,
      Kind kind,
      String value,
      @Nullable String expected,
      long invoked,
      HttpResponse<String> response) {
    int status = response.statusCode();
    if (status == 200 || status == 201) {
      record(key, client, invoked, kind, value, expected, true);
      acknowledged();
    } else if (status == 412 && kind == Kind.COMPARE_AND_SET) {
      record(key, client, invoked, kind, value, expected, false);
    } else if (status == 504) {
      histories(key)
          .add(new Operation(client, invoked, Operation.NEVER, kind, value, expected, false));
    } else if (!response.body().contains("\"not-applied\"")) {
      throw new IllegalStateException("neither done, nor not applied, nor unknown: " + response);
    }
  }

  private void pending(int client, String key, String value, long invoked) {
    Operation lost = underWay.get();
    if (lost != null) {
      // A lost compare-and-set may have written too; as a plain write it explains no less.
      histories(key)
          .add(new Operation(client, invoked, Operation.NEVER, Kind.WRITE, value, null, false));
    }
  }

  private void record(
      String key,
      int client,
      long invoked,
      Kind kind,
      @Nullable String value,
      @Nullable String expected,
      boolean succeeded) {
    histories(key)
        .add(new Operation(client, invoked, System.nanoTime(), kind, value, expected, succeeded));
  }

  private ConcurrentLinkedQueue<Operation> histories(String key) {
    synchronized (histories) {
      return histories.computeIfAbsent(key, k -> new ConcurrentLinkedQueue<>());
    }
  }

  private synchronized void acknowledged() {
    long now = System.nanoTime();
    longestGapNs = Math.max(longestGapNs, now - lastAcknowledgedNs);
    lastAcknowledgedNs = now;
  }

  private static void pause(long ms) {
    try {
      TimeUnit.MILLISECONDS.sleep(ms);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  // Sessions

  /** Opens sessions with an ephemeral each, keeps them alive for a while, and lets them end. */
  private void keepSessions(Random choice) {
    while (running) {
      try {
        keepSession(choice);
      } catch (IOException e) {
        pause(100);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private void keepSession(Random choice) throws IOException, InterruptedException {
    int number = sessions.incrementAndGet();
    long alive = System.nanoTime();
    HttpResponse<String> opened =
        send(
            1 + choice.nextInt(size),
            "POST",
            "/sessions",
            "{\"timeout\":" + SESSION_TIMEOUT_MS + "}",
            Map.of("Content-Type", "application/json"));
    if (opened.statusCode() != 201) {
      pause(100);
      return;
    }
    Map<String, String> token = Map.of("Quorate-Session", field(opened.body(), "token"));
    String session = "/sessions/" + field(opened.body(), "id");
    String node = "/znodes/faults/e" + number;
    int created =
        send(1 + choice.nextInt(size), "PUT", node + "?mode=ephemeral", "", token).statusCode();
    endedEphemerals.add(node);
    if (created != 201) {
      return;
    }
    long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(2_000 + choice.nextInt(10_000));
    while (running && System.nanoTime() < until) {
      pause(500);
      long asked = System.nanoTime();
      try {
        int kept = send(1 + choice.nextInt(size), "PUT", session, "", token).statusCode();
        if (kept == 204) {
          alive = asked;
          keptAlive.incrementAndGet();
        } else if (kept == 410 && lives(alive)) {
          violations.add("session of " + node + " ended before its time");
        }
        int seen = send(1 + choice.nextInt(size), "GET", node, "", Map.of()).statusCode();
        if (seen == 404 && lives(alive)) {
          violations.add(node + " is gone before its session's time");
        }
      } catch (IOException e) {
        // Another member next time.
      }
    }
    if (choice.nextBoolean()
        && send(1 + choice.nextInt(size), "DELETE", session, "", token).statusCode() == 204
        && send(1 + choice.nextInt(size), "GET", node, "", Map.of()).statusCode() == 200) {
      violations.add(node + " is there after its session was closed");
    }
  }

  /**
   * Whether a session that was heard then cannot have ended by now. The leader that took the sign
   * of life may have been succeeded already, for as long as a silent leader is trusted at most.
   */
  private static boolean lives(long heardNs) {
    return System.nanoTime() - heardNs
        < TimeUnit.MILLISECONDS.toNanos(SESSION_TIMEOUT_MS - ELECTION_TIMEOUT_MS);
  }

  private static String field(String json, String name) {
    var found = Pattern.compile("\"" + name + "\"\\s*:\\s*\"([^\"]*)\"").matcher(json);
    if (!found.find()) {
      throw new IllegalStateException("no " + name + " in " + json);
    }
    return found.group(1);
  }

  // Watches

  /** Reads the stream of created nodes, dropping and resuming at another member now and then. */
  private final class StreamReader implements Runnable {
    private static final Pattern PATH = Pattern.compile("\"path\":\"/faults/nodes/([^\"]*)\"");

    final List<String> seen = new ArrayList<>();
    final Thread thread;
    private final Random choice;
    private final boolean drops;
    private int member;
    private String since = "0x0";
    private volatile boolean whole;

    StreamReader(int member, long seed, boolean drops) {
      this.member = member;
      this.choice = new Random(seed);
      this.drops = drops;
      this.thread = Thread.ofPlatform().daemon().start(this);
    }

    @Override
    public void run() {
      while (!whole && !Thread.currentThread().isInterrupted()) {
        try {
          follow();
        } catch (IOException | UncheckedIOException e) {
          pause(50);
        } catch (InterruptedException e) {
          return;
        }
        member = 1 + choice.nextInt(size);
      }
    }

    private void follow() throws IOException, InterruptedException {
      String path = "/watch?path=/faults/nodes&depth=1&since=" + since;
      HttpResponse<java.io.InputStream> response =
          http.send(
              HttpRequest.newBuilder(uri(member, path))
                  .header("Accept", "text/event-stream")
                  .timeout(Duration.ofSeconds(5))
                  .build(),
              HttpResponse.BodyHandlers.ofInputStream());
      try (var lines =
          new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
        if (response.statusCode() == 410) {
          violations.add("a watch could not be resumed at " + since);
          whole = true;
        }
        if (response.statusCode() != 200) {
          pause(50);
          return;
        }
        int left = drops ? 1 + choice.nextInt(300) : Integer.MAX_VALUE;
        String event = "";
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          if (line.startsWith("event: ")) {
            event = line.substring(7);
          } else if (line.startsWith("id: ")) {
            since = line.substring(4);
          } else if (line.startsWith("data: ") && event.equals("created")) {
            var found = PATH.matcher(line);
            if (found.find()) {
              seen.add(found.group(1));
              if (found.group(1).equals("the-end")) {
                whole = true;
                return;
              }
              if (left-- == 0) {
                return;
              }
            }
          }
        }
      }
    }
  }

  // Judgement

  private Report judge(List<StreamReader> watchers, Duration length)
      throws IOException, InterruptedException {
    var operations = new EnumMap<Kind, Integer>(Kind.class);
    int unknown = 0;
    for (Map.Entry<String, ConcurrentLinkedQueue<Operation>> each : histories.entrySet()) {
      List<Operation> history = List.copyOf(each.getValue());
      history.forEach(operation -> operations.merge(operation.kind(), 1, Integer::sum));
      unknown += (int) history.stream().filter(Operation::isPending).count();
      if (!LinearizabilityChecker.isLinearizable(history, null)) {
        violations.add(each.getKey() + " is not linearizable: " + history);
      }
    }
    send(1, "PUT", "/znodes/faults/nodes/the-end", "", Map.of());
    List<String> children = children(1);
    for (int id = 1; id <= size; id++) {
      if (!children(id).equals(children)) {
        violations.add("member " + id + " lists other children than member 1");
      }
      for (String node : endedEphemerals) {
        int status = send(id, "HEAD", node, "", Map.of()).statusCode();
        if (status != 404) {
          violations.add(node + " of a dead session is " + status + " on member " + id);
        }
      }
    }
    var there = new HashSet<>(children);
    for (String location : created) {
      if (!there.contains(location.substring(location.lastIndexOf('/') + 1))) {
        violations.add("acknowledged " + location + " is not there");
      }
    }
    // Nothing is deleted and names count up, so the stream is the listing, in order.
    int events = 0;
    for (StreamReader watcher : watchers) {
      watcher.thread.join(30_000);
      watcher.thread.interrupt();
      if (!watcher.whole || !watcher.seen.equals(children)) {
        violations.add(
            "a watcher saw " + watcher.seen.size() + " of " + children.size() + " creations");
      }
      events += watcher.seen.size();
    }
    faults.remove("no fault yet");
    return new Report(
        size,
        length.toSeconds(),
        seed,
        operations,
        unknown,
        created.size(),
        sessions.get(),
        keptAlive.get(),
        endedEphemerals.size(),
        watchers.size(),
        events,
        faults,
        List.copyOf(violations));
  }

  private List<String> children(int member) throws IOException, InterruptedException {
    var names = new ArrayList<String>();
    var name = Pattern.compile("\"(n-\\d{10}|the-end)\"");
    String after = "";
    while (true) {
      String body =
          send(member, "GET", "/znodes/faults/nodes?view=children&limit=1000" + after, "", Map.of())
              .body();
      var found = name.matcher(body.substring(body.indexOf("\"children\"")));
      int before = names.size();
      while (found.find()) {
        names.add(found.group(1));
      }
      if (names.size() == before) {
        return names;
      }
      after = "&after=" + names.getLast();
    }
  }

  /** Keeps what the members said. */
  void copyOutputsTo(Path target) throws IOException {
    Files.createDirectories(target);
    for (int id = 1; id <= size; id++) {
      Path output = directory(id).resolveSibling("m" + id + ".out");
      if (Files.exists(output)) {
        Files.copy(output, target.resolve("m" + id + ".out"), StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  @Override
  public void close() {
    for (MemberProcess member : members) {
      if (member != null) {
        member.resume();
        member.close();
      }
    }
    if (hosts != null) {
      hosts.close();
    }
    if (smallDisk) {
      try {
        new ProcessBuilder("umount", dir.resolve("disk").toString()).start().waitFor();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
