package io.quorate.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class DeadlinesTest {
  private final Deadlines deadlines = new Deadlines();

  private CompletableFuture<String> until(long deadlineMs) {
    var future = new CompletableFuture<String>();
    deadlines.end(future, deadlineMs, () -> new IllegalStateException("late"));
    return future;
  }

  @Test
  void eachEndsAtTheFirstTickAfterItsTime() {
    CompletableFuture<String> long1 = until(200);
    CompletableFuture<String> short1 = until(100);
    deadlines.tick(99);
    assertThat(short1).isNotDone();
    deadlines.tick(100);
    assertThat(short1).isCompletedExceptionally();
    assertThat(short1.exceptionNow()).hasMessage("late");
    assertThat(long1).isNotDone();
    CompletableFuture<String> short2 = until(150);
    deadlines.tick(1_000);
    assertThat(short2).isCompletedExceptionally();
    assertThat(long1).isCompletedExceptionally();
  }

  @Test
  void whatIsDoneStaysAsItIs() {
    CompletableFuture<String> atOnce = until(100);
    CompletableFuture<String> later = until(100);
    atOnce.complete("a");
    deadlines.tick(50);
    later.complete("b");
    deadlines.tick(100);
    assertThat(atOnce).isCompletedWithValue("a");
    assertThat(later).isCompletedWithValue("b");
  }

  @Test
  void whoHearsThatItIsLateMayAskAgain() {
    var again = new CompletableFuture<CompletableFuture<String>>();
    until(100).whenComplete((value, late) -> again.complete(until(300)));
    deadlines.tick(50);
    deadlines.tick(100);
    assertThat(again.join()).isNotDone();
    deadlines.tick(300);
    assertThat(again.join()).isCompletedExceptionally();
  }
}
