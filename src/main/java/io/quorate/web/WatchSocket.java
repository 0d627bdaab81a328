package io.quorate.web;

import io.quorate.auth.SessionSecret;
import io.quorate.state.Position;
import io.quorate.state.Session;
import io.quorate.state.TreeEvent;
import io.quorate.tree.IllegalPathException;
import io.quorate.tree.ZPath;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.web.socket.CloseStatus;
import org.springframework.web.socket.PingMessage;
import org.springframework.web.socket.TextMessage;
import org.springframework.web.socket.WebSocketMessage;
import org.springframework.web.socket.WebSocketSession;
import tools.jackson.databind.JsonNode;

/**
 * One open WebSocket: its subscriptions, each with a stream and a sender of its own, and the
 * session that it keeps alive. Frames are written one at a time under {@code writing}.
 */
final class WatchSocket {
  static final int MAX_SUBSCRIPTIONS = 1_000;
  static final int MAX_MESSAGE_CHARS = 64 * 1024;
  private static final int MAX_REPLIES = 10_000;

  private static final Logger LOG = LoggerFactory.getLogger(WatchSocket.class);

  private final WebSocketSession socket;
  private final Gate gate;
  private final WatchStreams streams;
  private final WebThreads threads;
  private final ReentrantLock writing = new ReentrantLock();
  private final Map<String, Subscribed> subscriptions = new ConcurrentHashMap<>();
  private final Runnable ender = this::goingAway;

  /** Answers in the order of what was asked; sent by whoever writes next. */
  private final Queue<Map<String, Object>> replies = new LinkedBlockingQueue<>(MAX_REPLIES);

  /** The beginning of a message whose end is yet to come. Owned by the container's thread. */
  private @Nullable StringBuilder begun;

  /** Who subscribes from now on. */
  private volatile Caller caller;

  /** The session that the socket keeps alive, once it is proved. */
  private volatile @Nullable String token;

  private volatile boolean closed;

  private record Subscribed(WatchStream stream, Sink sink) {}

  WatchSocket(
      WebSocketSession socket, Gate gate, WatchStreams streams, WebThreads threads, Caller caller) {
    this.socket = socket;
    this.gate = gate;
    this.streams = streams;
    this.threads = threads;
    this.caller = caller;
  }

  void opened(@Nullable String sessionToken) {
    streams.register(ender);
    if (sessionToken != null) {
      attach(sessionToken, null);
    }
  }

  void closed() {
    closed = true;
    streams.forget(ender);
    subscriptions.values().forEach(each -> each.stream.close());
    subscriptions.clear();
  }

  private void goingAway() {
    close(CloseStatus.GOING_AWAY);
    subscriptions.values().forEach(each -> each.stream.close());
  }

  private void close(CloseStatus why) {
    threads.execute(
        () -> {
          try {
            socket.close(why);
          } catch (IOException e) {
            LOG.debug("the socket could not be closed", e);
          }
        });
  }

  // What the client says; the container calls it with one message at a time

  /**
   * @param last whether the message ends with {@code part}
   */
  void received(String part, boolean last) {
    StringBuilder whole = begun;
    if (whole == null && last) {
      received(part);
      return;
    }
    if (whole == null) {
      whole = new StringBuilder();
      begun = whole;
    }
    whole.append(part);
    if (whole.length() > MAX_MESSAGE_CHARS) {
      begun = null;
      close(
          CloseStatus.TOO_BIG_TO_PROCESS.withReason(
              "a message has at most " + MAX_MESSAGE_CHARS + " characters"));
    } else if (last) {
      begun = null;
      received(whole.toString());
    }
  }

  void receivedBinary() {
    stillThere();
    refuse(null, Problem.badArguments("messages are text frames"));
  }

  private void received(String text) {
    stillThere();
    String id = null;
    try {
      JsonNode message = Json.parse(text.getBytes(StandardCharsets.UTF_8));
      if (!message.isObject()) {
        throw Problem.badArguments("a message is a JSON object with \"op\"");
      }
      id = message.path("id").isMissingNode() ? null : message.path("id").asString(null);
      switch (message.path("op").asString("")) {
        case "subscribe" -> subscribe(id, message);
        case "unsubscribe" -> unsubscribe(id);
        case "attach" -> attach(message.path("token").asString(""), id);
        case "authenticate" -> authenticate(message.path("authorization").asString(""), id);
        case "ping" -> ping();
        default ->
            throw Problem.badArguments(
                "\"op\" is subscribe, unsubscribe, attach, authenticate or ping");
      }
    } catch (Problem e) {
      refuse(id, e);
    } catch (IllegalPathException e) {
      refuse(id, Problem.badArguments(String.valueOf(e.getMessage())));
    }
  }

