package io.quorate.web;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The short way to znodes: calls {@link ZnodeController} without Spring's dispatcher, which took
 * most of a request's time, and works the answer out on the request's own virtual thread, so that
 * the request need not be handed over twice. What the controller has no method for goes the long
 * way and gets its problem document there.
 *
 * <p>A wait holds no thread of the system while the container's threads are virtual, as they are by
 * default.
 */
final class ZnodeDoor extends HttpFilter {
  private static final long serialVersionUID = 1L;

  private final transient ZnodeController znodes;
  private final transient ResponseWriter writer;
  private final transient RequestTimes times;

  ZnodeDoor(ZnodeController znodes, ResponseWriter writer, RequestTimes times) {
    this.znodes = znodes;
    this.writer = writer;
    this.times = times;
  }

  @Override
  protected void doFilter(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws IOException, ServletException {
    Function<HttpServletRequest, CompletableFuture<Response>> method = method(request);
    if (method == null) {
      chain.doFilter(request, response);
      return;
    }
    long begin = System.nanoTime();
    Throwable failure = null;
    RequestThread here = RequestThread.lend(request);
    try {
      writer.write(here.await(method.apply(request)), request, response);
    } catch (InterruptedException e) {
      // The server stops; what became of a write nobody knows, and a closed connection says so.
      Thread.currentThread().interrupt();
      failure = e;
      throw new IOException("interrupted", e);
    } catch (ExecutionException e) {
      failure = e.getCause();
      throw new ServletException(failure);
    } finally {
      times.answered(request.getMethod(), response.getStatus(), failure, System.nanoTime() - begin);
    }
  }

  private @Nullable Function<HttpServletRequest, CompletableFuture<Response>> method(
      HttpServletRequest request) {
    return switch (request.getMethod()) {
      case "GET" -> znodes::get;
      case "HEAD" -> znodes::head;
      case "PUT" -> znodes::put;
      case "POST" -> znodes::post;
      case "DELETE" -> znodes::delete;
      default -> null;
    };
  }
}
