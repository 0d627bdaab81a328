package io.quorate.server;

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
  private Set<Long> heard = new HashSet<>();

  private long lastReportMs;
  private boolean reporting;

  /** When the newest report was sent that the leader acknowledged; guarded by lock. */
  private long lastAcknowledgedMs;

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
    List<Submission> ends;
    synchronized (lock) {
      long now = clock.monotonicMs();
      if (!leading) {
        silence.clear();
        watched = null;
        lastTickMs = now;
        report(now);
        return;
      }
      heard.clear();
      confirm(now);
      long lateMs = lastTickMs == Long.MIN_VALUE ? 0 : now - lastTickMs - expectedPeriodMs;
      // Small lateness is jitter; what exceeds it is a pause in which no sign of life was taken.
      if (lateMs > expectedPeriodMs) {
        silence.late(lateMs);
      }
      lastTickMs = now;
      State state = coordinator.state();
      follow(state, now);
      ends = ends(state, now);
    }
    for (Submission end : ends) {
      ending.incrementAndGet();
      coordinator.submit(end).whenComplete((reply, failure) -> ending.decrementAndGet());
    }
  }

  /** Asks a quorum, twice per tick, whether this member still leads. Called under the lock. */
  private void confirm(long now) {
    if (reporting || now - lastReportMs < halfTickMs()) {
      return;
    }
    reporting = true;
    lastReportMs = now;
    coordinator
        .replicator()
        .readBarrier()
        .whenComplete((index, failure) -> reported(Set.of(), now, failure == null));
  }

  private int halfTickMs() {
    return coordinator.state().settings().minSessionTimeoutMs() / 4;
  }

  /** Tells the leader, twice per tick, whom this member heard from. Called under the lock. */
  private void report(long now) {
    if (reporting || now - lastReportMs < halfTickMs()) {
      return;
    }
    reporting = true;
    lastReportMs = now;
    Set<Long> told = heard;
    heard = new HashSet<>();
    if (told.size() > REPORT_MAX) {
      told.stream().skip(REPORT_MAX).forEach(heard::add);
    }
    ByteBuffer report = ByteBuffer.allocate(1 + 8 * Math.min(told.size(), REPORT_MAX));
    report.put(QuorateServer.SIGNS_OF_LIFE);
    told.stream().limit(REPORT_MAX).forEach(report::putLong);
    coordinator
        .replicator()
        .askLeader(report.array())
        .whenComplete((answer, failure) -> reported(told, now, failure == null));
  }

  private void reported(Set<Long> told, long sentMs, boolean acknowledged) {
    synchronized (lock) {
      reporting = false;
      if (acknowledged) {
        lastAcknowledgedMs = sentMs;
      } else {
        heard.addAll(told);
      }
    }
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