  /** A sign of life, for the session too. */
  void stillThere() {
    String proved = token;
    if (proved != null) {
      gate.session(proved).exceptionally(this::sessionIsOver);
    }
  }

  private void subscribe(@Nullable String id, JsonNode message) {
    if (id == null || id.isEmpty()) {
      throw Problem.badArguments("a subscription needs an \"id\" of the client's choice");
    }
    if (subscriptions.containsKey(id)) {
      throw Problem.badArguments("there is a subscription with this id already");
    }
    if (subscriptions.size() >= MAX_SUBSCRIPTIONS) {
      throw Problem.tooLarge("too many subscriptions on one socket", MAX_SUBSCRIPTIONS);
    }
    var interest =
        new WatchStream.Interest(
            ZPath.of(message.path("path").asString("")),
            WatchMessages.scope(message.path("depth").asString("0")),
            since(message),
            WatchMessages.isSnapshot(message.path("initial").asString(null)));
    var sink = new Sink(id, isDataWanted(message.path("include")));
    streams
        .open(interest, caller, sink)
        .whenComplete(
            (opened, failure) -> {
              if (failure != null) {
                refuse(id, failure);
              } else if (opened.isEmpty()) {
                gone(id);
              } else {
                begin(id, new Subscribed(opened.get(), sink));
              }
            });
  }

  private void begin(String id, Subscribed subscribed) {
    if (closed || subscriptions.putIfAbsent(id, subscribed) != null) {
      refuse(id, Problem.badArguments("there is a subscription with this id already"));
    } else {
      // Before anything is asked of it, and before its first event: answers go first.
      var answer = message(id, "subscribed");
      answer.put("zxid", Json.hex(subscribed.stream.armedZxid()));
      trySend(answer);
      threads.execute(() -> run(id, subscribed));
    }
  }

  private static @Nullable Position since(JsonNode message) {
    String text = message.path("since").asString(null);
    if (text == null || text.isEmpty()) {
      return null;
    }
    return Position.parse(text)
        .orElseThrow(() -> Problem.badArguments("\"since\" is a zxid or a pos, as 0x1f or 0x1f.2"));
  }

  private static boolean isDataWanted(JsonNode include) {
    if (include.isMissingNode() || include.isNull()) {
      return false;
    }
    for (JsonNode each : include) {
      if (!each.asString("").equals("data")) {
        throw wrongInclude();
      }
    }
    if (!include.isArray() && !include.asString("").equals("data")) {
      throw wrongInclude();
    }
    return !include.isArray() || !include.isEmpty();
  }

  private static Problem wrongInclude() {
    return Problem.badArguments("\"include\" is [\"data\"] or nothing");
  }

