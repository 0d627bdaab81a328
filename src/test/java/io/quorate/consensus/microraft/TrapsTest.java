package io.quorate.consensus.microraft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.microraft.impl.RaftNodeImpl;
import io.microraft.model.impl.DefaultRaftModelFactory;
import io.microraft.model.message.AppendEntriesSuccessResponse;
import io.microraft.model.message.PreVoteResponse;
import io.quorate.consensus.Replicator.Leadership;
import io.quorate.consensus.Replicator.Member;
import io.quorate.consensus.Replicator.Proposal;
import io.quorate.consensus.Replicator.Role;
import io.quorate.consensus.microraft.Simulation.SimMember;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The traps of MicroRaft, each sprung on purpose, in simulated time. */
class TrapsTest {
  private final Simulation.Listening listening = Simulation.listen();
  private final Simulation world = new Simulation(7);

  TrapsTest() {
    listening.current = world;
  }

  @AfterEach
  void quiet() {
    Simulation.quiet(listening);
  }

  @Test
  void anIdleGroupKeepsItsLeader() {
    group(3, 0);
    Leadership before = leader().running().replicator.leadership();

    world.runFor(600_000);

    assertThat(leader().running().replicator.leadership()).isEqualTo(before);
  }

  @Test
  void aSilentLeaderIsReplacedWithinTwoElectionTimeouts() {
    for (int i = 0; i < 10; i++) {
      if (world.members.isEmpty()) {
        group(3, 0);
      }
      SimMember old = leader();
      old.crash();

      world.await("another leads", 2_000, () -> world.leader() != null);

      old.start();
      world.runFor(3_000);
    }
  }

  @Test
  void anAnswerOfAnOlderTermIsNotCounted() {
    group(3, 0);
    SimMember leader = leader();
    SimMember follower = follower();
    world.isolate(leader.id, others(leader));
    proposeAt(leader, 5);
    long match = matchOf(leader, follower);
    PeerEndpoint liar = follower.running().replicator.identity().self();
    AppendEntriesSuccessResponse stale =
        new DefaultRaftModelFactory()
            .createAppendEntriesSuccessResponseBuilder()
            .setGroupId("")
            .setSender(liar)
            .setTerm((int) leader.running().replicator.leadership().term() - 1)
            .setLastLogIndex(match + 3)
            .setQuerySequenceNumber(0)
            .setFlowControlSequenceNumber(0)
            .build();

    deliver(leader, liar, new Frame.Raft(stale, 0));
    world.runFor(20);

    assertThat(matchOf(leader, follower)).isEqualTo(match);
  }

  @Test
  void whoAloneCanBeElectedFollowsTheTermThatRefusesIt() {
    group(3, 0);
    SimMember newest = leader();
    SimMember ahead = follower();
    other(newest, ahead).crash();
    world.isolate(newest.id, others(newest));
    proposeAt(newest, 5);
    world.runFor(100);
    newest.crash();
    RaftNodeImpl node = nodeOf(ahead);
    ahead.running().strand.execute(() -> node.toFollower(node.state().term() + 3));
    world.runFor(100);
    world.heal();
    newest.start();

    world.await("the one with the newest log leads", 10_000, newest::leads);
  }

  @Test
  void aPreVoteThatALongerLogRefusesRaisesNoTerm() {
    group(3, 0);
    SimMember alone = follower();
    PeerEndpoint refuser = leader().running().replicator.identity().self();
    world.isolate(alone.id, others(alone));
    world.runFor(3_000);
    RaftNodeImpl node = nodeOf(alone);
    assertThat(node.state().leader()).isNull();
    int term = node.state().term();
    PreVoteResponse refusal =
        new DefaultRaftModelFactory()
            .createPreVoteResponseBuilder()
            .setGroupId("")
            .setSender(refuser)
            .setTerm(term + 1)
            .setGranted(false)
            .build();

    deliver(alone, refuser, new Frame.Raft(refusal, 0));
    world.runFor(20);

    assertThat(node.state().term()).isEqualTo(term);
  }

