package io.quorate.web;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** An HTTP client that sends the target as it is given, without making it any better. */
final class Raw {
  private final int port;
  private final List<String> headers = new ArrayList<>();

  Raw(int port) {
    this.port = port;
  }

  Raw with(String name, String value) {
    headers.add(name + ": " + value);
    return this;
  }

  Raw as(String userAndPassword) {
    return with(
        "Authorization",
        "Basic "
            + Base64.getEncoder().encodeToString(userAndPassword.getBytes(StandardCharsets.UTF_8)));
  }

  Answer get(String target) {
    return send("GET", target, null);
  }

  Answer head(String target) {
    return send("HEAD", target, null);
  }

  Answer put(String target, String body) {
    return send("PUT", target, body.getBytes(StandardCharsets.UTF_8));
  }

  Answer post(String target, String body) {
    return send("POST", target, body.getBytes(StandardCharsets.UTF_8));
  }

  Answer delete(String target) {
    return send("DELETE", target, null);
  }

  /** One request on one connection. */
  Answer send(String method, String target, byte @Nullable [] body) {
    try (var socket = new Socket("localhost", port)) {
      socket.setSoTimeout(20_000);
      var head = new StringBuilder(method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n");
      headers.forEach(header -> head.append(header).append("\r\n"));
      if (body != null && headers.stream().noneMatch(h -> h.startsWith("Transfer-Encoding"))) {
        head.append("Content-Length: ").append(body.length).append("\r\n");
      }
      head.append("Connection: close\r\n\r\n");
      var out = new ByteArrayOutputStream();
      out.writeBytes(head.toString().getBytes(StandardCharsets.ISO_8859_1));
      if (body != null) {
        out.writeBytes(body);
      }
      socket.getOutputStream().write(out.toByteArray());
      socket.getOutputStream().flush();
      return Answer.read(socket.getInputStream(), method.equals("HEAD"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What came back; header names in any case. */
  record Answer(int status, Map<String, String> headers, byte[] body) {
    static Answer read(InputStream in, boolean head) throws IOException {
      String statusLine = line(in);
      int status = Integer.parseInt(statusLine.split(" ")[1]);
      var headers = new TreeMap<String, String>(String.CASE_INSENSITIVE_ORDER);
      for (String line = line(in); !line.isEmpty(); line = line(in)) {
        int colon = line.indexOf(':');
        headers.merge(
            line.substring(0, colon), line.substring(colon + 1).trim(), (a, b) -> a + ", " + b);
      }
      byte[] body;
      if (head || status == 304 || status == 204) {
        body = new byte[0];
      } else if ("chunked".equalsIgnoreCase(headers.get("Transfer-Encoding"))) {
        var whole = new ByteArrayOutputStream();
        for (int size = chunk(in); size > 0; size = chunk(in)) {
          whole.writeBytes(in.readNBytes(size));
          line(in);
        }
        body = whole.toByteArray();
      } else {
        body = in.readAllBytes();
      }
      return new Answer(status, headers, body);
    }

    private static int chunk(InputStream in) throws IOException {
      return Integer.parseInt(line(in).trim(), 16);
    }

    static String line(InputStream in) throws IOException {
      var bytes = new ByteArrayOutputStream();
      for (int b = in.read(); b >= 0 && b != '\n'; b = in.read()) {
        if (b != '\r') {
          bytes.write(b);
        }
      }
      return bytes.toString(StandardCharsets.UTF_8);
    }

    String text() {
      return new String(body, StandardCharsets.UTF_8);
    }

    String header(String name) {
      String value = headers.get(name);
      return value == null ? "" : value;
    }

    boolean has(String name) {
      return headers.containsKey(name);
    }

    JsonNode json() {
      return Json.MAPPER.readTree(body);
    }

    String code() {
      return json().path("code").asString("");
    }

    String outcome() {
      return json().path("outcome").asString("");
    }

    @Override
    public String toString() {
      return status + " " + headers + " " + text();
    }
  }
}
