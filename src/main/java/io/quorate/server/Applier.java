package io.quorate.server;

import io.quorate.codec.CorruptEntryException;
import io.quorate.codec.EntryCodec;
import io.quorate.codec.ImageCodec;
import io.quorate.consensus.LogConsumer;
import io.quorate.state.Answer;
import io.quorate.state.Command;
import io.quorate.state.History;
import io.quorate.state.HistoryEntry;
import io.quorate.state.Stamp;
import io.quorate.state.State;
import io.quorate.state.StateMachine;
import io.quorate.state.Submission;
import io.quorate.tree.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Applies the log, in order, on one thread: commands, then watches, then the published state, then
 * the answers.
 *
 * <p>Once an audit has shown that the tree here is not the leader's, nothing is shown any more: no
 * event, no newer state, no answer. The log goes on.
 *
 * <p>The replicator's thread puts into a bounded queue and waits when it is full; this thread never
 * waits for the replicator. A failure here means that this member is wrong: it stops it.
 */
final class Applier implements LogConsumer {
  private static final int QUEUE_BOUND = 1024;
  private static final int RECENT_DIGESTS = 10_000;
  private static final int YIELDS = 4;

  private final BlockingQueue<Task> queue = new ArrayBlockingQueue<>(QUEUE_BOUND);
  private final Published published;
  private final Batcher batcher;
  private final Checkpoints checkpoints;
  private final RestorePoint restoredAt;
  private final ChangeListener listener;
  private final ServerMetrics metrics;
  private final Consumer<Throwable> fatal;
  private final Consumer<String> diverged;
  private final UnaryOperator<byte[]> questions;
  private final Thread thread = new Thread(this::run, "quorate-applier");

  // Owned by the Applier's thread.
  private State state;
  private History shown;
  private long index;
  private boolean wrong;
  private final RecentDigests recent = new RecentDigests(RECENT_DIGESTS);
  private @Nullable Runnable later;
  private long laterNanos;

  /** Told of every applied entry that changed the tree, before its state is published. */
  interface ChangeListener {
    void fire(State after, List<HistoryEntry> changes);

    /** Another state took the place of the one before: what lies between is not known. */
    void replaced(State after);
  }

  private sealed interface Task {
    record Entry(long index, long stampMs, byte[] bytes) implements Task {}

    record Passed(long index) implements Task {}

    record NewTerm(long index, long term, int leaderId, long stampMs) implements Task {}

    record Checkpoint(long index, byte[] logMeta) implements Task {}

    record ImageAt(long index, CompletableFuture<Image> future) implements Task {}

    record Install(long index, byte[] logMeta, State state) implements Task {}

    record Stop() implements Task {}
  }

