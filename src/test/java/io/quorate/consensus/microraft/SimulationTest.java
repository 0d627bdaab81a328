package io.quorate.consensus.microraft;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Random stories, each from one seed, which a failure prints. {@code -Dquorate.seed=N} tells one
 * again, {@code -Dquorate.seeds=N} tells more; {@code tools/simulate} tells as many as you like.
 */
class SimulationTest {
  private static final long PATIENCE_NANOS = 60_000_000_000L;

  private final Simulation.Listening listening = Simulation.listen();

  @BeforeEach
  @AfterEach
  void forget() {
    listening.current = null;
  }

  @AfterEach
  void quiet() {
    Simulation.quiet(listening);
  }

  @Test
  void nothingPromisedIsEverLost() {
    Long only = Long.getLong("quorate.seed");
    boolean bounded = only == null && Long.getLong("quorate.seeds") == null;
    long first = only == null ? Long.getLong("quorate.first", System.currentTimeMillis()) : only;
    long seeds = only == null ? Long.getLong("quorate.seeds", 300) : 1;
    int steps = Integer.getInteger("quorate.steps", 40);
    long begun = System.nanoTime();
    int acknowledged = 0;
    for (long seed = first; seed < first + seeds; seed++) {
      Simulation simulation = new Simulation(seed);
      listening.current = simulation;
      acknowledged += simulation.run(steps).acknowledged();
      if (bounded && System.nanoTime() - begun > PATIENCE_NANOS) {
        break;
      }
    }
    System.out.printf("Stories from seed %d: %d proposals acknowledged%n", first, acknowledged);
    assertThat(acknowledged).isPositive();
  }

  /** Of four voters the one with the newest log knew an older term than two of the others. */
  @Test
  void whoAloneCanBeElectedLearnsTheTermThatRefusesIt() {
    tellAgain(1795829282731L);
  }

  /**
   * Two of four committed what the other two, who had the removal of one of those in a log, elected
   * a leader without.
   */
  @Test
  void whatAGroupOfFourCommitsIsKnownWhereItBecomesThree() {
    tellAgain(1795837025140L);
  }

  /** A story from when the network did not fall in two. */
  private void tellAgain(long seed) {
    Simulation simulation = new Simulation(seed);
    simulation.splits = false;
    listening.current = simulation;

    assertThat(simulation.run(40).acknowledged()).isPositive();
  }
}
