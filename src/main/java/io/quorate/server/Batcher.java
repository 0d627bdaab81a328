package io.quorate.server;

import io.quorate.codec.EntryCodec;
import io.quorate.consensus.Replicator.Proposal;
import io.quorate.server.NotAppliedException.Reason;
import io.quorate.state.Command;
import io.quorate.state.State;
import io.quorate.state.Submission;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Puts whatever is waiting into one log entry as soon as the one before it is applied here and the
 * replicator takes the next.
 *
 * <p>Many clients that each wait for an answer before they write again are back soon after it: the
 * next entry waits for most of them, at most two milliseconds. Else each entry would carry what the
 * one before left over, and a round of the log costs the same for few as for many.
 *
 * <p>One batch is under way at a time. Its fate decides what its clients hear: a batch that was
 * refused every time goes back to the queue; one that may be in the log is proposed again, under
 * the same sequence number, while a client waits, and is fenced off afterwards.
 *
 * <p>All fields are guarded by {@code lock}. Clients are answered outside it.
 */
final class Batcher {
  static final int MAX_OPERATIONS = 256;
  static final int MAX_BYTES = 256 * 1024;

  /** Of those who have just been answered or wait already, so many are waited for. */
  private static final int GATHERED_PERCENT = 60;

  /** Fewer are not worth waiting for. */
  private static final int FEWEST_GATHERED = 8;

  /** Between two looks whether a batch has been waiting since the last one. */
  private static final long LOOK_NANOS = 1_000_000;

  private static final int MAX_WAITING = 65_536;
  private static final long MAX_WAITING_BYTES = 128L << 20;

  private final Object lock = new Object();
  private final Proposer proposer;
  private final Clock clock;
  private final Timer timer;
  private final BooleanSupplier alone;
  private final int member;
  private final long boot;
  private final ArrayDeque<Pending> waiting = new ArrayDeque<>();
  private long waitingBytes;
  private long nextSequence;
  private @Nullable Flight flight;
  private boolean stopped;

  /** How many operations are to wait before the next batch leaves; 0 when none is gathered. */
  private int enough;

  private boolean looking;
  private long lookedAtSequence;

  /** Asked on the Applier's thread, and runs it there. */
  interface Timer {
    void after(long nanos, Runnable task);
  }

  /** {@link io.quorate.consensus.Replicator#propose(Supplier)}. */
  interface Proposer {
    CompletionStage<Proposal> propose(Supplier<byte[]> entry);
  }

  /**
   * @param alone whether nobody else takes part: then a round is one fsync, and nothing is waited
   *     for
   */
  Batcher(
      Proposer proposer, Clock clock, Timer timer, BooleanSupplier alone, int member, long boot) {
    this.proposer = proposer;
    this.clock = clock;
    this.timer = timer;
    this.alone = alone;
    this.member = member;
    this.boot = boot;
  }

  private record Pending(
      byte[] bytes, boolean apart, long deadlineMs, CompletableFuture<Reply> future) {}

  /** One batch on its way, or the fence that ends it. */
  private static final class Flight {
    final long sequence;

    /** What it carries, and its bytes; none until the replicator asks. */
    List<Pending> operations = List.of();

    byte @Nullable [] entry;

    /** Whether some attempt may have put it into the log. */
    boolean maybeLogged;

    boolean fencing;
    boolean proposing;
    boolean committed;

    Flight(long sequence) {
      this.sequence = sequence;
    }
  }

  long boot() {
    return boot;
  }

  int member() {
    return member;
  }

  /** How many operations wait for their batch. */
  int waitingCount() {
    synchronized (lock) {
      return waiting.size();
    }
  }

  /**
   * @param submission as {@link EntryCodec#submission} made it
   * @param apart whether the states of the replies before it must not have it
   * @param deadlineMs on the monotonic clock
   * @return completes on the Applier's thread, or exceptionally with {@link NotAppliedException} or
   *     {@link IndeterminateException}
   */
  CompletableFuture<Reply> submit(byte[] submission, boolean apart, long deadlineMs) {
    var pending = new Pending(submission, apart, deadlineMs, new CompletableFuture<>());
    synchronized (lock) {
      if (stopped) {
        return refused(Reason.STOPPING, "this member is stopping");
      }
      if (waiting.size() >= MAX_WAITING || waitingBytes + submission.length > MAX_WAITING_BYTES) {
        return refused(Reason.OVERLOADED, "too many writes are waiting on this member");
      }
      waiting.add(pending);
      waitingBytes += submission.length;
    }
    launch();
    return pending.future;
  }

