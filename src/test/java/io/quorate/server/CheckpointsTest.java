package io.quorate.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.consensus.LogConsumer.RestorePoint;
import io.quorate.state.Command;
import io.quorate.state.History;
import io.quorate.state.Precondition;
import io.quorate.state.Settings;
import io.quorate.state.Stamp;
import io.quorate.state.State;
import io.quorate.state.StateMachine;
import io.quorate.state.Submission;
import io.quorate.storage.CheckpointStore;
import io.quorate.testing.InMemoryCheckpointStore;
import io.quorate.tree.Acl;
import io.quorate.tree.Bytes;
import io.quorate.tree.Lifetime;
import io.quorate.tree.ZPath;
import io.quorate.tree.Znode;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class CheckpointsTest {
  private static final Settings LIMITS =
      new Settings(1 << 20, 1_000, 4 << 20, 1, 1, 1, 1, 1, 1, false);

  private State state = State.initial(LIMITS);

  @Test
  void aHistoryThatIsWrittenWhileItGivesWayIsTheOneThatWasAskedFor() throws Exception {
    write(1_000);
    var slow =
        new Slow(
            () -> {
              for (int i = 0; i < 5_000; i++) {
                write(1);
              }
            });
    var covered = new CompletableFuture<Long>();
    try (var checkpoints =
        new Checkpoints(
            slow,
            new Restored(State.initial(LIMITS), RestorePoint.NONE, false),
            ServerMetrics.NONE)) {
      checkpoints.onDurable(covered::complete);
      State asked = state;
      List<String> history = described(asked.history());

      checkpoints.save(asked, 7, new byte[0]);

      assertThat(covered.get(20, TimeUnit.SECONDS)).isEqualTo(7);
      State restored = Restored.from(slow).state();
      assertThat(restored.zxid()).isEqualTo(asked.zxid());
      assertThat(described(restored.history())).isEqualTo(history);
      assertThat(state.history().heldAfter())
          .as("all of it has given way")
          .isGreaterThan(asked.zxid());
    }
  }

  /** Each shown in the place of the one before. */
  private void write(int changes) {
    for (int i = 0; i < changes; i++) {
      History before = state.history();
      state =
          StateMachine.apply(
                  state,
                  Submission.of(
                      Submission.Author.CLUSTER,
                      new Command.Put(
                          ZPath.of("/n"),
                          Bytes.wrap(("data " + state.zxid()).repeat(100).getBytes()),
                          null,
                          Precondition.NONE,
                          Acl.OPEN,
                          Lifetime.PERSISTENT,
                          Command.Parents.REQUIRED)),
                  new Stamp(1))
              .state();
      before.giveWayTo(state.history());
    }
  }

  private static List<String> described(History history) {
    var all = new ArrayList<String>();
    History.Entries entries = history.entries();
    while (entries.next()) {
      Znode after = Objects.requireNonNull(entries.value().changes().getFirst().after());
      all.add(entries.zxid() + " " + after.version() + " " + Objects.hashCode(after.data()));
    }
    return all;
  }

  /** A store that has something else to do before it writes. */
  private record Slow(Runnable first, CheckpointStore store) implements CheckpointStore {
    Slow(Runnable first) {
      this(first, new InMemoryCheckpointStore());
    }

    @Override
    public void save(Meta meta, Base base, Consumer<Edit> changes) {
      first.run();
      store.save(meta, base, changes);
    }

    @Override
    public Optional<Meta> latest() {
      return store.latest();
    }

    @Override
    public void read(String map, BiConsumer<byte[], byte[]> entries) {
      store.read(map, entries);
    }

    @Override
    public void hurry() {}

    @Override
    public long sizeBytes() {
      return 0;
    }

    @Override
    public void close() {}
  }
}