  @Test
  void anOldLeaderWithASnapshotAndUnreplicatedEntriesResyncs() {
    group(3, 0);
    SimMember old = leader();
    proposeAt(old, 30);
    world.runFor(500);
    old.running().replicator.requestCheckpoint();
    world.runFor(1_000);
    assertThat(old.checkpoint.point().index()).isPositive();
    world.isolate(old.id, others(old));
    proposeAt(old, 10);
    world.runFor(300);
    old.crash();
    world.await("another leads", 5_000, () -> world.leader() != null);
    proposeAt(leader(), 10);
    world.runFor(500);
    world.heal();
    old.start();

    world.settle();
  }

  @Test
  void aMemberThatLostItsDiskVotesInNothingUntilItIsAddedAnew() {
    group(3, 0);
    proposeAt(leader(), 20);
    world.runFor(500);
    SimMember lost = follower();
    PeerEndpoint before = lost.running().replicator.identity().self();
    lost.crash();
    lost.wipe();
    lost.start();
    world.runFor(1_000);
    assertThat(lost.running().replicator.node()).isNull();

    world.await(
        "it votes again",
        30_000,
        () ->
            leader().running().replicator.group().progress().stream()
                    .anyMatch(p -> p.member().id() == lost.id && p.member().role() == Role.VOTER)
                && lost.running().host.state().size() == 20);

    assertThat(lost.running().replicator.identity().self()).isNotEqualTo(before);
    world.settle();
  }

  @Test
  void aLeaderWhoseDiskFailsStopsAtOnceAndAnotherLeads() {
    group(3, 0);
    SimMember broken = leader();
    List<Throwable> told = new ArrayList<>();
    world.onFailure(told::add);
    broken.disk.failForces();
    listening.current = null;
    proposeAt(broken, 1);
    world.runFor(200);

    assertThat(told).hasSize(1);
    assertThat(told.getFirst()).hasMessageContaining("Input/output error");
    assertThat(broken.leads()).isFalse();
    world.await("another leads", 5_000, () -> world.leader() != null);
  }

  @Test
  void entriesOfTheLogItselfAreToldSoThatNobodyWaitsForThem() {
    group(3, 1);
    world.await(
        "the observer is in",
        20_000,
        () -> leader().running().replicator.group().progress().size() == 4);
    world.runFor(1_000);

    CompletableFuture<Long> barrier =
        leader().running().replicator.readBarrier().toCompletableFuture();
    world.runFor(200);

    assertThat(barrier).isCompleted();
    assertThat(leader().running().host.lastIndex).isGreaterThanOrEqualTo(barrier.join());
  }

  @Test
  void whatTheProcessBeforeAskedForIsNoAnswerToThisOne() {
    group(3, 0);
    SimMember follower = follower();
    follower.crash();
    follower.start();
    world.await("it follows", 5_000, () -> follower.running().replicator.node() != null);
    world.runFor(1_000);
    proposeAt(leader(), 5);
    world.runFor(200);
    CompletableFuture<Long> barrier =
        follower.running().replicator.readBarrier().toCompletableFuture();
    CompletableFuture<Proposal> proposal =
        follower.running().replicator.propose(world.entry("late")).toCompletableFuture();
    PeerEndpoint leader = leader().running().replicator.identity().self();
    for (int old = 0; old < 10; old++) {
      deliver(follower, leader, new Frame.BarrierAnswer(old, 1, ""));
      deliver(follower, leader, new Frame.Proposed(old, new Proposal.Refused("no leader")));
    }
    world.runFor(200);

    assertThat(barrier.join()).isGreaterThan(5);
    assertThat(proposal.join()).isInstanceOf(Proposal.Committed.class);
  }

  @Test
  void aBarrierThatComesLaterIsNotAnsweredByTheQuestionUnderWay() {
    group(3, 0);
    MicroRaftReplicator leader = leader().running().replicator;
    CompletableFuture<Long> first = leader.readBarrier().toCompletableFuture();
    world.runFor(1);
    CompletableFuture<Long> later = leader.readBarrier().toCompletableFuture();
    List<Boolean> answeredWithTheFirst = new ArrayList<>();
    first.thenRun(
        () -> leader().running().strand.execute(() -> answeredWithTheFirst.add(later.isDone())));
    world.runFor(200);

    assertThat(answeredWithTheFirst).containsExactly(false);
    assertThat(later).isCompleted();
  }

