package io.quorate.server;

import io.quorate.consensus.Replicator;
import io.quorate.session.SessionClock;
import io.quorate.state.Code;
import io.quorate.state.Command;
import io.quorate.state.Outcome;
import io.quorate.state.Session;
import io.quorate.state.State;
import io.quorate.state.Submission;
import io.quorate.state.Submission.Author;
import io.quorate.tree.Bytes;
import io.quorate.tree.ZooVector;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Sessions as their clients meet them: opened, attached, kept alive, closed.
 *
 * <p>Signs of life are not logged. Here they are gathered; the leader's {@link SessionClock} is
 * told and proposes the end of those that fell silent.
 */
public final class Sessions {
  private static final int SECRET_BYTES = 16;

  /** 2020-01-01: 41 bits of milliseconds from there end in 2089. */
  private static final long ID_EPOCH_MS = 1_577_836_800_000L;

  /** Ends under way: a hundred thousand that are due at once must not crowd out the writes. */
  private static final int MAX_ENDING = 1000;

  private static final int VOUCH_FRACTION = 3;
  private static final int REPORT_MAX = 100_000;

  private final Coordinator coordinator;
  private final Clock clock;
  private final int member;
  private final SecureRandom random = new SecureRandom();
  private final AtomicInteger ending = new AtomicInteger();

  private final Object lock = new Object();
  // Guarded by lock.
  private final SessionClock silence = new SessionClock();
  private @Nullable State watched;
  private long lastTickMs = Long.MIN_VALUE;
  private long lastId;

  /** Heard from since the last report to the leader; guarded by lock. */
  private final Set<Long> heard = new HashSet<>();

  private long lastReportMs;
  private boolean reporting;

  /** When the newest report was sent that the leader acknowledged; guarded by lock. */
  private long lastAcknowledgedMs;

  /** Who waits until the leader has taken a sign of life; guarded by lock. */
  private List<Keeper> keepers = new ArrayList<>();

  private record Keeper(long id, long deadlineMs, CompletableFuture<Void> taken) {}

  Sessions(Coordinator coordinator, Clock clock, int member) {
    this.coordinator = coordinator;
    this.clock = clock;
    this.member = member;
    // Nobody is attached here yet; whoever will be comes through the leader.
    this.lastAcknowledgedMs = clock.monotonicMs();
  }

  /**
   * A session that is now this client's.
   *
   * @param secret sixteen bytes that prove it
   * @param generation what its writes must name when nobody else may act for it
   */
  public record Held(long id, byte[] secret, int timeoutMs, long generation, long zxid) {}

  /** Opens a session; {@code timeoutMs} is brought into the cluster's range. */
  public CompletableFuture<Held> open(int timeoutMs) {
    byte[] secret = new byte[SECRET_BYTES];
    random.nextBytes(secret);
    return coordinator
        .submit(
            Submission.of(
                Author.ANYONE,
                new Command.OpenSession(nextId(), hashOf(secret), timeoutMs, member)))
        .thenCompose(
            reply ->
                reply.outcome() instanceof Outcome.InSession in
                    ? CompletableFuture.completedFuture(held(in, secret, reply.zxid()))
                    : open(timeoutMs));
  }

  private Held held(Outcome.InSession in, byte[] secret, long zxid) {
    touch(in.id());
    return new Held(in.id(), secret, in.timeoutMs(), in.generation(), zxid);
  }

  /**
   * Makes this member the one that acts for a session.
   *
   * @param timeoutMs newly asked for; 0 keeps what it has
   * @return empty when there is no such session or the secret is wrong, which are not told apart
   */
  public CompletableFuture<Optional<Held>> attach(long id, byte[] secret, int timeoutMs) {
    // A wrong secret must not even reach the log: it would disturb nobody, but cost a write.
    if (find(id, secret).isEmpty()) {
      return coordinator
          .read(Consistency.LINEARIZABLE)
          .thenCompose(
              state ->
                  find(id, secret).isEmpty()
                      ? CompletableFuture.completedFuture(Optional.empty())
                      : attachKnown(id, secret, timeoutMs));
    }
    return attachKnown(id, secret, timeoutMs);
  }

