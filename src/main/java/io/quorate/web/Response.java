package io.quorate.web;

import io.quorate.tree.Bytes;
import java.io.IOException;
import java.io.OutputStream;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is sent back, put together before anything is written. {@link ResponseWriter} sends it as it
 * stands: no negotiation, no conditions judged a second time.
 */
final class Response {
  static final String ZXID = "Quorate-Zxid";

  private final int status;
  private final Map<String, String> headers = new LinkedHashMap<>();
  private @Nullable String contentType;
  private @Nullable Body body;
  private long length = -1;

  /** Writes itself; called once, on a thread that may block. */
  interface Body {
    void writeTo(OutputStream out) throws IOException;
  }

  private Response(int status) {
    this.status = status;
  }

  static Response of(int status) {
    return new Response(status);
  }

  Response header(String name, String value) {
    headers.put(name, value);
    return this;
  }

  /** The state answered from. */
  Response zxid(long zxid) {
    return header(ZXID, Json.hex(zxid));
  }

  /**
   * @param tag without the quotes
   */
  Response etag(String tag) {
    return header("ETag", '"' + tag + '"');
  }

  Response bytes(Bytes content, String type) {
    contentType = type;
    body = content::writeTo;
    length = content.size();
    return this;
  }

  Response json(Map<String, Object> document) {
    return json(document, "application/json");
  }

  Response json(Map<String, Object> document, String type) {
    return bytes(Bytes.wrap(Json.bytes(document)), type);
  }

  /** Content that is written piece by piece, of a length not known before. */
  Response stream(String type, Body content) {
    contentType = type;
    body = content;
    return this;
  }

  int status() {
    return status;
  }

  Map<String, String> headers() {
    return headers;
  }

  @Nullable String contentType() {
    return contentType;
  }

  @Nullable Body body() {
    return body;
  }

  /** Bytes of the content; -1 when they are not known. */
  long length() {
    return length;
  }
}
