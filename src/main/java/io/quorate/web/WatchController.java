package io.quorate.web;

import io.quorate.state.Position;
import io.quorate.state.TreeEvent;
import io.quorate.tree.ZPath;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.enums.ParameterIn;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.GetMapping;

/** {@code GET /watch}: server-sent events. The request's own (virtual) thread is the sender. */
@Controller
@Tag(name = "watches")
class WatchController {
  private static final List<String> KNOWN = List.of("path", "depth", "since", "include", "initial");

  private final Gate gate;
  private final WatchStreams streams;

  WatchController(Gate gate, WatchStreams streams) {
    this.gate = gate;
    this.streams = streams;
  }

  @GetMapping(path = "/watch", headers = "!Upgrade")
  @Operation(
      operationId = "watch",
      summary = "Watch a path, as server-sent events",
      description =
          "The same path takes WebSockets, with JSON frames and many subscriptions on one socket.",
      parameters = {
        @Parameter(
            name = "path",
            in = ParameterIn.QUERY,
            description = "The znode; / without it.",
            example = "/app/config",
            schema = @Schema(type = "string")),
        @Parameter(
            name = "depth",
            in = ParameterIn.QUERY,
            description = "0 the node, 1 its children too, * everything below.",
            schema =
                @Schema(
                    type = "string",
                    allowableValues = {"0", "1", "*"})),
        @Parameter(
            name = "since",
            in = ParameterIn.QUERY,
            description = "A zxid seen whole, or a pos: what came after it.",
            schema = @Schema(type = "string")),
        @Parameter(
            name = "include",
            in = ParameterIn.QUERY,
            description = "data adds the data.",
            schema =
                @Schema(
                    type = "string",
                    allowableValues = {"data"})),
        @Parameter(
            name = "initial",
            in = ParameterIn.QUERY,
            description = "One created event per node first.",
            schema =
                @Schema(
                    type = "string",
                    allowableValues = {"snapshot"})),
        @Parameter(
            name = "Last-Event-ID",
            in = ParameterIn.HEADER,
            description = "As since; what a browser sends when it connects again.",
            schema = @Schema(type = "string"))
      },
      responses = {
        @ApiResponse(
            responseCode = "200",
            description = "Events until one side ends it.",
            content = {
              @Content(
                  mediaType = "text/event-stream",
                  schema = @Schema(type = "string"),
                  examples = {@ExampleObject(name = "a change", value = ApiExamples.EVENTS)})
            })
      })
  CompletableFuture<Response> watch(HttpServletRequest request) {
    return gate.answer(
        request,
        () -> {
          Target target = Target.of(request, KNOWN);
          String path = target.option("path");
          var interest =
              new WatchStream.Interest(
                  path == null ? ZPath.ROOT : ZPath.of(path),
                  WatchMessages.scope(target.option("depth")),
                  since(request, target),
                  WatchMessages.isSnapshot(target.option("initial")));
          Caller caller = gate.caller(request);
          var sink = new Sink(isDataWanted(target));
          return gate.session(request)
              .thenCompose(session -> streams.open(interest, caller, sink))
              .thenApply(
                  stream ->
                      stream
                          .map(opened -> response(opened, sink))
                          .orElseThrow(
                              () ->
                                  Problem.gone("the history no longer reaches back that far")
                                      .with("oldest", streams.oldest().toString())));
        });
  }

  /** A browser that connects again says what it saw last: that counts more than its first URL. */
  private static @Nullable Position since(HttpServletRequest request, Target target) {
    String last = request.getHeader("Last-Event-ID");
    String text = last == null || last.isBlank() ? target.option("since") : last.trim();
    if (text == null || text.isEmpty()) {
      return null;
    }
    return Position.parse(text)
        .orElseThrow(() -> Problem.badArguments("\"since\" is a zxid or a pos, as 0x1f or 0x1f.2"));
  }

  private static boolean isDataWanted(Target target) {
    String include = target.option("include");
    if (include == null || include.isEmpty()) {
      return false;
    }
    if (!include.equals("data")) {
      throw Problem.badArguments("\"include\" is data, not \"" + include + "\"");
    }
    return true;
  }

  private Response response(WatchStream stream, Sink sink) {
    return Response.of(200)
        .zxid(streams.firedZxid())
        .header("Cache-Control", "no-store")
        .header("X-Accel-Buffering", "no")
        .stream(
            "text/event-stream",
            out -> {
              sink.out = out;
              Runnable ender = stream::close;
              streams.register(ender);
              try {
                stream.run();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              } finally {
                streams.forget(ender);
              }
            });
  }

  /** Writes the text form. Source: HTML Living Standard §9.2, "Server-sent events". */
  private static final class Sink implements WatchStream.Sink {
    private final boolean withData;
    private OutputStream out = OutputStream.nullOutputStream();

    Sink(boolean withData) {
      this.withData = withData;
    }

    /** A comment, so that the client sees at once that it is connected. */
    @Override
    public void begun(long zxid) throws IOException {
      out.write((": " + Json.hex(zxid) + "\n\n").getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public void event(TreeEvent event, boolean isInitial) throws IOException {
      send(
          WatchMessages.kind(event),
          event.position(),
          Json.bytes(WatchMessages.message(event, isInitial, withData)));
    }

    @Override
    public void bookmark(Position position) throws IOException {
      var message = new LinkedHashMap<String, Object>();
      message.put("pos", position.toString());
      send("bookmark", position, Json.bytes(message));
    }

    @Override
    public void lagging(Position sent, Position resume) throws IOException {
      var message = new LinkedHashMap<String, Object>();
      message.put("resume", resume.toString());
      message.put("sent", sent.toString());
      send("lagging", null, Json.bytes(message));
    }

    private void send(String kind, @Nullable Position id, byte[] json) throws IOException {
      String head = "event: " + kind + (id == null ? "" : "\nid: " + id) + "\ndata: ";
      out.write(head.getBytes(StandardCharsets.UTF_8));
      out.write(json);
      out.write('\n');
      out.write('\n');
    }

    @Override
    public void flush() throws IOException {
      out.flush();
    }
  }
}