  /** The sender. */
  private void run(String id, Subscribed subscribed) {
    try {
      if (!closed) {
        subscribed.stream.run();
      }
    } catch (IOException e) {
      LOG.debug("the client has gone", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      subscriptions.remove(id, subscribed);
    }
  }

  private void unsubscribe(@Nullable String id) {
    Subscribed subscribed = id == null ? null : subscriptions.remove(id);
    if (subscribed == null) {
      throw new Problem(404, "NOWATCHER", "there is no such subscription");
    }
    subscribed.sink.ended = true;
    subscribed.stream.close();
    trySend(message(id, "unsubscribed"));
  }

  private void ping() {
    long zxid = streams.firedZxid();
    List<CompletableFuture<Long>> levels = new ArrayList<>();
    subscriptions.values().forEach(each -> levels.add(each.stream.level()));
    CompletableFuture.allOf(levels.toArray(CompletableFuture[]::new))
        .thenRunAsync(
            () -> {
              var pong = message(null, "pong");
              pong.put("zxid", Json.hex(zxid));
              trySend(pong);
            },
            threads);
  }

  /** Where headers cannot be set, as in browsers. Counts for subscriptions that come after it. */
  private void authenticate(String authorization, @Nullable String id) {
    caller = gate.also(caller, authorization);
    trySend(message(id, "authenticated"));
  }

  private void attach(String proof, @Nullable String id) {
    gate.session(proof)
        .thenCompose(gate::vouched)
        .whenCompleteAsync(
            (state, failure) -> {
              if (failure != null) {
                refuse(id, failure);
                return;
              }
              long session = SessionSecret.Token.parse(proof).orElseThrow().sessionId();
              int timeoutMs = state.session(session).map(Session::timeoutMs).orElse(0);
              if (timeoutMs > 0) {
                token = proof;
                var attached = message(id, "attached");
                attached.put("session", Json.hex(session));
                attached.put("timeoutMs", timeoutMs);
                trySend(attached);
                keepAlive(session, timeoutMs);
              }
            },
            threads);
  }

  /**
   * Asks the client for a sign of life, a few times per timeout, for as long as the socket is open.
   * The answer counts, not the question: a client that is gone does not answer. A member that is
   * cut off from the leader lets go, so that the client goes on elsewhere in time.
   */
  private void keepAlive(long session, int timeoutMs) {
    String kept = token;
    try {
      while (!closed && socket.isOpen() && kept != null && kept.equals(token)) {
        Thread.sleep(Math.max(50, timeoutMs / 4));
        send(new PingMessage());
        if (kept.equals(token) && !gate.vouches(session) && !proves(kept)) {
          socket.close(CloseStatus.SERVICE_RESTARTED);
        }
      }
    } catch (IOException e) {
      LOG.debug("the client has gone", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Asks the others: after a change of leaders this member may not have been heard yet. */
  private boolean proves(String kept) {
    try {
      gate.session(kept).thenCompose(gate::vouched).join();
      return true;
    } catch (CompletionException e) {
      sessionIsOver(e);
      return e.getCause() instanceof Problem;
    }
  }

  private @Nullable Long sessionIsOver(Throwable failure) {
    boolean known = failure instanceof Problem || failure.getCause() instanceof Problem;
    if (known && token != null) {
      token = null;
      refuse(null, failure);
    }
    return null;
  }

  // What the client is told

  private static Map<String, Object> message(@Nullable String id, String op) {
    var message = new LinkedHashMap<String, Object>();
    if (id != null) {
      message.put("id", id);
    }
    message.put("op", op);
    return message;
  }

  private void gone(String id) {
    var gone = message(id, "gone");
    gone.put("oldest", streams.oldest().toString());
    trySend(gone);
  }

  private void refuse(@Nullable String id, Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    var error = message(id, "error");
    if (cause instanceof Problem problem) {
      error.put("status", problem.status());
      error.put("code", problem.code());
    } else {
      error.put("status", 503);
      error.put("code", "CONNECTIONLOSS");
    }
    error.put("detail", String.valueOf(cause.getMessage()));
    trySend(error);
  }

  /** On a thread of its own: whoever says something must not wait for a slow reader. */
  private void trySend(Map<String, Object> message) {
    if (!replies.offer(message)) {
      close(CloseStatus.POLICY_VIOLATION.withReason("answers are not read"));
      return;
    }
    threads.execute(
        () -> {
          writing.lock();
          try {
            sendReplies();
          } catch (IOException e) {
            LOG.debug("the client has gone", e);
          } finally {
            writing.unlock();
          }
        });
  }

  /** Called under {@code writing}. */
  private void sendReplies() throws IOException {
    for (Map<String, Object> next = replies.poll(); next != null; next = replies.poll()) {
      write(text(next));
    }
  }

  private void send(WebSocketMessage<?> frame) throws IOException {
    writing.lock();
    try {
      sendReplies();
      write(frame);
    } finally {
      writing.unlock();
    }
  }

  private void write(WebSocketMessage<?> frame) throws IOException {
    try {
      socket.sendMessage(frame);
    } catch (IllegalStateException e) {
      throw new IOException("the socket is closed", e);
    }
  }

  private static TextMessage text(Map<String, Object> message) {
    return new TextMessage(Json.bytes(message));
  }

  /** Writes the frames of one subscription. */
  private final class Sink implements WatchStream.Sink {
    private final String id;
    private final boolean withData;

    /** Set when the client wants no more; looked at under {@code writing}. */
    private volatile boolean ended;

    Sink(String id, boolean withData) {
      this.id = id;
      this.withData = withData;
    }

    /** Said already. */
    @Override
    public void begun(long zxid) {}

    @Override
    public void event(TreeEvent event, boolean isInitial) throws IOException {
      var message = message(id, "event");
      WatchMessages.describe(message, event, isInitial, withData);
      send(message);
    }

    @Override
    public void bookmark(Position position) throws IOException {
      var bookmark = message(id, "bookmark");
      bookmark.put("pos", position.toString());
      send(bookmark);
    }

    @Override
    public void lagging(Position sent, Position resume) throws IOException {
      var lagging = message(id, "lagging");
      lagging.put("resume", resume.toString());
      lagging.put("sent", sent.toString());
      send(lagging);
    }

    /** A client that has unsubscribed may give the id to another: nothing more under it. */
    private void send(Map<String, Object> message) throws IOException {
      TextMessage frame = text(message);
      writing.lock();
      try {
        if (!ended) {
          WatchSocket.this.send(frame);
        }
      } finally {
        writing.unlock();
      }
    }

    @Override
    public void flush() {}
  }
}
