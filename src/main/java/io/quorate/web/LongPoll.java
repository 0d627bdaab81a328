package io.quorate.web;

import io.quorate.server.Coordinator;
import io.quorate.state.State;
import io.quorate.state.TreeEvent;
import io.quorate.tree.ZPath;
import io.quorate.watch.WatchTable;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/** Waits, holding no thread, until a node is not what the client has any more. */
@Component
final class LongPoll implements SmartLifecycle {
  private static final int LONGEST_SECONDS = 60;
  private static final long TIME_IS_UP = -1;
  private static final long LOOK_PERIOD_MS = 20;
  private static final Pattern WAIT = Pattern.compile("(?:^|[,;\\s])wait\\s*=\\s*\"?(\\d{1,9})\"?");

  private final Coordinator coordinator;
  private final WatchTable watches;
  private final WebThreads threads;

  /** Whoever waits; when the member stops they are answered at once. */
  private final Set<CompletableFuture<Long>> waiting = ConcurrentHashMap.newKeySet();

  /** Who has been told, and by which zxid, but has not gone on yet. */
  private final Queue<Told> told = new ConcurrentLinkedQueue<>();

  private final AtomicBoolean telling = new AtomicBoolean();

  /** Who waits for any change; all of them are looked through together. */
  private final Set<Follower> followers = ConcurrentHashMap.newKeySet();

  private final AtomicBoolean following = new AtomicBoolean();
  private final Executor nextLook;

  private volatile boolean running;

  /** What tells that something may have changed. */
  enum Signal {
    /** An event of the node. */
    EVENT,
    /** Any newer state: a change of an ACL makes no event. */
    ANY_CHANGE
  }

  LongPoll(Coordinator coordinator, WatchTable watches, WebThreads threads) {
    this.coordinator = coordinator;
    this.watches = watches;
    this.threads = threads;
    this.nextLook =
        CompletableFuture.delayedExecutor(LOOK_PERIOD_MS, TimeUnit.MILLISECONDS, threads);
  }

  private record Told(CompletableFuture<Long> one, long zxid) {}

  private record Follower(Predicate<State> moved, CompletableFuture<Long> one) {}

  /** How long the request would wait, in seconds; empty when it would not. */
  static Optional<Integer> seconds(HttpServletRequest request) {
    String prefer = request.getHeader("Prefer");
    if (prefer == null) {
      return Optional.empty();
    }
    Matcher matcher = WAIT.matcher(prefer);
    return matcher.find()
        ? Optional.of(Math.min(LONGEST_SECONDS, Integer.parseInt(matcher.group(1))))
        : Optional.empty();
  }

  /**
   * The first state, from {@code state} on, of which {@code moved} is true, or the one at the end
   * of the time.
   */
  CompletableFuture<State> until(
      ZPath path, State state, Predicate<State> moved, Signal signal, long deadlineNanos) {
    long left = deadlineNanos - System.nanoTime();
    if (moved.test(state) || left <= 0 || !running) {
      return CompletableFuture.completedFuture(state);
    }
    var one = new CompletableFuture<Long>();
    waiting.add(one);
    one.completeOnTimeout(TIME_IS_UP, left, TimeUnit.NANOSECONDS);
    Runnable forget = signal == Signal.EVENT ? watch(path, moved, one) : follow(moved, one);
    // An event comes before its state is published: go on once it is.
    return one.thenComposeAsync(
            zxid -> {
              waiting.remove(one);
              forget.run();
              return zxid == TIME_IS_UP
                  ? CompletableFuture.completedFuture(coordinator.state())
                  : coordinator.whenZxid(zxid);
            },
            threads)
        .thenComposeAsync(next -> until(path, next, moved, signal, deadlineNanos), threads);
  }

  private Runnable watch(ZPath path, Predicate<State> moved, CompletableFuture<Long> one) {
    return watches.atomically(
        fired -> {
          if (moved.test(fired)) {
            one.complete(fired.zxid());
          }
          return watches.subscribe(path, WatchTable.Scope.NODE, teller(one))::cancel;
        });
  }

  private WatchTable.Subscriber teller(CompletableFuture<Long> one) {
    return new WatchTable.Subscriber() {
      @Override
      public void event(TreeEvent event, State after) {
        tell(one, after.zxid());
      }

      @Override
      public void replaced(State before, State after) {
        tell(one, after.zxid());
      }
    };
  }

  /** Only queues: thousands may wait for one event, and the Applier's thread waits for this. */
  private void tell(CompletableFuture<Long> one, long zxid) {
    told.add(new Told(one, zxid));
    if (telling.compareAndSet(false, true)) {
      threads.execute(this::tellAll);
    }
  }

  private void tellAll() {
    do {
      for (Told next = told.poll(); next != null; next = told.poll()) {
        next.one.complete(next.zxid);
      }
      telling.set(false);
    } while (!told.isEmpty() && telling.compareAndSet(false, true));
  }

  private Runnable follow(Predicate<State> moved, CompletableFuture<Long> one) {
    var follower = new Follower(moved, one);
    followers.add(follower);
    if (following.compareAndSet(false, true)) {
      nextLook.execute(this::look);
    } else {
      // The newest state may have been looked at just before.
      State newest = coordinator.state();
      if (moved.test(newest)) {
        one.complete(newest.zxid());
      }
    }
    return () -> followers.remove(follower);
  }

  /** Looks through all followers, not more often than they are worth, for as long as there are. */
  private void look() {
    State state = coordinator.state();
    for (Follower follower : followers) {
      if (follower.moved.test(state)) {
        follower.one.complete(state.zxid());
      }
    }
    if (followers.isEmpty()) {
      following.set(false);
      if (followers.isEmpty() || !following.compareAndSet(false, true)) {
        return;
      }
    }
    coordinator
        .whenZxid(state.zxid() + 1)
        .whenComplete((newer, failure) -> nextLook.execute(this::look));
  }

  @Override
  public void start() {
    running = true;
  }

  /** Before the web server waits for its requests to end. */
  @Override
  public void stop() {
    running = false;
    waiting.forEach(one -> one.complete(TIME_IS_UP));
  }

  @Override
  public boolean isRunning() {
    return running;
  }
}
