package io.quorate.state;

import io.quorate.tree.Acl;
import io.quorate.tree.Bytes;
import io.quorate.tree.Digest;
import io.quorate.tree.IllegalPathException;
import io.quorate.tree.Lifetime;
import io.quorate.tree.ZPath;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Everything that can be asked of the state machine, through the log. */
public sealed interface Command {

  /** What may also stand in a {@link Multi} or {@link Transaction}. */
  sealed interface Op extends Command {
    ZPath path();
  }

  /** How the name of a new node is made. */
  enum Naming {
    EXACT,
    /** With the parent's count of child creations appended, ten digits. */
    SEQUENTIAL
  }

  /** What happens when ancestors are missing. */
  enum Parents {
    REQUIRED,
    /** They are created, persistent and open, in the same zxid. */
    CREATED
  }

  /**
   * A new node.
   *
   * @param name last segment; with {@link Naming#SEQUENTIAL} what stands before the number, and may
   *     then be empty
   * @param acl as the client wrote it; {@code auth} entries are resolved in apply
   */
  record Create(
      ZPath parent,
      String name,
      Naming naming,
      @Nullable Bytes data,
      @Nullable String contentType,
      Acl acl,
      Lifetime lifetime,
      Parents parents)
      implements Op {
    /**
     * The path as asked for, without the sequence number; the parent when the name is no segment by
     * itself: empty, or {@code .} before a number.
     */
    @Override
    public ZPath path() {
      try {
        return parent.child(name);
      } catch (IllegalPathException e) {
        return parent;
      }
    }
  }

  /** Create or replace, as HTTP's PUT does. Lifetime, ACL and parents count when it creates. */
  record Put(
      ZPath path,
      Bytes data,
      @Nullable String contentType,
      Precondition precondition,
      Acl acl,
      Lifetime lifetime,
      Parents parents)
      implements Op {}

  record SetData(
      ZPath path, @Nullable Bytes data, @Nullable String contentType, Precondition precondition)
      implements Op {}

  record Delete(ZPath path, Precondition precondition) implements Op {}

  /** The node and everything below it, in one zxid. */
  record DeleteTree(ZPath path, Precondition precondition) implements Op {}

  record SetAcl(ZPath path, Acl acl, Precondition precondition) implements Op {}

  /** Nothing but the judgement that the version is right. */
  record Check(ZPath path, int version) implements Op {}

  /** What is there at this point of a transaction. */
  record Read(ZPath path) implements Op {}

  /** All or nothing, in one zxid. */
  record Multi(List<Op> ops) implements Command {
    public Multi {
      ops = List.copyOf(ops);
    }
  }

  /** {@code then} when every condition holds, else {@code otherwise}; the branch is a multi. */
  record Transaction(List<Condition> conditions, List<Op> then, List<Op> otherwise)
      implements Command {
    public Transaction {
      conditions = List.copyOf(conditions);
      then = List.copyOf(then);
      otherwise = List.copyOf(otherwise);
    }
  }

  /** One {@code if} of a {@link Transaction}. */
  record Condition(ZPath path, Precondition precondition) {}

  /**
   * A new session.
   *
   * @param id not 0; picked by the member that opens it
   * @param passwordHash what a secret must hash to
   * @param timeoutMs as asked for; apply brings it into the cluster's range
   */
  record OpenSession(long id, Bytes passwordHash, int timeoutMs, int member) implements Command {}

  /**
   * A session goes on at {@code member}; whoever acted for it elsewhere no longer does.
   *
   * @param timeoutMs newly asked for; 0 keeps what it has
   */
  record AttachSession(long id, Bytes passwordHash, int timeoutMs, int member) implements Command {}

  /** Ends the session and its ephemerals. */
  record CloseSession(long id) implements Command {}

  /**
   * The leader heard nothing for too long; nothing happens when the session was attached since, or
   * when another leader has begun, which gives every session its full timeout again.
   *
   * @param term in which the leader decided it
   */
  record ExpireSession(long id, long generation, long term) implements Command {}

  /** The leader thinks that time has come for a container or TTL node; judged again in apply. */
  record Reap(ZPath path) implements Command {}

  record Configure(Settings settings) implements Command {}

  /** A new leader's first entry. */
  record NewTerm(long term, int leaderId) implements Command {}

  /** Nothing of {@code member} below ({@code boot}, {@code next}) may apply any more. */
  record Fence(int member, long boot, long next) implements Command {}

  /** What the leader's state was at {@code zxid}; each member compares its own. */
  record Audit(long zxid, Digest digest) implements Command {}
}