  @Test
  void nobodyLeadsWithoutWhatALostDiskHadAcknowledged() {
    group(3, 0);
    SimMember one = leader();
    SimMember two = follower();
    SimMember three = other(one, two);
    three.crash();
    proposeAt(one, 3);
    world.runFor(500);
    assertThat(two.running().host.state()).hasSize(3);
    two.crash();
    two.wipe();
    world.isolate(one.id, others(one));
    two.start();
    three.start();
    world.runFor(30_000);

    assertThat(two.leads()).isFalse();
    assertThat(three.leads()).isFalse();
    world.settle();
    assertThat(three.running().host.state()).hasSizeGreaterThanOrEqualTo(3);
  }

  @Test
  void whoHasLeftDoesNotCountItsOwnVote() {
    group(4, 0);
    SimMember leaving = leader();
    SimMember unknowing = follower();
    world.isolate(unknowing.id, others(unknowing));
    proposeAt(leaving, 5);
    world.runFor(100);
    leaving.running().replicator.removeMember(leaving.id);
    world.runFor(100);
    leaving.crash();
    world.await("another leads", 5_000, () -> world.leader() != null);
    world.heal();
    List<Integer> staying =
        world.members.stream().filter(m -> m != leaving && m != unknowing).map(m -> m.id).toList();
    world.isolate(leaving.id, staying);
    world.isolate(unknowing.id, staying);
    leaving.start();
    world.runFor(10_000);

    assertThat(leaving.leads()).isFalse();
    assertThat(leader()).isNotIn(leaving, unknowing);
  }

  @Test
  void aMemberIsRebuiltUnderALeaderThatIsItselfSomebodyElseNow() {
    group(3, 0);
    SimMember first = follower();
    lose(first);
    leader().running().replicator.transferLeadership(first.id);
    world.await("it leads", 5_000, first::leads);
    proposeAt(first, 60);
    world.runFor(1_000);
    first.running().replicator.requestCheckpoint();
    world.runFor(1_000);
    SimMember second = follower();

    lose(second);

    assertThat(second.running().host.state()).isEqualTo(first.running().host.state());
  }

  @Test
  void aMemberIsRebuiltUnderALeaderThatIsInNoList() {
    group(3, 0);
    SimMember guest = world.invite();
    guest.start();
    leader()
        .running()
        .replicator
        .addMember(new Member(guest.id, "member" + guest.id + ":1", Role.VOTER));
    world.await("the guest votes", 20_000, () -> votes(guest));
    leader().running().replicator.transferLeadership(guest.id);
    world.await("it leads", 5_000, guest::leads);

    lose(follower());

    assertThat(guest.leads()).isTrue();
  }

  /** Its own removal would still be in the log that it gets, and would end it. */
  @Test
  void whoWasRemovedBeforeItHeardOfItsAdditionIsNotAddedAgain() {
    group(3, 0);
    SimMember guest = world.invite();
    guest.start();
    world.members.stream()
        .filter(member -> member != guest)
        .forEach(member -> world.cut(member.id, guest.id));
    Member who = new Member(guest.id, "member" + guest.id + ":1", Role.OBSERVER);
    leader().running().replicator.addMember(who);
    world.await("it is in the group", 5_000, () -> isListed(guest));
    leader().running().replicator.removeMember(guest.id);
    world.await("it is out again", 5_000, () -> !isListed(guest));

    var again = leader().running().replicator.addMember(who).toCompletableFuture();
    world.runFor(2_000);

    assertThat(again).isCompletedExceptionally();
    assertThatThrownBy(again::join).hasMessageContaining("start it with an empty one");
    assertThat(isListed(guest)).isFalse();
  }

  private boolean isListed(SimMember member) {
    return leader().running().replicator.group().progress().stream()
        .anyMatch(p -> p.member().id() == member.id);
  }

  /** Loses a disk and waits until its member votes again. */
  private void lose(SimMember member) {
    member.crash();
    member.wipe();
    member.start();
    world.await("it votes again", 60_000, () -> votes(member));
    world.runFor(1_000);
  }

  private boolean votes(SimMember member) {
    SimMember leader = world.leader();
    return leader != null
        && member.running().replicator.node() != null
        && leader.running().replicator.group().progress().stream()
            .anyMatch(p -> p.member().id() == member.id && p.member().role() == Role.VOTER);
  }

