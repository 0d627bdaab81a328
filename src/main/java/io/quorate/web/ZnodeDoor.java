package io.quorate.web;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * The short way to znodes: calls {@link ZnodeController} without Spring's dispatcher, which took
 * most of a request's time, and waits for the answer on the request's own virtual thread, so that
 * the container need not hand the request over twice. What the controller has no method for goes
 * the long way and gets its problem document there.
 *
 * <p>A wait holds no thread of the system while the container's threads are virtual, as they are by
 * default.
 */
final class ZnodeDoor extends HttpFilter {
  private static final long serialVersionUID = 1L;

  private final transient ZnodeController znodes;
  private final transient ResponseWriter writer;

  ZnodeDoor(ZnodeController znodes, ResponseWriter writer) {
    this.znodes = znodes;
    this.writer = writer;
  }

  @Override
  protected void doFilter(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws IOException, ServletException {
    CompletableFuture<Response> answer = answer(request);
    if (answer == null) {
      chain.doFilter(request, response);
      return;
    }
    try {
      writer.write(answer.get(), request, response);
    } catch (InterruptedException e) {
      // The server stops; what became of a write nobody knows, and a closed connection says so.
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } catch (ExecutionException e) {
      throw new ServletException(e.getCause());
    }
  }

  private @Nullable CompletableFuture<Response> answer(HttpServletRequest request) {
    return switch (request.getMethod()) {
      case "GET" -> znodes.get(request);
      case "HEAD" -> znodes.head(request);
      case "PUT" -> znodes.put(request);
      case "POST" -> znodes.post(request);
      case "DELETE" -> znodes.delete(request);
      default -> null;
    };
  }
}
