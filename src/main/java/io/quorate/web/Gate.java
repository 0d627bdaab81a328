package io.quorate.web;

import io.quorate.auth.Authenticator;
import io.quorate.auth.SessionSecret;
import io.quorate.server.Consistency;
import io.quorate.server.Coordinator;
import io.quorate.server.Reply;
import io.quorate.server.Sessions;
import io.quorate.state.Command;
import io.quorate.state.State;
import io.quorate.state.Submission;
import io.quorate.state.Submission.Author;
import io.quorate.tree.Identity;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * What every resource needs of a request: who asks, for which session, with how much body; and the
 * ways in for reads and writes. Nothing here waits: answers are worked out on the request's own
 * thread if it waits for them ({@link RequestThread}), else on {@link WebThreads}; never on the
 * Applier's.
 */
@Component
final class Gate {
  private static final int MAX_KEY_LENGTH = 256;
  private static final List<String> CONSISTENCIES = List.of("linearizable", "session", "local");

  private final Coordinator coordinator;
  private final Sessions sessions;
  private final Authenticator authenticator;
  private final WebThreads threads;

  Gate(
      Coordinator coordinator, Sessions sessions, Authenticator authenticator, WebThreads threads) {
    this.coordinator = coordinator;
    this.sessions = sessions;
    this.authenticator = authenticator;
    this.threads = threads;
  }

  /** Answers with what {@code work} comes to; whatever it throws becomes a problem document. */
  CompletableFuture<Response> answer(
      HttpServletRequest request, Supplier<CompletableFuture<Response>> work) {
    CompletableFuture<Response> answer;
    try {
      answer = work.get();
    } catch (RuntimeException e) {
      answer = CompletableFuture.failedFuture(e);
    }
    // Not on the thread that failed it: that may be the Applier's or the tick's.
    return answer.handleAsync(
        (response, failure) ->
            failure == null
                ? response
                : Problems.of(failure, request).response(request.getRequestURI()),
        RequestThread.of(request, threads));
  }

  // Who asks

  Caller caller(HttpServletRequest request) {
    var identities = new ArrayList<Identity>(authenticator.ip(request.getRemoteAddr()));
    boolean credentials = false;
    if (request.getAttribute("jakarta.servlet.request.X509Certificate")
            instanceof X509Certificate[] chain
        && chain.length > 0) {
      identities.addAll(authenticator.x509(chain[0].getSubjectX500Principal().getName()));
      credentials = true;
    }
    String authorization = request.getHeader("Authorization");
    if (authorization != null) {
      identities.addAll(basic(authorization));
      credentials = true;
    }
    return new Caller(identities, credentials);
  }

  /** The same caller, who has now said {@code authorization} too. */
  Caller also(Caller caller, String authorization) {
    var identities = new ArrayList<>(caller.identities());
    identities.addAll(basic(authorization));
    return new Caller(identities, true);
  }

  private List<Identity> basic(String authorization) {
    if (authorization.regionMatches(true, 0, "Basic ", 0, 6)) {
      try {
        byte[] decoded = Base64.getDecoder().decode(authorization.substring(6).trim());
        String pair = new String(decoded, StandardCharsets.UTF_8);
        int colon = pair.indexOf(':');
        if (colon > 0) {
          return authenticator.basic(pair.substring(0, colon), pair.substring(colon + 1));
        }
      } catch (IllegalArgumentException e) {
        // Answered below.
      }
    }
    throw new Problem(
            401, "AUTHFAILED", "only \"Authorization: Basic\" with user:password is known")
        .header("WWW-Authenticate", Problems.CHALLENGE);
  }

  /** The session that the request acts for; 0 when it names none. */
  CompletableFuture<Long> session(HttpServletRequest request) {
    String header = request.getHeader("Quorate-Session");
    return header == null ? CompletableFuture.completedFuture(0L) : session(header);
  }

  /**
   * The session that {@code text} proves, which has thereby given a sign of life.
   *
   * @return fails with 401 when it proves nothing, with 410 when the session has ended
   */
  CompletableFuture<Long> session(String text) {
    SessionSecret.Token token = SessionSecret.Token.parse(text).orElse(null);
    if (token == null) {
      return CompletableFuture.failedFuture(
          Problems.unproved("that is no session token: POST /sessions gives one"));
    }
    long id = token.sessionId();
    if (proves(token)) {
      sessions.touch(id);
      return CompletableFuture.completedFuture(id);
    }
    // Opened elsewhere a moment ago, it may not be known here yet.
    return coordinator
        .read(Consistency.LINEARIZABLE)
        .thenApplyAsync(
            state -> {
              if (state.session(id).isEmpty()) {
                throw new Problem(410, "SESSIONEXPIRED", "the session has ended").at(state.zxid());
              }
              if (!proves(token)) {
                throw Problems.unproved("the token is not the session's");
              }
              sessions.touch(id);
              return id;
            },
            threads);
  }

