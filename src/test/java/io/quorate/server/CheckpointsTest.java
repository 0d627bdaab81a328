package io.quorate.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.codec.CheckpointCodec;
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
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CheckpointsTest {
  private static final Settings LIMITS =
      new Settings(1 << 20, 1_000, 4 << 20, 1, 1, 1, 1, 1, 1, false);

  private State state = State.initial(LIMITS);

  /**
   * What newer entries have pushed out of the history before it was written is not in the
   * checkpoint. It is not missed: the log since then pushes it out again.
   */
  @ParameterizedTest
  @CsvSource({"0, 0", "0, 40", "300, 0", "300, 40", "5000, 0"})
  void aHistoryThatGivesWayBeforeItIsWrittenIsTheSameAfterTheLogSince(int before, int meanwhile)
      throws Exception {
    write(1_000);
    State asked = state;
    write(before);
    var saving = new Saving(() -> write(meanwhile));
    var covered = new CompletableFuture<Long>();
    try (var checkpoints = checkpoints(saving)) {
      checkpoints.onDurable(covered::complete);
      checkpoints.save(asked, 7, new byte[0]);
      assertThat(covered.get(20, TimeUnit.SECONDS)).isEqualTo(7);
    }
    State live = state;

    state = Restored.from(saving).state();

    assertThat(state.zxid()).isEqualTo(asked.zxid());
    assertThat(state.tree().digest()).isEqualTo(asked.tree().digest());
    if (before + meanwhile == 0) {
      assertThat(described(state.history())).isEqualTo(described(asked.history()));
    }
    if (live.history().heldAfter() < asked.zxid()) {
      assertThat(state.history().size()).as("what has not given way is there").isPositive();
    }
    write((int) (live.zxid() - asked.zxid()));
    assertThat(state.history().heldAfter()).isEqualTo(live.history().heldAfter());
    assertThat(described(state.history())).isEqualTo(described(live.history()));
  }

  @Test
  void aLaterCheckpointHasTheHistoryThatAnEarlierOneCutOff() throws Exception {
    write(1_000);
    var saving = new Saving(() -> write(60));
    var covered = new ArrayBlockingQueue<Long>(2);
    try (var checkpoints = checkpoints(saving)) {
      checkpoints.onDurable(covered::add);
      for (long index = 1; index <= 4; index++) {
        State asked = state;
        checkpoints.save(asked, index, new byte[0]);
        assertThat(covered.poll(20, TimeUnit.SECONDS)).isEqualTo(index);
        assertThat(Restored.from(saving).state().zxid()).isEqualTo(asked.zxid());
      }
      saving.meanwhile = () -> {};
      checkpoints.save(state, 5, new byte[0]);
      assertThat(covered.poll(20, TimeUnit.SECONDS)).isEqualTo(5);
    }

    State restored = Restored.from(saving).state();

    assertThat(described(restored.history())).isEqualTo(described(state.history()));
    assertThat(restored.history().heldAfter()).isEqualTo(state.history().heldAfter());
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

  private static Checkpoints checkpoints(CheckpointStore store) {
    return new Checkpoints(
        store, new Restored(State.initial(LIMITS), RestorePoint.NONE, false), ServerMetrics.NONE);
  }

  /** Something else goes on before each block of the history is written. */
  private static final class Saving extends InMemoryCheckpointStore {
    private Runnable meanwhile;

    Saving(Runnable meanwhile) {
      this.meanwhile = meanwhile;
    }

    @Override
    protected void beforePut(String map) {
      if (map.equals(CheckpointCodec.HISTORY)) {
        meanwhile.run();
      }
    }
  }
}
