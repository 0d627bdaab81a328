package io.quorate.auth;

import io.quorate.tree.Acl;
import io.quorate.tree.Identity;
import java.util.ArrayList;
import java.util.List;

/**
 * An ACL as somebody may see it: password hashes are for those who could change it anyway.
 *
 * <p>Source: ZooKeeper's {@code FinalRequestProcessor}, {@code getACL}.
 */
public final class AclView {
  private AclView() {}

  /** Whether {@code viewer} may see the ACL at all: READ is enough, and so is ADMIN. */
  public static boolean isVisible(Acl acl, List<Identity> viewer) {
    return acl.allows(Acl.READ, viewer) || acl.allows(Acl.ADMIN, viewer);
  }

  /** {@code acl} itself for one with ADMIN; for others {@code user:x} in place of digests. */
  public static Acl masked(Acl acl, List<Identity> viewer) {
    if (acl.allows(Acl.ADMIN, viewer)) {
      return acl;
    }
    var masked = new ArrayList<Acl.Entry>(acl.entries().size());
    for (Acl.Entry entry : acl.entries()) {
      masked.add(
          entry.scheme().equals("digest")
              ? new Acl.Entry(entry.perms(), entry.scheme(), masked(entry.id()))
              : entry);
    }
    return new Acl(masked);
  }

  private static String masked(String id) {
    int colon = id.indexOf(':');
    return colon < 0 ? id : id.substring(0, colon) + ":x";
  }
}
