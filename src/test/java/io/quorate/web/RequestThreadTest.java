package io.quorate.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.mock.web.MockHttpServletRequest;

@Timeout(20)
class RequestThreadTest {
  private final MockHttpServletRequest request = new MockHttpServletRequest();
  private final Executor others = step -> new Thread(step).start();
  private final Executor later = CompletableFuture.delayedExecutor(20, TimeUnit.MILLISECONDS);

  @Test
  void eachStepRunsOnTheThreadThatWaits() throws Exception {
    RequestThread here = RequestThread.lend(request);
    Executor executor = RequestThread.of(request, others);
    CompletableFuture<List<Thread>> answer =
        CompletableFuture.supplyAsync(Thread::currentThread, later)
            .thenApplyAsync(other -> List.of(other, Thread.currentThread()), executor)
            .thenComposeAsync(
                two ->
                    CompletableFuture.supplyAsync(
                        () -> List.of(two.get(0), two.get(1), Thread.currentThread()), executor),
                executor);

    List<Thread> threads = here.await(answer);

    Thread own = Thread.currentThread();
    assertThat(threads.getFirst()).isNotSameAs(own);
    assertThat(threads.subList(1, 3)).containsExactly(own, own);
  }

  @Test
  void anAnswerThatComesFromElsewhereEndsTheWait() throws Exception {
    RequestThread here = RequestThread.lend(request);
    assertThat(here.await(CompletableFuture.supplyAsync(() -> "there", later))).isEqualTo("there");
    assertThat(here.await(CompletableFuture.completedFuture("at once"))).isEqualTo("at once");
  }

  @Test
  void aFailureIsToldAndAnInterruptEndsTheWait() {
    RequestThread here = RequestThread.lend(request);
    var failed = CompletableFuture.failedFuture(new IllegalStateException("why"));
    assertThatThrownBy(() -> here.await(failed))
        .isInstanceOf(ExecutionException.class)
        .hasRootCauseMessage("why");
    Thread waiting = Thread.currentThread();
    later.execute(waiting::interrupt);
    assertThatThrownBy(() -> here.await(new CompletableFuture<>()))
        .isInstanceOf(InterruptedException.class);
  }

  @Test
  void aRequestThatLentNothingUsesOthers() {
    assertThat(RequestThread.of(request, others)).isSameAs(others);
  }
}
