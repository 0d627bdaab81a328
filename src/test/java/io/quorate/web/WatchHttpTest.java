package io.quorate.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quorate.state.Command;
import io.quorate.state.Precondition;
import io.quorate.state.Settings;
import io.quorate.tree.Bytes;
import io.quorate.tree.ZPath;
import io.quorate.web.Raw.Answer;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Watches as server-sent events and over WebSockets. */
@Timeout(60)
class WatchHttpTest {
  private static WebServer server;
  private static int count;

  @BeforeAll
  static void start() {
    server = WebServer.start();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static Raw http() {
    return server.http();
  }

  private static String fresh() {
    return "/w" + count++;
  }

  /** One event as the text form has it. */
  private record Sse(String kind, String id, JsonNode data) {}

  /** Takes the chunks of a body apart. */
  private static final class Chunks extends InputStream {
    private final InputStream in;
    private int left;
    private boolean begun;

    Chunks(InputStream in) {
      this.in = in;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      if (left == 0) {
        if (begun) {
          Answer.line(in);
        }
        begun = true;
        String size = Answer.line(in);
        left = size.isEmpty() ? 0 : Integer.parseInt(size, 16);
        if (left == 0) {
          return -1;
        }
      }
      int count = in.read(into, offset, Math.min(left, length));
      left -= Math.max(0, count);
      return count;
    }
  }

  /** A connection that reads events. */
  private static final class Source implements AutoCloseable {
    private final Socket socket;
    private final BufferedReader reader;
    private final StringBuilder head = new StringBuilder();

    Source(String target, String... headers) throws IOException {
      this(server.port, target, headers);
    }

    Source(int port, String target, String... headers) throws IOException {
      socket = new Socket("localhost", port);
      socket.setSoTimeout(20_000);
      var request = new StringBuilder("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n");
      request.append("Accept: text/event-stream\r\n");
      for (String header : headers) {
        request.append(header).append("\r\n");
      }
      socket.getOutputStream().write((request + "\r\n").getBytes(StandardCharsets.US_ASCII));
      var in = new BufferedInputStream(socket.getInputStream());
      for (String line = Answer.line(in); !line.isEmpty(); line = Answer.line(in)) {
        head.append(line).append('\n');
      }
      reader = new BufferedReader(new InputStreamReader(new Chunks(in), StandardCharsets.UTF_8));
      assertThat(head.toString()).contains("200").contains("text/event-stream");
    }

    Sse next() throws IOException {
      String kind = "";
      String id = "";
      String data = "";
      while (true) {
        String line = reader.readLine();
        if (line == null) {
          throw new IOException("the stream has ended");
        }
        if (line.startsWith("event: ")) {
          kind = line.substring(7);
        } else if (line.startsWith("id: ")) {
          id = line.substring(4);
        } else if (line.startsWith("data: ")) {
          data = line.substring(6);
        } else if (line.isEmpty() && !kind.isEmpty() && !data.isEmpty()) {
          return new Sse(kind, id, Json.MAPPER.readTree(data));
        }
      }
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  @Test
  void eventsComeInLogOrderWithPositions() throws Exception {
    String path = fresh();
    try (var source = new Source("/watch?path=" + path + "&depth=1&include=data")) {
      String created = http().put("/znodes" + path, "one").header("Quorate-Zxid");
      http().put("/znodes" + path, "two");
      http().put("/znodes" + path + "/c", "child");
      http().put("/znodes" + path + "/c/deep", "unseen");
      http().delete("/znodes" + path + "?recursive=true");

      Sse first = source.next();
      var kinds = new ArrayList<String>();
      kinds.add(first.kind);
      for (int i = 0; i < 5; i++) {
        Sse event = source.next();
        kinds.add(event.kind + " " + event.data.path("path").asString().substring(path.length()));
      }

      assertThat(first.id).isEqualTo(created + ".0");
      assertThat(first.data.path("pos").asString()).isEqualTo(first.id);
      assertThat(first.data.path("zxid").asString()).isEqualTo(created);
      assertThat(first.data.path("etag").asString()).isEqualTo(created);
      assertThat(first.data.path("version").asInt()).isZero();
      assertThat(first.data.path("data").asString()).isEqualTo("one");
      assertThat(first.data.path("path").asString()).isEqualTo(path);
      assertThat(first.data.path("event").asString()).isEqualTo("created");
      assertThat(kinds)
          .containsExactly(
              "created", "changed ", "created /c", "children ", "deleted /c", "deleted ");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"since", "header"})
  void aStreamResumesWhereItWas(String how) throws Exception {
    String path = fresh();
    String first = http().put("/znodes" + path, "0").header("Quorate-Zxid");
    for (int i = 1; i <= 5; i++) {
      http().put("/znodes" + path, "" + i);
    }
    String target = "/watch?path=" + path + "&include=data";

    try (Source source =
        how.equals("since")
            ? new Source(target + "&since=" + first)
            : new Source(
                target + "&since=0x0&initial=snapshot", "Last-Event-ID: " + first + ".0")) {
      for (int i = 1; i <= 5; i++) {
        assertThat(source.next().data.path("data").asString()).isEqualTo("" + i);
      }
      http().put("/znodes" + path, "live");
      assertThat(source.next().data.path("data").asString()).isEqualTo("live");
    }
  }

  @Test
  void aSnapshotComesFirstAndCanBeResumedWithin() throws Exception {
    String path = fresh();
    http().put("/znodes" + path, "top");
    for (int i = 0; i < 4; i++) {
      http().put("/znodes" + path + "/" + i, "c" + i);
    }
    String target = "/watch?path=" + path + "&depth=*&initial=snapshot&include=data";

    String second;
    try (var source = new Source(target)) {
      Sse top = source.next();
      assertThat(top.data.path("initial").asBoolean()).isTrue();
      assertThat(top.kind).isEqualTo("created");
      assertThat(top.data.path("data").asString()).isEqualTo("top");
      second = source.next().id;
    }
    http().put("/znodes" + path + "/3", "new");
    try (var source = new Source(target, "Last-Event-ID: " + second)) {
      assertThat(source.next().data.path("data").asString()).isEqualTo("c1");
      assertThat(source.next().data.path("data").asString()).isEqualTo("c2");
      assertThat(source.next().data.path("data").asString()).isEqualTo("c3");
      assertThat(source.next().kind).isEqualTo("bookmark");
      Sse changed = source.next();
      assertThat(changed.data.path("data").asString()).isEqualTo("new");
      assertThat(changed.data.has("initial")).isFalse();
    }
  }

  @Test
  void whatMayNotBeReadIsNotTold() throws Exception {
    String path = fresh();
    http().put("/znodes" + path, "");
    http().put("/znodes" + path + "/open", "");
    http().put("/znodes" + path + "/shut", "");
    http()
        .as("joe:pw")
        .put("/znodes" + path + "/shut?view=acl", "[{\"scheme\":\"auth\",\"perms\":[\"all\"]}]");
    String target = "/watch?path=" + path + "&depth=1&initial=snapshot";
    var joe = http().as("joe:pw");

    try (var anyone = new Source(target);
        var owner =
            new Source(
                target,
                "Authorization: Basic "
                    + java.util.Base64.getEncoder().encodeToString("joe:pw".getBytes()))) {
      joe.put("/znodes" + path + "/shut", "secret");
      http().put("/znodes" + path + "/open", "public");

      assertThat(paths(anyone, 4)).containsExactly("", "/open", "bookmark", "/open");
      assertThat(paths(owner, 6))
          .containsExactly("", "/open", "/shut", "bookmark", "/shut", "/open");
    }
  }

  private static List<String> paths(Source source, int howMany) throws IOException {
    var paths = new ArrayList<String>();
    for (int i = 0; i < howMany; i++) {
      Sse event = source.next();
      String path = event.data.path("path").asString("");
      paths.add(event.kind.equals("bookmark") ? "bookmark" : path.replaceFirst("^/w\\d+", ""));
    }
    return paths;
  }

  @Test
  void aStreamThatCannotBeResumedIs410() {
    var short10 = new Settings(1024, 10, 1L << 20, 1_000, 40_000, 50, 600_000, 100, 1L, false);
    try (WebServer forgetful = WebServer.start(short10)) {
      for (int i = 0; i < 30; i++) {
        forgetful.http().put("/znodes/a", "" + i);
      }

      Answer answer = forgetful.http().get("/watch?path=/a&since=0x2");

      assertThat(answer.status()).isEqualTo(410);
      assertThat(answer.json().path("oldest").asString()).startsWith("0x");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"path=a", "path=/a&depth=2", "path=/a&since=x", "path=/a&initial=all", "x=1"})
  void aWrongWatchIs400(String query) {
    assertThat(http().get("/watch?" + query).status()).isEqualTo(400);
  }

  // WebSockets

  /** A client that keeps what it is told. */
  private static final class Client implements WebSocket.Listener, AutoCloseable {
    private final LinkedBlockingQueue<JsonNode> told = new LinkedBlockingQueue<>();
    private final StringBuilder partial = new StringBuilder();
    private final CompletableFuture<String> ended = new CompletableFuture<>();
    private final WebSocket socket;

    Client(@Nullable String token) {
      var builder = HttpClient.newHttpClient().newWebSocketBuilder();
      if (token != null) {
        builder.header("Quorate-Session", token);
      }
      socket =
          builder.buildAsync(URI.create("ws://localhost:" + server.port + "/watch"), this).join();
    }

    @Override
    public @Nullable CompletionStage<?> onText(
        WebSocket webSocket, CharSequence data, boolean last) {
      partial.append(data);
      if (last) {
        told.add(Json.MAPPER.readTree(partial.toString()));
        partial.setLength(0);
      }
      webSocket.request(1);
      return null;
    }

    @Override
    public @Nullable CompletionStage<?> onClose(WebSocket webSocket, int status, String reason) {
      ended.complete(status + " " + reason);
      return null;
    }

    Client say(String message) {
      socket.sendText(message, true).join();
      return this;
    }

    JsonNode next() throws InterruptedException {
      JsonNode next = told.poll(20, TimeUnit.SECONDS);
      assertThat(next).isNotNull();
      return next;
    }

    @Override
    public void close() {
      socket.abort();
    }
  }

  @Test
  void oneSocketCarriesManySubscriptions() throws Exception {
    String path = fresh();
    String zxid = http().put("/znodes" + path, "0").header("Quorate-Zxid");
    try (var client = new Client(null)) {
      client.say(
          "{\"op\":\"subscribe\",\"id\":\"1\",\"path\":\""
              + path
              + "\",\"depth\":\"0\",\"include\":[\"data\"]}");
      JsonNode subscribed = client.next();
      client.say(
          "{\"op\":\"subscribe\",\"id\":\"2\",\"path\":\"/\",\"depth\":\"*\",\"since\":\""
              + zxid
              + "\"}");
      client.next();
      http().put("/znodes" + path, "1");
      JsonNode one = client.next();
      JsonNode two = client.next();
      client.say("{\"op\":\"ping\"}");
      JsonNode pong = client.next();
      client.say("{\"op\":\"unsubscribe\",\"id\":\"2\"}");
      JsonNode unsubscribed = client.next();
      http().put("/znodes" + path, "2");
      JsonNode three = client.next();

      assertThat(subscribed.path("op").asString()).isEqualTo("subscribed");
      assertThat(subscribed.path("id").asString()).isEqualTo("1");
      assertThat(subscribed.path("zxid").asString()).startsWith("0x");
      JsonNode withData = one.path("id").asString().equals("1") ? one : two;
      assertThat(withData.path("op").asString()).isEqualTo("event");
      assertThat(withData.path("event").asString()).isEqualTo("changed");
      assertThat(withData.path("data").asString()).isEqualTo("1");
      assertThat(pong.path("op").asString()).isEqualTo("pong");
      assertThat(pong.path("zxid")).isEqualTo(one.path("zxid"));
      assertThat(unsubscribed.path("op").asString()).isEqualTo("unsubscribed");
      assertThat(three.path("id").asString()).isEqualTo("1");
    }
  }

  @Test
  void wrongMessagesAreAnsweredAndTheSocketStays() throws Exception {
    try (var client = new Client(null)) {
      for (String message :
          List.of(
              "nonsense",
              "[]",
              "{\"op\":\"dance\"}",
              "{\"op\":\"subscribe\",\"path\":\"/a\"}",
              "{\"op\":\"subscribe\",\"id\":\"1\",\"path\":\"a\"}",
              "{\"op\":\"subscribe\",\"id\":\"1\",\"path\":\"/a\",\"include\":\"everything\"}",
              "{\"op\":\"subscribe\",\"id\":\"1\",\"path\":\"/a\",\"depth\":\"2\"}",
              "{\"op\":\"subscribe\",\"id\":\"1\",\"path\":\"/a\",\"since\":\"yesterday\"}",
              "{\"op\":\"unsubscribe\",\"id\":\"9\"}",
              "{\"op\":\"authenticate\",\"authorization\":\"Bearer x\"}",
              "{\"op\":\"attach\",\"token\":\"x\"}")) {
        client.say(message);
        assertThat(client.next().path("op").asString()).as(message).isEqualTo("error");
      }
      client.say("{\"op\":\"ping\"}");
      assertThat(client.next().path("op").asString()).isEqualTo("pong");
    }
  }

  @Test
  void aMessageMayComeInPieces() throws Exception {
    String padding = " ".repeat(20_000);
    try (var client = new Client(null)) {
      client.socket.sendText("{\"op\":" + padding, false).join();
      client.socket.sendText(padding + "\"ping\"}", true).join();

      assertThat(client.next().path("op").asString()).isEqualTo("pong");
    }
  }

  @Test
  void aMessageThatIsTooLongEndsTheSocketWithAReason() throws Exception {
    try (var client = new Client(null)) {
      client.say("x".repeat(WatchSocket.MAX_MESSAGE_CHARS + 1));

      assertThat(client.ended.get(20, TimeUnit.SECONDS))
          .startsWith("1009 ")
          .contains(Integer.toString(WatchSocket.MAX_MESSAGE_CHARS));
    }
  }

  @Test
  void bytesAreNoMessage() throws Exception {
    try (var client = new Client(null)) {
      client.socket.sendBinary(ByteBuffer.wrap(new byte[5_000]), true).join();

      JsonNode error = client.next();

      assertThat(error.path("op").asString()).isEqualTo("error");
      assertThat(error.path("detail").asString()).contains("text");
    }
  }

  @Test
  void answersComeInTheOrderOfWhatWasAsked() throws Exception {
    try (var client = new Client(null)) {
      for (int i = 0; i < 500; i++) {
        client.say("{\"op\":\"unsubscribe\",\"id\":\"" + i + "\"}");
      }
      for (int i = 0; i < 500; i++) {
        assertThat(client.next().path("id").asString()).isEqualTo(Integer.toString(i));
      }
    }
  }

  @Test
  void afterUnsubscribingAnIdIsFreeAndSilent() throws Exception {
    String busy = fresh();
    String quiet = fresh();
    http().put("/znodes" + busy, "");
    http().put("/znodes" + quiet, "");
    var writing = new AtomicBoolean(true);
    var writer =
        Thread.ofVirtual()
            .start(
                () -> {
                  while (writing.get()) {
                    server.member.submit(
                        new Command.SetData(ZPath.of(busy), Bytes.EMPTY, null, Precondition.NONE));
                  }
                });
    try (var client = new Client(null)) {
      for (int round = 0; round < 50; round++) {
        client.say("{\"op\":\"subscribe\",\"id\":\"1\",\"path\":\"" + busy + "\"}");
        client.say("{\"op\":\"unsubscribe\",\"id\":\"1\"}");
        client.say("{\"op\":\"subscribe\",\"id\":\"1\",\"path\":\"" + quiet + "\"}");
        client.say("{\"op\":\"unsubscribe\",\"id\":\"1\"}");
        client.say("{\"op\":\"ping\"}");
        var told = new ArrayList<String>();
        for (JsonNode next = client.next();
            !next.path("op").asString().equals("pong");
            next = client.next()) {
          told.add(
              next.path("op").asString()
                  + (next.path("path").asString("").equals(busy) ? " busy" : ""));
        }
        assertThat(String.join(", ", told))
            .matches("subscribed, (event busy, )*unsubscribed, subscribed, unsubscribed");
      }
    } finally {
      writing.set(false);
      writer.join();
    }
  }

  @Test
  void aBrowserSaysWhoItIsInAFrame() throws Exception {
    String path = "/ws-private";
    http().put("/znodes" + path, "");
    http()
        .with("Authorization", "Basic YW5uOnB3")
        .put("/znodes" + path + "?view=acl", "[{\"scheme\":\"auth\",\"perms\":[\"all\"]}]");

    try (var client = new Client(null)) {
      client.say("{\"op\":\"subscribe\",\"id\":\"stranger\",\"path\":\"" + path + "\"}");
      client.next();
      client.say("{\"op\":\"authenticate\",\"authorization\":\"Basic YW5uOnB3\"}");
      assertThat(client.next().path("op").asString()).isEqualTo("authenticated");
      client.say("{\"op\":\"subscribe\",\"id\":\"ann\",\"path\":\"" + path + "\"}");
      client.next();
      http().with("Authorization", "Basic YW5uOnB3").put("/znodes" + path, "secret");

      JsonNode event = client.next();

      assertThat(event.path("id").asString()).isEqualTo("ann");
      assertThat(event.path("event").asString()).isEqualTo("changed");
    }
  }

  @Test
  void aSocketKeepsItsSessionAlive() throws Exception {
    JsonNode one = http().post("/sessions", "{\"timeout\":\"1s\"}").json();
    JsonNode two = http().post("/sessions", "{\"timeout\":\"1s\"}").json();
    http()
        .with("Quorate-Session", one.path("token").asString())
        .put("/znodes/ws-one?mode=ephemeral", "");
    http()
        .with("Quorate-Session", two.path("token").asString())
        .put("/znodes/ws-two?mode=ephemeral", "");

    try (var byHeader = new Client(one.path("token").asString());
        var byFrame = new Client(null)) {
      byFrame.say("{\"op\":\"attach\",\"token\":\"" + two.path("token").asString() + "\"}");
      assertThat(byFrame.next().path("op").asString()).isEqualTo("attached");
      Thread.sleep(3_000);
      assertThat(http().get("/znodes/ws-one").status()).isEqualTo(200);
      assertThat(http().get("/znodes/ws-two").status()).isEqualTo(200);
    }

    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(6);
    while (http().get("/znodes/ws-one").status() == 200 && System.nanoTime() < end) {
      Thread.sleep(100);
    }
    assertThat(http().get("/znodes/ws-one").status()).isEqualTo(404);
  }

  @Test
  void aHandshakeWithAWrongTokenIsRefused() {
    assertThatThrownBy(() -> new Client("nonsense"))
        .isInstanceOf(CompletionException.class)
        .hasMessageContaining("WebSocketHandshakeException");
  }

  @Test
  void aSlowReaderIsServedAtItsOwnPace() throws Exception {
    String path = fresh();
    http().put("/znodes" + path, "");
    byte[] data = "x".repeat(8_000).getBytes(StandardCharsets.US_ASCII);
    try (var source = new Source("/watch?path=" + path + "&include=data")) {
      for (int i = 0; i < 2_000; i++) {
        server.member.submit(
            new io.quorate.state.Command.SetData(
                io.quorate.tree.ZPath.of(path),
                io.quorate.tree.Bytes.copyOf(data),
                null,
                io.quorate.state.Precondition.NONE));
      }
      for (int version = 1; version <= 2_000; version++) {
        Sse event = source.next();
        if (event.kind.equals("bookmark")) {
          version--;
          continue;
        }
        assertThat(event.data.path("version").asInt()).isEqualTo(version);
      }
      http().put("/znodes" + path, "live again");
      assertThat(source.next().data.path("data").asString()).isEqualTo("live again");
    }
  }
}
