package io.quorate.state;

import io.quorate.state.Outcome.Rejected;
import io.quorate.state.Submission.Author;
import io.quorate.tree.Acl;
import io.quorate.tree.Bytes;
import io.quorate.tree.IllegalPathException;
import io.quorate.tree.Lifetime;
import io.quorate.tree.TreeDraft;
import io.quorate.tree.ZPath;
import io.quorate.tree.Znode;
import io.quorate.tree.ZnodeTree;
import io.quorate.tree.ZooVector;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The one place that decides: versions, permissions, limits, sequence numbers, ephemerals, in log
 * order. Pure: the same state, submission and stamp give the same result on every member.
 *
 * <p>The order in which things are checked is ZooKeeper's ({@code PrepRequestProcessor}).
 */
public final class StateMachine {
  private StateMachine() {}

  /**
   * What a submission did.
   *
   * @param change what it changed in the tree; null when it changed none
   * @param repeated whether the answer is one that was given before
   */
  public record Applied(
      State state, Answer answer, @Nullable HistoryEntry change, boolean repeated) {}

  /**
   * What several submissions did.
   *
   * @param state after the last of them
   * @param done one for each
   */
  public record AppliedAll(State state, List<Done> done) {}

  /**
   * What one of several did; see {@link Applied}.
   *
   * @param change null when it changed nothing in the tree
   */
  public record Done(Answer answer, @Nullable HistoryEntry change, boolean repeated) {}

  /** What to do with a batch. */
  public enum Admission {
    /** It is the next one. */
    ADMITTED,
    /** It was applied before. */
    DUPLICATE,
    /** One before it is missing, or it belongs to a start of the member that was fenced off. */
    REFUSED
  }

  /** Whether the batch ({@code boot}, {@code sequence}) of {@code member} is the next one. */
  public static Admission admission(State state, int member, long boot, long sequence) {
    State.Lane lane = state.lanes().get(member);
    long laneBoot = lane == null ? 0 : lane.boot();
    long next = lane == null ? 0 : lane.next();
    if (boot < laneBoot) {
      return Admission.REFUSED;
    }
    if (boot > laneBoot) {
      next = 0;
    }
    if (sequence == next) {
      return Admission.ADMITTED;
    }
    return sequence < next ? Admission.DUPLICATE : Admission.REFUSED;
  }

  /** With the lane of {@code member} moved past an admitted batch. */
  public static State admitted(State state, int member, long boot, long sequence) {
    return state.withLane(member, new State.Lane(boot, sequence + 1));
  }

  /** Applies one submission. Never throws for what a client asked. */
  public static Applied apply(State state, Submission submission, Stamp stamp) {
    var draft = new StateDraft(state);
    Done done = work(draft, submission, stamp);
    return new Applied(draft.state(), done.answer, done.change, done.repeated);
  }

  /**
   * Applies submissions one after the other, for who need not see the states between them: cheaper
   * than {@link #apply} for each, and the same.
   */
  public static AppliedAll applyAll(State state, List<Submission> submissions, Stamp stamp) {
    var draft = new StateDraft(state);
    var done = new ArrayList<Done>(submissions.size());
    for (Submission submission : submissions) {
      done.add(work(draft, submission, stamp));
    }
    return new AppliedAll(draft.state(), done);
  }

  private static Done work(StateDraft draft, Submission submission, Stamp stamp) {
    draft.timeMs = Math.max(draft.timeMs, stamp.timeMs());
    Submission.OnceKey key = submission.onceKey();
    if (key == null) {
      return new Work(draft, submission.author()).run(submission.command());
    }
    Answers.Kept kept = draft.answers.find(key).orElse(null);
    if (kept != null) {
      Answer answer =
          kept.key().fingerprint().equals(key.fingerprint())
              ? kept.answer()
              : new Answer(
                  Rejected.of(
                      Code.KEYREUSED, null, "this Idempotency-Key was used for another request"),
                  draft.zxid);
      return new Done(answer, null, true);
    }
    if (!draft.answers.hasRoom(draft.settings, draft.timeMs)) {
      Outcome full =
          Rejected.of(Code.KEYSFULL, null, "too many idempotency keys are in use; try again later");
      return new Done(new Answer(full, draft.zxid), null, false);
    }
    Settings settings = draft.settings; // those before: the command may set others
    Done done = new Work(draft, submission.author()).run(submission.command());
    draft.answers = draft.answers.with(key, memory(done.answer), settings, draft.timeMs);
    return done;
  }