  private static CompletableFuture<Reply> refused(Reason reason, String message) {
    return CompletableFuture.failedFuture(new NotAppliedException(reason, message));
  }

  private void launch() {
    Flight started;
    synchronized (lock) {
      if (flight != null || waiting.isEmpty() || !gathered()) {
        return;
      }
      started = new Flight(nextSequence);
      started.proposing = true;
      flight = started;
      enough = 0;
    }
    propose(started);
  }

  private boolean gathered() {
    return waiting.size() >= enough || waitingBytes >= MAX_BYTES;
  }

  /** Lets go a batch that has been gathered since the last look: who is not back may never be. */
  private void look() {
    boolean again;
    synchronized (lock) {
      again = nextSequence != lookedAtSequence;
      if (!again) {
        enough = 0;
      }
      lookedAtSequence = nextSequence;
      looking = again;
    }
    launch();
    if (again) {
      timer.after(LOOK_NANOS, this::look);
    }
  }

  /** On the replicator's thread: fills the batch, unless it is proposed again. */
  private byte[] entryOf(Flight asked) {
    List<Pending> operations;
    synchronized (lock) {
      if (asked.entry != null) {
        return asked.entry;
      }
      operations = takeWaiting();
      asked.operations = operations;
    }
    // Encoded outside the lock: a megabyte must not hold up those who only queue.
    byte[] entry =
        EntryCodec.batch(
            member, boot, asked.sequence, operations.stream().map(p -> p.bytes).toList());
    synchronized (lock) {
      asked.entry = entry;
    }
    return entry;
  }

  private List<Pending> takeWaiting() {
    var operations = new ArrayList<Pending>();
    int bytes = 0;
    while (!waiting.isEmpty()
        && operations.size() < MAX_OPERATIONS
        && (operations.isEmpty() || bytes + waiting.element().bytes.length <= MAX_BYTES)) {
      Pending next = waiting.remove();
      bytes += next.bytes.length;
      waitingBytes -= next.bytes.length;
      operations.add(next);
    }
    return operations;
  }

  private void propose(Flight proposed) {
    proposer
        .propose(() -> entryOf(proposed))
        .whenComplete(
            (proposal, failure) ->
                proposed(
                    proposed,
                    proposal != null ? proposal : new Proposal.Unknown(String.valueOf(failure))));
  }

  private void proposed(Flight answered, Proposal proposal) {
    synchronized (lock) {
      answered.proposing = false;
      switch (proposal) {
        case Proposal.Committed committed -> {
          answered.committed = true;
          answered.maybeLogged = true;
        }
        case Proposal.Unknown unknown -> answered.maybeLogged = true;
        case Proposal.Refused refused -> {
          if (flight == answered && !answered.maybeLogged) {
            for (int i = answered.operations.size() - 1; i >= 0; i--) {
              waiting.addFirst(answered.operations.get(i));
              waitingBytes += answered.operations.get(i).bytes.length;
            }
            flight = null;
          }
        }
      }
    }
  }

