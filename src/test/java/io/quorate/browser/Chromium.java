package io.quorate.browser;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * One page of a headless Chromium, driven over the DevTools protocol.
 *
 * <p>Source: <a href="https://chromedevtools.github.io/devtools-protocol/">the protocol</a>, of
 * which Page, Runtime, Log, Input and Emulation are used.
 */
final class Chromium implements AutoCloseable {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final Duration START_LIMIT = Duration.ofSeconds(60);
  private static final Duration ANSWER_LIMIT = Duration.ofSeconds(120);
  private static final List<String> NAMES =
      List.of("chromium", "chromium-browser", "google-chrome", "chrome");

  private final Process process;
  private final WebSocket socket;
  private final Listener listener;
  private int lastId;

  private Chromium(Process process, WebSocket socket, Listener listener) {
    this.process = process;
    this.socket = socket;
    this.listener = listener;
  }

  /** Starts one whose profile, and whatever it says, is under {@code dir}. */
  static Chromium start(Path dir) throws IOException, InterruptedException {
    Path profile = dir.resolve("profile");
    Process process =
        new ProcessBuilder(
                executable(),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--remote-debugging-port=0",
                "--user-data-dir=" + profile,
                "about:blank")
            .redirectErrorStream(true)
            .redirectOutput(dir.resolve("chromium.out").toFile())
            .start();
    try {
      HttpClient client = HttpClient.newHttpClient();
      var listener = new Listener();
      WebSocket socket =
          client
              .newWebSocketBuilder()
              .buildAsync(page(client, port(process, profile, dir)), listener)
              .join();
      var chromium = new Chromium(process, socket, listener);
      for (String domain : List.of("Page", "Runtime", "Log")) {
        chromium.ask(domain + ".enable", Map.of());
      }
      return chromium;
    } catch (IOException | InterruptedException | RuntimeException e) {
      end(process);
      throw e;
    }
  }