  /** An answer as it is kept: without the data that a transaction read. */
  private static Answer memory(Answer answer) {
    if (!(answer.outcome() instanceof Outcome.Several several)) {
      return answer;
    }
    var results = new ArrayList<Outcome>(several.results().size());
    for (Outcome result : several.results()) {
      results.add(
          result instanceof Outcome.Found found
              ? new Outcome.Found(found.path(), null, found.contentType(), found.stat())
              : result);
    }
    return new Answer(new Outcome.Several(several.succeeded(), results), answer.zxid());
  }

  /**
   * One command being worked out. The draft of the tree has its changes at once; everything else
   * when it is known that the command is not refused.
   */
  private static final class Work {
    /** Every key holds its whole path: what depth costs is its square. */
    private static final int MAX_DEPTH = 500;

    private static final int MAX_NEW_PARENTS = 100;
    private static final ZPath ZOOKEEPER = ZPath.of("/zookeeper");
    private static final List<ZPath> UNDELETABLE =
        List.of(ZPath.ROOT, ZOOKEEPER, ZOOKEEPER.child("quota"), ZOOKEEPER.child("config"));

    private final StateDraft draft;
    private final Author author;
    private final long zxid;
    private final List<Change> changes = new ArrayList<>(2);
    private final TreeDraft tree;
    private ZooVector<State.OwnedPath, ZPath> ephemerals;
    private ZooVector<ZPath, ZPath> reapable;
    private ZooVector<Long, Session> sessions;
    private boolean sessionsChanged;

    /** The tree to go back to if the command is refused; null when it changes nothing before. */
    private @Nullable ZnodeTree treeBefore;

    Work(StateDraft draft, Author author) {
      this.draft = draft;
      this.author = author;
      this.zxid = draft.zxid + 1;
      this.tree = draft.tree;
      this.ephemerals = draft.ephemerals;
      this.reapable = draft.reapable;
      this.sessions = draft.sessions;
    }

    Done run(Command command) {
      Rejected unfit = judgeSession();
      Outcome outcome = unfit == null ? decide(command) : unfit;
      if (outcome.isRejection()) {
        takeBack();
        return new Done(new Answer(outcome, draft.zxid), null, false);
      }
      switch (command) {
        case Command.Configure configure -> {
          draft.settings = configured(configure.settings());
          draft.history = draft.history.trimmedTo(draft.settings);
        }
        case Command.NewTerm term -> draft.term = Math.max(draft.term, term.term());
        case Command.Fence fence -> draft.lanes = fenced(fence);
        default -> {}
      }
      return finished(outcome);
    }

    private Done finished(Outcome outcome) {
      HistoryEntry entry = null;
      if (!changes.isEmpty()) {
        entry = new HistoryEntry(zxid, draft.timeMs, changes);
        draft.history = draft.history.append(entry, draft.settings);
      }
      if (sessionsChanged || entry != null) {
        draft.zxid = zxid;
      }
      draft.sessions = sessions;
      draft.ephemerals = ephemerals;
      draft.reapable = reapable;
      return new Done(new Answer(outcome, draft.zxid), entry, false);
    }

    /** To be called before a change after which the command may still be refused. */
    private void rememberTree() {
      if (treeBefore == null) {
        treeBefore = tree.tree();
      }
    }

    private void takeBack() {
      if (treeBefore != null) {
        tree.goBackTo(treeBefore);
        changes.forEach(change -> draft.changed(change.path()));
      } else if (!changes.isEmpty()) {
        throw new IllegalStateException("refused after it had changed something");
      }
    }

    private Settings configured(Settings settings) {
      Settings present = draft.settings;
      return settings.revision() == Settings.FOUNDING && present.revision() > 0
          ? present
          : settings.withRevision(present.revision() + 1);
    }

    private ZooVector<Integer, State.Lane> fenced(Command.Fence fence) {
      State.Lane lane = draft.lanes.get(fence.member());
      boolean ahead =
          lane != null
              && (lane.boot() > fence.boot()
                  || lane.boot() == fence.boot() && lane.next() >= fence.next());
      return ahead
          ? draft.lanes
          : draft.lanes.put(fence.member(), new State.Lane(fence.boot(), fence.next()));
    }

