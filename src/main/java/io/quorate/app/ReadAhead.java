package io.quorate.app;

import io.quorate.codec.CorruptCheckpointException;
import io.quorate.server.Restored;
import io.quorate.storage.CheckpointStore;
import io.quorate.storage.mvstore.MvCheckpointStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
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
 * there.
 */
final class ReadAhead implements ApplicationListener<ApplicationEnvironmentPreparedEvent> {
  private static final Logger LOG = LoggerFactory.getLogger(ReadAhead.class);

  private CompletableFuture<@Nullable Read> reading = new CompletableFuture<>();

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
    CompletableFuture<@Nullable Read> result = reading;
    Thread.ofPlatform()
        .name("quorate-read-ahead")
        .daemon()
        .start(
            () -> {
              try {
                result.complete(read(environment));
              } catch (Throwable t) {
                result.completeExceptionally(t);
              }
            });
  }

  private static @Nullable Read read(ConfigurableEnvironment environment)
      throws CorruptCheckpointException {
    QuorateProperties properties =
        Binder.get(environment).bindOrCreate("quorate", QuorateProperties.class);
    Path directory = directory(MemberConfiguration.from(properties));
    if (!Files.isDirectory(directory)) {
      return null;
    }
    CheckpointStore store = open(directory);
    try {
      return new Read(store, Restored.from(store));
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
  synchronized Optional<CheckpointStore> store() {
    return read().map(Read::store);
  }

  /** What stands in the store, once: a state that nobody needs any more is not kept. */
  synchronized Optional<Restored> take() {
    Optional<Restored> restored = read().map(Read::restored);
    reading = CompletableFuture.completedFuture(null);
    return restored;
  }

  private Optional<Read> read() {
    try {
      return Optional.ofNullable(reading.get());
    } catch (ExecutionException e) {
      LOG.debug("The checkpoint could not be read ahead", e);
      return Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }
}
