package io.quorate.cluster;

import io.quorate.cluster.Operation.Kind;
import io.quorate.testing.MemberProcess;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Real members in network namespaces (on loopback, without cuts of the network, when the user may
 * not make any), clients that record what they were told, and faults: SIGKILL, SIGSTOP, partitions,
 * slow links. Afterwards every key's history must be linearizable and every acknowledged node
 * there.
 */
final class FaultCampaign implements AutoCloseable {
  private static final int KEYS = 6;
  private static final int CLIENTS = 6;

  /** A key's history must stay small enough to judge: each key is used for this long. */
  private static final long KEY_LIFE_MS = 8_000;

  private final int size;
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
  private final Map<String, Integer> faults = new TreeMap<>();
  private volatile boolean running = true;
  private volatile long startNs;
  private volatile long lastAcknowledgedNs;
  private volatile long longestGapNs;

  /**
   * What was seen.
   *
   * @param violations what must not be; empty when all is well
   * @param longestGapMs longest time without an acknowledged write, anywhere
   */
  record Report(
      int operations,
      int unknown,
      int createdNodes,
      Map<String, Integer> faults,
      long longestGapMs,
      List<String> violations) {}

  FaultCampaign(int size, long seed, Path dir) {
    this.size = size;
    this.random = new Random(seed);
    this.dir = dir;
    this.hosts = System.getProperty("user.name").equals("root") ? Namespaces.create(size) : null;
    this.ports = new int[2 * size + 2];
    for (int i = 1; i < ports.length; i++) {
      ports[i] = hosts == null ? MemberProcess.freePort() : i <= size ? 8080 : 9641;
    }
    this.members = new MemberProcess[size + 1];
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
            dir.resolve("m" + id),
            ports[id],
            List.of(
                "--quorate.id=" + id,
                "--quorate.members=" + list,
                "--quorate.log.segment-size=1MB",
                "--quorate.log.checkpoint-after=2MB"));
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
    for (int i = 0; i < CLIENTS; i++) {
      int number = i;
      long seed = random.nextLong();
      clients.add(Thread.ofPlatform().start(() -> client(number, new Random(seed))));
    }
    long end = startNs + length.toNanos();
    while (System.nanoTime() < end) {
      fault();
    }
    heal();
    for (int id = 1; id <= size; id++) {
      members[id].awaitReady();
    }
    TimeUnit.SECONDS.sleep(2);
    running = false;
    for (Thread client : clients) {
      client.join();
    }
    return judge();
  }

  // Faults

  private void fault() throws InterruptedException {
    TimeUnit.MILLISECONDS.sleep(1_000 + random.nextInt(1_500));
    int leader = leader();
    int victim = random.nextInt(3) > 0 && leader > 0 ? leader : 1 + random.nextInt(size);
    int other = 1 + (victim + random.nextInt(size - 1)) % size;
    int kind = random.nextInt(5);
    switch (hosts == null ? kind % 2 : kind) {
      case 0 -> {
        count(victim == leader ? "kill -9 of the leader" : "kill -9 of a follower");
        members[victim].kill();
        TimeUnit.MILLISECONDS.sleep(random.nextInt(1_500));
        start(victim);
        members[victim].awaitReady();
      }
      case 1 -> {
        count(victim == leader ? "SIGSTOP of the leader" : "SIGSTOP of a follower");
        members[victim].pause();
        TimeUnit.MILLISECONDS.sleep(1_500 + random.nextInt(2_500));
        members[victim].resume();
      }
      case 2 -> {
        count(victim == leader ? "leader cut off" : "follower cut off");
        Objects.requireNonNull(hosts).isolate(victim);
        TimeUnit.MILLISECONDS.sleep(1_500 + random.nextInt(3_000));
        heal();
      }
      case 3 -> {
        count("one-way cut");
        Objects.requireNonNull(hosts).block(victim, other);
        TimeUnit.MILLISECONDS.sleep(1_500 + random.nextInt(3_000));
        heal();
      }
      default -> {
        if (Objects.requireNonNull(hosts).delay(victim, 20 + random.nextInt(80))) {
          count("slow link");
          TimeUnit.MILLISECONDS.sleep(1_500 + random.nextInt(2_000));
        }
        heal();
      }
    }
  }

  private void count(String fault) {
    faults.merge(fault, 1, Integer::sum);
  }

  private int leader() {
    for (int id = 1; id <= size; id++) {
      try {
        String body = send(id, "GET", "/cluster", "", Map.of()).body();
        var found =
            java.util.regex.Pattern.compile(
                    "\"id\"\\s*:\\s*(\\d+)[^{}]*?\"role\"\\s*:\\s*\"leader\"")
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

  private void client(int number, Random choice) {
    long count = 0;
    var lastRead = new HashMap<String, String[]>();
    while (running) {
      long generation = (System.nanoTime() - startNs) / 1_000_000 / KEY_LIFE_MS;
      String key = "/znodes/faults/k" + choice.nextInt(KEYS) + "-" + generation;
      int member = 1 + choice.nextInt(size);
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

  private HttpResponse<String> send(
      int member, String method, String path, String body, Map<String, String> headers)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://" + address(member) + ":" + ports[member] + path))
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

  // Judgement

  private Report judge() throws IOException, InterruptedException {
    var violations = new ArrayList<String>();
    int operations = 0;
    int unknown = 0;
    for (Map.Entry<String, ConcurrentLinkedQueue<Operation>> each : histories.entrySet()) {
      List<Operation> history = List.copyOf(each.getValue());
      operations += history.size();
      unknown += (int) history.stream().filter(Operation::isPending).count();
      if (!LinearizabilityChecker.isLinearizable(history, null)) {
        violations.add(each.getKey() + " is not linearizable: " + history);
      }
    }
    for (int id = 1; id <= size; id++) {
      for (String location : created) {
        String path = URI.create(location).getRawPath();
        int status = send(id, "HEAD", path, "", Map.of()).statusCode();
        if (status != 200) {
          violations.add("acknowledged " + path + " is " + status + " on member " + id);
        }
      }
    }
    return new Report(
        operations, unknown, created.size(), faults, longestGapNs / 1_000_000, violations);
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
  }
}