    private @Nullable Rejected judgeSession() {
      if (author.sessionId() == 0) {
        return null;
      }
      Session session = sessions.get(author.sessionId());
      if (session == null) {
        return Rejected.of(Code.SESSIONEXPIRED, null, "the session has ended");
      }
      if (author.generation() != Author.ANY_GENERATION
          && author.generation() != session.generation()) {
        return Rejected.of(
            Code.SESSIONMOVED, null, "the session is attached elsewhere since this connection");
      }
      return null;
    }

    private Outcome decide(Command command) {
      return switch (command) {
        case Command.Op op -> perform(op);
        case Command.Multi multi -> performAll(true, multi.ops());
        case Command.Transaction transaction -> perform(transaction);
        case Command.OpenSession open -> open(open);
        case Command.AttachSession attach -> attach(attach);
        case Command.CloseSession close -> close(close.id());
        case Command.ExpireSession expire -> expire(expire);
        case Command.Reap reap -> reap(reap.path());
        case Command.Configure configure -> Outcome.DONE;
        case Command.NewTerm term -> Outcome.DONE;
        case Command.Fence fence -> Outcome.DONE;
        case Command.Audit audit -> Outcome.DONE;
      };
    }

    // Several operations

    private Outcome perform(Command.Transaction transaction) {
      boolean holds = true;
      for (Command.Condition condition : transaction.conditions()) {
        Znode node = tree.find(condition.path());
        if (node != null && !may(Acl.READ, node)) {
          return noAuth(condition.path(), "read");
        }
        holds &= judge(condition.path(), node, condition.precondition(), Tag.DATA) == null;
      }
      return performAll(holds, holds ? transaction.then() : transaction.otherwise());
    }

    private Outcome performAll(boolean succeeded, List<Command.Op> ops) {
      rememberTree();
      var results = new ArrayList<Outcome>(ops.size());
      for (Command.Op op : ops) {
        Outcome result = perform(op);
        if (result instanceof Rejected rejected) {
          return new Outcome.SeveralRejected(succeeded, results.size(), ops.size(), rejected);
        }
        results.add(result);
      }
      return new Outcome.Several(succeeded, results);
    }

    private Outcome perform(Command.Op op) {
      return switch (op) {
        case Command.Create create -> create(create);
        case Command.Put put -> put(put);
        case Command.SetData set -> setData(set);
        case Command.Delete delete -> delete(delete);
        case Command.DeleteTree delete -> deleteTree(delete);
        case Command.SetAcl set -> setAcl(set);
        case Command.Check check -> check(check);
        case Command.Read read -> read(read.path());
      };
    }

    // Nodes

    private Outcome create(Command.Create create) {
      Rejected unfit = judgeNew(create.path(), create.data(), create.lifetime());
      if (unfit != null) {
        return unfit;
      }
      List<Acl.Entry> acl = create.acl().resolvedFor(author.identities());
      if (acl.isEmpty()) {
        return invalidAcl(create.path());
      }
      ZPath parentPath = create.parent();
      if (create.parents() == Command.Parents.CREATED) {
        Rejected missing = createParents(parentPath);
        if (missing != null) {
          return missing;
        }
      }
      Znode parent = tree.find(parentPath);
      if (parent == null) {
        return noNode(parentPath);
      }
      if (!may(Acl.CREATE, parent)) {
        return noAuth(parentPath, "create children of");
      }
      ZPath path;
      try {
        path =
            create.naming() == Command.Naming.EXACT
                ? parentPath.child(create.name())
                : parentPath.child(create.name() + tenDigits(parent.childCreations()));
      } catch (IllegalPathException e) {
        return Rejected.of(Code.BADARGUMENTS, parentPath, String.valueOf(e.getMessage()));
      }
      if (tree.contains(path)) {
        return Rejected.of(Code.NODEEXISTS, path, path + " exists");
      }
      if (parent.isEphemeral()) {
        return Rejected.of(
            Code.NOCHILDRENFOREPHEMERALS, path, parentPath + " is ephemeral and has no children");
      }
      if (isOverQuota(path, 1, create.data() == null ? 0 : create.data().size())) {
        return overQuota(path);
      }
      Znode node =
          Znode.born(
              create.data(),
              create.contentType(),
              shared(acl, parent),
              create.lifetime(),
              zxid,
              draft.timeMs);
      insert(path, node, parentPath, parent);
      return new Outcome.Created(path, node.stat());
    }

