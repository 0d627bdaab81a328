package io.quorate.web;

import io.quorate.state.Position;
import io.quorate.state.State;
import io.quorate.state.TreeEvent;
import io.quorate.tree.Acl;
import io.quorate.tree.ZPath;
import io.quorate.tree.Znode;
import io.quorate.watch.Cursor;
import io.quorate.watch.WatchTable;
import io.quorate.watch.WatchTable.Scope;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * One subscription and everything that it is still owed.
 *
 * <p>It begins as a {@link Cursor} that pulls from the history. Level with it, it subscribes, and
 * what happens from then on is put into its outbox; what lay between is pulled once more, so
 * nothing falls between. When the outbox is full the subscription ends, the outbox is emptied, and
 * the cursor goes on at the client's pace. Only a client that the history has left behind is let
 * go.
 *
 * <p>One thread runs {@link #run}; it alone writes to the sink. The Applier's thread only puts into
 * the outbox, which {@code lock} guards. Lock order: the table's, then this one's.
 */
final class WatchStream implements WatchTable.Subscriber {
  static final int OUTBOX_EVENTS = 1_000;
  static final long OUTBOX_BYTES = 2L << 20;
  static final long BOOKMARK_NANOS = TimeUnit.SECONDS.toNanos(10);

  private static final int BATCH_EVENTS = 256;
  private static final long BATCH_BYTES = 1L << 20;

  /** Positions within a snapshot follow all that its zxid did, and say how far it had come. */
  private static final int SNAPSHOT_BASE = 1 << 30;

  private final WatchTable watches;
  private final ZPath path;
  private final Scope scope;
  private final Caller caller;
  private final Sink sink;
  private final Cursor cursor;
  private final long armedZxid;

  /** What is to be shown first; let go when it has been. */
  private @Nullable Initial initial;

  private long lastBookmarkNanos = System.nanoTime();

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition news = lock.newCondition();
  private final ArrayDeque<TreeEvent> outbox = new ArrayDeque<>();
  private final List<CompletableFuture<Long>> askedForLevel = new ArrayList<>();
  private long outboxBytes;
  private WatchTable.@Nullable Subscription live;
  private int overflowCount;
  private boolean closed;

  /** Where events go; each call may block for as long as the client takes. */
  interface Sink {
    /** Before anything else: everything after {@code zxid}, or after what was asked, will come. */
    void begun(long zxid) throws IOException;

    void event(TreeEvent event, boolean isInitial) throws IOException;

    /** Everything up to {@code position} has been sent. */
    void bookmark(Position position) throws IOException;

    /**
     * The last word: history no longer holds what comes next.
     *
     * @param sent everything up to it was sent
     * @param resume everything after it can be had
     */
    void lagging(Position sent, Position resume) throws IOException;

    /** Nothing more is ready. */
    void flush() throws IOException;
  }

  /** What a client wants to be told. */
  record Interest(ZPath path, Scope scope, @Nullable Position since, boolean snapshot) {}

  /**
   * A snapshot on its way.
   *
   * @param skip nodes of it that were sent earlier
   */
  private record Initial(Snapshot tree, int skip) {}

  private WatchStream(
      WatchTable watches,
      Interest interest,
      Caller caller,
      Sink sink,
      Position after,
      @Nullable Initial initial,
      long armedZxid) {
    this.watches = watches;
    this.path = interest.path;
    this.scope = interest.scope;
    this.caller = caller;
    this.sink = sink;
    this.cursor = new Cursor(path, scope, after);
    this.initial = initial;
    this.armedZxid = armedZxid;
  }

  /**
   * Fixes the place where the stream begins; from here on nothing is lost, whenever it runs.
   *
   * @return empty when the history does not reach back to {@code since}
   */
  static Optional<WatchStream> open(
      WatchTable watches, Interest interest, Caller caller, Sink sink) {
    State fired = watches.fired();
    Position since = interest.since;
    if (since == null) {
      Initial initial = interest.snapshot ? new Initial(Snapshot.of(fired), 0) : null;
      return Optional.of(
          new WatchStream(
              watches,
              interest,
              caller,
              sink,
              Position.after(fired.zxid()),
              initial,
              fired.zxid()));
    }
    boolean withinSnapshot = since.n() >= SNAPSHOT_BASE && since.n() != Position.WHOLE;
    if (!Cursor.isHeld(since, fired.history())
        && !(withinSnapshot && since.zxid() == fired.history().heldAfter())) {
      return Optional.empty();
    }
    Initial rest =
        withinSnapshot
            ? new Initial(Snapshot.at(since.zxid(), fired), since.n() - SNAPSHOT_BASE + 1)
            : null;
    Position after = withinSnapshot ? Position.after(since.zxid()) : since;
    return Optional.of(new WatchStream(watches, interest, caller, sink, after, rest, fired.zxid()));
  }

  // The Applier's thread

  @Override
  public void event(TreeEvent event, State after) {
    lock.lock();
    try {
      WatchTable.Subscription subscription = live;
      if (subscription == null) {
        return;
      }
      if (outbox.size() >= OUTBOX_EVENTS || outboxBytes >= OUTBOX_BYTES) {
        live = null;
        overflowCount++;
        subscription.cancel();
      } else {
        outbox.add(event);
        outboxBytes += Cursor.weight(event);
      }
      news.signal();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void replaced(State before, State after) {
    lock.lock();
    try {
      WatchTable.Subscription subscription = live;
      if (subscription != null) {
        live = null;
        subscription.cancel();
      }
      news.signal();
    } finally {
      lock.unlock();
    }
  }

  // Any thread

  /** Ends {@link #run} soon. */
  void close() {
    lock.lock();
    try {
      closed = true;
      news.signal();
    } finally {
      lock.unlock();
    }
  }

  /** What the member had told everybody up to when the stream was opened. */
  long armedZxid() {
    return armedZxid;
  }

  /** How often the client was too slow for its outbox. */
  int overflowCount() {
    lock.lock();
    try {
      return overflowCount;
    } finally {
      lock.unlock();
    }
  }

  /** A zxid not older than this call, once everything up to it has been sent. */
  CompletableFuture<Long> level() {
    var level = new CompletableFuture<Long>();
    lock.lock();
    try {
      if (closed) {
        level.complete(Long.MAX_VALUE);
      } else {
        askedForLevel.add(level);
        news.signal();
      }
    } finally {
      lock.unlock();
    }
    return level;
  }

  // The sender's thread

  /** Sends until it is closed, the client is gone, or history has left it behind. */
  void run() throws IOException, InterruptedException {
    try {
      sink.begun(armedZxid);
      sink.flush();
      if (initial != null) {
        sendInitial(initial);
        initial = null;
        bookmark();
      }
      while (!isClosed()) {
        if (!catchUp()) {
          return;
        }
        goLive();
      }
    } finally {
      end();
    }
  }

  private void end() {
    close();
    unsubscribe();
    List<CompletableFuture<Long>> left;
    lock.lock();
    try {
      left = List.copyOf(askedForLevel);
      askedForLevel.clear();
    } finally {
      lock.unlock();
    }
    left.forEach(level -> level.complete(Long.MAX_VALUE));
  }

  private boolean isClosed() {
    lock.lock();
    try {
      return closed;
    } finally {
      lock.unlock();
    }
  }

  /** Carries an exception out of a walk over the tree. */
  private static final class Interrupted extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final transient @Nullable IOException cause;

    Interrupted(@Nullable IOException cause) {
      super(null, null, false, false);
      this.cause = cause;
    }
  }

  private void sendInitial(Initial begun) throws IOException {
    var count =
        new Object() {
          int seen;
        };
    long zxid = begun.tree.zxid();
    BiConsumer<ZPath, Znode> each =
        (at, node) -> {
          int ordinal = count.seen++;
          if (ordinal < begun.skip) {
            return;
          }
          if (isClosed()) {
            throw new Interrupted(null);
          }
          var event =
              new TreeEvent(
                  TreeEvent.Kind.CREATED,
                  at,
                  new Position(zxid, SNAPSHOT_BASE + ordinal),
                  node,
                  node.version(),
                  node.acl());
          try {
            if (begun.tree.mayRead(caller, at, node)) {
              sink.event(event, true);
            }
            bookmarkIfDue(event.position());
          } catch (IOException e) {
            throw new Interrupted(e);
          }
        };
    try {
      Znode top = begun.tree.tree().find(path);
      if (top != null) {
        each.accept(path, top);
        walk(begun, each);
      }
    } catch (Interrupted e) {
      if (e.cause != null) {
        throw e.cause;
      }
    }
  }

  private void walk(Initial begun, BiConsumer<ZPath, Znode> each) {
    switch (scope) {
      case NODE -> {}
      case CHILDREN -> {
        var children = begun.tree.tree().children(path);
        while (children.next()) {
          each.accept(path.child(children.name()), children.node());
        }
      }
      case SUBTREE -> begun.tree.tree().forEachBelow(path, each);
    }
  }

  /**
   * Pulls from history until it is level and subscribed.
   *
   * @return false when the history has left the client behind
   */
  private boolean catchUp() throws IOException {
    while (!isClosed()) {
      Optional<Cursor.Batch> batch = cursor.next(watches.fired(), BATCH_EVENTS, BATCH_BYTES);
      if (batch.isEmpty()) {
        lag();
        return false;
      }
      send(batch.get().events());
      if (batch.get().level() && subscribe()) {
        return true;
      }
    }
    return true;
  }

  private void lag() throws IOException {
    sink.lagging(cursor.position(), Position.after(watches.fired().history().heldAfter()));
    sink.flush();
  }

  /**
   * Subscribes, then pulls what came since the cursor was level.
   *
   * @return false when that was more than a piece: the client is slow, and stays a cursor
   */
  private boolean subscribe() throws IOException {
    State armed =
        watches.atomically(
            fired -> {
              WatchTable.Subscription subscription = watches.subscribe(path, scope, this);
              lock.lock();
              try {
                live = subscription;
              } finally {
                lock.unlock();
              }
              return fired;
            });
    Optional<Cursor.Batch> between = cursor.next(armed, BATCH_EVENTS, BATCH_BYTES);
    if (between.isPresent() && between.get().level()) {
      send(between.get().events());
      return true;
    }
    unsubscribe();
    if (between.isPresent()) {
      send(between.get().events());
    }
    return false;
  }

  /** Forgets the outbox too: the cursor will pull the same once more. */
  private void unsubscribe() {
    WatchTable.Subscription subscription;
    lock.lock();
    try {
      subscription = live;
      live = null;
      outbox.clear();
      outboxBytes = 0;
    } finally {
      lock.unlock();
    }
    // Not under our lock: cancelling takes the table's.
    if (subscription != null) {
      subscription.cancel();
    }
  }

  private void send(List<TreeEvent> events) throws IOException {
    for (TreeEvent event : events) {
      if (isClosed()) {
        return;
      }
      send(event);
    }
    bookmarkIfDue(cursor.position());
    sink.flush();
  }

  private void send(TreeEvent event) throws IOException {
    if (event.acl() == Acl.OPEN || event.acl().allows(Acl.READ, caller.identities())) {
      sink.event(event, false);
    }
    bookmarkIfDue(event.position());
  }

  /** Sends what is put into the outbox, until it was full. */
  private void goLive() throws IOException, InterruptedException {
    while (!isClosed()) {
      TreeEvent event = poll();
      if (event != null) {
        // A client may come from a member that was ahead of this one.
        if (event.position().compareTo(cursor.position()) > 0) {
          cursor.moveTo(event.position());
          send(event);
        }
        continue;
      }
      sink.flush();
      if (!isLive()) {
        return;
      }
      if (isLevelWanted()) {
        tellLevel();
      }
      if (System.nanoTime() - lastBookmarkNanos >= BOOKMARK_NANOS) {
        levelNow();
        bookmark();
        sink.flush();
      }
      await();
    }
  }

  private @Nullable TreeEvent poll() {
    lock.lock();
    try {
      TreeEvent event = outbox.poll();
      if (event != null) {
        outboxBytes -= Cursor.weight(event);
      }
      return event;
    } finally {
      lock.unlock();
    }
  }

  private boolean isLive() {
    lock.lock();
    try {
      return live != null || !outbox.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  private boolean isLevelWanted() {
    lock.lock();
    try {
      return !askedForLevel.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  private void tellLevel() {
    List<CompletableFuture<Long>> asked;
    lock.lock();
    try {
      asked = List.copyOf(askedForLevel);
      askedForLevel.clear();
    } finally {
      lock.unlock();
    }
    if (levelNow()) {
      asked.forEach(level -> level.complete(cursor.position().zxid()));
      return;
    }
    lock.lock();
    try {
      askedForLevel.addAll(asked);
    } finally {
      lock.unlock();
    }
  }

  /** Moves the cursor to the fired state when nothing of it is left to send. */
  private boolean levelNow() {
    return watches.atomically(
        fired -> {
          lock.lock();
          try {
            boolean level = outbox.isEmpty() && live != null;
            if (level) {
              cursor.moveTo(Position.after(fired.zxid()));
            }
            return level;
          } finally {
            lock.unlock();
          }
        });
  }

  private void await() throws InterruptedException {
    lock.lock();
    try {
      long left = BOOKMARK_NANOS - (System.nanoTime() - lastBookmarkNanos);
      while (outbox.isEmpty() && live != null && !closed && askedForLevel.isEmpty() && left > 0) {
        left = news.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  private void bookmarkIfDue(Position position) throws IOException {
    if (System.nanoTime() - lastBookmarkNanos >= BOOKMARK_NANOS) {
      lastBookmarkNanos = System.nanoTime();
      sink.bookmark(position);
    }
  }

  private void bookmark() throws IOException {
    lastBookmarkNanos = System.nanoTime();
    sink.bookmark(cursor.position());
  }
}
