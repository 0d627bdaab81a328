package io.quorate.web;

import io.quorate.server.Cluster;
import io.quorate.server.Cluster.MemberView;
import io.swagger.v3.oas.annotations.Operation;
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
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.springframework.core.env.Environment;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import tools.jackson.databind.JsonNode;

/** The members as this one sees them, and changes of membership and leadership. */
@Controller
@Tag(name = "cluster")
class ClusterController {
  private static final int MAX_BODY = 4 * 1024;
  private static final int LARGEST_ID = 254;
  private static final Pattern ADDRESS = Pattern.compile("(\\[[0-9a-fA-F:.%]+]|[^:\\s]+):\\d{1,5}");

  private final Gate gate;
  private final Cluster cluster;
  private final WebThreads threads;
  private final Environment environment;

  ClusterController(Gate gate, Cluster cluster, WebThreads threads, Environment environment) {
    this.gate = gate;
    this.cluster = cluster;
    this.threads = threads;
    this.environment = environment;
  }

  @GetMapping("/cluster")
  @Operation(
      operationId = "cluster",
      summary = "The members",
      responses = {
        @ApiResponse(
            responseCode = "200",
            description = "As this member sees them.",
            content = {
              @Content(
                  mediaType = ApiExamples.JSON,
                  schema = @Schema(implementation = ApiShapes.ClusterDocument.class),
                  examples = {@ExampleObject(name = "one member", value = ApiExamples.CLUSTER)})
            })
      })
  CompletableFuture<Response> cluster(HttpServletRequest request) {
    return gate.answer(
        request,
        () -> {
          Target.of(request, List.of());
          return CompletableFuture.completedFuture(shown(cluster.view(), 200));
        });
  }

  private Response shown(Cluster.View view, int status) {
    var members = new ArrayList<Map<String, Object>>();
    for (MemberView member : view.members()) {
      var document = new LinkedHashMap<String, Object>();
      document.put("id", member.id());
      document.put("role", member.role().name().toLowerCase(Locale.ROOT));
      document.put("term", member.term());
      document.put("applied", member.applied());
      document.put("committed", member.committed());
      document.put("lag", member.lagEntries());
      document.put("addresses", addresses(member));
      document.put("health", member.health().name().toLowerCase(Locale.ROOT).replace('_', '-'));
      members.add(document);
    }
    var document = new LinkedHashMap<String, Object>();
    document.put("clusterId", view.clusterId());
    document.put("members", members);
    return Response.of(status).json(document);
  }

  private static Map<String, Object> addresses(MemberView member) {
    var addresses = new LinkedHashMap<String, Object>();
    putAddress(addresses, "http", member.http());
    putAddress(addresses, "zookeeper", member.zookeeper());
    putAddress(addresses, "replication", member.address());
    return addresses;
  }

  private static void putAddress(Map<String, Object> addresses, String name, String address) {
    if (!address.isEmpty()) {
      addresses.put(name, address);
    }
  }

  @PostMapping("/cluster/members")
  @Operation(
      operationId = "addMember",
      summary = "Add a member",
      requestBody =
          @RequestBody(
              required = false,
              content = {
                @Content(
                    mediaType = ApiExamples.JSON,
                    schema = @Schema(implementation = ApiShapes.NewMember.class),
                    examples = {
                      @ExampleObject(
                          name = "a voter",
                          value = "{\"id\":4,\"address\":\"host4:9641\",\"role\":\"voter\"}")
                    })
              }),
      responses = {
        @ApiResponse(
            responseCode = "201",
            description = "Added; a voter first learns.",
            content = {
              @Content(
                  mediaType = ApiExamples.JSON,
                  schema = @Schema(implementation = ApiShapes.ClusterDocument.class),
                  examples = {@ExampleObject(name = "members", value = ApiExamples.CLUSTER)})
            })
      })
  CompletableFuture<Response> add(HttpServletRequest request) {
    return change(
        request,
        () -> {
          JsonNode body = body(request);
          String address = body.path("address").asString("");
          if (!ADDRESS.matcher(address).matches()) {
            throw Problem.badArguments("\"address\" is a replication address as host:9641");
          }
          Cluster.Role role =
              switch (body.path("role").asString("voter")) {
                case "voter", "follower" -> Cluster.Role.FOLLOWER;
                case "observer" -> Cluster.Role.OBSERVER;
                default -> throw Problem.badArguments("\"role\" is voter or observer");
              };
          return cluster.add(id(body), address, role).thenApply(view -> shown(view, 201));
        });
  }