    /** ZooKeeper formats the counter as a signed int: it turns negative rather than longer. */
    private static String tenDigits(int number) {
      String digits = Integer.toString(number);
      return number < 0
          ? String.format(Locale.ROOT, "%010d", number)
          : "0000000000".substring(digits.length()) + digits;
    }

    private @Nullable Rejected judgeNew(ZPath path, @Nullable Bytes data, Lifetime lifetime) {
      if (path.depth() > MAX_DEPTH) {
        return Rejected.of(
            Code.BADARGUMENTS, null, "a path has at most " + MAX_DEPTH + " segments");
      }
      if (data != null && data.size() > draft.settings.maxDataBytes()) {
        return tooLarge(path, data.size());
      }
      if (lifetime instanceof Lifetime.Ephemeral ephemeral
          && (ephemeral.sessionId() == 0 || ephemeral.sessionId() != author.sessionId())) {
        return Rejected.of(
            Code.BADARGUMENTS, path, "an ephemeral node needs the session that it belongs to");
      }
      return null;
    }

    /** The same list object for the same content as the parent's: a million nodes share one. */
    private static Acl shared(List<Acl.Entry> entries, Znode parent) {
      if (entries.equals(Acl.OPEN.entries())) {
        return Acl.OPEN;
      }
      return entries.equals(parent.acl().entries()) ? parent.acl() : new Acl(entries);
    }

    private @Nullable Rejected createParents(ZPath path) {
      // Not by recursion: a path may be deeper than a stack.
      var missing = new ArrayList<ZPath>();
      for (ZPath above = path; !tree.contains(above); above = above.parent()) {
        if (missing.size() >= MAX_NEW_PARENTS) {
          return Rejected.of(
              Code.BADARGUMENTS, path, "more than " + MAX_NEW_PARENTS + " parents are missing");
        }
        missing.add(above);
      }
      if (!missing.isEmpty()) {
        rememberTree();
      }
      for (int i = missing.size() - 1; i >= 0; i--) {
        ZPath above = missing.get(i);
        Outcome outcome =
            create(
                new Command.Create(
                    above.parent(),
                    above.name(),
                    Command.Naming.EXACT,
                    Bytes.EMPTY,
                    null,
                    Acl.OPEN,
                    Lifetime.PERSISTENT,
                    Command.Parents.REQUIRED));
        if (outcome instanceof Rejected rejected) {
          return rejected;
        }
      }
      return null;
    }

    private Outcome put(Command.Put put) {
      Znode node = tree.find(put.path());
      if (node == null) {
        if (put.precondition() instanceof Precondition.Absent
            || put.precondition() instanceof Precondition.None) {
          return put.path().isRoot()
              ? noNode(put.path())
              : create(
                  new Command.Create(
                      put.path().parent(),
                      put.path().name(),
                      Command.Naming.EXACT,
                      put.data(),
                      put.contentType(),
                      put.acl(),
                      put.lifetime(),
                      put.parents()));
        }
        Rejected missing = judge(put.path(), null, put.precondition(), Tag.DATA);
        return missing == null ? noNode(put.path()) : missing;
      }
      return setData(
          new Command.SetData(put.path(), put.data(), put.contentType(), put.precondition()));
    }

    private Outcome setData(Command.SetData set) {
      Bytes data = set.data();
      if (data != null && data.size() > draft.settings.maxDataBytes()) {
        return tooLarge(set.path(), data.size());
      }
      Znode node = tree.find(set.path());
      if (node == null) {
        return missing(set.path(), set.precondition(), Tag.DATA);
      }
      if (!may(Acl.WRITE, node)) {
        return noAuth(set.path(), "write");
      }
      if (isOverQuota(set.path(), 0, (data == null ? 0 : data.size()) - node.dataLength())) {
        return overQuota(set.path());
      }
      Rejected unfit = judge(set.path(), node, set.precondition(), Tag.DATA);
      if (unfit != null) {
        return unfit;
      }
      String contentType = set.contentType();
      String shared = node.contentType().filter(old -> old.equals(contentType)).orElse(contentType);
      Znode after = node.withData(data, shared, zxid, draft.timeMs);
      replace(set.path(), node, after);
      return new Outcome.Updated(set.path(), after.stat());
    }

