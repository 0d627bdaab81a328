package io.quorate.server;

import io.quorate.codec.CheckpointCodec;
import io.quorate.codec.CheckpointCodec.Written;
import io.quorate.state.State;
import io.quorate.storage.CheckpointStore;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the durable image of the state, on a thread of its own: each save writes what changed since
 * the one before. Of several requests that wait, the newest is done.
 */
final class Checkpoints implements AutoCloseable {
  private static final Logger LOG = Logger.getLogger(Checkpoints.class.getName());

  private static final long RETRY_S = 5;

  private final CheckpointStore store;
  private final ServerMetrics metrics;
  private final ScheduledThreadPoolExecutor thread =
      new ScheduledThreadPoolExecutor(
          1, task -> Thread.ofPlatform().name("quorate-checkpoint").daemon().unstarted(task));
  private final Object lock = new Object();
  private @Nullable Request next;
  private volatile LongConsumer durable = index -> {};

  /**
   * What the store holds, nothing when it is to be written anew; owned by the checkpoint thread
   * after the start.
   */
  private Written saved = Written.NOTHING;

  private record Request(State state, long index, byte[] logMeta) {}

  Checkpoints(CheckpointStore store, Restored restored, ServerMetrics metrics) {
    thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    this.store = store;
    this.metrics = metrics;
    if (restored.current()) {
      saved = Written.of(restored.state());
    }
  }

  /** Who is told the index of each image that is on disk. */
  void onDurable(LongConsumer listener) {
    durable = listener;
  }

  /** As fast as the disk takes it, from now on. */
  void hurry() {
    store.hurry();
  }

  /** What of the state's history gives way to a newer one before it is written is left out. */
  void save(State state, long index, byte[] logMeta) {
    synchronized (lock) {
      boolean queued = next != null;
      next = new Request(state, index, logMeta);
      if (!queued) {
        thread.execute(this::saveNext);
      }
    }
  }

  private void saveNext() {
    Request request;
    synchronized (lock) {
      request = next;
      next = null;
    }
    if (request == null) {
      return;
    }
    long start = System.nanoTime();
    try {
      Written since = saved;
      var written =
          new Object() {
            Written now = since;
          };
      store.save(
          since == Written.NOTHING ? CheckpointStore.Base.EMPTY : CheckpointStore.Base.NEWEST,
          edit -> {
            written.now = CheckpointCodec.write(request.state, since, sink(edit));
            return new CheckpointStore.Meta(
                request.index,
                request.logMeta,
                CheckpointCodec.header(request.state, written.now.history()));
          });
      saved = written.now;
      metrics.checkpointed(System.nanoTime() - start);
      durable.accept(request.index);
    } catch (RuntimeException | OutOfMemoryError e) {
      // The image before is whole and the log since it is kept: nothing is lost, only longer.
      LOG.log(Level.WARNING, "no checkpoint at log index " + request.index + "; tried again", e);
      synchronized (lock) {
        if (next == null && !thread.isShutdown()) {
          next = request;
          thread.schedule(this::saveNext, RETRY_S, TimeUnit.SECONDS);
        }
      }
    }
  }

  private static CheckpointCodec.Sink sink(CheckpointStore.Edit edit) {
    return new CheckpointCodec.Sink() {
      @Override
      public void put(String map, byte[] key, byte[] value) {
        edit.put(map, key, value);
      }

      @Override
      public void remove(String map, byte[] key) {
        edit.remove(map, key);
      }

      @Override
      public void clear(String map) {
        edit.clear(map);
      }
    };
  }

  @Override
  public void close() {
    thread.shutdown();
    try {
      // One under way may be cut off: the image before it is whole, and the log goes on from there.
      if (!thread.awaitTermination(1, TimeUnit.SECONDS)) {
        thread.shutdownNow();
        thread.awaitTermination(1, TimeUnit.SECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
