package io.quorate.web;

import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.server.ServerHttpRequest;
import org.springframework.http.server.ServerHttpResponse;
import org.springframework.http.server.ServletServerHttpRequest;
import org.springframework.web.socket.BinaryMessage;
import org.springframework.web.socket.CloseStatus;
import org.springframework.web.socket.PongMessage;
import org.springframework.web.socket.TextMessage;
import org.springframework.web.socket.WebSocketHandler;
import org.springframework.web.socket.WebSocketSession;
import org.springframework.web.socket.adapter.NativeWebSocketSession;
import org.springframework.web.socket.config.annotation.EnableWebSocket;
import org.springframework.web.socket.config.annotation.WebSocketConfigurer;
import org.springframework.web.socket.config.annotation.WebSocketHandlerRegistry;
import org.springframework.web.socket.handler.AbstractWebSocketHandler;
import org.springframework.web.socket.server.HandshakeInterceptor;

/** The WebSocket side of {@code /watch}: one {@link WatchSocket} for each that is open. */
@Configuration(proxyBeanMethods = false)
@EnableWebSocket
class WatchSockets implements WebSocketConfigurer {
  private static final String CALLER = "caller";
  private static final String TOKEN = "token";
  private static final String SOCKET = "socket";

  /** How long a reader may read nothing at all before its socket is given up. */
  private static final long STALLED_MS = TimeUnit.MINUTES.toMillis(10);

  private final Gate gate;
  private final WatchStreams streams;
  private final WebThreads threads;

  WatchSockets(Gate gate, WatchStreams streams, WebThreads threads) {
    this.gate = gate;
    this.streams = streams;
    this.threads = threads;
  }

  @Override
  public void registerWebSocketHandlers(WebSocketHandlerRegistry registry) {
    // CrossSiteGuard has judged the origin already, and answers with a problem document.
    registry
        .addHandler(new Handler(), "/watch")
        .addInterceptors(new Handshake())
        .setAllowedOriginPatterns("*");
  }

  /** Finds out who asks, while there still is a request. */
  private final class Handshake implements HandshakeInterceptor {
    @Override
    public boolean beforeHandshake(
        ServerHttpRequest request,
        ServerHttpResponse response,
        WebSocketHandler handler,
        Map<String, Object> attributes)
        throws IOException {
      if (!(request instanceof ServletServerHttpRequest servlet)) {
        return false;
      }
      HttpServletRequest raw = servlet.getServletRequest();
      try {
        attributes.put(CALLER, gate.caller(raw));
        String token = raw.getHeader("Quorate-Session");
        if (token != null) {
          gate.session(token).join();
          attributes.put(TOKEN, token);
        }
        return true;
      } catch (Problem | CompletionException e) {
        refuse(Problems.of(e, raw).response(raw.getRequestURI()), response);
        return false;
      }
    }

    private void refuse(Response refusal, ServerHttpResponse response) throws IOException {
      response.setStatusCode(HttpStatusCode.valueOf(refusal.status()));
      refusal.headers().forEach(response.getHeaders()::set);
      response.getHeaders().set("Content-Type", refusal.contentType());
      Response.Body body = refusal.body();
      if (body != null) {
        body.writeTo(response.getBody());
      }
    }

    @Override
    public void afterHandshake(
        ServerHttpRequest request,
        ServerHttpResponse response,
        WebSocketHandler handler,
        @Nullable Exception failure) {}
  }

  private final class Handler extends AbstractWebSocketHandler {
    @Override
    public void afterConnectionEstablished(WebSocketSession session) {
      if (session instanceof NativeWebSocketSession nativeSession
          && nativeSession.getNativeSession() instanceof jakarta.websocket.Session tomcat) {
        tomcat
            .getUserProperties()
            .put("org.apache.tomcat.websocket.BLOCKING_SEND_TIMEOUT", STALLED_MS);
      }
      if (session.getAttributes().get(CALLER) instanceof Caller caller) {
        var socket = new WatchSocket(session, gate, streams, threads, caller);
        session.getAttributes().put(SOCKET, socket);
        socket.opened((String) session.getAttributes().get(TOKEN));
      }
    }

    /** Else the container would keep a buffer for the largest message, for each socket. */
    @Override
    public boolean supportsPartialMessages() {
      return true;
    }

    @Override
    protected void handleTextMessage(WebSocketSession session, TextMessage message) {
      if (session.getAttributes().get(SOCKET) instanceof WatchSocket socket) {
        socket.received(message.getPayload(), message.isLast());
      }
    }

    @Override
    protected void handleBinaryMessage(WebSocketSession session, BinaryMessage message) {
      if (message.isLast() && session.getAttributes().get(SOCKET) instanceof WatchSocket socket) {
        socket.receivedBinary();
      }
    }

    @Override
    protected void handlePongMessage(WebSocketSession session, PongMessage message) {
      if (session.getAttributes().get(SOCKET) instanceof WatchSocket socket) {
        socket.stillThere();
      }
    }

    @Override
    public void afterConnectionClosed(WebSocketSession session, CloseStatus status) {
      if (session.getAttributes().get(SOCKET) instanceof WatchSocket socket) {
        socket.closed();
      }
    }
  }
}