  private CompletableFuture<Optional<Held>> attachKnown(long id, byte[] secret, int timeoutMs) {
    return coordinator
        .submit(
            Submission.of(
                Author.ANYONE, new Command.AttachSession(id, hashOf(secret), timeoutMs, member)))
        .thenApply(
            reply ->
                reply.outcome() instanceof Outcome.InSession in
                    ? Optional.of(held(in, secret, reply.zxid()))
                    : Optional.empty());
  }

  /** The session, when it lives here and {@code secret} is its own. */
  public Optional<Session> find(long id, byte[] secret) {
    return coordinator
        .state()
        .session(id)
        .filter(
            session ->
                MessageDigest.isEqual(session.passwordHash().toArray(), hashOf(secret).toArray()));
  }

  /** Ends a session and its ephemerals; done already is {@link Code#SESSIONEXPIRED}. */
  public CompletableFuture<Reply> close(long id) {
    return coordinator.submit(Submission.of(Author.ANYONE, new Command.CloseSession(id)));
  }

  /** A sign of life. */
  public void touch(long id) {
    synchronized (lock) {
      if (!silence.heardFrom(id, clock.monotonicMs())) {
        heard.add(id);
      }
    }
  }

  /**
   * A sign of life that counts from now on: completes when the leader has taken it, so that the
   * session lives for its full timeout even if this member dies the next moment. Those who ask
   * meanwhile share the next report.
   *
   * @return fails with {@link NotAppliedException} when no leader took it in time
   */
  public CompletableFuture<Void> keep(long id) {
    var keeper =
        new Keeper(
            id,
            clock.monotonicMs() + coordinator.requestTimeout().toMillis(),
            new CompletableFuture<>());
    Runnable exchange;
    synchronized (lock) {
      keepers.add(keeper);
      exchange = exchange(coordinator.replicator().leadership().localLeader());
    }
    exchange.run();
    return keeper.taken();
  }

  /**
   * Whether this member may tell a session that it lives: the leader has lately taken its report,
   * or it leads and a quorum has lately confirmed that. A member that is cut off must not vouch for
   * what the leader is about to expire; nor may one whose tree is wrong.
   */
  public boolean vouchesFor(Session session) {
    synchronized (lock) {
      return coordinator.divergence().isEmpty()
          && clock.monotonicMs() - lastAcknowledgedMs < session.timeoutMs() / VOUCH_FRACTION;
    }
  }

  /** Called a few times per tick: proposes the end of what fell silent, while this member leads. */
  void tick(boolean leading, long expectedPeriodMs) {
    giveUpLate();
    Runnable exchange;
    List<Submission> ends = List.of();
    synchronized (lock) {
      long now = clock.monotonicMs();
      if (leading) {
        heard.clear();
        ends = ends(now, expectedPeriodMs);
      } else {
        silence.clear();
        watched = null;
      }
      lastTickMs = now;
      exchange = exchange(leading);
    }
    exchange.run();
    for (Submission end : ends) {
      ending.incrementAndGet();
      coordinator.submit(end).whenComplete((reply, failure) -> ending.decrementAndGet());
    }
  }

  private List<Submission> ends(long now, long expectedPeriodMs) {
    long lateMs = lastTickMs == Long.MIN_VALUE ? 0 : now - lastTickMs - expectedPeriodMs;
    // Small lateness is jitter; what exceeds it is a pause in which no sign of life was taken.
    if (lateMs > expectedPeriodMs) {
      silence.late(lateMs);
    }
    State state = coordinator.state();
    follow(state, now);
    return ends(state, now);
  }

  private void giveUpLate() {
    List<Keeper> late;
    synchronized (lock) {
      long now = clock.monotonicMs();
      late = keepers.stream().filter(keeper -> keeper.deadlineMs() <= now).toList();
      keepers.removeAll(late);
    }
    for (Keeper keeper : late) {
      keeper
          .taken()
          .completeExceptionally(
              new NotAppliedException(
                  NotAppliedException.Reason.NO_QUORUM, "no leader took the sign of life in time"));
    }
  }

  /**
   * What to say to the leader, twice per tick and whenever somebody waits for it; to be run without
   * the lock, under which this is called.
   */
  private Runnable exchange(boolean leading) {
    long now = clock.monotonicMs();
    if (reporting || (keepers.isEmpty() && now - lastReportMs < halfTickMs())) {
      return () -> {};
    }
    reporting = true;
    lastReportMs = now;
    List<Keeper> carried = keepers;
    keepers = new ArrayList<>();
    return leading ? confirmation(now, carried) : report(now, carried);
  }

