package io.quorate.web;

import io.quorate.auth.SessionSecret;
import io.quorate.server.Sessions;
import io.quorate.state.Code;
import io.quorate.state.Outcome;
import io.quorate.state.Session;
import io.quorate.tree.ZPath;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.enums.ParameterIn;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.parameters.RequestBody;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import tools.jackson.databind.JsonNode;

/** Sessions over HTTP: the same ones that the ZooKeeper protocol has. */
@Controller
@Tag(name = "sessions")
class SessionController {
  private static final int MAX_BODY = 4 * 1024;
  private static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(30);

  private final Gate gate;
  private final Sessions sessions;
  private final WebThreads threads;

  SessionController(Gate gate, Sessions sessions, WebThreads threads) {
    this.gate = gate;
    this.sessions = sessions;
    this.threads = threads;
  }

  @PostMapping("/sessions")
  @Operation(
      operationId = "openSession",
      summary = "Open a session",
      requestBody =
          @RequestBody(
              required = false,
              content = {
                @Content(
                    mediaType = ApiExamples.JSON,
                    schema = @Schema(implementation = ApiShapes.SessionRequest.class),
                    examples = {
                      @ExampleObject(name = "half a minute", value = "{\"timeout\":\"30s\"}")
                    })
              }),
      responses = {
        @ApiResponse(
            responseCode = "201",
            description = "Opened; the token is a secret.",
            content = {
              @Content(
                  mediaType = ApiExamples.JSON,
                  schema = @Schema(implementation = ApiShapes.OpenedSession.class),
                  examples = {@ExampleObject(name = "opened", value = ApiExamples.OPENED)})
            })
      })
  CompletableFuture<Response> open(HttpServletRequest request) {
    return gate.answer(
        request,
        () -> {
          Target.of(request, List.of());
          ZnodeWrites.requireJson(request);
          Duration timeout = timeout(gate.body(request, MAX_BODY));
          gate.caller(request);
          return sessions
              .open((int) Math.min(Integer.MAX_VALUE, timeout.toMillis()))
              .thenApplyAsync(SessionController::opened, threads);
        });
  }

  private static Duration timeout(byte[] body) {
    if (body.length == 0) {
      return DEFAULT_TIMEOUT;
    }
    JsonNode given = Json.parse(body);
    if (!given.isObject() || given.size() > (given.has("timeout") ? 1 : 0)) {
      throw Problem.badArguments("a session is opened with {\"timeout\":\"30s\"} and no more");
    }
    JsonNode timeout = given.path("timeout");
    if (timeout.isMissingNode()) {
      return DEFAULT_TIMEOUT;
    }
    Duration duration =
        timeout.isIntegralNumber() && timeout.canConvertToLong()
            ? Duration.ofMillis(timeout.asLong())
            : Target.duration("timeout", timeout.asString(""));
    if (duration.isNegative() || duration.isZero()) {
      throw Problem.badArguments("\"timeout\" is longer than nothing");
    }
    return duration;
  }

  private static Response opened(Sessions.Held held) {
    var document = new LinkedHashMap<String, Object>();
    document.put("id", Json.hex(held.id()));
    document.put("token", SessionSecret.of(held.secret()).tokenFor(held.id()).text());
    document.put("timeoutMs", held.timeoutMs());
    return Response.of(201)
        .header("Location", "/sessions/" + Json.hex(held.id()))
        .header("Cache-Control", "no-store")
        .zxid(held.zxid())
        .json(document);
  }

  @PutMapping("/sessions/{id}")
  @Operation(
      operationId = "keepSessionAlive",
      summary = "Keep a session alive",
      parameters = {
        @Parameter(
            name = "Quorate-Session",
            in = ParameterIn.HEADER,
            description = "The session's token.",
            required = true,
            schema = @Schema(type = "string"))
      },
      responses = {
        @ApiResponse(responseCode = "204", description = "It lives.", content = @Content)
      })
  CompletableFuture<Response> keepAlive(HttpServletRequest request, @PathVariable String id) {
    return gate.answer(
        request,
        () ->
            proved(request, id)
                .thenCompose(
                    known ->
                        sessions
                            .keep(known)
                            .thenCompose(taken -> gate.newest())
                            .thenApply(
                                state -> {
                                  if (state.session(known).isEmpty()) {
                                    throw new Problem(
                                            410, "SESSIONEXPIRED", "the session has ended")
                                        .at(state.zxid());
                                  }
                                  return Response.of(204);
                                })));
  }

