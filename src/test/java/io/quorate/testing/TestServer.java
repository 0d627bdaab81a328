package io.quorate.testing;

import io.quorate.codec.CorruptCheckpointException;
import io.quorate.server.Clock;
import io.quorate.server.Coordinator;
import io.quorate.server.QuorateServer;
import io.quorate.server.Reply;
import io.quorate.server.Restored;
import io.quorate.server.ServerMetrics;
import io.quorate.server.Sessions;
import io.quorate.state.Command;
import io.quorate.state.Settings;
import io.quorate.state.Submission;
import io.quorate.tree.ZPath;
import io.quorate.watch.WatchTable;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A whole member on an {@link InMemoryReplicator}. A failure inside it fails the next call. */
public final class TestServer implements AutoCloseable {
  public final InMemoryReplicator replicator;
  public final QuorateServer server;

  private TestServer(InMemoryReplicator replicator, QuorateServer server) {
    this.replicator = replicator;
    this.server = server;
  }

  public static TestServer start() {
    return start(Settings.DEFAULT, Duration.ofSeconds(5), new InMemoryCheckpointStore());
  }

  public static TestServer start(
      Settings settings, Duration requestTimeout, InMemoryCheckpointStore store) {
    var replicator = new InMemoryReplicator();
    try {
      var server =
          new QuorateServer(
              new QuorateServer.Options(
                  1,
                  System.nanoTime(),
                  settings,
                  requestTimeout,
                  Clock.SYSTEM,
                  ServerMetrics.NONE,
                  Optional.empty(),
                  how -> {},
                  failure -> {
                    failure.printStackTrace();
                    replicator.setFate(InMemoryReplicator.Fate.REFUSED);
                  }),
              replicator,
              store,
              Restored.from(store));
      server.start();
      awaitFounded(server);
      var started = new TestServer(replicator, server);
      // A slow start proposes the settings more than once: what is still under way is let land.
      started.submit(new Command.Check(ZPath.ROOT, -1));
      return started;
    } catch (CorruptCheckpointException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The settings reach the state through the log. */
  private static void awaitFounded(QuorateServer server) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (server.coordinator().state().settings().revision() == 0) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException("not founded");
      }
      try {
        TimeUnit.MILLISECONDS.sleep(2);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  public Coordinator coordinator() {
    return server.coordinator();
  }

  public Sessions sessions() {
    return server.sessions();
  }

  public WatchTable watches() {
    return server.watches();
  }

  /** Submits as nobody in particular and waits. */
  public Reply submit(Command command) {
    try {
      return coordinator()
          .submit(Submission.of(Submission.Author.ANYONE, command))
          .get(20, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException runtime
          ? runtime
          : new IllegalStateException(e);
    } catch (TimeoutException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    server.close();
  }
}
