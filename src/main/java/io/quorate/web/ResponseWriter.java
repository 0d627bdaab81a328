package io.quorate.web;

import io.quorate.server.Coordinator;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.MethodParameter;
import org.springframework.web.context.request.NativeWebRequest;
import org.springframework.web.method.support.HandlerMethodReturnValueHandler;
import org.springframework.web.method.support.ModelAndViewContainer;

/** Sends a {@link Response}. */
final class ResponseWriter implements HandlerMethodReturnValueHandler {
  private static final Logger LOG = LoggerFactory.getLogger(ResponseWriter.class);

  private final Coordinator coordinator;

  ResponseWriter(Coordinator coordinator) {
    this.coordinator = coordinator;
  }

  @Override
  public boolean supportsReturnType(MethodParameter returnType) {
    return Response.class.isAssignableFrom(returnType.getParameterType());
  }

  @Override
  public void handleReturnValue(
      @Nullable Object returned,
      MethodParameter returnType,
      ModelAndViewContainer container,
      NativeWebRequest request)
      throws IOException {
    container.setRequestHandled(true);
    HttpServletRequest servletRequest = request.getNativeRequest(HttpServletRequest.class);
    HttpServletResponse servletResponse = request.getNativeResponse(HttpServletResponse.class);
    if (returned instanceof Response response
        && servletResponse != null
        && servletRequest != null) {
      write(response, servletRequest, servletResponse);
    }
  }

  void write(Response response, HttpServletRequest request, HttpServletResponse out)
      throws IOException {
    out.setStatus(response.status());
    if (!response.headers().containsKey(Response.ZXID)) {
      out.setHeader(Response.ZXID, Json.hex(coordinator.state().zxid()));
    }
    response.headers().forEach(out::setHeader);
    String type = response.contentType();
    if (type != null) {
      RawResponseValve.setContentType(request, out, type);
    }
    if (response.length() >= 0) {
      out.setContentLengthLong(response.length());
    }
    Response.Body body = response.body();
    try {
      if (body != null && !request.getMethod().equals("HEAD")) {
        body.writeTo(out.getOutputStream());
      }
      out.flushBuffer();
    } catch (IOException e) {
      // The client has gone: there is nobody left to tell.
      LOG.debug("{} was not sent to its end", request.getRequestURI(), e);
    }
  }
}