  @GetMapping("/sessions/{id}")
  @Operation(
      operationId = "readSession",
      summary = "Show a session and its ephemerals",
      parameters = {
        @Parameter(
            name = "consistency",
            in = ParameterIn.QUERY,
            description = "How new the state must be.",
            schema =
                @Schema(
                    type = "string",
                    allowableValues = {"linearizable", "session", "local"})),
        @Parameter(
            name = "Quorate-Session",
            in = ParameterIn.HEADER,
            description = "The session's token.",
            required = true,
            schema = @Schema(type = "string"))
      },
      responses = {
        @ApiResponse(
            responseCode = "200",
            description = "The session.",
            content = {
              @Content(
                  mediaType = ApiExamples.JSON,
                  schema = @Schema(implementation = ApiShapes.SessionDocument.class),
                  examples = {@ExampleObject(name = "session", value = ApiExamples.SESSION)})
            })
      })
  CompletableFuture<Response> read(HttpServletRequest request, @PathVariable String id) {
    return gate.answer(
        request,
        () -> {
          Target target = Target.of(request, List.of("consistency"));
          return proved(request, id)
              .thenCompose(
                  known ->
                      gate.read(
                          request,
                          target,
                          state -> {
                            Session session = state.session(known).orElseThrow(this::ended);
                            var document = new LinkedHashMap<String, Object>();
                            document.put("id", Json.hex(known));
                            document.put("timeoutMs", session.timeoutMs());
                            document.put(
                                "ephemerals",
                                state.ephemeralsOf(known).stream().map(ZPath::toString).toList());
                            return Response.of(200).zxid(state.zxid()).json(document);
                          }));
        });
  }

  @DeleteMapping("/sessions/{id}")
  @Operation(
      operationId = "closeSession",
      summary = "Close a session; its ephemerals go with it",
      parameters = {
        @Parameter(
            name = "Quorate-Session",
            in = ParameterIn.HEADER,
            description = "The session's token.",
            required = true,
            schema = @Schema(type = "string"))
      },
      responses = {@ApiResponse(responseCode = "204", description = "Closed.", content = @Content)})
  CompletableFuture<Response> close(HttpServletRequest request, @PathVariable String id) {
    return gate.answer(
        request,
        () ->
            proved(request, id)
                .thenCompose(sessions::close)
                .thenApplyAsync(
                    reply -> {
                      if (reply.outcome() instanceof Outcome.Rejected rejected
                          && rejected.code() == Code.SESSIONEXPIRED) {
                        throw ended().at(reply.zxid());
                      }
                      return Response.of(204).zxid(reply.zxid());
                    },
                    threads));
  }

  private Problem ended() {
    return new Problem(410, "SESSIONEXPIRED", "the session has ended");
  }

  /** The session {@code id}, when the request's token is its own. */
  private CompletableFuture<Long> proved(HttpServletRequest request, String id) {
    long wanted = id(id);
    String token = request.getHeader("Quorate-Session");
    if (token == null) {
      throw Problems.unproved("the session's token is missing from Quorate-Session");
    }
    SessionSecret.Token parsed = SessionSecret.Token.parse(token).orElse(null);
    if (parsed == null || parsed.sessionId() != wanted) {
      throw Problems.unproved("the token is not the session's");
    }
    return gate.session(token);
  }

  /** {@code 0x} and hexadecimal digits, as it was given out, or decimal. */
  private static long id(String text) {
    try {
      return text.startsWith("0x")
          ? Long.parseUnsignedLong(text.substring(2), 16)
          : Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw Problem.badArguments("a session's id is as 0x1000012ab34cd0001, not \"" + text + "\"");
    }
  }
}
