package io.quorate.bench;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Thousands of subscriptions to one path of one member, and single changes of it: how long until
 * the last has its event, whether each has exactly one, and what the watchers cost the member.
 * Started by {@code tools/watch-fan-out}.
 */
final class WatchFanOut {
  private static final int OPENING_AT_ONCE = 60;
  private static final long LIMIT_NANOS = TimeUnit.SECONDS.toNanos(120);
  private static final byte[] ANSWER = "HTTP/1.1 200".getBytes(StandardCharsets.US_ASCII);
  private static final String UPGRADE =
      """
      GET /watch HTTP/1.1\r
      Host: x\r
      Connection: Upgrade\r
      Upgrade: websocket\r
      Sec-WebSocket-Version: 13\r
      Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
      \r
      """;
  private static final byte[] EVENT = "\nevent: changed\n".getBytes(StandardCharsets.US_ASCII);

  private final HttpClient http = HttpClient.newHttpClient();
  private final Selector selector = Selector.open();
  private final ByteBuffer in = ByteBuffer.allocateDirect(256 * 1024);
  private final List<Stream> streams = new ArrayList<>();
  private final int port;
  private final Kind kind;
  private String etag = "";
  private long heard;
  private long armed;

  private WatchFanOut(int port, Kind kind) throws IOException {
    this.port = port;
    this.kind = kind;
  }

  /** How a change is heard of. */
  private enum Kind {
    WEBSOCKET("WebSockets", ""),
    SSE("event streams", "GET /watch?path=/fan HTTP/1.1\r\nHost: x\r\n\r\n"),
    POLL(
        "long polls",
        "GET /znodes/fan HTTP/1.1\r\nHost: x\r\nIf-None-Match: %s\r\nPrefer: wait=60\r\n\r\n"),
    ACL(
        "long polls of the ACL",
        "GET /znodes/fan?view=acl HTTP/1.1\r\nHost: x\r\nIf-None-Match: %s\r\n"
            + "Prefer: wait=60\r\n\r\n");

    final String title;
    final String request;

    Kind(String title, String request) {
      this.title = title;
      this.request = request;
    }

    boolean isPoll() {
      return this == POLL || this == ACL;
    }
  }

  public static void main(String[] args) throws Exception {
    String kind = args.length > 0 ? args[0] : "websocket";
    int sockets = args.length > 1 ? Integer.parseInt(args[1]) : 5_000;
    int each = args.length > 2 ? Integer.parseInt(args[2]) : 2;
    int rounds = args.length > 3 ? Integer.parseInt(args[3]) : 7;
    Kind how = Kind.valueOf(kind.toUpperCase(Locale.ROOT));
    if (how != Kind.WEBSOCKET && each != 1) {
      throw new IllegalArgumentException("only a WebSocket carries several subscriptions");
    }
    Path home = Files.createTempDirectory("fan-out");
    int port = freePort();
    var server =
        ServerProcess.start(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx2g",
                "-jar",
                Path.of("target/quorate.jar").toAbsolutePath().toString(),
                "--server.port=" + port,
                "--quorate.zookeeper.port=-1",
                "--quorate.data-dir=" + home.resolve("data")),
            Map.of(),
            home,
            home.resolve("pids"));
    try {
      new WatchFanOut(port, how).measure(server, sockets, each, rounds);
    } finally {
      server.stop();
      try (var files = Files.walk(home)) {
        files.sorted(java.util.Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
      }
    }
  }