    private Outcome setAcl(Command.SetAcl set) {
      List<Acl.Entry> acl = set.acl().resolvedFor(author.identities());
      if (acl.isEmpty()) {
        return invalidAcl(set.path());
      }
      Znode node = tree.find(set.path());
      if (node == null) {
        return missing(set.path(), set.precondition(), Tag.ACL);
      }
      if (!may(Acl.ADMIN, node)) {
        return noAuth(set.path(), "administer");
      }
      Rejected unfit = judge(set.path(), node, set.precondition(), Tag.ACL);
      if (unfit != null) {
        return unfit;
      }
      Znode after = node.withAcl(acl.equals(Acl.OPEN.entries()) ? Acl.OPEN : new Acl(acl));
      replace(set.path(), node, after);
      return new Outcome.Updated(set.path(), after.stat());
    }

    private Outcome delete(Command.Delete delete) {
      ZPath path = delete.path();
      if (UNDELETABLE.contains(path)) {
        return Rejected.of(Code.BADARGUMENTS, path, path + " cannot be deleted");
      }
      Rejected unfit = judgeDelete(path, delete.precondition());
      if (unfit != null) {
        return unfit;
      }
      Znode node = tree.find(path);
      if (node == null) {
        return missing(path, delete.precondition(), Tag.DATA);
      }
      if (node.numChildren() > 0) {
        return Rejected.of(Code.NOTEMPTY, path, path + " has " + node.numChildren() + " children");
      }
      remove(path, node);
      return new Outcome.Deleted(path, 1);
    }

    /** ZooKeeper's order: the parent is there and lets children go, then the node, then version. */
    private @Nullable Rejected judgeDelete(ZPath path, Precondition precondition) {
      Znode parent = tree.find(path.parent());
      if (parent == null) {
        return missing(path, precondition, Tag.DATA);
      }
      if (!may(Acl.DELETE, parent)) {
        return noAuth(path.parent(), "delete children of");
      }
      return judge(path, tree.find(path), precondition, Tag.DATA);
    }

    private Outcome deleteTree(Command.DeleteTree delete) {
      ZPath top = delete.path();
      for (ZPath kept : UNDELETABLE) {
        if (kept.isWithin(top)) {
          return Rejected.of(Code.BADARGUMENTS, top, kept + " cannot be deleted");
        }
      }
      Rejected unfit = judgeDelete(top, delete.precondition());
      if (unfit != null) {
        return unfit;
      }
      Znode node = tree.find(top);
      if (node == null) {
        return missing(top, delete.precondition(), Tag.DATA);
      }
      int limit = draft.settings.maxDeleteTree();
      if (tree.countBelow(top, limit) + 1 > limit) {
        return Rejected.of(
            Code.TOOLARGE, top, "more than " + limit + " nodes: delete in smaller parts");
      }
      return removeTree(top, node);
    }

    private Outcome removeTree(ZPath top, Znode topNode) {
      record Doomed(ZPath path, Znode node) {}

      var doomed = new ArrayList<Doomed>();
      tree.forEachBelow(top, (path, node) -> doomed.add(new Doomed(path, node)));
      if (topNode.numChildren() > 0 && !may(Acl.DELETE, topNode)) {
        return noAuth(top, "delete children of");
      }
      for (Doomed each : doomed) {
        if (each.node.numChildren() > 0 && !may(Acl.DELETE, each.node)) {
          return noAuth(each.path, "delete children of");
        }
      }
      // Descendants come after their ancestors, so backwards every child goes before its parent.
      for (int i = doomed.size() - 1; i >= 0; i--) {
        Doomed each = doomed.get(i);
        tree.without(each.path);
        draft.changed(each.path);
        forget(each.path, each.node);
        changes.add(new Change(each.path, each.node, null, null));
      }
      Znode parent = find(tree, top.parent());
      tree.cut(top, zxid);
      draft.changed(top);
      forget(top, topNode);
      changes.add(new Change(top, topNode, null, parentChange(parent, top.parent())));
      return new Outcome.Deleted(top, doomed.size() + 1);
    }

    private Outcome check(Command.Check check) {
      Znode node = tree.find(check.path());
      if (node == null) {
        return noNode(check.path());
      }
      if (!may(Acl.READ, node)) {
        return noAuth(check.path(), "read");
      }
      Rejected unfit =
          judge(check.path(), node, new Precondition.Version(check.version()), Tag.DATA);
      return unfit == null ? new Outcome.Checked(check.path()) : unfit;
    }

