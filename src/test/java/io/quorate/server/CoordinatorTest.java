package io.quorate.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quorate.state.Code;
import io.quorate.state.Command;
import io.quorate.state.Outcome;
import io.quorate.state.Precondition;
import io.quorate.state.Settings;
import io.quorate.state.State;
import io.quorate.state.Submission;
import io.quorate.testing.InMemoryCheckpointStore;
import io.quorate.testing.InMemoryReplicator.Fate;
import io.quorate.testing.TestServer;
import io.quorate.tree.Acl;
import io.quorate.tree.Bytes;
import io.quorate.tree.Digest;
import io.quorate.tree.Lifetime;
import io.quorate.tree.ZPath;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class CoordinatorTest {
  private static final Duration SHORT = Duration.ofMillis(300);

  private static Command.Create create(String name) {
    return new Command.Create(
        ZPath.ROOT,
        name,
        Command.Naming.EXACT,
        Bytes.utf8("x"),
        null,
        Acl.OPEN,
        Lifetime.PERSISTENT,
        Command.Parents.REQUIRED);
  }

  private static Submission anyone(Command command) {
    return Submission.of(Submission.Author.ANYONE, command);
  }

  @Test
  void manyWritesAtOnceAreAllAnsweredInOrderOfTheirZxids() throws Exception {
    try (TestServer server = TestServer.start()) {
      var replies = new ArrayList<CompletableFuture<Reply>>();
      for (int i = 0; i < 5_000; i++) {
        replies.add(server.coordinator().submit(anyone(create("n" + i))));
      }

      long last = 0;
      for (CompletableFuture<Reply> reply : replies) {
        long zxid = reply.get(20, TimeUnit.SECONDS).zxid();
        assertThat(zxid).isEqualTo(last + 1);
        last = zxid;
      }
    }
  }

  @Test
  void whatComesInUntilTheReplicatorTakesTheBatchGoesAlong() throws Exception {
    try (TestServer server = TestServer.start()) {
      var occupied = new CountDownLatch(1);
      var taken = new CountDownLatch(1);
      server.replicator.occupy(
          () -> {
            occupied.countDown();
            awaitQuietly(taken);
          });
      occupied.await();
      var replies = new ArrayList<CompletableFuture<Reply>>();
      for (int i = 0; i < 10; i++) {
        replies.add(server.coordinator().submit(anyone(create("n" + i))));
      }
      taken.countDown();

      var batches = new HashSet<Long>();
      for (CompletableFuture<Reply> future : replies) {
        Reply reply = future.get(5, TimeUnit.SECONDS);
        assertThat(reply.outcome()).isInstanceOf(Outcome.Created.class);
        batches.add(batch(reply));
      }
      assertThat(batches).hasSize(1);
    }
  }

  /** The member's own configuration may be in batches before it. */
  private static long batch(Reply reply) {
    State.Lane lane = reply.state().lanes().get(1);
    return lane == null ? 0 : lane.next();
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void aTreeThatDiffersAtAnAuditAnswersNothingAndTellsNobody() throws Exception {
    try (TestServer server = TestServer.start()) {
      server.submit(create("a"));
      State before = server.coordinator().state();
      var audit = new Command.Audit(before.zxid(), new Digest(1, 2));

      assertThat(before.tree().digest()).isNotEqualTo(audit.digest());
      server.coordinator().submit(Submission.of(Submission.Author.CLUSTER, audit));
      while (server.coordinator().divergence().isEmpty()) {
        TimeUnit.MILLISECONDS.sleep(2);
      }

      assertThat(server.coordinator().divergence().orElseThrow()).contains("differs");
      assertThatThrownBy(() -> server.submit(create("b")))
          .isInstanceOfSatisfying(
              NotAppliedException.class,
              e -> assertThat(e.reason()).isEqualTo(NotAppliedException.Reason.DIVERGED));
      assertThat(server.coordinator().read(Consistency.LOCAL)).isCompletedExceptionally();
      assertThat(server.coordinator().state().zxid()).isEqualTo(before.zxid());
    }
  }

  @Test
  void aReplyIsGivenAfterTheStateShowsIt() {
    try (TestServer server = TestServer.start()) {
      Reply reply = server.submit(create("a"));

      assertThat(server.coordinator().state().zxid()).isGreaterThanOrEqualTo(reply.zxid());
      assertThat(server.coordinator().state().find(ZPath.of("/a"))).isNotNull();
    }
  }

  @Test
  void aBatchThatWasLostOnceIsAppliedOnce() throws Exception {
    try (TestServer server = TestServer.start()) {
      server.replicator.setFate(Fate.LOST_UNSAID);
      CompletableFuture<Reply> reply = server.coordinator().submit(anyone(create("a")));
      TimeUnit.MILLISECONDS.sleep(100);
      server.replicator.setFate(Fate.COMMITTED);

      assertThat(reply.get(5, TimeUnit.SECONDS).outcome()).isInstanceOf(Outcome.Created.class);
      assertThat(server.coordinator().state().zxid()).isEqualTo(1);
    }
  }

  @Test
  void aBatchThatWasCommittedUnsaidIsAppliedOnce() throws Exception {
    try (TestServer server = TestServer.start()) {
      server.replicator.setFate(Fate.COMMITTED_UNSAID);

      Reply reply = server.submit(create("a"));
      TimeUnit.MILLISECONDS.sleep(100);

      assertThat(reply.outcome()).isInstanceOf(Outcome.Created.class);
      assertThat(server.coordinator().state().zxid()).isEqualTo(1);
    }
  }

  @Test
  void aWriteThatNobodyTookIsNotApplied() {
    try (TestServer server = start(SHORT)) {
      server.replicator.setFate(Fate.REFUSED);

      assertThatThrownBy(() -> server.submit(create("a")))
          .isInstanceOfSatisfying(
              NotAppliedException.class,
              e -> assertThat(e.reason()).isEqualTo(NotAppliedException.Reason.NO_QUORUM));
      server.replicator.setFate(Fate.COMMITTED);
      assertThat(server.submit(create("b")).zxid()).isEqualTo(1);
      assertThat(server.coordinator().state().find(ZPath.of("/a"))).isNull();
    }
  }

  @Test
  void aWriteWithoutAnAnswerIsUnknownAndFencedOff() {
    try (TestServer server = start(SHORT)) {
      server.replicator.setFate(Fate.LOST_UNSAID);

      assertThatThrownBy(() -> server.submit(create("a")))
          .isInstanceOf(IndeterminateException.class);
      server.replicator.setFate(Fate.COMMITTED);

      assertThat(server.submit(create("b")).outcome()).isInstanceOf(Outcome.Created.class);
      State state = server.coordinator().state();
      assertThat(state.find(ZPath.of("/a"))).isNull();
    }
  }

  @Test
  void aFullDiskRefusesWhatGrowsAndLetsDeletesThrough() {
    try (TestServer server = TestServer.start()) {
      server.submit(create("a"));
      server.replicator.setDiskRoom(false);

      assertThatThrownBy(() -> server.submit(create("b")))
          .isInstanceOfSatisfying(
              NotAppliedException.class,
              e -> assertThat(e.reason()).isEqualTo(NotAppliedException.Reason.DISK_FULL));
      assertThat(server.submit(new Command.Delete(ZPath.of("/a"), Precondition.NONE)).outcome())
          .isInstanceOf(Outcome.Deleted.class);
      server.replicator.setDiskRoom(true);
      assertThat(server.submit(create("b")).outcome()).isInstanceOf(Outcome.Created.class);
    }
  }

  @Test
  void aLinearizableReadWithoutQuorumIsRefusedAndALocalOneIsNot() throws Exception {
    try (TestServer server = start(SHORT)) {
      server.replicator.setQuorum(false);

      assertThatThrownBy(
              () -> server.coordinator().read(Consistency.LINEARIZABLE).get(5, TimeUnit.SECONDS))
          .isInstanceOf(ExecutionException.class)
          .hasCauseInstanceOf(NotAppliedException.class);
      assertThat(server.coordinator().read(Consistency.LOCAL)).isCompleted();
    }
  }

  @Test
  void aMemberThatStartsAgainHasWhatItsCheckpointHad() throws Exception {
    var store = new InMemoryCheckpointStore();
    State before;
    try (TestServer server = TestServer.start(Settings.DEFAULT, SHORT, store)) {
      server.submit(create("a"));
      server.replicator.checkpointNow();
      server.submit(new Command.Check(ZPath.of("/a"), -1));
      before = server.coordinator().state();
    }

    try (TestServer server = TestServer.start(Settings.DEFAULT, SHORT, store)) {
      State after = server.coordinator().state();
      assertThat(after.zxid()).isEqualTo(before.zxid());
      assertThat(after.tree().digest()).isEqualTo(before.tree().digest());
    }
  }

  @Test
  void aSessionThatFallsSilentEndsWithItsEphemerals() throws Exception {
    Settings d = Settings.DEFAULT;
    var quick =
        new Settings(
            d.maxDataBytes(),
            d.historyMaxEvents(),
            d.historyMaxBytes(),
            300,
            40_000,
            d.maxDeleteTree(),
            d.keyMinAgeMs(),
            d.maxKeys(),
            d.maxKeyBytes(),
            false);
    try (TestServer server = TestServer.start(quick, SHORT, new InMemoryCheckpointStore())) {
      Sessions.Held held = server.sessions().open(1).get(5, TimeUnit.SECONDS);
      var author = new Submission.Author(held.id(), Submission.Author.ANY_GENERATION, List.of());
      Command.Create plain = create("e");
      server
          .coordinator()
          .submit(
              Submission.of(
                  author,
                  new Command.Create(
                      plain.parent(),
                      plain.name(),
                      plain.naming(),
                      plain.data(),
                      null,
                      Acl.OPEN,
                      new Lifetime.Ephemeral(held.id()),
                      Command.Parents.REQUIRED)))
          .get(5, TimeUnit.SECONDS);
      assertThat(held.timeoutMs()).isEqualTo(300);
      for (int i = 0; i < 6; i++) {
        TimeUnit.MILLISECONDS.sleep(100);
        server.sessions().touch(held.id());
      }
      assertThat(server.coordinator().state().find(ZPath.of("/e"))).isNotNull();

      long silentSince = System.nanoTime();
      while (server.coordinator().state().find(ZPath.of("/e")) != null
          && System.nanoTime() - silentSince < 5_000_000_000L) {
        TimeUnit.MILLISECONDS.sleep(10);
      }

      assertThat(server.coordinator().state().find(ZPath.of("/e"))).isNull();
      assertThat(server.coordinator().state().session(held.id())).isEmpty();
      Reply late =
          server
              .coordinator()
              .submit(Submission.of(author, create("late")))
              .get(5, TimeUnit.SECONDS);
      assertThat(late.outcome())
          .isInstanceOfSatisfying(
              Outcome.Rejected.class,
              rejected -> assertThat(rejected.code()).isEqualTo(Code.SESSIONEXPIRED));
    }
  }

  private static TestServer start(Duration timeout) {
    return TestServer.start(Settings.DEFAULT, timeout, new InMemoryCheckpointStore());
  }
}
