package io.quorate.state;

import io.quorate.tree.Acl;
import io.quorate.tree.ZPath;
import io.quorate.tree.Znode;
import org.jspecify.annotations.Nullable;

/**
 * Something that a watcher can be told.
 *
 * @param path the node it is about: for {@link Kind#CHILDREN} the parent
 * @param position where it stands among all events
 * @param node the node after it, before it for {@link Kind#DELETED}, null for {@link Kind#CHILDREN}
 * @param version the data version; for {@link Kind#CHILDREN} the cversion
 * @param acl what must allow READ for a watcher to see it
 */
public record TreeEvent(
    Kind kind, ZPath path, Position position, @Nullable Znode node, int version, Acl acl) {

  /** What happened. */
  public enum Kind {
    CREATED,
    CHANGED,
    DELETED,
    CHILDREN
  }
}
