package io.quorate.web;

import io.quorate.state.Precondition.Etags;
import io.quorate.state.TreeEvent;
import io.quorate.tree.Znode;
import io.quorate.watch.WatchTable.Scope;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How events look, over either way of streaming them. */
final class WatchMessages {
  private WatchMessages() {}

  static String kind(TreeEvent event) {
    return event.kind().name().toLowerCase(Locale.ROOT);
  }

  /** Puts the members that describe {@code event}. */
  static void describe(
      Map<String, Object> message, TreeEvent event, boolean isInitial, boolean withData) {
    message.put("event", kind(event));
    message.put("path", event.path().toString());
    message.put("zxid", Json.hex(event.position().zxid()));
    message.put("pos", event.position().toString());
    message.put("version", event.version());
    Znode node = event.node();
    message.put("etag", node == null ? Json.hex(event.position().zxid()) : Etags.data(node));
    if (isInitial) {
      message.put("initial", true);
    }
    if (withData && node != null && event.kind() != TreeEvent.Kind.DELETED) {
      Json.putData(message, node);
      node.contentType().ifPresent(type -> message.put("contentType", type));
    }
  }

  static Map<String, Object> message(TreeEvent event, boolean isInitial, boolean withData) {
    var message = new LinkedHashMap<String, Object>();
    describe(message, event, isInitial, withData);
    return message;
  }

  static Scope scope(@Nullable String depth) {
    return switch (depth == null ? "0" : depth) {
      case "0" -> Scope.NODE;
      case "1" -> Scope.CHILDREN;
      case "*" -> Scope.SUBTREE;
      default -> throw Problem.badArguments("\"depth\" is 0, 1 or *, not \"" + depth + "\"");
    };
  }

  static boolean isSnapshot(@Nullable String initial) {
    if (initial == null || initial.isEmpty()) {
      return false;
    }
    if (!initial.equals("snapshot")) {
      throw Problem.badArguments("\"initial\" is snapshot, not \"" + initial + "\"");
    }
    return true;
  }
}
