package io.quorate.state;

import io.quorate.tree.Digest;
import io.quorate.tree.Znode;
import io.quorate.tree.ZooVector;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Everything in a state as text, so that a test that compares two shows what is different. */
public final class States {
  private States() {}

  public static List<String> describe(State state) {
    var lines = new ArrayList<String>();
    Digest digest = state.tree().digest();
    lines.add("zxid " + state.zxid() + " at " + state.timeMs() + " in term " + state.term());
    lines.add("digest " + digest + ", " + state.tree().size() + " nodes");
    lines.add("weighing " + state.tree().weightBytes());
    lines.add(state.settings().toString());
    state.tree().forEach((path, node) -> lines.add(path + " " + describe(node)));
    each(state.sessions(), lines);
    each(state.ephemerals(), lines);
    each(state.reapable(), lines);
    each(state.lanes(), lines);
    lines.add(state.answers().size() + " answers weigh " + state.answers().weightBytes());
    each(state.answers().byAge(), lines);
    History history = state.history();
    lines.add("held after " + history.heldAfter());
    lines.add(history.changeCount() + " changes weigh " + history.weightBytes());
    History.Entries entries = history.entries();
    while (entries.next()) {
      HistoryEntry entry = entries.value();
      lines.add("zxid " + entries.zxid() + " " + entry.zxid() + " at " + entry.timeMs());
      for (Change change : entry.changes()) {
        lines.add(
            change.path()
                + " from "
                + describe(change.before())
                + " to "
                + describe(change.after())
                + " parent "
                + change.parent());
      }
    }
    return lines;
  }

  private static String describe(@Nullable Znode node) {
    return node == null
        ? "nothing"
        : node.stat()
            + " "
            + node.acl()
            + " "
            + node.lifetime()
            + " "
            + node.contentType()
            + " "
            + node.data().map(data -> java.util.Arrays.toString(data.toArray()))
            + " after "
            + node.childCreations()
            + " births";
  }

  private static <K, V> void each(ZooVector<K, V> map, List<String> lines) {
    ZooVector.Cursor<K, V> cursor = map.cursor();
    while (cursor.next()) {
      lines.add(cursor.key() + " = " + cursor.value());
    }
    lines.add(String.valueOf(map.size()));
  }

  /** What each of {@code lines} says, one a line. */
  public static String joined(List<String> lines) {
    return lines.stream().collect(Collectors.joining("\n"));
  }
}
