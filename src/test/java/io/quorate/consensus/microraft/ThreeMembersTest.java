package io.quorate.consensus.microraft;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quorate.consensus.Replicator.Member;
import io.quorate.consensus.Replicator.Progress;
import io.quorate.consensus.Replicator.Proposal;
import io.quorate.consensus.Replicator.Role;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real members, over real sockets and disks, in one process. */
class ThreeMembersTest {
  @TempDir Path directory;

  private final Map<Integer, MicroRaftReplicator> running = new TreeMap<>();
  private final Map<Integer, RecordingHost> hosts = new TreeMap<>();
  private final Map<Integer, RecordingHost.Checkpoint> checkpoints = new TreeMap<>();
  private final Map<Integer, String> addresses = new TreeMap<>();
  private long triggerBytes = 1 << 20;

  @AfterEach
  void closeAll() {
    running.values().forEach(MicroRaftReplicator::close);
  }

  @Test
  void threeFormAGroupAndAnyOfThemTakesProposals() throws Exception {
    start(list(3));
    awaitLeader();

    long began = System.nanoTime();
    for (int id = 1; id <= 3; id++) {
      assertThat(propose(id, "from " + id)).isInstanceOf(Proposal.Committed.class);
      assertThat(barrier(id)).isGreaterThanOrEqualTo(host(leader()).lastIndex());
      assertThat(
              member(id)
                  .askLeader("?".getBytes(UTF_8))
                  .toCompletableFuture()
                  .get(2, TimeUnit.SECONDS))
          .isEqualTo("?".getBytes(UTF_8));
    }
    // Nothing on the way waits for a heartbeat.
    assertThat(System.nanoTime() - began).isLessThan(400_000_000L);
    await(() -> hosts.values().stream().allMatch(h -> h.state().size() == 3));
    assertThat(member(1).group().clusterId())
        .isNotEmpty()
        .isEqualTo(member(2).group().clusterId())
        .isEqualTo(member(3).group().clusterId());
  }

  @Test
  void followersLearnOfACommitAtOnce() throws Exception {
    start(list(3));
    awaitLeader();
    propose(1, "warm up");
    long worst = 0;
    for (int i = 0; i < 20; i++) {
      Proposal.Committed done = (Proposal.Committed) propose(leader(), "x" + i);
      long began = System.nanoTime();
      for (RecordingHost host : hosts.values()) {
        host.awaitIndex(done.index());
      }
      worst = Math.max(worst, System.nanoTime() - began);
    }
    assertThat(worst).isLessThan(150_000_000L);
  }

  @Test
  void whenTheLeaderGoesAnotherLeadsAndTheOldOneCatchesUp() throws Exception {
    start(list(3));
    awaitLeader();
    propose(2, "before");
    int old = leader();
    stop(old);

    awaitLeader();
    int other = old == 1 ? 2 : 1;
    await(() -> propose(other, "after") instanceof Proposal.Committed);
    start(old, list(3));

    await(() -> host(old).state().contains("after"));
    assertThat(host(old).state()).startsWith("before");
  }

  @Test
  void leadershipIsHandedOverOnRequestFromAnyMember() throws Exception {
    start(list(3));
    awaitLeader();
    int target = leader() % 3 + 1;
    int asked = target % 3 + 1;

    member(asked).transferLeadership(target).toCompletableFuture().get(10, TimeUnit.SECONDS);

    await(() -> leader() == target);
    assertThat(propose(asked, "x")).isInstanceOf(Proposal.Committed.class);
  }

  @Test
  void aGroupOfOneWithDataGrowsToThree() throws Exception {
    start(1, List.of());
    awaitLeader();
    for (int i = 0; i < 30; i++) {
      propose(1, "old" + i);
    }
    String group = member(1).group().clusterId();
    stop(1);

    start(list(3));

    await(() -> voters(1) == 3);
    await(() -> hosts.values().stream().allMatch(h -> h.state().size() == 30));
    assertThat(member(3).group().clusterId()).isEqualTo(group);
    stop(1);
    awaitLeader();
    await(() -> propose(2, "still here") instanceof Proposal.Committed);
  }

  @Test
  void aMemberThatLostItsDiskComesBackAsSomebodyElse() throws Exception {
    start(list(3));
    awaitLeader();
    for (int i = 0; i < 10; i++) {
      propose(1, "x" + i);
    }
    int lost = leader() % 3 + 1;
    stop(lost);
    wipe(lost);
    start(lost, list(3));

    await(() -> host(lost).state().size() == 10);
    await(() -> voters(leader()) == 3);
  }

  @Test
  void aFarBehindMemberGetsAnImage() throws Exception {
    triggerBytes = 20_000;
    start(list(3));
    awaitLeader();
    int behind = leader() % 3 + 1;
    stop(behind);
    int asked = leader();
    for (int i = 0; i < 300; i++) {
      propose(asked, i + "x".repeat(500));
    }
    // A leader that begins anew has nothing in memory from before its checkpoint.
    member(asked).requestCheckpoint();
    await(() -> host(asked).disk.point().index() > 250);
    List<Integer> others = running.keySet().stream().toList();
    for (int id : others) {
      stop(id);
    }
    for (int id : others) {
      start(id, list(3));
    }
    awaitLeader();
    start(behind, list(3));

    await(() -> host(behind).state().size() == 300);
    assertThat(host(behind).installs()).isPositive();
    stop(behind);
    start(behind, list(3));
    propose(leader(), "last");
    await(() -> host(behind).state().size() == 301);
  }

