package io.quorate.web;

import io.quorate.server.Consistency;
import io.quorate.server.Coordinator;
import io.quorate.state.Position;
import io.quorate.state.State;
import io.quorate.watch.WatchTable;
import io.quorate.web.WatchStream.Interest;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/** Opens streams, and ends all of them before the web server waits for its requests to end. */
@Component
final class WatchStreams implements SmartLifecycle {
  private final Coordinator coordinator;
  private final WatchTable watches;
  private final WebThreads threads;
  private final Set<Runnable> enders = ConcurrentHashMap.newKeySet();
  private volatile boolean running;

  WatchStreams(Coordinator coordinator, WatchTable watches, WebThreads threads) {
    this.coordinator = coordinator;
    this.watches = watches;
    this.threads = threads;
  }

  /**
   * A stream that has its place and is yet to run. A client that comes from a member that is ahead
   * waits until this one is level.
   *
   * @return empty when the history does not reach back far enough
   */
  CompletableFuture<Optional<WatchStream>> open(
      Interest interest, Caller caller, WatchStream.Sink sink) {
    Position since = interest.since();
    long least = since == null ? 0 : since.zxid();
    CompletableFuture<State> ready = coordinator.read(new Consistency.Session(least));
    // At once where it can be: a ping that comes next is about this stream too.
    return ready.isDone()
        ? ready.thenApply(state -> WatchStream.open(watches, interest, caller, sink))
        : ready.thenApplyAsync(state -> WatchStream.open(watches, interest, caller, sink), threads);
  }

  /** The zxid that everybody has been told up to. */
  long firedZxid() {
    return watches.fired().zxid();
  }

  /** What {@code since} must be at least. */
  Position oldest() {
    State fired = watches.fired();
    return Position.after(fired.history().heldAfter());
  }

  /** Has {@code ender} called when the member stops; at once when it has. */
  void register(Runnable ender) {
    enders.add(ender);
    if (!running) {
      ender.run();
    }
  }

  void forget(Runnable ender) {
    enders.remove(ender);
  }

  @Override
  public void start() {
    running = true;
  }

  @Override
  public void stop() {
    running = false;
    enders.forEach(Runnable::run);
  }

  @Override
  public boolean isRunning() {
    return running;
  }
}