  private boolean proves(SessionSecret.Token token) {
    return sessions.find(token.sessionId(), token.secret().toArray()).isPresent();
  }

  /**
   * The state, once this member may say that the session lives. One that is cut off from the leader
   * may not: it asks the others, and has no answer.
   */
  CompletableFuture<State> vouched(long session) {
    return vouches(session)
        ? CompletableFuture.completedFuture(coordinator.state())
        : coordinator.read(Consistency.LINEARIZABLE);
  }

  /** A state that has all that was acknowledged before. */
  CompletableFuture<State> newest() {
    return coordinator.read(Consistency.LINEARIZABLE);
  }

  /** Whether this member may say by itself that the session lives. */
  boolean vouches(long session) {
    return coordinator.state().session(session).filter(sessions::vouchesFor).isPresent();
  }

  // Reads

  Consistency consistency(HttpServletRequest request, Target target) {
    String least = request.getHeader("Quorate-Min-Zxid");
    long minZxid = least == null ? 0 : Target.zxid("Quorate-Min-Zxid", least.trim());
    return switch (target.word("consistency", "linearizable", CONSISTENCIES)) {
      case "session" -> new Consistency.Session(minZxid);
      case "local" -> Consistency.LOCAL;
      default -> Consistency.LINEARIZABLE;
    };
  }

  /** Works out an answer from a state that is new enough. A session that asks has shown life. */
  CompletableFuture<Response> read(
      HttpServletRequest request, Target target, Function<State, Response> answer) {
    return readThen(
        request, target, state -> CompletableFuture.completedFuture(answer.apply(state)));
  }

  CompletableFuture<Response> readThen(
      HttpServletRequest request,
      Target target,
      Function<State, CompletableFuture<Response>> answer) {
    Consistency consistency = consistency(request, target);
    return session(request)
        .thenCompose(session -> coordinator.read(consistency))
        .thenComposeAsync(answer, RequestThread.of(request, threads));
  }

  // Writes

  /** The whole body, as it came. */
  byte[] body(HttpServletRequest request, int limit) {
    long length = request.getContentLengthLong();
    if (length > limit) {
      throw tooLarge(limit);
    }
    try {
      InputStream in = request.getInputStream();
      // Asked for more than comes, readNBytes makes room for up to 16 KiB and copies.
      byte[] body = in.readNBytes(length < 0 ? limit : (int) length);
      if (body.length == limit && in.read() >= 0) {
        throw tooLarge(limit);
      }
      return body;
    } catch (IOException e) {
      throw new Problem(400, "MARSHALLINGERROR", "the body broke off");
    }
  }

  /** What a body of data may have at most. */
  int maxDataBytes() {
    return coordinator.state().settings().maxDataBytes();
  }

  private static Problem tooLarge(int limit) {
    return Problem.tooLarge("the body has more than " + limit + " bytes", limit);
  }

  /**
   * Has a command decided and answers with what {@code success} makes of it; a rejection becomes a
   * problem document.
   *
   * @param command made from the session that the request acts for, or 0
   */
  CompletableFuture<Response> write(
      HttpServletRequest request,
      Target target,
      byte[] body,
      LongFunction<Command> command,
      Function<Reply, Response> success) {
    Caller caller = caller(request);
    Submission.OnceKey once = onceKey(request, target, body, caller);
    return session(request)
        .thenCompose(
            session ->
                coordinator.submit(
                    new Submission(
                        new Author(session, Author.ANY_GENERATION, caller.identities()),
                        once,
                        command.apply(session))))
        .thenApplyAsync(
            reply -> {
              Response response = Problems.answerTo(reply, caller, request, success);
              response.zxid(reply.zxid());
              return reply.repeated() ? response.header("Idempotency-Replayed", "true") : response;
            },
            RequestThread.of(request, threads));
  }

  private static Submission.@Nullable OnceKey onceKey(
      HttpServletRequest request, Target target, byte[] body, Caller caller) {
    String key = request.getHeader("Idempotency-Key");
    if (key == null) {
      return null;
    }
    if (key.isBlank() || key.length() > MAX_KEY_LENGTH) {
      throw Problem.badArguments("an Idempotency-Key has 1 to " + MAX_KEY_LENGTH + " characters");
    }
    return new Submission.OnceKey(caller.scope(), key, fingerprint(request, target, body));
  }

  /** Method, path, query, conditions, session and body: what makes the request what it is. */
  private static String fingerprint(HttpServletRequest request, Target target, byte[] body) {
    MessageDigest sha;
    try {
      sha = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
    for (String part :
        new String[] {
          request.getMethod(),
          target.resource(),
          target.canonicalOptions(),
          request.getHeader("If-Match"),
          request.getHeader("If-None-Match"),
          request.getHeader("Quorate-Session")
        }) {
      sha.update(String.valueOf(part).getBytes(StandardCharsets.UTF_8));
      sha.update((byte) 0);
    }
    return HexFormat.of().formatHex(sha.digest(body));
  }
}
