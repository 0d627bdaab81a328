package io.quorate.web;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A request that is answered with {@code application/problem+json}; thrown by whoever finds out.
 *
 * <p>Source: RFC 9457, with {@code code}, {@code path} and {@code outcome} added.
 */
final class Problem extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What became of the request's effect. */
  enum Effect {
    NOT_APPLIED("not-applied"),
    /** Handed to replication, and no answer came. */
    UNKNOWN("unknown");

    final String text;

    Effect(String text) {
      this.text = text;
    }
  }

  private final int status;
  private final String code;
  private final String detail;
  private final transient Map<String, Object> members = new LinkedHashMap<>();
  private final transient Map<String, String> headers = new LinkedHashMap<>();
  private Effect effect = Effect.NOT_APPLIED;
  private long zxid = -1;

  Problem(int status, String code, String detail) {
    super(detail, null, false, false);
    this.status = status;
    this.code = code;
    this.detail = detail;
  }

  static Problem badArguments(String detail) {
    return new Problem(400, "BADARGUMENTS", detail);
  }

  /** Something that was held once and is no more. */
  static Problem gone(String detail) {
    return new Problem(410, "GONE", detail);
  }

  static Problem tooLarge(String detail, long limit) {
    return new Problem(413, "TOOLARGE", detail).with("limit", limit);
  }

  /** One more member of the document. */
  Problem with(String name, @Nullable Object value) {
    if (value != null) {
      members.put(name, value);
    }
    return this;
  }

  Problem header(String name, String value) {
    headers.put(name, value);
    return this;
  }

  Problem effect(Effect what) {
    effect = what;
    return this;
  }

  /** The state answered from. */
  Problem at(long answeredFrom) {
    zxid = answeredFrom;
    return this;
  }

  int status() {
    return status;
  }

  String code() {
    return code;
  }

  /**
   * @param instance the resource as the client wrote it
   */
  Response response(@Nullable String instance) {
    var document = new LinkedHashMap<String, Object>();
    document.put("type", "about:blank");
    document.put("title", title(status));
    document.put("status", status);
    document.put("detail", detail);
    if (instance != null) {
      document.put("instance", instance);
    }
    document.put("code", code);
    document.putAll(members);
    document.put("outcome", effect.text);
    Response response = Response.of(status).json(document, "application/problem+json");
    headers.forEach(response::header);
    return zxid < 0 ? response : response.zxid(zxid);
  }

  static String title(int status) {
    return switch (status) {
      case 400 -> "Bad Request";
      case 401 -> "Unauthorized";
      case 403 -> "Forbidden";
      case 404 -> "Not Found";
      case 405 -> "Method Not Allowed";
      case 406 -> "Not Acceptable";
      case 409 -> "Conflict";
      case 410 -> "Gone";
      case 412 -> "Precondition Failed";
      case 413 -> "Content Too Large";
      case 414 -> "URI Too Long";
      case 415 -> "Unsupported Media Type";
      case 422 -> "Unprocessable Content";
      case 429 -> "Too Many Requests";
      case 431 -> "Request Header Fields Too Large";
      case 500 -> "Internal Server Error";
      case 501 -> "Not Implemented";
      case 503 -> "Service Unavailable";
      case 504 -> "Gateway Timeout";
      case 507 -> "Insufficient Storage";
      default -> status >= 500 ? "Server Error" : "Request Refused";
    };
  }
}
