package io.quorate.watch;

import io.quorate.state.History;
import io.quorate.state.Position;
import io.quorate.state.State;
import io.quorate.state.TreeEvent;
import io.quorate.tree.ZPath;
import io.quorate.tree.Znode;
import io.quorate.watch.WatchTable.Scope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A place in the history, seen from one path: hands out what came after it, a piece at a time. Used
 * by one thread.
 */
public final class Cursor {
  private final ZPath path;
  private final Scope scope;
  private Position position;

  /** What is left of an entry that did not fit; a large one is not taken apart again. */
  private @Nullable Rest rest;

  /**
   * @param after everything up to it has been seen
   */
  public Cursor(ZPath path, Scope scope, Position after) {
    this.path = path;
    this.scope = scope;
    this.position = after;
  }

  private record Rest(List<TreeEvent> events, int from) {}

  /**
   * Some events in log order.
   *
   * @param level whether everything that the state knows has now been seen
   */
  public record Batch(List<TreeEvent> events, boolean level) {}

  /** Everything up to it has been handed out, or was handed over by {@link #moveTo}. */
  public Position position() {
    return position;
  }

  /** Goes on after {@code seen}, which came to the caller by another way; never back. */
  public void moveTo(Position seen) {
    if (seen.compareTo(position) > 0) {
      position = seen;
      rest = null;
    }
  }

  /** Whether {@code history} holds everything that came after {@code position}. */
  public static boolean isHeld(Position position, History history) {
    return position.compareTo(Position.after(history.heldAfter())) >= 0;
  }

  /**
   * What comes next.
   *
   * @param state not older than any that was asked before
   * @param maxEvents how many at most, 1 and up
   * @param maxBytes of data, but at least one event
   * @return empty when the history has left this place behind
   */
  public Optional<Batch> next(State state, int maxEvents, long maxBytes) {
    if (rest == null && !isHeld(position, state.history())) {
      return Optional.empty();
    }
    try (History.Hold held = state.history().hold(position.zxid())) {
      if (held == null && rest == null) {
        return Optional.empty();
      }
      return Optional.of(next(state, held != null, maxEvents, maxBytes));
    }
  }

  /**
   * @param readable whether the history may be looked into; otherwise there is a rest
   */
  private Batch next(State state, boolean readable, int maxEvents, long maxBytes) {
    var batch = new ArrayList<TreeEvent>();
    long bytes = 0;
    History.Entries entries = state.history().from(position.zxid());
    while (rest != null || entries.next()) {
      List<TreeEvent> events = rest == null ? entries.value().events() : rest.events;
      int i = rest == null ? 0 : rest.from;
      boolean resumed = rest != null;
      rest = null;
      for (; i < events.size(); i++) {
        TreeEvent event = events.get(i);
        if (event.position().compareTo(position) <= 0 || !scope.concerns(path, event)) {
          continue;
        }
        if (batch.size() >= maxEvents || bytes >= maxBytes) {
          rest = new Rest(events, i);
          return new Batch(batch, false);
        }
        batch.add(event);
        bytes += weight(event);
        position = event.position();
      }
      if (!events.isEmpty()) {
        position = Position.after(events.get(0).position().zxid());
      }
      if (resumed) {
        if (!readable || !isHeld(position, state.history())) {
          return new Batch(batch, false);
        }
        entries = state.history().from(position.zxid() + 1);
      }
    }
    if (state.zxid() > position.zxid()) {
      position = Position.after(state.zxid());
    }
    return new Batch(batch, true);
  }

  /** Bytes that an event keeps alive while it waits. */
  public static long weight(TreeEvent event) {
    Znode node = event.node();
    return 128L + (node == null ? 0 : node.dataLength());
  }
}