  @Test
  void membersAreAddedAndRemoved() throws Exception {
    start(list(3));
    awaitLeader();
    propose(1, "x");
    List<Member> four = list(4);
    start(4, four);
    int follower = leader() % 3 + 1;

    member(follower).addMember(four.get(3)).toCompletableFuture().get(20, TimeUnit.SECONDS);
    await(() -> voters(leader()) == 4 && host(4).state().size() == 1);

    member(follower).removeMember(4).toCompletableFuture().get(20, TimeUnit.SECONDS);
    await(() -> voters(leader()) == 3);
    assertThat(propose(follower, "y")).isInstanceOf(Proposal.Committed.class);
  }

  @Test
  void anObserverFollowsButNeverVotes() throws Exception {
    List<Member> voters = list(3);
    Member observer = new Member(4, address(4), Role.OBSERVER);
    for (int id = 1; id <= 4; id++) {
      start(id, voters, List.of(observer));
    }
    awaitLeader();
    propose(4, "through the observer");

    await(() -> host(4).state().size() == 1);
    await(() -> leader() != 0 && member(leader()).group().progress().size() == 4);
    Progress row = member(leader()).group().progress().get(3);
    assertThat(row.member().role()).isEqualTo(Role.OBSERVER);
    assertThat(voters(leader())).isEqualTo(3);
  }

  @Test
  void aLeaderThatReachesNoMajorityStepsDownAndAnswers() throws Exception {
    start(list(3));
    awaitLeader();
    int leader = leader();
    for (int id : List.copyOf(running.keySet())) {
      if (id != leader) {
        stop(id);
      }
    }

    Proposal answer = propose(leader, "alone");

    assertThat(answer).isNotInstanceOf(Proposal.Committed.class);
    assertThatThrownBy(() -> barrier(leader)).hasMessageContaining("no quorum");
    await(() -> !member(leader).leadership().localLeader());
  }

  @Test
  void aPortThatIsTakenIsSaid() throws Exception {
    try (ServerSocket taken = new ServerSocket(0)) {
      addresses.put(1, "127.0.0.1:" + taken.getLocalPort());

      assertThatThrownBy(() -> start(1, list(3))).hasMessageContaining("Cannot listen");
    }
  }

  private List<Member> list(int count) throws IOException {
    List<Member> members = new ArrayList<>();
    for (int id = 1; id <= count; id++) {
      members.add(new Member(id, address(id), Role.VOTER));
    }
    return members;
  }

  private String address(int id) throws IOException {
    if (!addresses.containsKey(id)) {
      try (ServerSocket free = new ServerSocket(0)) {
        addresses.put(id, "127.0.0.1:" + free.getLocalPort());
      }
    }
    return addresses.get(id);
  }

  private void start(List<Member> voters) throws IOException {
    for (Member voter : voters) {
      start(voter.id(), voters);
    }
  }

  private void start(int id, List<Member> voters) throws IOException {
    start(id, voters, List.of());
  }

  private void start(int id, List<Member> voters, List<Member> observers) throws IOException {
    ConsensusConfig config =
        ConsensusConfig.builder(id, directory.resolve("m" + id))
            .voters(voters)
            .observers(observers)
            .electionTimeout(Duration.ofMillis(500))
            .proposalTimeout(Duration.ofSeconds(3))
            .segmentBytes(64 * 1024)
            .snapshotTriggerBytes(triggerBytes)
            .diskReserveBytes(0)
            .build();
    MicroRaftReplicator replicator = MicroRaftReplicator.open(config);
    RecordingHost host =
        new RecordingHost(checkpoints.computeIfAbsent(id, i -> new RecordingHost.Checkpoint()))
            .tells(replicator::checkpointDurable);
    running.put(id, replicator);
    hosts.put(id, host);
    replicator.start(host);
  }

  private void stop(int id) {
    member(id).close();
    running.remove(id);
    hosts.remove(id);
  }

  private void wipe(int id) throws IOException {
    checkpoints.remove(id);
    try (Stream<Path> files = Files.walk(directory.resolve("m" + id))) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  private MicroRaftReplicator member(int id) {
    return Objects.requireNonNull(running.get(id), "member " + id + " is down");
  }

  private RecordingHost host(int id) {
    return Objects.requireNonNull(hosts.get(id), "member " + id + " is down");
  }

  private int leader() {
    return running.values().stream()
        .filter(r -> r.leadership().localLeader())
        .max(Comparator.comparingLong(r -> r.leadership().term()))
        .map(r -> r.leadership().leaderId())
        .orElse(0);
  }

  private void awaitLeader() throws Exception {
    await(
        () -> {
          int leader = leader();
          return leader != 0
              && running.values().stream().allMatch(r -> r.leadership().leaderId() == leader);
        });
  }

  private long voters(int seenBy) {
    return seenBy == 0
        ? 0
        : member(seenBy).group().progress().stream()
            .filter(p -> p.member().role() == Role.VOTER)
            .count();
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  private static void await(Condition condition) throws Exception {
    long deadline = System.nanoTime() + 30_000_000_000L;
    BooleanSupplier late = () -> System.nanoTime() > deadline;
    while (!condition.holds()) {
      assertThat(late.getAsBoolean()).as("in time").isFalse();
      TimeUnit.MILLISECONDS.sleep(5);
    }
  }

  private Proposal propose(int id, String entry) throws Exception {
    return member(id)
        .propose(entry.getBytes(UTF_8))
        .toCompletableFuture()
        .get(10, TimeUnit.SECONDS);
  }

  private long barrier(int id) throws Exception {
    return member(id).readBarrier().toCompletableFuture().get(10, TimeUnit.SECONDS);
  }
}
