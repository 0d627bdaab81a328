package io.quorate.web;

import io.quorate.state.State;
import io.quorate.tree.ZPath;
import io.quorate.tree.Znode;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.enums.ParameterIn;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.ExampleObject;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.GetMapping;

/** {@code GET /diff}: what is different between two states. */
@Controller
@Tag(name = "history")
class DiffController {
  private static final List<String> KNOWN = List.of("path", "from", "to", "consistency");

  private final Gate gate;

  DiffController(Gate gate) {
    this.gate = gate;
  }

  @GetMapping("/diff")
  @Operation(
      operationId = "diff",
      summary = "What is different between two states",
      parameters = {
        @Parameter(
            name = "path",
            in = ParameterIn.QUERY,
            description = "The top of what is compared; / without it.",
            example = "/app/config",
            schema = @Schema(type = "string")),
        @Parameter(
            name = "from",
            in = ParameterIn.QUERY,
            description = "The older state.",
            required = true,
            example = "0x29",
            schema = @Schema(type = "string")),
        @Parameter(
            name = "to",
            in = ParameterIn.QUERY,
            description = "The newer one; the newest without it.",
            schema = @Schema(type = "string")),
        @Parameter(
            name = "consistency",
            in = ParameterIn.QUERY,
            description = "How new the state must be.",
            schema =
                @Schema(
                    type = "string",
                    allowableValues = {"linearizable", "session", "local"}))
      },
      responses = {
        @ApiResponse(
            responseCode = "200",
            description = "The differences, by path.",
            content = {
              @Content(
                  mediaType = ApiExamples.JSON,
                  schema = @Schema(implementation = ApiShapes.Diff.class),
                  examples = {@ExampleObject(name = "diff", value = ApiExamples.DIFF)})
            })
      })
  CompletableFuture<Response> diff(HttpServletRequest request) {
    return gate.answer(
        request,
        () -> {
          Target target = Target.of(request, KNOWN);
          String given = target.option("path");
          ZPath path = given == null ? ZPath.ROOT : ZPath.of(given);
          long from =
              target
                  .zxid("from")
                  .orElseThrow(() -> Problem.badArguments("\"from\" is missing, a zxid as 0x1f"));
          Caller caller = gate.caller(request);
          return gate.read(
              request,
              target,
              state -> diff(state, path, from, target.zxid("to").orElse(state.zxid()), caller));
        });
  }

  private static Response diff(State state, ZPath top, long from, long to, Caller caller) {
    if (from > to) {
      throw Problem.badArguments("\"from\" comes after \"to\"");
    }
    Snapshot older = Snapshot.at(from, state);
    Snapshot newer = Snapshot.at(to, state);
    var changes = new TreeMap<ZPath, Map<String, Object>>();
    newer
        .tree()
        .diff(
            older.tree(),
            (path, before, after) -> {
              boolean readable =
                  (before == null || older.mayRead(caller, path, before))
                      && (after == null || newer.mayRead(caller, path, after));
              if (path.isWithin(top) && readable && (before != null || after != null)) {
                changes.put(path, change(path, before, after));
              }
            });
    var document = new LinkedHashMap<String, Object>();
    document.put("path", top.toString());
    document.put("from", Json.hex(from));
    document.put("to", Json.hex(to));
    document.put("changes", List.copyOf(changes.values()));
    return Response.of(200).zxid(to).json(document);
  }

  private static Map<String, Object> change(
      ZPath path, @Nullable Znode before, @Nullable Znode after) {
    var change = new LinkedHashMap<String, Object>();
    change.put("path", path.toString());
    change.put("change", kind(before, after));
    if (before != null) {
      change.put("before", side(before));
    }
    if (after != null) {
      change.put("after", side(after));
    }
    return change;
  }

  private static String kind(@Nullable Znode before, @Nullable Znode after) {
    if (before == null) {
      return "created";
    }
    if (after == null) {
      return "deleted";
    }
    if (before.czxid() != after.czxid()) {
      return "recreated";
    }
    if (before.mzxid() != after.mzxid()) {
      return "changed";
    }
    return before.aversion() != after.aversion() ? "acl" : "children";
  }

  private static Map<String, Object> side(Znode node) {
    var side = new LinkedHashMap<String, Object>();
    Json.putData(side, node);
    side.put("stat", Json.stat(node.stat()));
    return side;
  }
}
