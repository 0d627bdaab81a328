package io.quorate.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.quorate.state.Command;
import io.quorate.state.Precondition;
import io.quorate.testing.TestServer;
import io.quorate.tree.Acl;
import io.quorate.tree.Bytes;
import io.quorate.tree.Lifetime;
import io.quorate.tree.ZPath;
import java.time.Duration;
import java.util.concurrent.Executor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PagesTest {
  private static final Executor DIRECT = Runnable::run;
  private static final int VALUE_BYTES = 10_000;

  private final WebServer.PageClock clock = new WebServer.PageClock();
  private TestServer member;

  @BeforeEach
  void start() {
    member = TestServer.start();
    write();
  }

  @AfterEach
  void stop() {
    member.close();
  }

  @Test
  void aListingThatNobodyAsksForIsLetGoWithoutBeingAsked() {
    var pages = new Pages(clock, member.coordinator(), DIRECT, Long.MAX_VALUE);
    hold(pages);

    clock.ahead.addAndGet(Pages.HELD_FOR.toMillis());

    await().atMost(Duration.ofSeconds(20)).until(() -> pages.heldCount() == 0);
  }

  @Test
  void statesThatWeighTooMuchGoBeforeTheirTimeTheLongestUnusedFirst() {
    var pages = new Pages(clock, member.coordinator(), DIRECT, 5 * VALUE_BYTES);
    String first = hold(pages);
    for (int i = 0; i < 20; i++) {
      write();
    }

    String last = hold(pages);

    await().atMost(Duration.ofSeconds(20)).until(() -> pages.heldCount() == 1);
    assertThat(pages.find(Pages.token(last, "x"), ZPath.ROOT).after()).isEqualTo("x");
    assertThatThrownBy(() -> pages.find(Pages.token(first, "x"), ZPath.ROOT))
        .isInstanceOfSatisfying(
            Problem.class, problem -> assertThat(problem.status()).isEqualTo(410));
  }

  private String hold(Pages pages) {
    return pages.hold(Snapshot.of(member.coordinator().state()), ZPath.ROOT);
  }

  /** Some nodes with much data, so that an old state is worth something. */
  private void write() {
    for (int i = 0; i < 10; i++) {
      member.submit(
          new Command.Put(
              ZPath.of("/n" + i),
              Bytes.copyOf(new byte[VALUE_BYTES]),
              null,
              Precondition.NONE,
              Acl.OPEN,
              Lifetime.PERSISTENT,
              Command.Parents.REQUIRED));
    }
  }
}
