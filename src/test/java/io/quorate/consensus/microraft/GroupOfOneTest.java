package io.quorate.consensus.microraft;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quorate.consensus.Replicator.Leadership;
import io.quorate.consensus.Replicator.Proposal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GroupOfOneTest {
  @TempDir Path directory;

  private final List<MicroRaftReplicator> opened = new ArrayList<>();
  private final List<Throwable> failures = new ArrayList<>();

  @AfterEach
  void closeAll() {
    opened.forEach(MicroRaftReplicator::close);
    assertThat(failures).isEmpty();
  }

  @Test
  void leadsAtOnceAndCommits() throws Exception {
    RecordingHost host = new RecordingHost();
    MicroRaftReplicator replicator = start(host);

    Proposal answer = propose(replicator, "a");

    assertThat(answer).isInstanceOf(Proposal.Committed.class);
    assertThat(host.state()).containsExactly("a");
    assertThat(host.newTerms()).containsExactly(1L);
    assertThat(barrier(replicator)).isEqualTo(((Proposal.Committed) answer).index());
    assertThat(replicator.group().progress()).hasSize(1);
    assertThat(replicator.group().clusterId()).isNotEmpty();
  }

  @Test
  void aRestartReplaysExactly() throws Exception {
    List<String> expected = new ArrayList<>();
    for (int life = 1; life <= 4; life++) {
      RecordingHost host = new RecordingHost();
      MicroRaftReplicator replicator = start(host);
      assertThat(barrier(replicator)).isEqualTo(host.lastIndex());
      assertThat(host.state()).isEqualTo(expected);
      for (int i = 0; i < 50; i++) {
        String entry = life + ":" + i;
        assertThat(propose(replicator, entry)).isInstanceOf(Proposal.Committed.class);
        expected.add(entry);
      }
      assertThat(host.newTerms()).hasSize(life);
      replicator.close();
    }
  }

  @Test
  void aCopyOfTheDirectoryTakenAtAnyMomentHoldsWhatWasAcknowledged() throws Exception {
    RecordingHost.Checkpoint checkpoint = new RecordingHost.Checkpoint();
    RecordingHost host = new RecordingHost(checkpoint);
    MicroRaftReplicator replicator = start(host);
    host.tells(replicator::checkpointDurable);
    for (int round = 0; round < 5; round++) {
      for (int i = 0; i < 20; i++) {
        propose(replicator, round + ":" + i);
      }
      if (round % 2 == 1) {
        replicator.requestCheckpoint();
        awaitCheckpoint(checkpoint, host.lastIndex());
      }
      Path copy = Files.createTempDirectory(directory, "copy");
      copy(directory.resolve("log"), copy.resolve("log"));
      RecordingHost second = new RecordingHost(checkpoint);
      MicroRaftReplicator other = open(copy);
      other.start(second);
      awaitLeader(other);
      barrier(other);
      assertThat(second.state()).isEqualTo(host.state());
      other.close();
    }
  }

  @Test
  void aCheckpointLetsTheLogGoAndARestartContinuesBehindIt() throws Exception {
    RecordingHost.Checkpoint checkpoint = new RecordingHost.Checkpoint();
    RecordingHost host = new RecordingHost(checkpoint);
    MicroRaftReplicator replicator = open(directory, builder().snapshotTriggerBytes(100_000));
    host.tells(replicator::checkpointDurable);
    replicator.start(host);
    awaitLeader(replicator);
    String kilobyte = "x".repeat(1000);
    for (int i = 0; i < 1000; i++) {
      propose(replicator, i + kilobyte);
    }
    assertThat(host.checkpoints()).isGreaterThan(5);
    replicator.close();
    assertThat(sizeOfLog()).isLessThan(600_000);

    RecordingHost second = new RecordingHost(checkpoint);
    MicroRaftReplicator again = start(second);
    barrier(again);

    assertThat(second.state()).isEqualTo(host.state());
    propose(again, "more");
    assertThat(second.state()).hasSize(1001);
  }

  @Test
  void manySmallEntriesAskForACheckpointBeforeProposalsWouldWaitForOne() throws Exception {
    RecordingHost.Checkpoint checkpoint = new RecordingHost.Checkpoint();
    RecordingHost host = new RecordingHost(checkpoint);
    MicroRaftReplicator replicator = start(host);
    host.tells(replicator::checkpointDurable);

    for (int sent = 0; sent < CheckpointTurns.ENTRIES_PER_CHECKPOINT; sent += 500) {
      List<CompletableFuture<Proposal>> answers = new ArrayList<>();
      for (int i = 0; i < 500; i++) {
        answers.add(replicator.propose("x".getBytes(UTF_8)).toCompletableFuture());
      }
      for (CompletableFuture<Proposal> answer : answers) {
        assertThat(answer.get(20, TimeUnit.SECONDS)).isInstanceOf(Proposal.Committed.class);
      }
    }

    assertThat(host.checkpoints()).isEqualTo(1);
  }

  @Test
  void proposalsWaitWhenNoCheckpointBecomesDurable() throws Exception {
    RecordingHost.Checkpoint checkpoint = new RecordingHost.Checkpoint();
    RecordingHost host = new RecordingHost(checkpoint);
    host.checkpointing(false);
    MicroRaftReplicator replicator = open(directory, builder().snapshotTriggerBytes(10_000));
    host.tells(replicator::checkpointDurable);
    replicator.start(host);
    awaitLeader(replicator);
    String kilobyte = "x".repeat(1000);
    for (int i = 0; i < 40; i++) {
      propose(replicator, kilobyte);
    }

    CompletableFuture<Proposal> waiting =
        replicator.propose(kilobyte.getBytes(UTF_8)).toCompletableFuture();
    barrier(replicator);
    replicator.transferLeadership(1).toCompletableFuture().get();
    assertThat(waiting).isNotDone();

    host.checkpointing(true);
    replicator.checkpointDurable(host.lastIndex());
    assertThat(waiting.get(5, TimeUnit.SECONDS)).isInstanceOf(Proposal.Committed.class);
  }

  @Test
  void losingTheCheckpointThatTheLogContinuesRefusesToStart() throws Exception {
    RecordingHost.Checkpoint checkpoint = new RecordingHost.Checkpoint();
    RecordingHost host = new RecordingHost(checkpoint);
    MicroRaftReplicator replicator = open(directory, builder().snapshotTriggerBytes(50_000));
    host.tells(replicator::checkpointDurable);
    replicator.start(host);
    awaitLeader(replicator);
    for (int i = 0; i < 300; i++) {
      propose(replicator, "x".repeat(1000));
    }
    replicator.close();

    MicroRaftReplicator again = open(directory);
    again.start(new RecordingHost());
    awaitFailure();

    assertThat(failures.getFirst()).hasMessageContaining("newest checkpoint stands at 0");
    failures.clear();
  }

  @Test
  void aHostThatCannotApplyStopsTheMember() throws Exception {
    RecordingHost host =
        new RecordingHost() {
          @Override
          public void committed(long index, long stampMs, byte[] entry) {
            throw new IllegalStateException("zxid went backwards");
          }
        };
    MicroRaftReplicator replicator = start(host);

    Proposal answer = propose(replicator, "a");

    assertThat(answer).isInstanceOf(Proposal.Unknown.class);
    awaitFailure();
    assertThat(failures.getFirst()).hasMessageContaining("zxid went backwards");
    assertThat(propose(replicator, "b")).isInstanceOf(Proposal.Refused.class);
    failures.clear();
  }

  @Test
  void aDirectoryThatIsNotWholeIsRefused() throws Exception {
    start(new RecordingHost()).close();
    Path log = directory.resolve("log");
    for (String gone : List.of("member", "term", "0000000000000001.log")) {
      Path aside = directory.resolve("aside");
      Files.move(log.resolve(gone), aside);

      assertThatThrownBy(() -> open(directory)).as(gone).hasMessageContaining("this member");

      Files.move(aside, log.resolve(gone));
    }
    start(new RecordingHost());
  }

  @Test
  void aSecondMemberOnTheSameDirectoryIsRefused() throws Exception {
    start(new RecordingHost());

    assertThatThrownBy(() -> open(directory)).hasMessageContaining("in use by another process");
  }

  @Test
  void anotherNumberOnTheSameDirectoryIsRefused() throws Exception {
    start(new RecordingHost()).close();

    assertThatThrownBy(
            () -> MicroRaftReplicator.open(ConsensusConfig.builder(2, directory).build()))
        .hasMessageContaining("belongs to member 1");
  }

  @Test
  void leadershipIsToldInOrder() throws Exception {
    List<Leadership> told = new ArrayList<>();
    MicroRaftReplicator replicator = open(directory);
    replicator.onLeadership(
        now -> {
          synchronized (told) {
            told.add(now);
          }
        });
    replicator.start(new RecordingHost());
    awaitLeader(replicator);
    propose(replicator, "a");

    synchronized (told) {
      assertThat(told.getLast()).isEqualTo(new Leadership(1, 1, true));
      assertThat(told).doesNotHaveDuplicates();
    }
  }

  @Test
  void afterCloseEverythingIsRefused() throws Exception {
    MicroRaftReplicator replicator = start(new RecordingHost());
    replicator.close();

    assertThat(propose(replicator, "a")).isInstanceOf(Proposal.Refused.class);
    assertThatThrownBy(() -> barrier(replicator)).hasMessageContaining("not taking part");
  }

  private MicroRaftReplicator start(RecordingHost host) throws Exception {
    MicroRaftReplicator replicator = open(directory);
    replicator.start(host);
    awaitLeader(replicator);
    return replicator;
  }

  private MicroRaftReplicator open(Path at) throws IOException {
    return open(at, builder());
  }

  private ConsensusConfig.Builder builder() {
    return ConsensusConfig.builder(1, directory)
        .segmentBytes(64 * 1024)
        .diskReserveBytes(0)
        .fatal(
            failure -> {
              synchronized (failures) {
                failures.add(failure);
                failures.notifyAll();
              }
            });
  }

  private MicroRaftReplicator open(Path at, ConsensusConfig.Builder builder) throws IOException {
    ConsensusConfig c = builder.build();
    MicroRaftReplicator replicator =
        MicroRaftReplicator.open(
            new ConsensusConfig(
                c.id(),
                at,
                c.voters(),
                c.observers(),
                c.electionTimeout(),
                c.proposalTimeout(),
                c.segmentBytes(),
                c.snapshotTriggerBytes(),
                c.diskReserveBytes(),
                c.clockMs(),
                c.fatal(),
                c.metrics(),
                c.tls()));
    opened.add(replicator);
    return replicator;
  }

  private void awaitFailure() throws InterruptedException {
    synchronized (failures) {
      while (failures.isEmpty()) {
        failures.wait(10_000);
      }
    }
  }

  private static void awaitLeader(MicroRaftReplicator replicator) throws Exception {
    CompletableFuture<Void> led = new CompletableFuture<>();
    replicator.onLeadership(
        now -> {
          if (now.localLeader()) {
            led.complete(null);
          }
        });
    if (!replicator.leadership().localLeader()) {
      led.get(5, TimeUnit.SECONDS);
    }
  }

  private static void awaitCheckpoint(RecordingHost.Checkpoint checkpoint, long index)
      throws InterruptedException {
    while (checkpoint.point().index() < index) {
      Thread.onSpinWait();
    }
  }

  private static Proposal propose(MicroRaftReplicator replicator, String entry) throws Exception {
    return replicator
        .propose(entry.getBytes(UTF_8))
        .toCompletableFuture()
        .get(10, TimeUnit.SECONDS);
  }

  private static long barrier(MicroRaftReplicator replicator) throws Exception {
    return replicator.readBarrier().toCompletableFuture().get(10, TimeUnit.SECONDS);
  }

  private long sizeOfLog() throws IOException {
    long total = 0;
    try (Stream<Path> files = Files.list(directory.resolve("log"))) {
      for (Path file : files.filter(p -> p.toString().endsWith(".log")).toList()) {
        total += Files.size(file);
      }
    }
    return total;
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectories(to);
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }
}
