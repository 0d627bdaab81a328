package io.quorate.web;

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
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestMethod;

/** Znodes: {@code /znodes/<path>}, or {@code /znodes?path=}. */
@Controller
@Tag(name = "znodes")
class ZnodeController {
  private static final List<String> READ =
      List.of("path", "view", "limit", "after", "page", "include", "depth", "at", "consistency");
  private static final List<String> PUT =
      List.of("path", "view", "version", "parents", "mode", "ttl");
  private static final List<String> POST =
      List.of("path", "name", "mode", "ttl", "sequential", "parents");
  private static final List<String> DELETE = List.of("path", "version", "recursive");

  private final Gate gate;
  private final ZnodeReads reads;
  private final ZnodeWrites writes;

  ZnodeController(Gate gate, ZnodeReads reads, ZnodeWrites writes) {
    this.gate = gate;
    this.reads = reads;
    this.writes = writes;
  }

  @RequestMapping(
      path = {"/znodes", "/znodes/**"},
      method = RequestMethod.GET)
  @Operation(
      operationId = "read",
      summary = "Read a znode, in one of its views",
      parameters = {
        @Parameter(
            name = "path",
            in = ParameterIn.QUERY,
            description = "The znode; / without it.",
            example = "/app/config",
            schema = @Schema(type = "string")),
        @Parameter(
            name = "view",
            in = ParameterIn.QUERY,
            description = "data as raw bytes, or JSON for every other.",
            schema =
                @Schema(
                    type = "string",
                    allowableValues = {"data", "node", "stat", "acl", "children", "tree"})),
        @Parameter(
            name = "limit",
            in = ParameterIn.QUERY,
            description = "Children per page, 1 to 10000; 1000 without it.",
            schema = @Schema(type = "integer")),
        @Parameter(
            name = "after",
            in = ParameterIn.QUERY,
            description = "Children that come after this name.",
            schema = @Schema(type = "string")),
        @Parameter(
            name = "page",
            in = ParameterIn.QUERY,
            description = "Where the page before ended: its next.",
            schema = @Schema(type = "string")),
        @Parameter(
            name = "include",
            in = ParameterIn.QUERY,
            description = "Of children: stat, data or both.",
            schema = @Schema(type = "string")),
        @Parameter(
            name = "depth",
            in = ParameterIn.QUERY,
            description = "Levels of a tree; all without it.",
            schema = @Schema(type = "integer")),
        @Parameter(
            name = "at",
            in = ParameterIn.QUERY,
            description = "An old state, while history holds it.",
            schema = @Schema(type = "string")),
        @Parameter(
            name = "consistency",
            in = ParameterIn.QUERY,
            description = "How new the state must be.",
            schema =
                @Schema(
                    type = "string",
                    allowableValues = {"linearizable", "session", "local"})),
        @Parameter(
            name = "Quorate-Min-Zxid",
            in = ParameterIn.HEADER,
            description = "With consistency=session: not older than this.",
            schema = @Schema(type = "string")),
        @Parameter(
            name = "If-None-Match",
            in = ParameterIn.HEADER,
            description =
                "Entity tags that the client has; 304 when nothing changed. \"0x0\" is absence.",
            schema = @Schema(type = "string")),
        @Parameter(
            name = "Prefer",
            in = ParameterIn.HEADER,
            description = "wait=30 waits for a change, up to 60 s.",
            schema = @Schema(type = "string"))
      },
      responses = {
        @ApiResponse(
            responseCode = "200",
            description = "The view.",
            content = {
              @Content(
                  mediaType = "application/octet-stream",
                  schema = @Schema(type = "string", format = "binary"),
                  examples = {@ExampleObject(name = "bytes", value = "hello")}),
              @Content(
                  mediaType = ApiExamples.JSON,
                  schema =
                      @Schema(
                          oneOf = {
                            ApiShapes.Node.class,
                            ApiShapes.Stat.class,
                            ApiShapes.AclDocument.class,
                            ApiShapes.Children.class,
                            ApiShapes.Tree.class
                          }),
                  examples = {
                    @ExampleObject(name = "node", value = ApiExamples.NODE),
                    @ExampleObject(name = "children", value = ApiExamples.CHILDREN),
                    @ExampleObject(name = "acl", value = ApiExamples.ACL),
                    @ExampleObject(name = "tree", value = ApiExamples.TREE)
                  })
            }),
        @ApiResponse(
            responseCode = "304",
            description = "What the client has is still so.",
            content = @Content)
      })
  CompletableFuture<Response> get(HttpServletRequest request) {
    return gate.answer(request, () -> reads.read(request, Target.of(request, READ)));
  }