  @DeleteMapping("/cluster/members/{id}")
  @Operation(
      operationId = "removeMember",
      summary = "Remove a member",
      responses = {
        @ApiResponse(responseCode = "204", description = "Removed.", content = @Content)
      })
  CompletableFuture<Response> remove(HttpServletRequest request, @PathVariable String id) {
    return change(
        request,
        () -> {
          int number = id.matches("\\d{1,3}") ? Integer.parseInt(id) : 0;
          if (cluster.view().members().stream().noneMatch(member -> member.id() == number)) {
            throw new Problem(404, "NONODE", "there is no member " + id);
          }
          return cluster.remove(number).thenApply(view -> Response.of(204));
        });
  }

  @PostMapping("/cluster/leader")
  @Operation(
      operationId = "transferLeadership",
      summary = "Hand leadership over",
      requestBody =
          @RequestBody(
              required = false,
              content = {
                @Content(
                    mediaType = ApiExamples.JSON,
                    schema = @Schema(implementation = ApiShapes.Leader.class),
                    examples = {@ExampleObject(name = "to member 2", value = "{\"id\":2}")})
              }),
      responses = {
        @ApiResponse(
            responseCode = "200",
            description = "The other leads.",
            content = {
              @Content(
                  mediaType = ApiExamples.JSON,
                  schema = @Schema(implementation = ApiShapes.ClusterDocument.class),
                  examples = {@ExampleObject(name = "members", value = ApiExamples.CLUSTER)})
            })
      })
  CompletableFuture<Response> lead(HttpServletRequest request) {
    return change(
        request, () -> cluster.lead(id(body(request))).thenApply(view -> shown(view, 200)));
  }

  /** With a super user in the configuration, the group is that user's to change. */
  private CompletableFuture<Response> change(
      HttpServletRequest request, Supplier<CompletableFuture<Response>> change) {
    return gate.answer(
        request,
        () -> {
          Target.of(request, List.of());
          Caller caller = gate.caller(request);
          boolean guarded = !environment.getProperty("quorate.super-digest", "").isBlank();
          if (guarded && !caller.isSuper()) {
            throw Problems.noAuth("only the super user changes the group", caller);
          }
          return change
              .get()
              .thenApplyAsync(response -> response, threads)
              .exceptionallyCompose(failure -> CompletableFuture.failedFuture(refused(failure)));
        });
  }

  /** The group says no with Java's own exceptions: they are the client's mistake here. */
  private static Throwable refused(Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    String detail = String.valueOf(cause.getMessage());
    return switch (cause) {
      case IllegalArgumentException e -> Problem.badArguments(detail);
      case IllegalStateException e -> new Problem(409, "RECONFIGINPROGRESS", detail);
      case UnsupportedOperationException e -> new Problem(501, "UNIMPLEMENTED", detail);
      default -> cause;
    };
  }

  private JsonNode body(HttpServletRequest request) {
    ZnodeWrites.requireJson(request);
    return Json.parse(gate.body(request, MAX_BODY));
  }

  private static int id(JsonNode body) {
    int id = body.path("id").asInt(0);
    if (id < 1 || id > LARGEST_ID) {
      throw Problem.badArguments("\"id\" is a member's number, 1 to " + LARGEST_ID);
    }
    return id;
  }
}
