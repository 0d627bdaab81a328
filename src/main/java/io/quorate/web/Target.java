package io.quorate.web;

import io.quorate.tree.IllegalPathException;
import io.quorate.tree.ZPath;
import jakarta.servlet.http.HttpServletRequest;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.convert.DurationStyle;

/**
 * The request target, read from the raw URI: decoded once, as UTF-8, with {@code +} and {@code ;}
 * as plain characters. The servlet API's own reading is never asked, as it would parse form bodies.
 */
final class Target {
  private static final Duration LONGEST = Duration.ofDays(100 * 365);

  private final String path;
  private final Map<String, String> options;

  private Target(String path, Map<String, String> options) {
    this.path = path;
    this.options = options;
  }

  /**
   * @param known names that the query may have; any other is refused, as a mistyped {@code version}
   *     must not turn a guarded write into an unguarded one
   */
  static Target of(HttpServletRequest request, List<String> known) {
    var options = new LinkedHashMap<String, String>();
    String query = request.getQueryString();
    if (query != null) {
      for (String part : query.split("&")) {
        if (!part.isEmpty()) {
          int equals = part.indexOf('=');
          String name = decode(equals < 0 ? part : part.substring(0, equals));
          String value = equals < 0 ? "" : decode(part.substring(equals + 1));
          if (!known.contains(name)) {
            throw Problem.badArguments(
                "there is no option \"" + name + "\" here; there are " + String.join(", ", known));
          }
          if (options.put(name, value) != null) {
            throw Problem.badArguments("the option \"" + name + "\" is given twice");
          }
        }
      }
    }
    return new Target(decode(request.getRequestURI()), options);
  }

  /** Percent-decoding and nothing else; bytes that are no UTF-8 are refused. */
  static String decode(String raw) {
    if (raw.indexOf('%') < 0) {
      return raw;
    }
    var bytes = new ByteArrayOutputStream(raw.length());
    for (int i = 0; i < raw.length(); i++) {
      char c = raw.charAt(i);
      if (c != '%') {
        bytes.writeBytes(String.valueOf(c).getBytes(StandardCharsets.UTF_8));
        continue;
      }
      int high = i + 2 < raw.length() ? Character.digit(raw.charAt(i + 1), 16) : -1;
      int low = i + 2 < raw.length() ? Character.digit(raw.charAt(i + 2), 16) : -1;
      if (high < 0 || low < 0) {
        throw Problem.badArguments("\"%\" must be followed by two hexadecimal digits");
      }
      bytes.write(high << 4 | low);
      i += 2;
    }
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(bytes.toByteArray()))
          .toString();
    } catch (CharacterCodingException e) {
      throw Problem.badArguments("the request target is not UTF-8 after percent-decoding");
    }
  }

  /** What a URL must have in the place of {@code path}; slashes stay. */
  static String encode(String path) {
    var out = new StringBuilder(path.length() + 16);
    for (byte b : path.getBytes(StandardCharsets.UTF_8)) {
      int c = b & 0xff;
      boolean plain =
          c >= 'a' && c <= 'z'
              || c >= 'A' && c <= 'Z'
              || c >= '0' && c <= '9'
              || "/-._~!$'()*,:@".indexOf(c) >= 0;
      if (plain) {
        out.append((char) c);
      } else {
        out.append('%')
            .append(Character.toUpperCase(Character.forDigit(c >> 4, 16)))
            .append(Character.toUpperCase(Character.forDigit(c & 15, 16)));
      }
    }
    return out.toString();
  }

  /** Where a znode is found over HTTP. */
  static String location(ZPath path) {
    return path.isRoot() ? "/znodes" : "/znodes" + encode(path.toString());
  }

  /** The znode that is meant, by the rest of the URI or by {@code ?path=}. */
  ZPath znode() {
    String rest = path.startsWith("/znodes") ? path.substring("/znodes".length()) : "";
    String given = options.get("path");
    if (given != null && !rest.isEmpty() && !rest.equals("/")) {
      throw Problem.badArguments("the znode is named twice, in the path and by ?path=");
    }
    String text = given != null ? given : rest;
    try {
      return text.isEmpty() ? ZPath.ROOT : ZPath.of(text);
    } catch (IllegalPathException e) {
      throw Problem.badArguments(String.valueOf(e.getMessage())).with("path", text);
    }
  }

  /** The resource however it was named: the same for {@code /znodes/a} and {@code ?path=/a}. */
  String resource() {
    return path.equals("/znodes") || path.startsWith("/znodes/") ? "znode " + znode() : path;
  }

  @Nullable String option(String name) {
    return options.get(name);
  }

  /** A choice of a few words, each in lower case. */
  String word(String name, String otherwise, List<String> accepted) {
    String value = options.get(name);
    if (value == null) {
      return otherwise;
    }
    if (!accepted.contains(value)) {
      throw Problem.badArguments(
          "\"" + name + "\" is one of " + String.join(", ", accepted) + ", not \"" + value + "\"");
    }
    return value;
  }

  /** A switch: {@code true}, {@code false}, or its bare name for true. */
  boolean flag(String name) {
    String value = options.get(name);
    if (value == null || value.equals("false")) {
      return false;
    }
    if (value.isEmpty() || value.equals("true")) {
      return true;
    }
    throw Problem.badArguments("\"" + name + "\" is true or false, not \"" + value + "\"");
  }

  Optional<Integer> number(String name, int min, int max) {
    String value = options.get(name);
    if (value == null) {
      return Optional.empty();
    }
    try {
      int number = Integer.parseInt(value);
      if (number >= min && number <= max) {
        return Optional.of(number);
      }
    } catch (NumberFormatException e) {
      // Answered below, with the range.
    }
    throw Problem.badArguments(
        "\"" + name + "\" is a number from " + min + " to " + max + ", not \"" + value + "\"");
  }

  /** A zxid as {@code 0x} and hexadecimal digits, or in decimal. */
  Optional<Long> zxid(String name) {
    String value = options.get(name);
    return value == null ? Optional.empty() : Optional.of(zxid(name, value));
  }

  static long zxid(String name, String value) {
    try {
      long zxid =
          value.startsWith("0x")
              ? Long.parseLong(value.substring(2), 16)
              : Long.parseLong(value, 10);
      if (zxid >= 0) {
        return zxid;
      }
    } catch (NumberFormatException e) {
      // Answered below.
    }
    throw Problem.badArguments("\"" + name + "\" is a zxid as 0x1f, not \"" + value + "\"");
  }

  /** A time span as {@code 30s}, {@code 500ms} or ISO-8601's {@code PT30S}. */
  static Duration duration(String name, String value) {
    try {
      Duration duration = DurationStyle.detectAndParse(value);
      if (duration.abs().compareTo(LONGEST) <= 0) {
        return duration;
      }
    } catch (IllegalArgumentException | ArithmeticException e) {
      // Answered below.
    }
    throw Problem.badArguments(
        "\"" + name + "\" is a time span as 30s or PT30S, not \"" + value + "\"");
  }

  /** Everything that the query asks for, always in the same order; without {@code path}. */
  String canonicalOptions() {
    var sorted = new TreeMap<>(options);
    sorted.remove("path");
    return sorted.toString();
  }
}