  private static int freePort() throws IOException {
    try (var socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private void measure(ServerProcess server, int sockets, int each, int rounds) throws Exception {
    awaitReady(server);
    change("begin").get();
    if (kind == Kind.ACL) {
      etag =
          "\""
              + http.send(request("?view=acl").GET().build(), BodyHandlers.ofString())
                  .headers()
                  .firstValue("ETag")
                  .orElseThrow()
                  .replace("\"", "")
              + "\"";
    }
    Cost before = Cost.of(server);
    long begun = System.nanoTime();
    for (int opened = 0; opened < sockets; ) {
      int until = Math.min(sockets, opened + OPENING_AT_ONCE);
      for (; opened < until; opened++) {
        var stream = new Stream(each);
        stream.open(selector);
        streams.add(stream);
      }
      if (!kind.isPoll()) {
        pump((long) opened * each, true);
      }
    }
    awaitPolls(sockets);
    long watchers = (long) sockets * each;
    System.out.printf(
        "%d subscriptions on %d %s: open after %.1f s%n",
        watchers, sockets, kind.title, seconds(begun));
    long[] tookMs = new long[rounds];
    long[] writtenMs = new long[rounds];
    for (int round = 0; round < rounds; round++) {
      long start = System.nanoTime();
      var write =
          change("round " + round).thenApply(answer -> (System.nanoTime() - start) / 1_000_000);
      pump((round + 1) * watchers, false);
      tookMs[round] = (System.nanoTime() - start) / 1_000_000;
      writtenMs[round] = write.get();
      // Whatever comes twice comes soon after.
      quiet(400);
      int expected = round + 1;
      long wrong =
          streams.stream()
              .flatMapToInt(stream -> Arrays.stream(stream.events))
              .filter(count -> count != expected)
              .count();
      if (wrong > 0) {
        throw new IllegalStateException(wrong + " subscriptions have not exactly one event each");
      }
      if (kind.isPoll()) {
        for (Stream stream : streams) {
          stream.ask();
        }
        awaitPolls(sockets);
      }
    }
    System.out.printf("from the write to the last event, ms: %s", Arrays.toString(tookMs));
    Arrays.sort(tookMs);
    System.out.printf(
        ", median %d; each had exactly one event in each round%n", tookMs[rounds / 2]);
    System.out.printf("until the write itself was answered, ms: %s%n", Arrays.toString(writtenMs));
    Cost after = Cost.of(server);
    System.out.printf(
        "per subscription: %.1f KiB resident, %.1f KiB live heap; platform threads %d, before %d%n",
        (after.rssKb - before.rssKb) / (double) watchers,
        (after.heapKb - before.heapKb) / (double) watchers,
        after.threads,
        before.threads);
    double cpu = server.usage().cpuSeconds();
    long idleBegun = System.nanoTime();
    quiet(20_000);
    System.out.printf(
        "idle: %.1f %% of one core, bookmarks and all; resident %d MiB, live heap %d MiB%n",
        100 * (server.usage().cpuSeconds() - cpu) / seconds(idleBegun),
        after.rssKb / 1024,
        after.heapKb / 1024);
  }

  private static double seconds(long sinceNanos) {
    return (System.nanoTime() - sinceNanos) / 1e9;
  }

  private void awaitReady(ServerProcess server) throws Exception {
    var ready =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + port + "/actuator/health/readiness"))
            .build();
    for (long end = System.nanoTime() + LIMIT_NANOS;
        server.isAlive() && System.nanoTime() < end; ) {
      try {
        if (http.send(ready, BodyHandlers.discarding()).statusCode() == 200) {
          return;
        }
      } catch (IOException notYet) {
        // Asked again.
      }
      TimeUnit.MILLISECONDS.sleep(50);
    }
    throw new IllegalStateException("the member did not become ready");
  }

