package io.quorate.consensus.microraft;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.consensus.microraft.Simulation.SimMember;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * The power goes at every single step that the disk is asked to do, through elections, appends, new
 * segments, checkpoints, truncation and installed images; nothing acknowledged may be gone after.
 */
class CrashPointsTest {
  private final Simulation.Listening listening = Simulation.listen();

  @AfterEach
  void quiet() {
    Simulation.quiet(listening);
  }

  @Test
  void aGroupOfOneSurvivesACrashAtEveryStep() {
    int steps = 0;
    int last = Integer.MAX_VALUE;
    for (int step = 1; step <= last; step++) {
      Simulation world = new Simulation(1000 + step);
      world.make(1, 0);
      world.members.getFirst().triggerBytes = 3_000;
      int done = liveAndCrash(world, world.members.getFirst(), step);
      if (done < step) {
        // The whole story took fewer steps than that.
        break;
      }
      steps++;
    }
    assertThat(steps).isGreaterThan(150);
  }

  @Test
  void aFollowerThatTakesAnImageSurvivesACrashAtEveryStep() {
    int steps = 0;
    for (int step = 1; step < 400; step++) {
      Simulation world = new Simulation(5000);
      world.make(3, 0);
      world.members.forEach(m -> m.triggerBytes = 3_000);
      world.members.forEach(SimMember::start);
      world.await("somebody leads", 10_000, () -> world.leader() != null);
      world.runFor(500);
      SimMember behind =
          world.members.stream().filter(m -> m != world.leader()).findFirst().orElseThrow();
      propose(world, 10);
      behind.crash();
      propose(world, 60);
      world.runFor(2_000);
      for (SimMember member : List.copyOf(world.members)) {
        if (member != behind) {
          member.crash();
          member.start();
        }
      }
      world.await("somebody leads", 10_000, () -> world.leader() != null);
      world.runFor(500);

      int before = world.installs;
      int done = liveAndCrash(world, behind, step);

      assertThat(before).isLessThan(world.installs + 1);
      if (done < step) {
        assertThat(world.installs).isPositive();
        break;
      }
      steps++;
    }
    assertThat(steps).isGreaterThan(15);
  }

  /** Runs until the step, loses power there, then heals and checks; returns the steps done. */
  private int liveAndCrash(Simulation world, SimMember member, int step) {
    listening.current = null;
    List<Throwable> told = new ArrayList<>();
    world.onFailure(told::add);
    member.disk.loseAtStep(step);
    try {
      member.start();
    } catch (IllegalStateException diedAtStart) {
      told.add(diedAtStart);
    }
    for (int i = 0; i < 80 && told.isEmpty(); i++) {
      if (member.up()) {
        world.propose(member);
      }
      world.runFor(40);
    }
    int done = member.disk.steps();
    member.crash();
    member.disk.loseAtStep(0);
    world.onFailure(
        failure -> {
          throw new AssertionError("after a crash at step " + step, failure);
        });
    listening.current = world;
    world.settle();
    return done;
  }

  private static void propose(Simulation world, int count) {
    for (int i = 0; i < count; i++) {
      SimMember leader = world.leader();
      if (leader != null) {
        world.propose(leader);
      }
      world.runFor(20);
    }
  }
}