    private Outcome read(ZPath path) {
      Znode node = tree.find(path);
      if (node == null) {
        return noNode(path);
      }
      if (!may(Acl.READ, node)) {
        return noAuth(path, "read");
      }
      return new Outcome.Found(
          path, node.data().orElse(null), node.contentType().orElse(null), node.stat());
    }

    // Sessions

    private Outcome open(Command.OpenSession open) {
      if (open.id() == 0 || sessions.get(open.id()) != null) {
        return Rejected.of(Code.SESSIONEXISTS, null, "the session id is taken");
      }
      var session =
          new Session(open.id(), open.passwordHash(), clamped(open.timeoutMs()), open.member(), 1);
      return keep(session);
    }

    private Outcome attach(Command.AttachSession attach) {
      Session session = sessions.get(attach.id());
      if (session == null || !session.passwordHash().equals(attach.passwordHash())) {
        return Rejected.of(
            Code.SESSIONEXPIRED, null, "there is no such session, or the secret is wrong");
      }
      int timeoutMs = attach.timeoutMs() == 0 ? session.timeoutMs() : clamped(attach.timeoutMs());
      return keep(
          new Session(
              session.id(),
              session.passwordHash(),
              timeoutMs,
              attach.member(),
              session.generation() + 1));
    }

    private Outcome keep(Session session) {
      sessions = sessions.put(session.id(), session);
      sessionsChanged = true;
      return new Outcome.InSession(session.id(), session.timeoutMs(), session.generation());
    }

    private int clamped(int timeoutMs) {
      Settings settings = draft.settings;
      return Math.max(
          settings.minSessionTimeoutMs(), Math.min(settings.maxSessionTimeoutMs(), timeoutMs));
    }

    private Outcome close(long id) {
      if (sessions.get(id) == null) {
        return Rejected.of(Code.SESSIONEXPIRED, null, "the session has ended");
      }
      ZooVector.Cursor<State.OwnedPath, ZPath> cursor =
          ephemerals.from(new State.OwnedPath(id, ZPath.ROOT));
      while (cursor.next() && cursor.key().sessionId() == id) {
        remove(cursor.value(), find(tree, cursor.value()));
      }
      sessions = sessions.remove(id);
      sessionsChanged = true;
      return Outcome.DONE;
    }

    private Outcome expire(Command.ExpireSession expire) {
      Session session = sessions.get(expire.id());
      if (session == null
          || session.generation() != expire.generation()
          || draft.term != expire.term()) {
        return Outcome.DONE;
      }
      return close(expire.id());
    }

    private Outcome reap(ZPath path) {
      Znode node = tree.find(path);
      if (node != null && State.isDue(node, draft.timeMs)) {
        remove(path, node);
      }
      return Outcome.DONE;
    }

    // The tree and what follows from it, together

    private void insert(ZPath path, Znode node, ZPath parentPath, Znode parent) {
      tree.create(path, node, parentPath, parent);
      draft.changed(path);
      // A creation adds one to what ZooKeeper calls cversion.
      changes.add(
          new Change(
              path,
              null,
              node,
              new Change.ParentChange(parent.pzxid(), parent.cversion() + 1, parent.acl())));
      remember(path, node);
      ZPath counted = Quota.countedBy(path);
      if (counted != null) {
        write(path, node, Quota.tally(tree, counted));
      }
    }

    private void replace(ZPath path, Znode node, Znode after) {
      tree.put(path, node, after);
      changes.add(new Change(path, node, after, null));
      count(path, 0, after.dataLength() - node.dataLength());
    }

    private void remove(ZPath path, Znode node) {
      Znode parent = find(tree, path.parent());
      tree.delete(path, zxid);
      draft.changed(path);
      forget(path, node);
      changes.add(new Change(path, node, null, parentChange(parent, path.parent())));
    }

    private Change.ParentChange parentChange(Znode before, ZPath parentPath) {
      return new Change.ParentChange(
          before.pzxid(), find(tree, parentPath).cversion(), before.acl());
    }

    private void remember(ZPath path, Znode node) {
      count(path, 1, node.dataLength());
      if (node.isEphemeral()) {
        ephemerals = ephemerals.put(new State.OwnedPath(node.ephemeralOwner(), path), path);
      } else if (node.isReapable()) {
        reapable = reapable.put(path, path);
      }
    }

    private void forget(ZPath path, Znode node) {
      count(path, -1, -node.dataLength());
      if (node.isEphemeral()) {
        ephemerals = ephemerals.remove(new State.OwnedPath(node.ephemeralOwner(), path));
      } else if (node.isReapable()) {
        reapable = reapable.remove(path);
      }
    }

