package io.quorate.state;

import io.quorate.tree.Bytes;
import io.quorate.tree.Stat;
import io.quorate.tree.ZPath;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What became of a command. */
public sealed interface Outcome {
  Outcome DONE = new Done();

  /**
   * Refused, with nothing changed.
   *
   * @param path the node it is about
   * @param detail a sentence for a person
   * @param precondition whether a condition that the client set is what failed
   */
  record Rejected(Code code, @Nullable ZPath path, String detail, boolean precondition)
      implements Outcome {
    public static Rejected of(Code code, @Nullable ZPath path, String detail) {
      return new Rejected(code, path, detail, false);
    }
  }

  record Created(ZPath path, Stat stat) implements Outcome {}

  /** New data or a new ACL. */
  record Updated(ZPath path, Stat stat) implements Outcome {}

  /**
   * @param count nodes removed, 1 and up
   */
  record Deleted(ZPath path, int count) implements Outcome {}

  record Checked(ZPath path) implements Outcome {}

  record Found(ZPath path, @Nullable Bytes data, @Nullable String contentType, Stat stat)
      implements Outcome {}

  /**
   * A multi that was applied, or a transaction of which one branch was.
   *
   * @param succeeded whether the conditions held
   */
  record Several(boolean succeeded, List<Outcome> results) implements Outcome {
    public Several {
      results = List.copyOf(results);
    }
  }

  /**
   * A multi of which one operation was refused; nothing of it was applied.
   *
   * @param succeeded whether the conditions held, so which branch it was
   * @param failedIndex the operation that was refused
   * @param rejection why
   */
  record SeveralRejected(boolean succeeded, int failedIndex, int count, Rejected rejection)
      implements Outcome {}

  /** A session was opened or attached. */
  record InSession(long id, int timeoutMs, long generation) implements Outcome {}

  /** Nothing more to say. */
  record Done() implements Outcome {}

  /** Whether nothing was applied. */
  default boolean isRejection() {
    return this instanceof Rejected || this instanceof SeveralRejected;
  }
}