  private HttpRequest.Builder request(String options) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/znodes/fan" + options));
  }

  /** What all wait for. */
  private CompletableFuture<HttpResponse<String>> change(String data) {
    boolean acl = kind == Kind.ACL && !etag.isEmpty();
    String body = acl ? "[{\"scheme\":\"world\",\"perms\":[\"all\"]}]" : data;
    return http.sendAsync(
            request(acl ? "?view=acl" : "").PUT(HttpRequest.BodyPublishers.ofString(body)).build(),
            BodyHandlers.ofString())
        .thenApply(
            answer -> {
              if (answer.statusCode() > 201) {
                throw new IllegalStateException("the write was answered " + answer);
              }
              etag = answer.headers().firstValue("ETag").orElse(etag);
              return answer;
            });
  }

  /** Long polls say nothing while they wait: the member is asked how many watches it has. */
  private void awaitPolls(int count) throws Exception {
    var metrics =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/actuator/prometheus"))
            .build();
    var watches = Pattern.compile("(?m)^quorate_watches(?:\\{.*})? (\\S+)");
    while (kind == Kind.POLL) {
      var found = watches.matcher(http.send(metrics, BodyHandlers.ofString()).body());
      if (found.find() && Double.parseDouble(found.group(1)) >= count) {
        return;
      }
      quiet(100);
    }
    if (kind == Kind.ACL) {
      quiet(5_000);
    }
  }

  /** Reads until so much was armed, or heard. */
  private void pump(long wanted, boolean arming) throws IOException {
    long end = System.nanoTime() + LIMIT_NANOS;
    while ((arming ? armed : heard) < wanted) {
      if (System.nanoTime() > end) {
        throw new IllegalStateException((arming ? armed : heard) + " of " + wanted + " in time");
      }
      read(100);
    }
  }

  private void quiet(long ms) throws IOException {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(ms);
    for (long left = ms; left > 0; left = (end - System.nanoTime()) / 1_000_000) {
      read(left);
    }
  }

  private void read(long waitMs) throws IOException {
    selector.select(waitMs);
    for (SelectionKey key : selector.selectedKeys()) {
      in.clear();
      if (((SocketChannel) key.channel()).read(in) < 0) {
        throw new IOException("the member closed a watch");
      }
      in.flip();
      ((Stream) key.attachment()).take(in);
    }
    selector.selectedKeys().clear();
  }

  /** One socket and what its subscriptions have been told. */
  private final class Stream {
    final int[] events;
    private boolean open;
    private int matched;
    private final StringBuilder pending = new StringBuilder();
    private byte[] frame = new byte[0];
    private @Nullable SocketChannel channel;

    Stream(int subscriptions) {
      this.events = new int[subscriptions];
    }

    void open(Selector selector) throws IOException {
      SocketChannel opened = SocketChannel.open(new InetSocketAddress("127.0.0.1", port));
      channel = opened;
      if (kind == Kind.WEBSOCKET) {
        say(UPGRADE);
        for (int i = 0; i < events.length; i++) {
          opened.write(masked("{\"op\":\"subscribe\",\"id\":\"" + i + "\",\"path\":\"/fan\"}"));
        }
      } else {
        ask();
      }
      opened.configureBlocking(false);
      opened.register(selector, SelectionKey.OP_READ, this);
    }

    void ask() throws IOException {
      say(kind.request.formatted(etag));
    }

    private void say(String text) throws IOException {
      Objects.requireNonNull(channel)
          .write(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)));
    }

    void take(ByteBuffer bytes) {
      while (bytes.hasRemaining()) {
        if (kind.isPoll()) {
          match(bytes.get(), ANSWER);
        } else if (!open) {
          head((char) bytes.get());
        } else if (kind == Kind.SSE) {
          match(bytes.get(), EVENT);
        } else {
          frames(bytes);
        }
      }
    }

    private void head(char next) {
      pending.append(next);
      // A stream of events begins with a comment once the watch is set.
      if (pending.indexOf(kind == Kind.SSE ? "\r\n: 0x" : "\r\n\r\n") >= 0) {
        String expected = kind == Kind.SSE ? "HTTP/1.1 200" : "HTTP/1.1 101";
        if (pending.indexOf(expected) != 0) {
          throw new IllegalStateException("answered " + pending);
        }
        open = true;
        pending.setLength(0);
        pending.trimToSize();
        if (kind == Kind.SSE) {
          armed++;
        }
      }
    }

    /** No part of {@code wanted} but its first byte is like its beginning. */
    private void match(byte next, byte[] wanted) {
      matched = next == wanted[matched] ? matched + 1 : next == wanted[0] ? 1 : 0;
      if (matched == wanted.length) {
        matched = next == wanted[0] ? 1 : 0;
        events[0]++;
        heard++;
      }
    }

    /** Source: RFC 6455 §5.2; a server's frames carry no mask. */
    private void frames(ByteBuffer bytes) {
      var all = ByteBuffer.allocate(frame.length + bytes.remaining()).put(frame).put(bytes).flip();
      while (all.remaining() >= 2) {
        int start = all.position();
        int length = all.get(start + 1) & 0x7f;
        int header = 2;
        if (length == 126) {
          if (all.remaining() < 4) {
            break;
          }
          length = all.getShort(start + 2) & 0xffff;
          header = 4;
        }
        if (all.remaining() < header + length) {
          break;
        }
        byte[] text = new byte[length];
        all.position(start + header).get(text);
        message(new String(text, StandardCharsets.UTF_8));
      }
      frame = new byte[all.remaining()];
      all.get(frame);
    }

    private void message(String text) {
      if (text.contains("\"op\":\"subscribed\"")) {
        armed++;
      } else if (text.contains("\"event\":\"changed\"")) {
        int at = text.indexOf("\"id\":\"") + 6;
        events[Integer.parseInt(text.substring(at, text.indexOf('"', at)))]++;
        heard++;
      } else if (!text.contains("\"op\":\"bookmark\"")) {
        throw new IllegalStateException("told " + text);
      }
    }
  }

  private static ByteBuffer masked(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    byte[] mask = new byte[4];
    new Random(bytes.length).nextBytes(mask);
    var frame = ByteBuffer.allocate(6 + bytes.length).put((byte) 0x81);
    frame.put((byte) (0x80 | bytes.length)).put(mask);
    for (int i = 0; i < bytes.length; i++) {
      frame.put((byte) (bytes[i] ^ mask[i & 3]));
    }
    return frame.flip();
  }

  /** What the member uses after a full collection. */
  private record Cost(long rssKb, long heapKb, int threads) {
    static Cost of(ServerProcess server) throws Exception {
      String pid = Long.toString(server.pid());
      jcmd(pid, "GC.run");
      long heapKb = 0;
      for (String line : jcmd(pid, "GC.heap_info").lines().toList()) {
        var used = Pattern.compile("heap .*used (\\d+)K").matcher(line);
        if (used.find()) {
          heapKb = Long.parseLong(used.group(1));
        }
      }
      return new Cost(
          (long) (server.usage().rssMb() * 1024),
          heapKb,
          Path.of("/proc", pid, "task").toFile().list().length);
    }

    private static String jcmd(String pid, String command) throws Exception {
      Process process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(), pid, command)
              .redirectErrorStream(true)
              .start();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      process.waitFor();
      return output;
    }
  }
}
