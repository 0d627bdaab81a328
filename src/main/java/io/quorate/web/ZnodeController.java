package io.quorate.web;

import io.swagger.v3.oas.annotations.Operation;
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
  @Operation(operationId = "read")
  CompletableFuture<Response> get(HttpServletRequest request) {
    return gate.answer(request, () -> reads.read(request, Target.of(request, READ)));
  }

  @RequestMapping(
      path = {"/znodes", "/znodes/**"},
      method = RequestMethod.HEAD)
  @Operation(operationId = "exists")
  CompletableFuture<Response> head(HttpServletRequest request) {
    return get(request);
  }

  @PutMapping({"/znodes", "/znodes/**"})
  @Operation(operationId = "put")
  CompletableFuture<Response> put(HttpServletRequest request) {
    return gate.answer(request, () -> writes.put(request, Target.of(request, PUT)));
  }

  @PostMapping({"/znodes", "/znodes/**"})
  @Operation(operationId = "create")
  CompletableFuture<Response> post(HttpServletRequest request) {
    return gate.answer(request, () -> writes.post(request, Target.of(request, POST)));
  }

  @DeleteMapping({"/znodes", "/znodes/**"})
  @Operation(operationId = "delete")
  CompletableFuture<Response> delete(HttpServletRequest request) {
    return gate.answer(request, () -> writes.delete(request, Target.of(request, DELETE)));
  }
}
