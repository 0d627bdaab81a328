package io.quorate.web;

import io.quorate.server.IndeterminateException;
import io.quorate.server.NotAppliedException;
import io.quorate.server.Reply;
import io.quorate.state.Outcome;
import io.quorate.state.Settings;
import io.quorate.tree.IllegalPathException;
import io.quorate.tree.ZPath;
import jakarta.servlet.http.HttpServletRequest;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Which status stands for which way of going wrong. */
final class Problems {
  static final String CHALLENGE = "Basic realm=\"quorate\", charset=\"UTF-8\"";

  private static final Logger LOG = LoggerFactory.getLogger(Problems.class);
  private static final String RETRY_SOON = "1";
  private static final String RETRY_LATER = "60";

  private Problems() {}

  /** The answer to a write: {@code success} for one that was applied. */
  static Response answerTo(
      Reply reply, Caller caller, HttpServletRequest request, Function<Reply, Response> success) {
    if (reply.outcome() instanceof Outcome.Rejected rejected) {
      return of(rejected, caller, reply.state().settings()).response(request.getRequestURI());
    }
    return success.apply(reply);
  }

  static Problem of(Outcome.Rejected rejected, Caller caller, Settings settings) {
    Problem problem =
        switch (rejected.code()) {
          case NOAUTH -> noAuth(rejected.detail(), caller);
          case TOOLARGE ->
              new Problem(413, "TOOLARGE", rejected.detail())
                  .with(
                      "limit",
                      rejected.detail().contains("nodes")
                          ? settings.maxDeleteTree()
                          : settings.maxDataBytes());
          case KEYSFULL ->
              new Problem(429, "KEYSFULL", rejected.detail()).header("Retry-After", RETRY_LATER);
          default -> new Problem(status(rejected), rejected.code().name(), rejected.detail());
        };
    ZPath path = rejected.path();
    return problem.with("path", path == null ? null : path.toString());
  }

  private static int status(Outcome.Rejected rejected) {
    if (rejected.precondition()) {
      return 412;
    }
    return switch (rejected.code()) {
      case NONODE -> 404;
      case NODEEXISTS, NOTEMPTY, NOCHILDRENFOREPHEMERALS, SESSIONEXISTS, SESSIONMOVED -> 409;
      case BADVERSION -> 412;
      case BADARGUMENTS, INVALIDACL, MARSHALLINGERROR, RECONFIGDISABLED, NOWATCHER -> 400;
      case AUTHFAILED -> 401;
      case NOAUTH, NOTREADONLY -> 403;
      case SESSIONEXPIRED -> 410;
      case TOOLARGE -> 413;
      case KEYREUSED -> 422;
      case KEYSFULL, THROTTLEDOP -> 429;
      case QUOTAEXCEEDED -> 507;
      case UNIMPLEMENTED -> 501;
      case CONNECTIONLOSS -> 503;
      case OPERATIONTIMEOUT -> 504;
      case RUNTIMEINCONSISTENCY -> 500;
    };
  }

  /** Not allowed: with other credentials perhaps, when none came. */
  static Problem noAuth(String detail, Caller caller) {
    return caller.credentials()
        ? new Problem(403, "NOAUTH", detail)
        : new Problem(401, "NOAUTH", detail).header("WWW-Authenticate", CHALLENGE);
  }

  /** No session, or no proof of it. */
  static Problem unproved(String detail) {
    return new Problem(401, "AUTHFAILED", detail).header("WWW-Authenticate", "Quorate-Session");
  }

  static Problem noNode(ZPath path) {
    return new Problem(404, "NONODE", "there is no " + path).with("path", path.toString());
  }

  /** What a failure says to the one who asked. */
  static Problem of(Throwable thrown, HttpServletRequest request) {
    Throwable failure =
        thrown instanceof CompletionException && thrown.getCause() != null
            ? thrown.getCause()
            : thrown;
    String detail = String.valueOf(failure.getMessage());
    return switch (failure) {
      case Problem problem -> problem;
      case IllegalPathException e -> Problem.badArguments(detail);
      case NotAppliedException e -> notApplied(e, detail);
      case IndeterminateException e ->
          new Problem(504, "OPERATIONTIMEOUT", detail).effect(Problem.Effect.UNKNOWN);
      default -> {
        LOG.error("{} {} failed", request.getMethod(), request.getRequestURI(), failure);
        var problem =
            new Problem(500, "SYSTEMERROR", "this server made a mistake; its log says more");
        yield isRead(request) ? problem : problem.effect(Problem.Effect.UNKNOWN);
      }
    };
  }

  private static boolean isRead(HttpServletRequest request) {
    return request.getMethod().equals("GET") || request.getMethod().equals("HEAD");
  }

  private static Problem notApplied(NotAppliedException e, String detail) {
    return switch (e.reason()) {
      case NO_QUORUM, STOPPING, DIVERGED ->
          new Problem(503, "CONNECTIONLOSS", detail).header("Retry-After", RETRY_SOON);
      case OVERLOADED -> new Problem(429, "THROTTLEDOP", detail).header("Retry-After", RETRY_SOON);
      case DISK_FULL -> new Problem(507, "DISKFULL", detail);
    };
  }
}
