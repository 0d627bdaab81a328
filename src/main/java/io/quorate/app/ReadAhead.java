package io.quorate.app;

import io.quorate.codec.CorruptCheckpointException;
import io.quorate.server.Restored;
import io.quorate.storage.CheckpointStore;
import io.quorate.storage.mvstore.MvCheckpointStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.event.ApplicationEnvironmentPreparedEvent;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.context.ApplicationListener;
import org.springframework.core.env.ConfigurableEnvironment;

/**
 * Reads the checkpoint while Spring is still getting ready, from when the configuration is known:
 * neither needs both cores.
 *
 * <p>What goes wrong here is told by nobody here: it is done again where it belongs, and told
 * there. All but the reading itself is done on the thread that starts Spring.
 */
final class ReadAhead implements ApplicationListener<ApplicationEnvironmentPreparedEvent> {
  private static final Logger LOG = LoggerFactory.getLogger(ReadAhead.class);

  private @Nullable FutureTask<Optional<Read>> reading;

  private record Read(CheckpointStore store, Restored restored) {}

  @Override
  public void onApplicationEvent(ApplicationEnvironmentPreparedEvent event) {
    event
        .getBootstrapContext()
        .addCloseListener(
            closed ->
                closed
                    .getApplicationContext()
                    .getBeanFactory()
                    .registerSingleton("readAhead", this));
    ConfigurableEnvironment environment = event.getEnvironment();
    var task = new FutureTask<>(() -> read(environment));
    reading = task;
    Thread.ofPlatform().name("quorate-read-ahead").daemon().start(task);
  }

  private static Optional<Read> read(ConfigurableEnvironment environment)
      throws CorruptCheckpointException {
    QuorateProperties properties =
        Binder.get(environment).bindOrCreate("quorate", QuorateProperties.class);
    Path directory = directory(MemberConfiguration.from(properties));
    if (!Files.isDirectory(directory)) {
      return Optional.empty();
    }
    CheckpointStore store = open(directory);
    try {
      return Optional.of(new Read(store, Restored.from(store)));
    } catch (CorruptCheckpointException | RuntimeException | Error e) {
      store.close();
      throw e;
    }
  }

  static Path directory(MemberConfiguration member) {
    return member.dataDir().resolve("checkpoint");
  }

  static CheckpointStore open(Path directory) {
    return MvCheckpointStore.open(directory, MvCheckpointStore.Limits.DEFAULT);
  }

  /** Waits until all was read; empty when there was nothing, or it could not be. */
  Optional<CheckpointStore> store() {
    return read().map(Read::store);
  }

  /** What stands in the store, once: a state that nobody needs any more is not kept. */
  Optional<Restored> take() {
    Optional<Restored> restored = read().map(Read::restored);
    reading = null;
    return restored;
  }

  private Optional<Read> read() {
    FutureTask<Optional<Read>> task = reading;
    if (task == null) {
      return Optional.empty();
    }
    try {
      return task.get();
    } catch (ExecutionException e) {
      LOG.debug("The checkpoint could not be read ahead", e);
      return Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }
}
