package io.quorate.web;

import io.quorate.state.Precondition;
import jakarta.servlet.http.HttpServletRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Conditional headers.
 *
 * <p>Source: RFC 9110 §8.8.3 and §13.
 */
final class Conditions {
  private Conditions() {}

  /** What a write asks for; {@code If-Match}, {@code If-None-Match: *} or {@code ?version=}. */
  static Precondition ofWrite(HttpServletRequest request, Target target) {
    Optional<String> match = header(request, "If-Match");
    Optional<String> noneMatch = header(request, "If-None-Match");
    Optional<Integer> version = target.number("version", Integer.MIN_VALUE, Integer.MAX_VALUE);
    long given = (match.isPresent() ? 1 : 0) + (noneMatch.isPresent() ? 1 : 0);
    if (given + (version.isPresent() ? 1 : 0) > 1) {
      throw Problem.badArguments("one of If-Match, If-None-Match and version is enough");
    }
    if (noneMatch.isPresent()) {
      if (!noneMatch.get().equals("*")) {
        throw Problem.badArguments("a write takes \"If-None-Match: *\" and no other");
      }
      return Precondition.ABSENT;
    }
    if (match.isPresent()) {
      return match.get().equals("*")
          ? Precondition.PRESENT
          : new Precondition.OneOf(strongTags(match.get()));
    }
    return version.<Precondition>map(Precondition.Version::new).orElse(Precondition.NONE);
  }

  /** Whether {@code If-None-Match} names {@code etag}: the client has this already. */
  static boolean isKnown(HttpServletRequest request, String etag) {
    String given = header(request, "If-None-Match").orElse("");
    return given.equals("*") || tags(given).stream().anyMatch(tag -> tag.value.equals(etag));
  }

  /** Refuses a read whose {@code If-Match} names other tags than {@code etag}. */
  static void requireMatch(HttpServletRequest request, String etag) {
    String given = header(request, "If-Match").orElse("*");
    if (!given.equals("*") && !strongTags(given).contains(etag)) {
      throw new Problem(412, "BADVERSION", "it has changed: its ETag is \"" + etag + "\"");
    }
  }

  static boolean names(HttpServletRequest request, String header) {
    return header(request, header).isPresent();
  }

  /** All fields of this name as one list, as RFC 9110 §5.3 has it. */
  private static Optional<String> header(HttpServletRequest request, String name) {
    var fields = new ArrayList<String>();
    request.getHeaders(name).asIterator().forEachRemaining(field -> fields.add(field.trim()));
    return fields.isEmpty() ? Optional.empty() : Optional.of(String.join(", ", fields));
  }

  private record Tag(String value, boolean weak) {}

  /** {@code If-Match} compares strongly: a weak tag never matches. */
  private static List<String> strongTags(String list) {
    return tags(list).stream().filter(tag -> !tag.weak).map(Tag::value).toList();
  }

  private static List<Tag> tags(String list) {
    var tags = new ArrayList<Tag>();
    int at = 0;
    while (at < list.length()) {
      char c = list.charAt(at);
      if (c == ',' || c == ' ' || c == '\t') {
        at++;
        continue;
      }
      boolean weak = list.startsWith("W/", at);
      int open = weak ? at + 2 : at;
      int close =
          open < list.length() && list.charAt(open) == '"' ? list.indexOf('"', open + 1) : -1;
      if (close < 0) {
        throw Problem.badArguments("an entity tag stands in double quotes, as \"0x1f\"");
      }
      tags.add(new Tag(list.substring(open + 1, close), weak));
      at = close + 1;
    }
    return tags;
  }
}
