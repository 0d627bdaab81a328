package io.quorate.web;

import io.quorate.server.Coordinator;
import io.quorate.state.State;
import io.quorate.state.TreeEvent;
import io.quorate.tree.ZPath;
import io.quorate.watch.WatchTable;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
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
  private static final Pattern WAIT = Pattern.compile("(?:^|[,;\\s])wait\\s*=\\s*\"?(\\d{1,9})\"?");

  private final Coordinator coordinator;
  private final WatchTable watches;
  private final WebThreads threads;

  /** Whoever waits; when the member stops they are answered at once. */
  private final Set<CompletableFuture<Long>> waiting = ConcurrentHashMap.newKeySet();

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
  }

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
    var told = new CompletableFuture<Long>();
    waiting.add(told);
    told.completeOnTimeout(TIME_IS_UP, left, TimeUnit.NANOSECONDS);
    Runnable forget = signal == Signal.EVENT ? watch(path, moved, told) : follow(state, told);
    // An event comes before its state is published: go on once it is.
    return told.thenComposeAsync(
            zxid -> {
              waiting.remove(told);
              forget.run();
              return zxid == TIME_IS_UP
                  ? CompletableFuture.completedFuture(coordinator.state())
                  : coordinator.whenZxid(zxid);
            },
            threads)
        .thenComposeAsync(next -> until(path, next, moved, signal, deadlineNanos), threads);
  }

  private Runnable watch(ZPath path, Predicate<State> moved, CompletableFuture<Long> told) {
    return watches.atomically(
        fired -> {
          if (moved.test(fired)) {
            told.complete(fired.zxid());
          }
          return watches.subscribe(path, WatchTable.Scope.NODE, teller(told))::cancel;
        });
  }

  private Runnable follow(State state, CompletableFuture<Long> told) {
    CompletableFuture<State> next = coordinator.whenZxid(state.zxid() + 1);
    next.thenAccept(newer -> told.complete(newer.zxid()));
    return () -> next.cancel(false);
  }

  private static WatchTable.Subscriber teller(CompletableFuture<Long> told) {
    return new WatchTable.Subscriber() {
      @Override
      public void event(TreeEvent event, State after) {
        told.complete(after.zxid());
      }

      @Override
      public void replaced(State before, State after) {
        told.complete(after.zxid());
      }
    };
  }

  @Override
  public void start() {
    running = true;
  }

  /** Before the web server waits for its requests to end. */
  @Override
  public void stop() {
    running = false;
    waiting.forEach(told -> told.complete(TIME_IS_UP));
  }

  @Override
  public boolean isRunning() {
    return running;
  }
}
