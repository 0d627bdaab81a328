package io.quorate.web;

import io.quorate.server.Reply;
import io.quorate.state.Code;
import io.quorate.state.Outcome;
import io.quorate.tree.Stat;
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
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.PostMapping;
import tools.jackson.databind.JsonNode;

/** {@code POST /txn}: all or nothing, at one zxid. */
@Controller
@Tag(name = "transactions")
class TransactionController {
  /** Base64 and JSON around the data of a few nodes of the largest size. */
  private static final int BODY_PER_DATA = 4;

  private final Gate gate;

  TransactionController(Gate gate) {
    this.gate = gate;
  }

  @PostMapping("/txn")
  @Operation(
      operationId = "transact",
      summary = "Do several things at one zxid, or nothing",
      parameters = {
        @Parameter(
            name = "Idempotency-Key",
            in = ParameterIn.HEADER,
            description = "The same key with the same request is decided once.",
            schema = @Schema(type = "string"))
      },
      requestBody =
          @RequestBody(
              required = false,
              content = {
                @Content(
                    mediaType = ApiExamples.JSON,
                    schema = @Schema(implementation = ApiShapes.Transaction.class),
                    examples = {
                      @ExampleObject(name = "create unless there", value = ApiExamples.TRANSACTION)
                    })
              }),
      responses = {
        @ApiResponse(
            responseCode = "200",
            description = "One branch was applied.",
            content = {
              @Content(
                  mediaType = ApiExamples.JSON,
                  schema = @Schema(implementation = ApiShapes.TransactionAnswer.class),
                  examples = {
                    @ExampleObject(name = "else", value = ApiExamples.TRANSACTION_ANSWER)
                  })
            }),
        @ApiResponse(
            responseCode = "409",
            description = "An operation was refused; nothing was applied.",
            content = {
              @Content(
                  mediaType = "application/problem+json",
                  schema = @Schema(implementation = ApiShapes.ProblemDocument.class),
                  examples = {
                    @ExampleObject(name = "failed", value = ApiExamples.TRANSACTION_FAILED)
                  })
            })
      })
  CompletableFuture<Response> transact(HttpServletRequest request) {
    return gate.answer(
        request,
        () -> {
          Target target = Target.of(request, List.of());
          ZnodeWrites.requireJson(request);
          byte[] body = gate.body(request, gate.maxDataBytes() * BODY_PER_DATA);
          JsonNode document = Json.parse(body);
          return gate.write(
              request,
              target,
              body,
              session -> new TransactionReader(session).read(document),
              reply -> answer(reply, request, document));
        });
  }

  private static Response answer(Reply reply, HttpServletRequest request, JsonNode document) {
    return switch (reply.outcome()) {
      case Outcome.Several several -> succeeded(reply, several, document);
      case Outcome.SeveralRejected failed ->
          failed(reply, failed, document).response(request.getRequestURI());
      default -> throw new IllegalStateException("a transaction came to " + reply.outcome());
    };
  }

  private static Response succeeded(Reply reply, Outcome.Several several, JsonNode document) {
    var results = new ArrayList<Map<String, Object>>();
    List<Asked> operations = operations(document, several.succeeded());
    for (int i = 0; i < several.results().size(); i++) {
      Map<String, Object> result = result(operations.get(i), reply.zxid());
      describe(result, several.results().get(i));
      results.add(result);
    }
    var answer = new LinkedHashMap<String, Object>();
    answer.put("zxid", Json.hex(reply.zxid()));
    answer.put("succeeded", several.succeeded());
    answer.put("results", results);
    return Response.of(200).json(answer);
  }

  private static Map<String, Object> result(Asked operation, long zxid) {
    var result = new LinkedHashMap<String, Object>();
    result.put("op", operation.op);
    result.put("path", operation.path);
    result.put("zxid", Json.hex(zxid));
    return result;
  }

  private static void describe(Map<String, Object> result, Outcome outcome) {
    switch (outcome) {
      case Outcome.Created created -> describe(result, created.path(), created.stat());
      case Outcome.Updated updated -> describe(result, updated.path(), updated.stat());
      case Outcome.Found found -> {
        describe(result, found.path(), found.stat());
        if (found.data() != null) {
          Json.putData(result, found.data());
        }
        if (found.contentType() != null) {
          result.put("contentType", found.contentType());
        }
      }
      case Outcome.Deleted deleted -> result.put("path", deleted.path().toString());
      case Outcome.Checked checked -> result.put("path", checked.path().toString());
      default -> throw new IllegalStateException("an operation came to " + outcome);
    }
  }

  private static void describe(Map<String, Object> result, ZPath path, Stat stat) {
    result.put("path", path.toString());
    result.put("stat", Json.stat(stat));
  }

  /** As in ZooKeeper's multi: what came before would have gone well, what follows was not tried. */
  private static Problem failed(Reply reply, Outcome.SeveralRejected failed, JsonNode document) {
    var results = new ArrayList<Map<String, Object>>();
    List<Asked> operations = operations(document, failed.succeeded());
    for (int i = 0; i < failed.count(); i++) {
      var result = new LinkedHashMap<String, Object>();
      result.put("op", operations.get(i).op);
      result.put("path", operations.get(i).path);
      result.put("code", code(i, failed));
      results.add(result);
    }
    ZPath path = failed.rejection().path();
    return new Problem(
            409,
            failed.rejection().code().name(),
            "operation "
                + failed.failedIndex()
                + " of the transaction: "
                + failed.rejection().detail())
        .with("path", path == null ? null : path.toString())
        .with("zxid", Json.hex(reply.zxid()))
        .with("succeeded", failed.succeeded())
        .with("failed", failed.failedIndex())
        .with("results", results);
  }

  private static @Nullable String code(int index, Outcome.SeveralRejected failed) {
    if (index == failed.failedIndex()) {
      return failed.rejection().code().name();
    }
    return index < failed.failedIndex() ? "OK" : Code.RUNTIMEINCONSISTENCY.name();
  }

  private record Asked(String op, String path) {}

  /** The operations of the branch that was taken, as the client wrote them. */
  private static List<Asked> operations(JsonNode document, boolean succeeded) {
    var operations = new ArrayList<Asked>();
    for (JsonNode operation : document.path(succeeded ? "then" : "else")) {
      for (String op : List.of("create", "set", "delete", "check", "get")) {
        if (operation.has(op)) {
          operations.add(new Asked(op, operation.path(op).asString("")));
          break;
        }
      }
    }
    return operations;
  }
}
