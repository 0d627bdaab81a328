package io.quorate.wire;

import io.quorate.state.Command;
import io.quorate.tree.ZPath;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one request asks.
 *
 * <p>A path that no node can have is null: reading it finds nothing.
 */
sealed interface Ask {

  /**
   * A change, decided by the cluster.
   *
   * @param op the request's type, which decides how its reply looks
   */
  record Change(int op, Command command) implements Ask {}

  /** A multi of changes; {@code ops} are the types of its operations. */
  record Changes(List<Integer> ops, Command.Multi multi) implements Ask {}

  /** A deletion of what no node can be called; whether the parent lets it go is asked first. */
  record HopelessDelete(@Nullable ZPath parent) implements Ask {}

  /** Refused whatever the state. */
  record Refusal(int error) implements Ask {}

  record Exists(@Nullable ZPath path, boolean watch) implements Ask {}

  record GetData(@Nullable ZPath path, boolean watch) implements Ask {}

  record GetChildren(@Nullable ZPath path, boolean watch, boolean withStat) implements Ask {}

  record GetAcl(@Nullable ZPath path) implements Ask {}

  /** How many nodes there are below. */
  record CountBelow(@Nullable ZPath path) implements Ask {}

  /** The session's ephemerals whose paths start with {@code prefix}. */
  record Ephemerals(String prefix) implements Ask {}

  record WhoAmI() implements Ask {}

  /** Reads, each answered or refused on its own. */
  record Reads(List<Ask> reads) implements Ask {}

  record AddWatch(@Nullable ZPath path, boolean recursive) implements Ask {}

  record CheckWatches(@Nullable ZPath path, WatchKind kind) implements Ask {}

  record RemoveWatches(@Nullable ZPath path, WatchKind kind) implements Ask {}

  /** Watches that a client brings from its former connection; all else happened since then. */
  record SetWatches(
      long sinceZxid,
      List<String> data,
      List<String> exists,
      List<String> children,
      List<String> persistent,
      List<String> recursive)
      implements Ask {}

  record Ping() implements Ask {}

  record Sync(String path) implements Ask {}

  record CloseSession() implements Ask {}

  /** A type that is not served; the connection is closed after the answer. */
  record Unknown() implements Ask {}

  /** Which watches a check or removal is about; the numbers are ZooKeeper's {@code WatcherType}. */
  enum WatchKind {
    CHILDREN,
    DATA,
    ANY,
    PERSISTENT,
    RECURSIVE
  }

  /** Whether the answer and the arming of a watch are one step. */
  default boolean arms() {
    return switch (this) {
      case Exists exists -> exists.watch;
      case GetData get -> get.watch;
      case GetChildren get -> get.watch;
      case AddWatch add -> true;
      case SetWatches set -> true;
      case CheckWatches check -> true;
      case RemoveWatches remove -> true;
      default -> false;
    };
  }
}
