package io.quorate.watch;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.Seeds;
import io.quorate.state.Command;
import io.quorate.state.HistoryEntry;
import io.quorate.state.Precondition;
import io.quorate.state.Settings;
import io.quorate.state.Stamp;
import io.quorate.state.State;
import io.quorate.state.StateMachine;
import io.quorate.state.Submission;
import io.quorate.state.TreeEvent;
import io.quorate.tree.Bytes;
import io.quorate.tree.ZPath;
import io.quorate.watch.WatchTable.Scope;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

class WatchTableTest {
  private static final ZPath PATH = ZPath.ROOT;

  /** Counts what it is told. */
  private static final class Counter implements WatchTable.Subscriber {
    int told;

    @Override
    public void event(TreeEvent event, State after) {
      told++;
    }

    @Override
    public void replaced(State before, State after) {}
  }

  @Test
  void whoeverHasNotEndedIsToldOnceHoweverOthersComeAndGo() {
    Seeds.each(
        20,
        seed -> {
          var random = new Random(seed);
          State state = State.initial(Settings.DEFAULT);
          var table = new WatchTable(state);
          Map<Counter, WatchTable.Subscription> live = new HashMap<>();
          Map<Counter, Integer> expected = new HashMap<>();
          for (int step = 0; step < 400; step++) {
            int what = random.nextInt(5);
            if (what < 2) {
              var counter = new Counter();
              Scope scope = Scope.values()[random.nextInt(3)];
              live.put(counter, table.subscribe(PATH, scope, counter));
              expected.put(counter, 0);
            } else if (what < 4 && !live.isEmpty()) {
              Counter one = List.copyOf(live.keySet()).get(random.nextInt(live.size()));
              WatchTable.Subscription ended = Objects.requireNonNull(live.remove(one));
              ended.cancel();
              ended.cancel();
            } else {
              state = write(table, state);
              live.keySet().forEach(one -> expected.merge(one, 1, Integer::sum));
            }
          }

          expected.forEach((one, count) -> assertThat(one.told).isEqualTo(count));
          assertThat(table.count()).isEqualTo(live.size());
          List.copyOf(live.values()).forEach(WatchTable.Subscription::cancel);
          assertThat(table.byPath()).isEmpty();
        });
  }

  private static State write(WatchTable table, State state) {
    StateMachine.Applied applied =
        StateMachine.apply(
            state,
            Submission.of(
                Submission.Author.ANYONE,
                new Command.SetData(PATH, Bytes.EMPTY, null, Precondition.NONE)),
            new Stamp(1));
    var changes = new ArrayList<HistoryEntry>();
    changes.add(Objects.requireNonNull(applied.change()));
    table.fire(applied.state(), changes);
    return applied.state();
  }
}