    // Quotas

    private boolean isOverQuota(ZPath path, int count, int bytes) {
      if (!draft.settings.quotaEnforced()) {
        return false;
      }
      ZPath limited = limited(path);
      return limited != null && Quota.isExceeded(tree, limited, count, bytes);
    }

    private @Nullable ZPath limited(ZPath path) {
      return draft.hasQuotas() ? Quota.limited(tree, path) : null;
    }

    private static Rejected overQuota(ZPath path) {
      return Rejected.of(Code.QUOTAEXCEEDED, path, "a quota allows no more at " + path);
    }

    /** Counts so much more into the quota that {@code path} is under, if any. */
    private void count(ZPath path, int count, int bytes) {
      if (count == 0 && bytes == 0) {
        return;
      }
      ZPath limited = limited(path);
      ZPath statsPath = limited == null ? null : Quota.stats(limited);
      Znode stats = statsPath == null ? null : tree.find(statsPath);
      if (statsPath != null && stats != null) {
        write(statsPath, stats, Quota.plus(stats, count, bytes));
      }
    }

    /** New data without a new version: nobody asked for it, and no watch fires. */
    private void write(ZPath path, Znode node, Bytes data) {
      Znode after =
          Znode.restored(
              data,
              node.contentType().orElse(null),
              node.acl(),
              node.lifetime(),
              node.stat(),
              node.childCreations());
      tree.put(path, node, after);
      changes.add(new Change(path, node, after, null));
    }

    private static Znode find(TreeDraft tree, ZPath path) {
      Znode node = tree.find(path);
      if (node == null) {
        throw new IllegalStateException(path + " is not there");
      }
      return node;
    }

    // Judgement

    private enum Tag {
      DATA,
      ACL
    }

    private boolean may(int perms, Znode node) {
      return node.acl() == Acl.OPEN || node.acl().allows(perms, author.identities());
    }

    /** Null when {@code precondition} holds of {@code node}, which is null when it is absent. */
    private @Nullable Rejected judge(
        ZPath path, @Nullable Znode node, Precondition precondition, Tag tag) {
      switch (precondition) {
        case Precondition.None none -> {
          return null;
        }
        case Precondition.Absent absent -> {
          return node == null ? null : new Rejected(Code.NODEEXISTS, path, path + " exists", true);
        }
        case Precondition.Present present -> {
          return node == null ? missing(path, precondition, tag) : null;
        }
        case Precondition.OneOf oneOf -> {
          if (node == null) {
            return missing(path, precondition, tag);
          }
          String etag =
              tag == Tag.ACL ? Precondition.Etags.acl(node) : Precondition.Etags.data(node);
          return oneOf.etags().contains(etag)
              ? null
              : new Rejected(
                  Code.BADVERSION, path, path + " has changed: its ETag is \"" + etag + "\"", true);
        }
        case Precondition.Version version -> {
          if (node == null) {
            return missing(path, precondition, tag);
          }
          int actual = tag == Tag.ACL ? node.aversion() : node.version();
          return version.version() == -1 || version.version() == actual
              ? null
              : new Rejected(
                  Code.BADVERSION,
                  path,
                  path + " has version " + actual + ", not " + version.version(),
                  true);
        }
      }
    }

    /** No node; an entity tag that was asked for makes this a failed precondition. */
    private static Rejected missing(ZPath path, Precondition precondition, Tag tag) {
      boolean conditional =
          precondition instanceof Precondition.OneOf
              || precondition instanceof Precondition.Present;
      return new Rejected(Code.NONODE, path, "there is no " + path, conditional);
    }

    private static Rejected noNode(ZPath path) {
      return Rejected.of(Code.NONODE, path, "there is no " + path);
    }

    private static Rejected noAuth(ZPath path, String what) {
      return Rejected.of(Code.NOAUTH, path, "not allowed to " + what + " " + path);
    }

    private static Rejected invalidAcl(ZPath path) {
      return Rejected.of(
          Code.INVALIDACL, path, "the ACL is empty, malformed, or names nobody authenticated");
    }

    private Rejected tooLarge(ZPath path, int size) {
      return Rejected.of(
          Code.TOOLARGE,
          path,
          size + " bytes of data are more than " + draft.settings.maxDataBytes());
    }
  }
}