  @Test
  void leadershipIsHandedOverUnderLoad() {
    group(3, 0);
    SimMember target = follower();
    CompletableFuture<Void> done =
        leader().running().replicator.transferLeadership(target.id).toCompletableFuture();
    for (int i = 0; i < 200 && !done.isDone(); i++) {
      proposeAt(leaderOr(target), 3);
      world.runFor(5);
    }

    assertThat(done).isCompleted();
    assertThat(target.leads()).isTrue();
    world.settle();
  }

  @Test
  void aLeaderThatReachesOnlyObserversStepsDown() {
    group(3, 2);
    world.await(
        "both observers are in",
        30_000,
        () -> leader().running().replicator.group().progress().size() == 5);
    world.runFor(2_000);
    SimMember cut = leader();
    world.members.stream().filter(m -> m.id <= 3 && m != cut).forEach(SimMember::crash);
    CompletableFuture<Long> barrier = cut.running().replicator.readBarrier().toCompletableFuture();
    world.runFor(2_500);

    assertThat(cut.leads()).isFalse();
    assertThat(barrier).isCompletedExceptionally();
    world.settle();
  }

  @Test
  void halfOfFourDecideNothing() {
    group(4, 0);
    SimMember leader = leader();
    SimMember follower = follower();
    world.members.stream().filter(m -> m != leader && m != follower).forEach(SimMember::crash);
    MicroRaftReplicator replicator = leader.running().replicator;
    CompletableFuture<Proposal> proposal =
        replicator.propose(world.entry("half")).toCompletableFuture();
    CompletableFuture<Long> barrier = replicator.readBarrier().toCompletableFuture();
    world.runFor(500);

    assertThat(nodeOf(follower).state().log().lastLogOrSnapshotIndex())
        .isEqualTo(nodeOf(leader).state().log().lastLogOrSnapshotIndex());
    assertThat(proposal).isNotDone();
    assertThat(barrier).isNotDone();
    world.await("it no longer leads", 2_500, () -> !leader.leads());
    world.settle();
  }

  @Test
  void membersThatRestartedUnderOneLeaderStillElectAnotherWhenItGoes() {
    group(3, 0);
    SimMember first = leader();
    for (SimMember follower : world.members) {
      if (follower != first) {
        follower.crash();
        follower.start();
        world.runFor(700);
      }
    }
    assertThat(world.leader()).isSameAs(first);

    first.crash();

    world.await("another leads", 5_000, () -> world.leader() != null);
  }

  @Test
  void aLeaderThatSnapshotsSoonAfterARestartStillServesAMemberInBetween() {
    group(3, 0);
    proposeAt(leader(), 20);
    world.runFor(500);
    SimMember behind = follower();
    behind.crash();
    proposeAt(leader(), 20);
    world.runFor(500);
    SimMember leader = leader();
    leader.running().replicator.requestCheckpoint();
    world.runFor(1_000);
    leader.crash();
    leader.start();
    world.await("somebody leads", 10_000, () -> world.leader() != null);
    proposeAt(leader(), 5);
    world.runFor(500);
    world.members.stream()
        .filter(SimMember::up)
        .forEach(m -> m.running().replicator.requestCheckpoint());
    world.runFor(1_000);
    behind.start();

    world.settle();
  }

  @Test
  void whenNothingIsWrittenForAWhileACheckpointIs() {
    group(3, 0);
    proposeAt(leader(), 300);
    world.runFor(1_000);
    long written = leader().running().host.lastIndex;
    assertThat(world.members).allMatch(m -> m.checkpoint.point().index() < written);

    world.await(
        "it is in everybody's checkpoint",
        6_000,
        () -> world.members.stream().allMatch(m -> m.checkpoint.point().index() >= written));
  }

  @Test
  void whoIsAboutToStopCoversItsLogUnlessItIsShort() {
    group(3, 0);
    proposeAt(leader(), 300);
    world.runFor(1_000);
    SimMember one = follower();
    long written = one.running().host.lastIndex;
    assertThat(one.checkpoint.point().index()).isLessThan(written);

    CompletableFuture<Void> covered = one.running().replicator.coverLog().toCompletableFuture();

    assertThat(covered).isNotDone();
    world.await("it is covered", 1_000, covered::isDone);
    assertThat(covered).isCompleted();
    long point = one.checkpoint.point().index();
    assertThat(point).isGreaterThanOrEqualTo(written);

    proposeAt(leader(), 2);
    world.runFor(500);
    CompletableFuture<Void> again = one.running().replicator.coverLog().toCompletableFuture();
    world.runFor(100);
    assertThat(again).isCompleted();
    assertThat(one.checkpoint.point().index()).as("too little to write").isEqualTo(point);
  }

