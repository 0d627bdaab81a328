package io.quorate.state;

import io.quorate.tree.Acl;
import io.quorate.tree.ZPath;
import io.quorate.tree.Znode;
import org.jspecify.annotations.Nullable;

/**
 * One znode before and after.
 *
 * @param before null when it was created
 * @param after null when it was deleted
 * @param parent what it did to the parent; null when the node neither came nor went, or went
 *     together with its parent
 */
public record Change(
    ZPath path, @Nullable Znode before, @Nullable Znode after, @Nullable ParentChange parent) {

  /**
   * What a coming or going did to the parent.
   *
   * @param pzxidBefore the parent's pzxid before it
   * @param cversionAfter the parent's cversion after it
   * @param acl the parent's ACL
   */
  public record ParentChange(long pzxidBefore, int cversionAfter, Acl acl) {}

  /** What a watcher of the node itself is told; null for a change of the ACL, which tells none. */
  public TreeEvent.@Nullable Kind kind() {
    if (before == null) {
      return TreeEvent.Kind.CREATED;
    }
    if (after == null) {
      return TreeEvent.Kind.DELETED;
    }
    return before.version() == after.version() ? null : TreeEvent.Kind.CHANGED;
  }
}
