package io.quorate.tree;

import java.util.ArrayList;
import java.util.List;

/**
 * Who may do what with a znode: the entries are alternatives.
 *
 * <p>Source: ZooKeeper programmer's guide, "Access Control using ACLs".
 */
public record Acl(List<Entry> entries) {
  public static final int READ = 1;
  public static final int WRITE = 2;
  public static final int CREATE = 4;
  public static final int DELETE = 8;
  public static final int ADMIN = 16;
  public static final int ALL = 31;

  /** Entries that one ACL may have: every access walks them. */
  public static final int MAX_ENTRIES = 1_000;

  /** Anyone may do anything: what a znode has when nobody says otherwise. */
  public static final Acl OPEN = new Acl(List.of(new Entry(ALL, "world", "anyone")));

  public Acl {
    entries = List.copyOf(entries);
  }

  /**
   * One alternative.
   *
   * @param perms a sum of {@link #READ} to {@link #ADMIN}, 0..31
   */
  public record Entry(int perms, String scheme, String id) {
    private boolean names(Identity who) {
      if (!scheme.equals(who.scheme())) {
        return false;
      }
      return scheme.equals("ip") ? IpRange.contains(id, who.id()) : id.equals(who.id());
    }
  }

  /** Whether one of {@code identities} has all of {@code perms}; {@code super} always has. */
  public boolean allows(int perms, List<Identity> identities) {
    for (Identity who : identities) {
      if (who.scheme().equals("super")) {
        return true;
      }
    }
    for (Entry entry : entries) {
      if ((entry.perms & perms) == perms) {
        if (entry.scheme.equals("world") && entry.id.equals("anyone")) {
          return true;
        }
        for (Identity who : identities) {
          if (entry.names(who)) {
            return true;
          }
        }
      }
    }
    return false;
  }

  /**
   * With {@code auth} entries replaced by the identities that authenticated, as ZooKeeper's {@code
   * fixupACL} does.
   *
   * @return the list to store; empty when it is invalid or too long or an {@code auth} entry finds
   *     nobody
   */
  public List<Entry> resolvedFor(List<Identity> identities) {
    if (entries.size() > MAX_ENTRIES) {
      return List.of();
    }
    var resolved = new ArrayList<Entry>(entries.size());
    for (Entry entry : entries) {
      if (entry.perms < 0 || entry.perms > ALL) {
        return List.of();
      }
      switch (entry.scheme) {
        case "auth" -> {
          boolean found = false;
          for (Identity who : identities) {
            if (who.scheme().equals("digest") || who.scheme().equals("x509")) {
              add(resolved, new Entry(entry.perms, who.scheme(), who.id()));
              found = true;
            }
          }
          if (!found) {
            return List.of();
          }
        }
        case "world" -> {
          if (!entry.id.equals("anyone")) {
            return List.of();
          }
          add(resolved, entry);
        }
        case "digest" -> {
          // As ZooKeeper splits it: colons at the very end do not count.
          if (entry.id.split(":").length != 2) {
            return List.of();
          }
          add(resolved, entry);
        }
        case "ip" -> {
          if (!IpRange.isValid(entry.id)) {
            return List.of();
          }
          add(resolved, entry);
        }
        case "x509" -> {
          if (entry.id.isEmpty()) {
            return List.of();
          }
          add(resolved, entry);
        }
        default -> {
          return List.of();
        }
      }
    }
    return resolved;
  }

  private static void add(List<Entry> resolved, Entry entry) {
    if (!resolved.contains(entry)) {
      resolved.add(entry);
    }
  }
}