  @Test
  void aFollowerFarBehindIsFoundInAFewRoundTrips() {
    group(3, 0);
    SimMember behind = follower();
    behind.crash();
    for (int i = 0; i < 300; i++) {
      proposeAt(leader(), 4);
      world.runFor(30);
    }
    SimMember old = leader();
    old.running().replicator.transferLeadership(other(old, behind).id);
    world.await("the other leads", 5_000, () -> other(old, behind).leads());
    behind.start();

    long applied = Objects.requireNonNull(world.leader()).running().host.lastIndex;
    world.await("it has caught up", 3_000, () -> behind.running().host.lastIndex >= applied);
  }

  @Test
  void aMemberFarBehindCatchesUpUnderLoadThatNeverStops() {
    group(3, 0);
    SimMember behind = follower();
    behind.crash();
    world.members.forEach(m -> m.triggerBytes = 8_000);
    for (SimMember member : List.copyOf(world.members)) {
      if (member != behind) {
        member.crash();
        member.start();
      }
    }
    world.await("somebody leads", 10_000, () -> world.leader() != null);
    for (int i = 0; i < 200; i++) {
      proposeAt(leader(), 3);
      world.runFor(10);
    }
    behind.start();

    long[] lag = {Long.MAX_VALUE};
    for (int i = 0; i < 2_000 && lag[0] > 50; i++) {
      proposeAt(leader(), 3);
      world.runFor(10);
      lag[0] = leader().running().host.lastIndex - behind.running().host.lastIndex;
    }

    assertThat(lag[0]).isLessThanOrEqualTo(50);
    assertThat(world.installs).isPositive();
  }

  @Test
  void aCommitIsNotAnsweredOnceMore() {
    group(3, 0);
    SimMember follower = follower();
    int before = follower.running().framesSent;

    for (int i = 0; i < 50; i++) {
      proposeAt(leader(), 1);
      world.runFor(40);
    }

    assertThat(follower.running().framesSent - before).isBetween(50, 75);
  }

  private void group(int voters, int observers) {
    world.make(voters, observers);
    world.members.forEach(m -> m.triggerBytes = 1 << 20);
    world.members.forEach(SimMember::start);
    world.await("somebody leads", 10_000, () -> world.leader() != null);
    world.runFor(500);
  }

  private SimMember leader() {
    return Objects.requireNonNull(world.leader());
  }

  private SimMember leaderOr(SimMember member) {
    SimMember leader = world.leader();
    return leader == null ? member : leader;
  }

  private SimMember follower() {
    SimMember leader = leader();
    return world.members.stream()
        .filter(m -> m != leader && m.up() && m.id <= 3)
        .findFirst()
        .orElseThrow();
  }

  private SimMember other(SimMember one, SimMember two) {
    return world.members.stream()
        .filter(m -> m != one && m != two && m.id <= 3)
        .findFirst()
        .orElseThrow();
  }

  private List<Integer> others(SimMember one) {
    return world.members.stream().filter(m -> m != one).map(m -> m.id).toList();
  }

  private void proposeAt(SimMember member, int count) {
    for (int i = 0; i < count; i++) {
      world.propose(member);
    }
  }

  private static RaftNodeImpl nodeOf(SimMember member) {
    return Objects.requireNonNull(member.running().replicator.node());
  }

  private static long matchOf(SimMember leader, SimMember follower) {
    return leader.running().replicator.group().progress().stream()
        .filter(p -> p.member().id() == follower.id)
        .findFirst()
        .orElseThrow()
        .matchIndex();
  }

  private void deliver(SimMember to, PeerEndpoint from, Frame frame) {
    MicroRaftReplicator target = to.running().replicator;
    UUID group = UUID.fromString(target.identity().clusterId());
    FrameCodec.Header header =
        new FrameCodec.Header(
            group.getMostSignificantBits() ^ group.getLeastSignificantBits(),
            from.id(),
            from.incarnation(),
            target.identity().self().incarnation());
    to.running().received.accept(Simulation.bytes(FrameCodec.encode(header, frame)));
  }
}
