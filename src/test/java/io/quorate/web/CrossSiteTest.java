package io.quorate.web;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.web.Raw.Answer;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What pages of other sites may have a browser do here: look, and no more. */
class CrossSiteTest {
  private static WebServer server;

  @BeforeAll
  static void start() {
    server =
        WebServer.start(WebServer.SETTINGS, "--quorate.allowed-origins=https://console.example");
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @ParameterizedTest
  @CsvSource({
    "POST, /znodes?name=forged, Origin, http://elsewhere.example",
    "PUT, /znodes/forged, Origin, http://elsewhere.example",
    "DELETE, /znodes/forged, Origin, http://localhost:1",
    "POST, /sessions, Origin, null",
    "POST, /txn, Sec-Fetch-Site, cross-site",
    "POST, /cluster/leader, Sec-Fetch-Site, same-site",
  })
  void aPageOfAnotherSiteWritesNothing(String method, String target, String header, String value) {
    Answer answer = server.http().with(header, value).send(method, target, new byte[] {'{', '}'});

    assertThat(answer.status()).as(answer.toString()).isEqualTo(403);
    assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
    assertThat(answer.code()).isEqualTo("NOAUTH");
    assertThat(answer.outcome()).isEqualTo("not-applied");
    assertThat(server.http().get("/znodes/forged").status()).isEqualTo(404);
  }

  @Test
  void theMembersOwnPageWrites() {
    Answer byOrigin = server.http().with("Origin", "http://localhost").put("/znodes/own", "1");
    Answer byMetadata =
        server
            .http()
            .with("Origin", "https://before-the-proxy.example")
            .with("Sec-Fetch-Site", "same-origin")
            .put("/znodes/own", "2");
    Answer named =
        server
            .http()
            .with("Origin", "https://console.example")
            .with("Sec-Fetch-Site", "cross-site")
            .put("/znodes/own", "3");

    assertThat(byOrigin.status()).as(byOrigin.toString()).isEqualTo(201);
    assertThat(byMetadata.status()).as(byMetadata.toString()).isEqualTo(200);
    assertThat(named.status()).as(named.toString()).isEqualTo(200);
  }

  @Test
  void aPageOfAnotherSiteMayAskButABrowserDoesNotShowItTheAnswer() {
    server.http().put("/znodes/asked", "x");

    Answer answer = server.http().with("Origin", "http://elsewhere.example").get("/znodes/asked");

    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.has("Access-Control-Allow-Origin")).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "http://elsewhere.example, 403",
    "null, 403",
    "http://localhost, 101",
    "https://console.example, 101",
  })
  void aSocketIsOpenedForTheOwnPageAlone(String origin, int status) throws IOException {
    try (var socket = new Socket("localhost", server.port)) {
      socket.setSoTimeout(20_000);
      String request =
          """
          GET /watch HTTP/1.1\r
          Host: localhost\r
          Origin: %s\r
          Connection: Upgrade\r
          Upgrade: websocket\r
          Sec-WebSocket-Version: 13\r
          Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
          \r
          """
              .formatted(origin);
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));

      assertThat(Answer.line(socket.getInputStream())).startsWith("HTTP/1.1 " + status + " ");
    }
  }
}