  private static String executable() {
    String path = System.getenv().getOrDefault("PATH", "");
    return Stream.of(path.split(File.pathSeparator))
        .flatMap(dir -> NAMES.stream().map(name -> Path.of(dir, name)))
        .filter(Files::isExecutable)
        .map(Path::toString)
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalStateException(
                    "The console is tested in a real browser, and there is none: install Chromium"
                        + " (Debian and Ubuntu: apt-get install chromium) or put one of "
                        + String.join(", ", NAMES)
                        + " on the PATH."));
  }

  private static int port(Process process, Path profile, Path dir)
      throws IOException, InterruptedException {
    Path file = profile.resolve("DevToolsActivePort");
    long deadline = System.nanoTime() + START_LIMIT.toNanos();
    while (System.nanoTime() < deadline && process.isAlive()) {
      if (Files.exists(file)) {
        List<String> lines = Files.readAllLines(file);
        if (lines.size() > 1) {
          return Integer.parseInt(lines.getFirst());
        }
      }
      TimeUnit.MILLISECONDS.sleep(50);
    }
    throw new IllegalStateException(
        "Chromium did not start; it said:\n" + Files.readString(dir.resolve("chromium.out")));
  }

  private static URI page(HttpClient client, int port) throws IOException, InterruptedException {
    HttpRequest list =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/json/list")).build();
    for (JsonNode target :
        JSON.readTree(client.send(list, HttpResponse.BodyHandlers.ofString()).body())) {
      if (target.path("type").asString().equals("page")) {
        return URI.create(target.path("webSocketDebuggerUrl").asString());
      }
    }
    throw new IllegalStateException("Chromium shows no page");
  }

  /** Collects answers and complaints; the JDK's client calls it, one message at a time. */
  private static final class Listener implements WebSocket.Listener {
    final Map<Integer, CompletableFuture<JsonNode>> asked = new ConcurrentHashMap<>();
    final List<String> complaints = new CopyOnWriteArrayList<>();
    private final StringBuilder text = new StringBuilder();

    @Override
    public @Nullable CompletionStage<?> onText(WebSocket from, CharSequence part, boolean last) {
      text.append(part);
      if (last) {
        take(JSON.readTree(text.toString()));
        text.setLength(0);
      }
      from.request(1);
      return null;
    }

    @Override
    public @Nullable CompletionStage<?> onClose(WebSocket from, int code, String reason) {
      asked.values().forEach(answer -> answer.cancel(false));
      return null;
    }

    private void take(JsonNode message) {
      CompletableFuture<JsonNode> answer = asked.remove(message.path("id").asInt(0));
      if (answer != null) {
        answer.complete(message);
        return;
      }
      JsonNode params = message.path("params");
      switch (message.path("method").asString("")) {
        case "Runtime.exceptionThrown" ->
            complaints.add(params.path("exceptionDetails").toString());
        case "Log.entryAdded" -> {
          JsonNode entry = params.path("entry");
          // What the network says is the test's to judge: many answers are meant to be refusals.
          if (entry.path("level").asString("").equals("error")
              && !entry.path("source").asString("").equals("network")) {
            complaints.add(entry.toString());
          }
        }
        default -> {}
      }
    }
  }

  private JsonNode ask(String method, Map<String, ?> params) {
    int id = ++lastId;
    var answer = new CompletableFuture<JsonNode>();
    listener.asked.put(id, answer);
    var message = new LinkedHashMap<String, Object>();
    message.put("id", id);
    message.put("method", method);
    message.put("params", params);
    socket.sendText(JSON.writeValueAsString(message), true).join();
    try {
      JsonNode given = answer.get(ANSWER_LIMIT.toSeconds(), TimeUnit.SECONDS);
      if (given.has("error")) {
        throw new IllegalStateException(method + ": " + given.path("error"));
      }
      return given.path("result");
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException(method + " was not answered", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Exceptions, and what the browser refused to do for the page's sake, since the last call. */
  List<String> complaints() {
    var all = new ArrayList<>(listener.complaints);
    listener.complaints.clear();
    return all;
  }

  void open(URI address) {
    // Another document even where only the hash differs.
    ask("Page.navigate", Map.of("url", "about:blank"));
    ask("Page.navigate", Map.of("url", address.toString()));
    await("location.href !== 'about:blank' && document.readyState === 'complete'");
  }

  /** A phone has a narrow screen and fingers. */
  void screen(int width, int height, boolean phone, boolean dark) {
    ask(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", phone));
    ask(
        "Emulation.setEmulatedMedia",
        Map.of(
            "features",
            List.of(Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light"))));
  }

  /** What the statements return, which may wait. */
  JsonNode run(String statements) {
    JsonNode result =
        ask(
            "Runtime.evaluate",
            Map.of(
                "expression",
                "(async () => {" + statements + "\n})()",
                "awaitPromise",
                true,
                "returnByValue",
                true,
                "userGesture",
                true));
    if (result.has("exceptionDetails")) {
      throw new AssertionError(
          result.path("exceptionDetails").path("exception").path("description").asString("")
              + "\nin: "
              + statements);
    }
    return result.path("result").path("value");
  }

  String text(String expression) {
    return run("return String(" + expression + ");").asString();
  }

  /** Waits, frame by frame, until the expression is true; gives what it came to. */
  JsonNode await(String expression) {
    return await(expression, Duration.ofSeconds(20));
  }

  JsonNode await(String expression, Duration limit) {
    JsonNode value =
        run(
            """
            const deadline = performance.now() + %d;
            for (;;) {
              let value;
              try { value = %s; } catch { value = null; }
              if (value) return value;
              if (performance.now() > deadline) return null;
              await new Promise((resolve) => setTimeout(resolve, 20));
            }"""
                .formatted(limit.toMillis(), expression));
    if (value.isNull() || value.isMissingNode()) {
      throw new AssertionError(
          "never came true: "
              + expression
              + "\nthe page says:\n"
              + text("document.body.innerText"));
    }
    return value;
  }

  void click(String selector) {
    await("document.querySelector(" + JSON.writeValueAsString(selector) + ")");
    run("document.querySelector(" + JSON.writeValueAsString(selector) + ").click();");
  }

  /** Types into what has the focus. */
  void type(String text) {
    ask("Input.insertText", Map.of("text", text));
  }

  /**
   * Presses a key that writes nothing.
   *
   * @param key as {@code KeyboardEvent.key} names it
   */
  void press(String key) {
    for (String kind : List.of("rawKeyDown", "keyUp")) {
      ask("Input.dispatchKeyEvent", Map.of("type", kind, "key", key, "code", key));
    }
  }

  void screenshot(Path file) {
    byte[] png =
        Base64.getDecoder()
            .decode(ask("Page.captureScreenshot", Map.of("format", "png")).path("data").asString());
    try {
      Files.write(file, png);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Asks it to go, which leaves a tidy profile, and insists. */
  @Override
  public void close() {
    try {
      ask("Browser.close", Map.of());
      process.waitFor(5, TimeUnit.SECONDS);
    } catch (IllegalStateException e) {
      // It went while it was asked.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    socket.abort();
    end(process);
  }

  /** Its own children too; nothing that it did not start. */
  private static void end(Process process) {
    List<ProcessHandle> all =
        Stream.concat(process.descendants(), Stream.of(process.toHandle())).toList();
    all.forEach(ProcessHandle::destroyForcibly);
    try {
      process.waitFor(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