  @RequestMapping(
      path = {"/znodes", "/znodes/**"},
      method = RequestMethod.HEAD)
  @Operation(
      operationId = "exists",
      summary = "Whether a znode exists, and its headers",
      parameters = {
        @Parameter(
            name = "path",
            in = ParameterIn.QUERY,
            description = "The znode; / without it.",
            example = "/app/config",
            schema = @Schema(type = "string")),
        @Parameter(
            name = "consistency",
            in = ParameterIn.QUERY,
            description = "How new the state must be.",
            schema =
                @Schema(
                    type = "string",
                    allowableValues = {"linearizable", "session", "local"})),
        @Parameter(
            name = "Quorate-Min-Zxid",
            in = ParameterIn.HEADER,
            description = "With consistency=session: not older than this.",
            schema = @Schema(type = "string"))
      },
      responses = {
        @ApiResponse(responseCode = "200", description = "It does.", content = @Content)
      })
  CompletableFuture<Response> head(HttpServletRequest request) {
    return get(request);
  }

  @PutMapping({"/znodes", "/znodes/**"})
  @Operation(
      operationId = "put",
      summary = "Create or replace a znode, or its ACL with view=acl",
      parameters = {
        @Parameter(
            name = "path",
            in = ParameterIn.QUERY,
            description = "The znode; / without it.",
            example = "/app/config",
            schema = @Schema(type = "string")),
        @Parameter(
            name = "view",
            in = ParameterIn.QUERY,
            description = "acl replaces the ACL by a JSON list.",
            schema =
                @Schema(
                    type = "string",
                    allowableValues = {"data", "acl"})),
        @Parameter(
            name = "version",
            in = ParameterIn.QUERY,
            description = "ZooKeeper's expected version.",
            schema = @Schema(type = "integer")),
        @Parameter(
            name = "parents",
            in = ParameterIn.QUERY,
            description = "Whether missing ancestors are created too.",
            schema = @Schema(type = "boolean")),
        @Parameter(
            name = "mode",
            in = ParameterIn.QUERY,
            description = "How long it stays.",
            schema =
                @Schema(
                    type = "string",
                    allowableValues = {"persistent", "ephemeral", "container"})),
        @Parameter(
            name = "ttl",
            in = ParameterIn.QUERY,
            description =
                "A persistent node without children goes when its data was not set for so long.",
            schema = @Schema(type = "string")),
        @Parameter(
            name = "If-Match",
            in = ParameterIn.HEADER,
            description = "Entity tags, one of which it must have; or *.",
            schema = @Schema(type = "string")),
        @Parameter(
            name = "If-None-Match",
            in = ParameterIn.HEADER,
            description = "* creates only.",
            schema = @Schema(type = "string")),
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
                    mediaType = "text/plain",
                    schema = @Schema(type = "string"),
                    examples = {@ExampleObject(name = "text", value = "hello")}),
                @Content(
                    mediaType = "application/json",
                    schema = @Schema(type = "object"),
                    examples = {@ExampleObject(name = "json", value = "{\"any\":\"JSON\"}")}),
                @Content(
                    mediaType = "application/octet-stream",
                    schema = @Schema(type = "string", format = "binary"),
                    examples = {})
              }),
      responses = {
        @ApiResponse(
            responseCode = "200",
            description = "Replaced.",
            content = {
              @Content(
                  mediaType = ApiExamples.JSON,
                  schema = @Schema(implementation = ApiShapes.Written.class),
                  examples = {@ExampleObject(name = "written", value = ApiExamples.WRITTEN)})
            }),
        @ApiResponse(
            responseCode = "201",
            description = "Created, at Location.",
            content = {
              @Content(
                  mediaType = ApiExamples.JSON,
                  schema = @Schema(implementation = ApiShapes.Written.class),
                  examples = {@ExampleObject(name = "written", value = ApiExamples.WRITTEN)})
            })
      })
  CompletableFuture<Response> put(HttpServletRequest request) {
    return gate.answer(request, () -> writes.put(request, Target.of(request, PUT)));
  }

  @PostMapping({"/znodes", "/znodes/**"})
  @Operation(
      operationId = "create",
      summary = "Create a child",
      parameters = {
        @Parameter(
            name = "path",
            in = ParameterIn.QUERY,
            description = "The parent; / without it.",
            example = "/app/config",
            schema = @Schema(type = "string")),
        @Parameter(
            name = "name",
            in = ParameterIn.QUERY,
            description = "Its name; may be empty with sequential.",
            example = "lock-",
            schema = @Schema(type = "string")),
        @Parameter(
            name = "mode",
            in = ParameterIn.QUERY,
            description = "How long it stays.",
            schema =
                @Schema(
                    type = "string",
                    allowableValues = {"persistent", "ephemeral", "container"})),
        @Parameter(
            name = "ttl",
            in = ParameterIn.QUERY,
            description =
                "A persistent node without children goes when its data was not set for so long.",
            schema = @Schema(type = "string")),
        @Parameter(
            name = "sequential",
            in = ParameterIn.QUERY,
            description = "Whether ten digits are appended.",
            schema = @Schema(type = "boolean")),
        @Parameter(
            name = "parents",
            in = ParameterIn.QUERY,
            description = "Whether missing ancestors are created too.",
            schema = @Schema(type = "boolean")),
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
                    mediaType = "text/plain",
                    schema = @Schema(type = "string"),
                    examples = {@ExampleObject(name = "text", value = "hello")}),
                @Content(
                    mediaType = "application/json",
                    schema = @Schema(type = "object"),
                    examples = {@ExampleObject(name = "json", value = "{\"any\":\"JSON\"}")}),
                @Content(
                    mediaType = "application/octet-stream",
                    schema = @Schema(type = "string", format = "binary"),
                    examples = {})
              }),
      responses = {
        @ApiResponse(
            responseCode = "201",
            description = "Created, at Location.",
            content = {
              @Content(
                  mediaType = ApiExamples.JSON,
                  schema = @Schema(implementation = ApiShapes.Written.class),
                  examples = {@ExampleObject(name = "written", value = ApiExamples.WRITTEN)})
            })
      })
  CompletableFuture<Response> post(HttpServletRequest request) {
    return gate.answer(request, () -> writes.post(request, Target.of(request, POST)));
  }

  @DeleteMapping({"/znodes", "/znodes/**"})
  @Operation(
      operationId = "delete",
      summary = "Delete a znode",
      parameters = {
        @Parameter(
            name = "path",
            in = ParameterIn.QUERY,
            description = "The znode; / without it.",
            example = "/app/config",
            schema = @Schema(type = "string")),
        @Parameter(
            name = "version",
            in = ParameterIn.QUERY,
            description = "ZooKeeper's expected version.",
            schema = @Schema(type = "integer")),
        @Parameter(
            name = "recursive",
            in = ParameterIn.QUERY,
            description = "Whether everything below goes too, in one zxid.",
            schema = @Schema(type = "boolean")),
        @Parameter(
            name = "If-Match",
            in = ParameterIn.HEADER,
            description = "Entity tags, one of which it must have; or *.",
            schema = @Schema(type = "string")),
        @Parameter(
            name = "Idempotency-Key",
            in = ParameterIn.HEADER,
            description = "The same key with the same request is decided once.",
            schema = @Schema(type = "string"))
      },
      responses = {@ApiResponse(responseCode = "204", description = "Gone.", content = @Content)})
  CompletableFuture<Response> delete(HttpServletRequest request) {
    return gate.answer(request, () -> writes.delete(request, Target.of(request, DELETE)));
  }
}