  /**
   * Called every few dozen milliseconds: ends what has waited too long, tries again what failed.
   */
  void tick() {
    long now = clock.monotonicMs();
    var notApplied = new ArrayList<Pending>();
    var unknown = new ArrayList<Pending>();
    Flight again = null;
    synchronized (lock) {
      enough = 0;
      for (Iterator<Pending> i = waiting.iterator(); i.hasNext(); ) {
        Pending pending = i.next();
        if (pending.deadlineMs <= now) {
          i.remove();
          waitingBytes -= pending.bytes.length;
          notApplied.add(pending);
        }
      }
      Flight current = flight;
      if (current != null) {
        boolean somebodyWaits = false;
        for (Pending pending : current.operations) {
          if (pending.deadlineMs <= now) {
            unknown.add(pending);
          } else {
            somebodyWaits = true;
          }
        }
        if (!current.proposing && !current.committed) {
          if (!somebodyWaits && !current.fencing) {
            current.fencing = true;
            current.entry =
                EntryCodec.solo(
                    List.of(
                        EntryCodec.submission(
                            Submission.of(
                                Submission.Author.CLUSTER,
                                new Command.Fence(member, boot, current.sequence + 1)))));
          }
          current.proposing = true;
          again = current;
        }
      }
    }
    for (Pending pending : notApplied) {
      pending.future.completeExceptionally(
          new NotAppliedException(Reason.NO_QUORUM, "no quorum took the write in time"));
    }
    for (Pending pending : unknown) {
      pending.future.completeExceptionally(
          new IndeterminateException(
              "the write was handed to replication and no answer came in time"));
    }
    if (again != null) {
      propose(again);
    }
    launch();
  }

  /** Which operations of the batch {@code sequence} of this start were submitted apart. */
  BitSet apart(long sequence) {
    var apart = new BitSet();
    synchronized (lock) {
      Flight asked = flight;
      if (asked != null && asked.sequence == sequence) {
        for (int i = 0; i < asked.operations.size(); i++) {
          apart.set(i, asked.operations.get(i).apart);
        }
      }
    }
    return apart;
  }

  /** The batch {@code sequence} of this start was applied; {@code replies} in its order. */
  void applied(long sequence, List<Reply> replies) {
    Flight landed;
    boolean look;
    synchronized (lock) {
      landed = flight;
      if (landed == null || landed.sequence != sequence) {
        return;
      }
      flight = null;
      nextSequence = sequence + 1;
      int circling = landed.operations.size() + waiting.size();
      enough =
          circling < FEWEST_GATHERED || alone.getAsBoolean()
              ? 0
              : Math.min(circling * GATHERED_PERCENT / 100, MAX_OPERATIONS);
      look = !gathered() && !looking;
      if (look) {
        looking = true;
        lookedAtSequence = nextSequence;
      }
    }
    launch();
    if (look) {
      timer.after(LOOK_NANOS, this::look);
    }
    for (int i = 0; i < replies.size(); i++) {
      landed.operations.get(i).future.complete(replies.get(i));
    }
  }

  /** A fence of this start was applied: nothing below {@code next} will be any more. */
  void fenced(long next) {
    synchronized (lock) {
      Flight current = flight;
      if (current == null || current.sequence >= next) {
        return;
      }
      flight = null;
      nextSequence = next;
    }
    launch();
  }

  /**
   * What the state says of this member's batches, after something of them was not applied here as
   * it should be: the state was replaced by one that may contain it, or the batch was judged a
   * duplicate or refused.
   *
   * @param lane null when the state knows no batch of this member
   */
  void reconcile(State.@Nullable Lane lane) {
    var unknown = new ArrayList<Pending>();
    synchronized (lock) {
      Flight current = flight;
      if (current == null || lane == null) {
        return;
      }
      if (lane.boot() > boot) {
        throw new IllegalStateException(
            "another process writes under this member's number " + member);
      }
      if (lane.boot() < boot || current.sequence >= lane.next()) {
        // Not applied anywhere yet: it is proposed again.
        current.committed = false;
        return;
      }
      unknown.addAll(current.operations);
      flight = null;
      nextSequence = lane.next();
    }
    for (Pending pending : unknown) {
      pending.future.completeExceptionally(
          new IndeterminateException(
              "the write was taken by the cluster, and its answer was lost while this member"
                  + " caught up"));
    }
    launch();
  }

  /** Takes no more; completes when nothing is under way. */
  void stop() {
    List<Pending> left;
    synchronized (lock) {
      stopped = true;
      left = List.copyOf(waiting);
      waiting.clear();
      waitingBytes = 0;
    }
    for (Pending pending : left) {
      pending.future.completeExceptionally(
          new NotAppliedException(Reason.STOPPING, "this member is stopping"));
    }
  }

  /** Whether nothing waits and nothing is under way. */
  boolean isIdle() {
    synchronized (lock) {
      return flight == null && waiting.isEmpty();
    }
  }
}