  /** Asks a quorum whether this member still leads. */
  private Runnable confirmation(long now, List<Keeper> carried) {
    for (Keeper keeper : carried) {
      silence.heardFrom(keeper.id(), now);
    }
    Replicator replicator = coordinator.replicator();
    Replicator.Leadership before = replicator.leadership();
    return () ->
        replicator
            .readBarrier()
            .whenComplete(
                (index, failure) ->
                    reported(
                        Set.of(),
                        carried,
                        now,
                        failure == null && replicator.leadership().equals(before)));
  }

  private int halfTickMs() {
    return coordinator.state().settings().minSessionTimeoutMs() / 4;
  }

  /** Tells the leader whom this member heard from. */
  private Runnable report(long now, List<Keeper> carried) {
    // Who waits goes first, and none is left behind: they are fewer than a report holds.
    Set<Long> told = new LinkedHashSet<>();
    carried.forEach(keeper -> told.add(keeper.id()));
    for (Iterator<Long> i = heard.iterator(); i.hasNext() && told.size() < REPORT_MAX; ) {
      told.add(i.next());
      i.remove();
    }
    ByteBuffer report = ByteBuffer.allocate(1 + 8 * told.size());
    report.put(QuorateServer.SIGNS_OF_LIFE);
    told.forEach(report::putLong);
    return () ->
        coordinator
            .replicator()
            .askLeader(report.array())
            .whenComplete((answer, failure) -> reported(told, carried, now, failure == null));
  }

  private void reported(Set<Long> told, List<Keeper> carried, long sentMs, boolean acknowledged) {
    Runnable exchange = () -> {};
    synchronized (lock) {
      reporting = false;
      if (acknowledged) {
        lastAcknowledgedMs = sentMs;
        if (!keepers.isEmpty()) {
          exchange = exchange(coordinator.replicator().leadership().localLeader());
        }
      } else {
        heard.addAll(told);
        keepers.addAll(carried);
      }
    }
    if (acknowledged) {
      carried.forEach(keeper -> keeper.taken().complete(null));
    }
    exchange.run();
  }

  /** A member's report, on the leader. */
  byte[] answerReport(byte[] report) {
    ByteBuffer ids = ByteBuffer.wrap(report, 1, report.length - 1);
    synchronized (lock) {
      long now = clock.monotonicMs();
      while (ids.remaining() >= 8) {
        silence.heardFrom(ids.getLong(), now);
      }
    }
    return new byte[0];
  }

  /** Brings the clock to the sessions of {@code state}; a new leader begins with all of them. */
  private void follow(State state, long now) {
    ZooVector<Long, Session> before =
        watched == null ? State.initial(state.settings()).sessions() : watched.sessions();
    state
        .sessions()
        .diff(
            before,
            (id, old, session) -> {
              if (session == null) {
                silence.closed(id);
              } else {
                silence.opened(id, session.timeoutMs(), now);
              }
            });
    watched = state;
  }

  private List<Submission> ends(State state, long now) {
    var ends = new ArrayList<Submission>();
    int room = MAX_ENDING - ending.get();
    if (room <= 0) {
      return ends;
    }
    long term = coordinator.replicator().leadership().term();
    for (long id : silence.overdue(now, room)) {
      state
          .session(id)
          .ifPresent(
              session ->
                  ends.add(
                      Submission.of(
                          Author.CLUSTER,
                          new Command.ExpireSession(id, session.generation(), term))));
    }
    return ends;
  }

  /**
   * The member's number, then time and a count: unique among members without asking them. Below
   * 2^53, so that every reader of JSON reads it exactly.
   */
  private long nextId() {
    synchronized (lock) {
      long id = ((clock.wallMs() - ID_EPOCH_MS) << 4) & 0x1fff_ffff_ffffL;
      lastId = Math.max(id, lastId + 1);
      return (long) member << 45 | lastId;
    }
  }

  private static Bytes hashOf(byte[] secret) {
    try {
      return Bytes.wrap(MessageDigest.getInstance("SHA-256").digest(secret));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
