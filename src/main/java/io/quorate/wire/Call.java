package io.quorate.wire;

import io.quorate.server.Reply;
import io.quorate.state.State;
import io.quorate.tree.Identity;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One request on its way through a connection's lane. Owned by the connection's event loop, but for
 * what is final.
 */
final class Call {
  final int xid;
  final Ask ask;
  final int sizeBytes;
  final long arrivedNs;

  /** Who the connection was when the request came. */
  final List<Identity> identities;

  /** For a read: shared with the reads next to it. */
  @Nullable Gap gap;

  /** The cluster's answer; null until it is there. */
  @Nullable Reply reply;

  /** Why there will be no answer. */
  @Nullable Throwable failure;

  /**
   * For a sync: that everything before it is applied here. For an arming read: that it is armed.
   */
  boolean ready;

  /** The reads between two changes of a connection. */
  static final class Gap {
    /**
     * What they may be answered from at the least, taken as the change behind them was submitted;
     * null while there is none.
     */
    @Nullable State before;
  }

  Call(int xid, Ask ask, int sizeBytes, List<Identity> identities, long arrivedNs) {
    this.xid = xid;
    this.ask = ask;
    this.sizeBytes = sizeBytes;
    this.identities = identities;
    this.arrivedNs = arrivedNs;
  }

  boolean isChange() {
    return ask instanceof Ask.Change
        || ask instanceof Ask.Changes
        || ask instanceof Ask.CloseSession;
  }

  /**
   * Whether changes behind it must wait for it: it answers from a moment that they must not move.
   */
  boolean holdsChanges() {
    return ask.arms() || ask instanceof Ask.Sync;
  }
}
