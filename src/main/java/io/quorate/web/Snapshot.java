package io.quorate.web;

import io.quorate.state.State;
import io.quorate.tree.Acl;
import io.quorate.tree.ZPath;
import io.quorate.tree.Znode;
import io.quorate.tree.ZnodeTree;

/**
 * The tree that a read is answered from: the newest, one held for pages, or an old one.
 *
 * @param newest what permissions are judged by too: an old version is not a way around an ACL that
 *     has been tightened since
 */
record Snapshot(ZnodeTree tree, long zxid, ZnodeTree newest) {
  static Snapshot of(State state) {
    return new Snapshot(state.tree(), state.zxid(), state.tree());
  }

  /** As it was right after {@code zxid}. */
  static Snapshot at(long zxid, State state) {
    if (zxid > state.zxid()) {
      throw Problem.badArguments(
          Json.hex(zxid) + " is yet to come; the newest is " + Json.hex(state.zxid()));
    }
    ZnodeTree tree =
        state
            .history()
            .treeAt(zxid, state)
            .orElseThrow(
                () ->
                    Problem.gone("the history no longer holds " + Json.hex(zxid))
                        .with("oldest", Json.hex(state.history().heldAfter()))
                        .at(state.zxid()));
    return new Snapshot(tree, zxid, state.tree());
  }

  boolean mayRead(Caller caller, ZPath path, Znode node) {
    if (!caller.may(Acl.READ, node)) {
      return false;
    }
    if (newest == tree) {
      return true;
    }
    Znode now = newest.find(path);
    return now == null || caller.may(Acl.READ, now);
  }

  void requireRead(Caller caller, ZPath path, Znode node) {
    if (!mayRead(caller, path, node)) {
      throw Problems.noAuth("not allowed to read " + path, caller)
          .with("path", path.toString())
          .at(zxid);
    }
  }

  /** The node, or 404 with the tag that a long poll waits with for its creation. */
  Znode require(ZPath path) {
    Znode node = tree.find(path);
    if (node == null) {
      throw Problems.noNode(path).header("ETag", '"' + ABSENT_TAG + '"').at(zxid);
    }
    return node;
  }

  /** The entity tag of what is not there. */
  static final String ABSENT_TAG = "0x0";
}