  Applier(
      Published published,
      Batcher batcher,
      Checkpoints checkpoints,
      RestorePoint restoredAt,
      ChangeListener listener,
      ServerMetrics metrics,
      Consumer<Throwable> fatal,
      Consumer<String> diverged,
      UnaryOperator<byte[]> questions) {
    this.published = published;
    this.batcher = batcher;
    this.checkpoints = checkpoints;
    this.restoredAt = restoredAt;
    this.listener = listener;
    this.metrics = metrics;
    this.fatal = fatal;
    this.diverged = diverged;
    this.questions = questions;
    this.state = published.view().state();
    this.shown = state.history();
    this.thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  /** Applies what is queued and ends. */
  void stop() throws InterruptedException {
    put(new Task.Stop());
    thread.join(5_000);
  }

  int queued() {
    return queue.size();
  }

  // The replicator's thread

  @Override
  public RestorePoint restorePoint() {
    index = restoredAt.index();
    published.publish(state, index);
    listener.replaced(state);
    return restoredAt;
  }

  @Override
  public void committed(long at, long stampMs, byte[] entry) {
    put(new Task.Entry(at, stampMs, entry));
  }

  @Override
  public void passed(long at) {
    put(new Task.Passed(at));
  }

  @Override
  public void newTerm(long at, long term, int leaderId, long stampMs) {
    put(new Task.NewTerm(at, term, leaderId, stampMs));
  }

  @Override
  public void checkpoint(long at, byte[] logMeta) {
    put(new Task.Checkpoint(at, logMeta));
  }

  @Override
  public CompletionStage<Image> imageAt(long at) {
    var future = new CompletableFuture<Image>();
    put(new Task.ImageAt(at, future));
    return future;
  }

  @Override
  public void install(long at, byte[] logMeta, InputStream image) throws IOException {
    put(new Task.Install(at, logMeta, ImageCodec.read(image)));
  }

  @Override
  public byte[] answer(int fromMember, byte[] question) {
    return questions.apply(question);
  }

  private void put(Task task) {
    try {
      queue.put(task);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while handing over a committed entry", e);
    }
  }

  // The Applier's thread

  /**
   * Runs something here when so much time has passed and what is being applied by then is done. One
   * thing at a time, asked for on this thread.
   *
   * <p>This thread wakes for every entry anyway; a timer's own would have to be woken to be told.
   */
  void after(long nanos, Runnable task) {
    if (later != null) {
      throw new IllegalStateException("something is to be done later already");
    }
    later = task;
    laterNanos = System.nanoTime() + nanos;
  }

  private Task next() throws InterruptedException {
    for (Runnable due = later; due != null; due = later) {
      long left = laterNanos - System.nanoTime();
      if (left > 0) {
        Task task = soon();
        if (task == null) {
          task = queue.poll(left, TimeUnit.NANOSECONDS);
        }
        if (task != null) {
          return task;
        }
      }
      later = null;
      due.run();
    }
    Task task = soon();
    return task != null ? task : queue.take();
  }

  /**
   * What has come, or comes while this thread offers its processor to others: where they have the
   * next entry ready by then, they need not wake it.
   */
  private @Nullable Task soon() {
    Task task = queue.poll();
    for (int i = 0; i < YIELDS && task == null; i++) {
      Thread.yield();
      task = queue.poll();
    }
    return task;
  }

  private void run() {
    try {
      while (perform(next())) {
        metrics.applied(state);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Throwable e) {
      fatal.accept(e);
    }
  }

  private boolean perform(Task task) throws CorruptEntryException {
    switch (task) {
      case Task.Entry entry -> apply(entry);
      case Task.Passed passed -> publish(passed.index, List.of());
      case Task.NewTerm term -> {
        var command = new Command.NewTerm(term.term, term.leaderId);
        StateMachine.Applied applied =
            StateMachine.apply(
                state, Submission.of(Submission.Author.CLUSTER, command), new Stamp(term.stampMs));
        state = applied.state();
        judged(command, applied.answer());
        publish(term.index, List.of());
      }
      case Task.Checkpoint checkpoint -> {
        requireAt(checkpoint.index);
        checkpoints.save(state, checkpoint.index, checkpoint.logMeta);
      }
      case Task.ImageAt image -> {
        requireAt(image.index);
        image.future.complete(new HeldImage(state, state.history().hold()));
      }
      case Task.Install install -> {
        state = install.state;
        index = install.index;
        if (wrong) {
          return true;
        }
        listener.replaced(state);
        show();
        batcher.reconcile(state.lanes().get(batcher.member()));
        checkpoints.save(state, install.index, install.logMeta);
      }
      case Task.Stop stop -> {
        return false;
      }
    }
    return true;
  }

  private void apply(Task.Entry task) throws CorruptEntryException {
    var stamp = new Stamp(task.stampMs);
    var changes = new ArrayList<HistoryEntry>();
    switch (EntryCodec.decode(task.bytes)) {
      case EntryCodec.Entry.Solo solo -> {
        applyAll(solo.submissions(), stamp, changes);
        publish(task.index, changes);
        for (Submission submission : solo.submissions()) {
          afterSolo(submission.command());
        }
      }
      case EntryCodec.Entry.Batch batch -> {
        boolean ours = batch.member() == batcher.member() && batch.boot() == batcher.boot();
        switch (StateMachine.admission(state, batch.member(), batch.boot(), batch.sequence())) {
          case ADMITTED -> {
            List<Reply> replies = List.of();
            if (ours) {
              replies = applyOurs(batch, stamp, changes);
            } else {
              applyAll(batch.submissions(), stamp, changes);
            }
            state = StateMachine.admitted(state, batch.member(), batch.boot(), batch.sequence());
            publish(task.index, changes);
            if (ours) {
              batcher.applied(batch.sequence(), replies);
            }
          }
          case DUPLICATE, REFUSED -> {
            publish(task.index, changes);
            if (ours) {
              batcher.reconcile(state.lanes().get(batch.member()));
            }
          }
        }
      }
    }
  }

  /** In as few steps as there are states that somebody here is to be shown. */
  private List<Reply> applyOurs(
      EntryCodec.Entry.Batch batch, Stamp stamp, List<HistoryEntry> changes) {
    List<Submission> submissions = batch.submissions();
    BitSet apart = batcher.apart(batch.sequence());
    var replies = new ArrayList<Reply>(submissions.size());
    for (int from = 0, to; from < submissions.size(); from = to) {
      int next = apart.nextSetBit(from + 1);
      to = next < 0 ? submissions.size() : next;
      for (StateMachine.Done done : applyAll(submissions.subList(from, to), stamp, changes)) {
        replies.add(new Reply(done.answer(), state, done.repeated()));
      }
    }
    return replies;
  }

  private List<StateMachine.Done> applyAll(
      List<Submission> submissions, Stamp stamp, List<HistoryEntry> changes) {
    StateMachine.AppliedAll applied = StateMachine.applyAll(state, submissions, stamp);
    state = applied.state();
    for (int i = 0; i < submissions.size(); i++) {
      StateMachine.Done done = applied.done().get(i);
      if (done.change() != null) {
        changes.add(done.change());
      }
      judged(submissions.get(i).command(), done.answer());
    }
    return applied.done();
  }

  private void judged(Command command, Answer answer) {
    if (command instanceof Command.Audit audit) {
      compare(audit);
    }
    metrics.command(command, answer.outcome());
  }

  private void afterSolo(Command command) {
    if (command instanceof Command.Fence fence
        && fence.member() == batcher.member()
        && fence.boot() == batcher.boot()) {
      batcher.fenced(fence.next());
    }
  }

  /** Compares the leader's digest with what this member had after the same zxid. */
  private void compare(Command.Audit audit) {
    Digest own = recent.find(audit.zxid());
    if (own != null && !own.equals(audit.digest())) {
      wrong = true;
      diverged.accept(
          "this member's tree differs from the leader's at zxid 0x"
              + Long.toHexString(audit.zxid())
              + "; it answers nothing from it");
    }
  }

  /** Remembers the digest at the end of an entry: audits ask for one a little later. */
  private void remember() {
    recent.add(state.zxid(), state.tree().digest());
  }

  /** Watches first, then the state, then (by the caller) the replies: no event is overtaken. */
  private void publish(long at, List<HistoryEntry> changes) {
    index = at;
    if (wrong) {
      return;
    }
    if (!changes.isEmpty()) {
      remember();
      listener.fire(state, changes);
    }
    show();
  }

  private void show() {
    published.publish(state, index);
    shown.giveWayTo(state.history());
    shown = state.history();
  }

  private void requireAt(long at) {
    if (index != at) {
      throw new IllegalStateException("asked for the state at " + at + " while at " + index);
    }
  }

  private record HeldImage(State state, History.Hold hold) implements Image {
    @Override
    public void writeTo(OutputStream out) throws IOException {
      ImageCodec.write(state, out);
    }

    @Override
    public void close() {
      hold.close();
    }
  }
}
