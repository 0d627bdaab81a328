package io.quorate.consensus.microraft;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.Seeds;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class CheckpointTurnsTest {
  private static final long WHOLE = 128L << 20;
  private static final int MEMBERS = 3;
  private static final int LARGEST = 20_000;

  @Test
  void membersTakeTurnsWhateverComesOutOfTurn() {
    Seeds.each(
        20,
        seed -> {
          var random = new Random(seed);
          List<CheckpointTurns> members = members();
          var inTurn = new ArrayList<List<Long>>();
          members.forEach(member -> inTurn.add(new ArrayList<>()));
          long amount = 0;
          for (int index = 1; amount < 20 * WHOLE; index++) {
            int bytes = random.nextInt(1, LARGEST);
            amount += bytes + WHOLE / CheckpointTurns.ENTRIES_PER_CHECKPOINT;
            for (int i = 0; i < MEMBERS; i++) {
              CheckpointTurns member = members.get(i);
              member.applied(bytes);
              if (member.due()) {
                inTurn.get(i).add(amount);
                member.taken(index);
              } else if (outOfTurn(random)) {
                member.taken(index);
              }
            }
          }
          for (int i = 0; i < MEMBERS; i++) {
            assertThat(inTurn.get(i)).hasSize(20);
            for (int j = 0; j < i; j++) {
              assertApart(inTurn.get(i), inTurn.get(j));
            }
          }
        });
  }

  private static boolean outOfTurn(Random random) {
    return random.nextInt(80_000) == 0;
  }

  private static void assertApart(List<Long> some, List<Long> others) {
    for (long one : some) {
      for (long other : others) {
        assertThat(Math.abs(one - other)).isGreaterThan(WHOLE / 5);
      }
    }
  }

  @Test
  void smallEntriesAreMuchLogToo() {
    CheckpointTurns member = members().getFirst();
    int entries = 0;
    for (int index = 1; index <= 10 * CheckpointTurns.ENTRIES_PER_CHECKPOINT; index++) {
      entries++;
      member.applied(1);
      if (member.due()) {
        assertThat(entries).isLessThanOrEqualTo(CheckpointTurns.ENTRIES_PER_CHECKPOINT);
        member.taken(index);
        entries = 0;
      }
    }
    assertThat(entries).isLessThan(CheckpointTurns.ENTRIES_PER_CHECKPOINT);
  }

  @Test
  void whatIsNotDurableIsTooMuchAtFourTimesTheAmount() {
    CheckpointTurns member = members().getFirst();
    member.applied(2 * WHOLE);
    member.taken(1);
    member.applied(WHOLE);
    member.taken(2);
    member.applied(WHOLE - LARGEST);
    assertThat(member.tooMuch()).isFalse();
    member.applied(LARGEST);
    assertThat(member.tooMuch()).isTrue();
    member.durable(1);
    assertThat(member.tooMuch()).isFalse();
    assertThat(member.overdue()).isFalse();
    assertThat(member.worthwhile()).isTrue();
    member.taken(3);
    member.durable(3);
    assertThat(member.worthwhile()).isFalse();
  }

  @Test
  void aRestIsNoticedWhenLittleHasComeInForThreeSeconds() {
    CheckpointTurns member = members().getFirst();
    member.applied(WHOLE / 8);
    member.noticeRest(TimeUnit.SECONDS.toNanos(1));
    assertThat(member.rested(TimeUnit.MILLISECONDS.toNanos(3_999))).isFalse();
    member.applied(WHOLE / 10_000);
    member.noticeRest(TimeUnit.SECONDS.toNanos(2));
    assertThat(member.rested(TimeUnit.SECONDS.toNanos(4))).isTrue();
    member.applied(WHOLE / 1_000);
    member.noticeRest(TimeUnit.SECONDS.toNanos(4));
    assertThat(member.rested(TimeUnit.SECONDS.toNanos(5))).isFalse();
    member.taken(9);
    member.noticeRest(TimeUnit.SECONDS.toNanos(5));
    assertThat(member.rested(TimeUnit.SECONDS.toNanos(9))).isFalse();
  }

  private static List<CheckpointTurns> members() {
    var members = new ArrayList<CheckpointTurns>();
    for (int id = 1; id <= MEMBERS; id++) {
      members.add(new CheckpointTurns(WHOLE, id, 0));
    }
    return members;
  }
}
