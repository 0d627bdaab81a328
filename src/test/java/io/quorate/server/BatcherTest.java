package io.quorate.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.codec.CorruptEntryException;
import io.quorate.codec.EntryCodec;
import io.quorate.consensus.Replicator.Proposal;
import io.quorate.state.Answer;
import io.quorate.state.Command;
import io.quorate.state.Outcome;
import io.quorate.state.Precondition;
import io.quorate.state.Settings;
import io.quorate.state.State;
import io.quorate.state.Submission;
import io.quorate.tree.Bytes;
import io.quorate.tree.ZPath;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class BatcherTest {
  private static final int MANY = 20;

  private final List<EntryCodec.Entry.Batch> proposed = new ArrayList<>();
  private final ArrayDeque<Runnable> timers = new ArrayDeque<>();
  private final List<CompletableFuture<Reply>> answers = new ArrayList<>();
  private boolean alone;
  private final Batcher batcher =
      new Batcher(
          entry -> {
            proposed.add(batch(entry.get()));
            return CompletableFuture.completedFuture(new Proposal.Committed(proposed.size()));
          },
          Clock.SYSTEM,
          (nanos, task) -> timers.add(task),
          () -> alone,
          1,
          1);

  @Test
  void whoWritesAloneIsNeverWaitedFor() {
    for (int i = 1; i <= MANY; i++) {
      submit(1);
      assertThat(proposed).hasSize(i);
      applied();
    }
    assertThat(timers).isEmpty();
  }

  @Test
  void aBatchWaitsForMostOfThoseWhoWereJustAnswered() {
    answerManyAtOnce();

    submit(MANY * 60 / 100 - 1);
    assertThat(proposed).hasSize(2);
    submit(1);
    assertThat(proposed).hasSize(3);
    assertThat(proposed.getLast().submissions()).hasSize(MANY * 60 / 100);
    applied();
    assertThat(answers).allMatch(CompletableFuture::isDone);
  }

  @Test
  void nothingIsGatheredWhereNobodyElseTakesPart() {
    alone = true;
    submit(1);
    submit(MANY);
    applied();
    applied();

    submit(1);
    assertThat(proposed).hasSize(3);
    assertThat(timers).isEmpty();
  }

  @Test
  void whatIsGatheredLeavesWhenTheOthersDoNotComeBack() {
    answerManyAtOnce();

    submit(2);
    assertThat(proposed).hasSize(2);
    runTimers();
    assertThat(proposed).hasSize(3);
    applied();
    assertThat(answers).allMatch(CompletableFuture::isDone);
    submit(1);
    assertThat(proposed).hasSize(4);
  }

  @Test
  void whoComesWhenNobodyCameBackIsNotWaitedFor() {
    answerManyAtOnce();

    runTimers();
    assertThat(proposed).hasSize(2);
    submit(1);
    assertThat(proposed).hasSize(3);
    assertThat(timers).isEmpty();
  }

  @Test
  void aLargeBatchLeavesHoweverFewAreBack() {
    answerManyAtOnce();

    submit(1, Batcher.MAX_BYTES);
    assertThat(proposed).hasSize(3);
  }

  @Test
  void itKnowsWhichOfABatchWereSubmittedApart() {
    submit(1); // leaves alone
    for (boolean apart : List.of(false, true, false, true)) {
      answers.add(batcher.submit(submission(0), apart, Long.MAX_VALUE));
    }
    assertThat(batcher.apart(0)).isEqualTo(new BitSet());
    applied();

    assertThat(proposed.getLast().sequence()).isEqualTo(1);
    assertThat(batcher.apart(1).stream()).containsExactly(1, 3);
    assertThat(batcher.apart(0)).isEqualTo(new BitSet());
  }

  /** One leaves alone, the others while it is on its way; then all of them have their answers. */
  private void answerManyAtOnce() {
    submit(1);
    submit(MANY);
    applied();
    assertThat(proposed).hasSize(2);
    applied();
    assertThat(answers).hasSize(MANY + 1).allMatch(CompletableFuture::isDone);
    assertThat(timers).hasSize(1);
  }

  private void submit(int count) {
    submit(count, 0);
  }

  private void submit(int count, int bytes) {
    for (int i = 0; i < count; i++) {
      answers.add(batcher.submit(submission(bytes), false, Long.MAX_VALUE));
    }
  }

  private static byte[] submission(int bytes) {
    var command =
        new Command.SetData(ZPath.of("/n"), Bytes.copyOf(new byte[bytes]), null, Precondition.NONE);
    return EntryCodec.submission(Submission.of(Submission.Author.ANYONE, command));
  }

  /** The newest batch is applied. */
  private void applied() {
    EntryCodec.Entry.Batch batch = proposed.getLast();
    Reply reply =
        new Reply(new Answer(new Outcome.Done(), 1), State.initial(Settings.DEFAULT), false);
    batcher.applied(
        batch.sequence(), batch.submissions().stream().map(submission -> reply).toList());
  }

  private void runTimers() {
    for (int left = timers.size(); left > 0; left--) {
      timers.remove().run();
    }
  }

  private static EntryCodec.Entry.Batch batch(byte[] entry) {
    try {
      return (EntryCodec.Entry.Batch) EntryCodec.decode(entry);
    } catch (CorruptEntryException e) {
      throw new AssertionError(e);
    }
  }
}
