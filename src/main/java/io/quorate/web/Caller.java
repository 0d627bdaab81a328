package io.quorate.web;

import io.quorate.tree.Acl;
import io.quorate.tree.Identity;
import io.quorate.tree.Znode;
import java.util.List;

/**
 * Who asks.
 *
 * @param identities everything that authenticated; {@code world} need not be said
 * @param credentials whether any were shown, beside the address
 */
record Caller(List<Identity> identities, boolean credentials) {
  Caller {
    identities = List.copyOf(identities);
  }

  boolean may(int perms, Znode node) {
    return node.acl() == Acl.OPEN || node.acl().allows(perms, identities);
  }

  boolean isSuper() {
    return identities.contains(Identity.SUPER);
  }

  /** Whose idempotency keys these are: the address does not count, as it changes on the way. */
  String scope() {
    StringBuilder scope = new StringBuilder("world");
    for (Identity identity : identities) {
      if (!identity.scheme().equals("ip") && !identity.equals(Identity.SUPER)) {
        scope.append('\n').append(identity.scheme()).append(':').append(identity.id());
      }
    }
    return scope.toString();
  }
}
