package io.quorate.consensus.microraft;

import io.microraft.MembershipChangeMode;
import io.microraft.RaftEndpoint;
import io.microraft.RaftNodeStatus;
import io.microraft.exception.CannotReplicateException;
import io.microraft.exception.IndeterminateStateException;
import io.microraft.exception.MismatchingRaftGroupMembersCommitIndexException;
import io.microraft.exception.NotLeaderException;
import io.microraft.impl.RaftNodeImpl;
import io.microraft.impl.state.FollowerState;
import io.microraft.impl.state.RaftGroupMembersState;
import io.microraft.model.groupop.UpdateRaftGroupMembersOp;
import io.microraft.model.impl.log.DefaultRaftGroupMembersViewOrBuilder;
import io.microraft.model.log.RaftGroupMembersView;
import io.microraft.report.RaftGroupMembers;
import io.quorate.consensus.NoQuorumException;
import io.quorate.consensus.Replicator.Member;
import io.quorate.consensus.Replicator.Role;
import io.quorate.consensus.UndecidedException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who belongs to the group, and how one comes to be. Owned by the strand.
 *
 * <p>The list in the configuration describes the first formation. The voter with the lowest number
 * decides it, once every listed voter has said that it is empty and has the same list; the others
 * take over what it decided, incarnations included. From then on the log says who belongs, and the
 * leader brings it, one change at a time, to where the list and the administrators want it: a
 * newcomer learns first and votes when it has caught up; a member that lost its disk is somebody
 * else, and the one it was is removed first.
 */
final class Membership {
  private static final Logger LOG = LoggerFactory.getLogger(Membership.class);
  private static final long HELLO_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
  private static final long HELLO_WHEN_FORMED_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long FRESH_NANOS = TimeUnit.SECONDS.toNanos(3);
  private static final long SILENT_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final long CHANGE_PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);
  private static final long HANDOVER_PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(3);
  private static final long HANDOVER_POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(2);
  private static final long WARN_NANOS = TimeUnit.SECONDS.toNanos(60);
  private static final long CAUGHT_UP_ENTRIES = 64;
  private static final long BEHIND_ENTRIES = 256;

  private final MicroRaftReplicator member;
  private final Proposals proposals;
  private final Map<Integer, Heard> heard = new TreeMap<>();
  private final Map<PeerEndpoint, Long> lastHeard = new LinkedHashMap<>();
  private final Map<Integer, Wanted> additions = new TreeMap<>();
  private final Map<Long, Asked> asked = new LinkedHashMap<>();

  /**
   * Who was removed since this process began. Added again, it would find its own removal in the log
   * and leave, for MicroRaft ends a member there, whatever comes after.
   */
  private final Set<PeerEndpoint> removed = new HashSet<>();

  private long nextRequest;
  private long lastHelloNanos = Long.MIN_VALUE / 2;
  private boolean changing;
  private boolean handingOver;
  private final Map<String, Long> warned = new LinkedHashMap<>();

  private record Heard(Frame.Hello hello, long nanos) {}

  private record Wanted(Member who, CompletableFuture<Void> done, long deadlineNanos) {}

  private record Asked(
      Frame.Wish wish, int id, int leaderId, CompletableFuture<Void> done, long deadlineNanos) {}

  Membership(MicroRaftReplicator member, Proposals proposals) {
    this.member = member;
    this.proposals = proposals;
    this.nextRequest = member.firstRequest();
  }

  // ---- who is there

  void hear(PeerEndpoint peer) {
    lastHeard.put(peer, member.nanoTime());
  }

  boolean hears(PeerEndpoint peer) {
    Long nanos = lastHeard.get(peer);
    return nanos != null
        && member.nanoTime() - nanos < 2 * member.config().electionTimeout().toNanos();
  }

  private boolean silent(PeerEndpoint peer) {
    Long nanos = lastHeard.get(peer);
    return nanos == null || member.nanoTime() - nanos >= SILENT_NANOS;
  }

  /** Where everyone is: the configuration knows best, then the log, then who asked to be added. */
  Map<Integer, String> routes() {
    Map<Integer, String> routes = new TreeMap<>();
    for (Wanted wanted : additions.values()) {
      routes.put(wanted.who().id(), wanted.who().address());
    }
    RaftNodeImpl raft = member.node();
    if (raft == null) {
      // Who lost its disk knows only the list, and the one that leads may be in none.
      for (Heard one : heard.values()) {
        addRoutes(routes, one.hello().members());
      }
    } else {
      addRoutes(routes, raft.getEffectiveMembers().getMembers());
    }
    for (Member configured : configured()) {
      routes.put(configured.id(), configured.address());
    }
    routes.remove(member.config().id());
    return routes;
  }

  private static void addRoutes(
      Map<Integer, String> routes, Collection<? extends RaftEndpoint> members) {
    for (RaftEndpoint endpoint : members) {
      PeerEndpoint peer = (PeerEndpoint) endpoint;
      if (!peer.address().isEmpty()) {
        routes.put(peer.id(), peer.address());
      }
    }
  }

  String addressOf(PeerEndpoint peer) {
    for (Member configured : configured()) {
      if (configured.id() == peer.id()) {
        return configured.address();
      }
    }
    return peer.address();
  }

  private List<Member> configured() {
    List<Member> all = new ArrayList<>(member.config().voters());
    all.addAll(member.config().observers());
    return all;
  }

  private String voterText() {
    return member.config().voters().stream()
        .sorted(Comparator.comparingInt(Member::id))
        .map(m -> m.id() + "@" + m.address())
        .collect(Collectors.joining(","));
  }

  void tick(long nowNanos) {
    boolean formed = member.identity().formed();
    if (nowNanos - lastHelloNanos >= (formed ? HELLO_WHEN_FORMED_NANOS : HELLO_NANOS)) {
      lastHelloNanos = nowNanos;
      Map<Integer, String> routes = routes();
      member.routes(routes);
      for (int id : routes.keySet()) {
        greet(id, !formed);
      }
    }
    expire(nowNanos);
    reconcile();
  }

  private void greet(int id, boolean answer) {
    Identity identity = member.identity();
    RaftNodeImpl raft = member.node();
    List<PeerEndpoint> members =
        raft == null
            ? List.of()
            : raft.getEffectiveMembers().getMembers().stream()
                .map(PeerEndpoint.class::cast)
                .toList();
    member.greet(
        id,
        new Frame.Hello(
            identity.self(),
            voterText(),
            identity.clusterId(),
            identity.initial(),
            members,
            answer));
  }

  void hello(Frame.Hello hello) {
    if (hello.self().id() == member.config().id()) {
      warn("Another member says it is number " + hello.self().id() + " too");
      return;
    }
    heard.put(hello.self().id(), new Heard(hello, member.nanoTime()));
    if (hello.answer()) {
      greet(hello.self().id(), false);
    }
    Identity identity = member.identity();
    if (!identity.formed()) {
      considerJoining(hello);
    } else if (!hello.clusterId().isEmpty() && !hello.clusterId().equals(identity.clusterId())) {
      warn(
          "Member "
              + hello.self().id()
              + " belongs to group "
              + hello.clusterId()
              + ", this one to "
              + identity.clusterId()
              + ": they will not talk");
    }
  }

  private @Nullable Heard fresh(int id) {
    Heard one = heard.get(id);
    return one == null || member.nanoTime() - one.nanos() >= FRESH_NANOS ? null : one;
  }

  /** Says the same thing once a minute at most. */
  private void warn(String what) {
    long now = member.nanoTime();
    warned.values().removeIf(nanos -> now - nanos >= WARN_NANOS);
    if (warned.putIfAbsent(what, now) == null) {
      LOG.warn("{}", what);
    }
  }

  // ---- coming to be

  private void considerJoining(Frame.Hello hello) {
    PeerEndpoint self = member.identity().self();
    RaftGroupMembersView initial = hello.initial();
    if (initial != null) {
      if (initial.getMembers().contains(self) || hello.members().contains(self)) {
        member.join(hello.clusterId(), initial);
      } else {
        warn(
            "Member "
                + hello.self().id()
                + " belongs to group "
                + hello.clusterId()
                + "; waiting to be added to it");
      }
      return;
    }
    formIfAllAgree(self);
  }

  private void formIfAllAgree(PeerEndpoint self) {
    List<Member> voters = member.config().voters();
    boolean decides = voters.stream().mapToInt(Member::id).min().orElse(-1) == member.config().id();
    if (!decides) {
      return;
    }
    List<RaftEndpoint> founders = new ArrayList<>();
    for (Member voter : voters) {
      if (voter.id() == self.id()) {
        founders.add(new PeerEndpoint(self.id(), self.incarnation(), voter.address()));
        continue;
      }
      Heard peer = fresh(voter.id());
      if (peer == null || !peer.hello().clusterId().isEmpty()) {
        return;
      }
      if (!peer.hello().voters().equals(voterText())) {
        warn(
            "Member "
                + voter.id()
                + " has another list of members ("
                + peer.hello().voters()
                + ") than this one ("
                + voterText()
                + "); give all the same quorate.members");
        return;
      }
      PeerEndpoint founder = peer.hello().self();
      founders.add(new PeerEndpoint(founder.id(), founder.incarnation(), voter.address()));
    }
    RaftGroupMembersView initial =
        new DefaultRaftGroupMembersViewOrBuilder()
            .setLogIndex(0)
            .setMembers(founders)
            .setVotingMembers(founders)
            .build();
    LOG.info("All listed voters are empty and agree: forming a group of {}", founders);
    member.join(member.newClusterId(), initial);
    member.routes(routes());
    routes().keySet().forEach(id -> greet(id, false));
  }

  // ---- changes, by the leader

  /** Asks for a change, here or at the leader. */
  CompletableFuture<Void> change(Frame.Wish wish, int id, String address) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    if (member.leads()) {
      perform(wish, id, address, done);
      return done;
    }
    long request = nextRequest++;
    int leaderId = member.leadership().leaderId();
    long deadline = member.nanoTime() + CHANGE_PATIENCE_NANOS;
    asked.put(request, new Asked(wish, id, leaderId, done, deadline));
    if (leaderId == 0 || !member.send(leaderId, new Frame.Change(request, wish, id, address))) {
      asked.remove(request);
      done.completeExceptionally(new NoQuorumException("no leader can be reached"));
    }
    return done;
  }

  void change(PeerEndpoint from, Frame.Change change) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    done.whenComplete(
        (ok, failure) ->
            member.send(
                from,
                new Frame.Changed(
                    change.request(), fate(failure), failure == null ? "" : reason(failure))));
    perform(change.wish(), change.id(), change.address(), done);
  }

  private static Frame.Fate fate(@Nullable Throwable failure) {
    return switch (failure) {
      case null -> Frame.Fate.DONE;
      case UndecidedException e -> Frame.Fate.UNDECIDED;
      case NoQuorumException e -> Frame.Fate.NO_QUORUM;
      case IllegalArgumentException e -> Frame.Fate.WRONG;
      default -> Frame.Fate.REFUSED;
    };
  }

  private static String reason(Throwable failure) {
    return failure.getMessage() == null ? failure.toString() : failure.getMessage();
  }

  /** A change of the members was committed. */
  void changed(UpdateRaftGroupMembersOp change) {
    if (change.getMode() == MembershipChangeMode.REMOVE_MEMBER) {
      removed.add((PeerEndpoint) change.getEndpoint());
    }
  }

  void changed(Frame.Changed changed) {
    Asked one = asked.remove(changed.request());
    if (one == null) {
      return;
    }
    CompletableFuture<Void> done = one.done();
    String why = changed.why();
    switch (changed.fate()) {
      case DONE -> done.complete(null);
      case UNDECIDED -> done.completeExceptionally(new UndecidedException(why));
      case NO_QUORUM -> done.completeExceptionally(new NoQuorumException(why));
      case WRONG -> done.completeExceptionally(new IllegalArgumentException(why));
      case REFUSED -> done.completeExceptionally(new IllegalStateException(why));
    }
  }

  /** The way to the leader broke: what it was asked for may happen, and no answer will come. */
  void pipeLost(int id) {
    loseAsked(one -> one.leaderId() == id);
  }

  /** Whom we asked leads no more. To hand leadership over may be just what we asked for. */
  void leads(int leaderId) {
    if (leaderId == 0) {
      return;
    }
    for (Asked one : List.copyOf(asked.values())) {
      if (one.wish() == Frame.Wish.LEAD && one.id() == leaderId) {
        asked.values().remove(one);
        one.done().complete(null);
      }
    }
    loseAsked(one -> one.leaderId() != leaderId);
  }

  private void loseAsked(Predicate<Asked> which) {
    List<Asked> lost = asked.values().stream().filter(which).toList();
    asked.values().removeAll(lost);
    lost.forEach(
        one ->
            one.done()
                .completeExceptionally(
                    new UndecidedException(
                        "leadership changed meanwhile; see who is in the group")));
  }

  private void perform(Frame.Wish wish, int id, String address, CompletableFuture<Void> done) {
    RaftNodeImpl raft = member.node();
    if (raft == null || !member.leads()) {
      done.completeExceptionally(new NoQuorumException("this member does not lead"));
      return;
    }
    switch (wish) {
      case ADD_VOTER -> add(new Member(id, address, Role.VOTER), done);
      case ADD_OBSERVER -> add(new Member(id, address, Role.OBSERVER), done);
      case REMOVE -> remove(raft, id, done);
      case LEAD -> handOver(raft, id, done);
    }
  }

  private void add(Member who, CompletableFuture<Void> done) {
    Wanted before =
        additions.put(who.id(), new Wanted(who, done, member.nanoTime() + CHANGE_PATIENCE_NANOS));
    if (before != null) {
      before.done().completeExceptionally(new IllegalStateException("asked for again"));
    }
    member.routes(routes());
    greet(who.id(), true);
  }

  private void remove(RaftNodeImpl raft, int id, CompletableFuture<Void> done) {
    PeerEndpoint peer = find(raft.getEffectiveMembers(), id);
    if (peer == null) {
      done.completeExceptionally(new IllegalArgumentException("there is no member " + id));
    } else if (changing) {
      done.completeExceptionally(
          new IllegalStateException("another change of the members is under way; ask again"));
    } else {
      additions.remove(id);
      begin(raft, MembershipChangeMode.REMOVE_MEMBER, peer, done);
    }
  }

  private static @Nullable PeerEndpoint find(RaftGroupMembers members, int id) {
    for (RaftEndpoint endpoint : members.getMembers()) {
      if (((PeerEndpoint) endpoint).id() == id) {
        return (PeerEndpoint) endpoint;
      }
    }
    return null;
  }

  private void begin(
      RaftNodeImpl raft,
      MembershipChangeMode mode,
      PeerEndpoint peer,
      @Nullable CompletableFuture<Void> done) {
    changing = true;
    LOG.info("{} {}", mode, peer);
    raft.changeMembership(peer, mode, raft.getCommittedMembers().getLogIndex())
        .whenComplete(
            (ok, failure) -> {
              changing = false;
              if (failure != null) {
                LOG.info("{} {} did not happen: {}", mode, peer, failure.toString());
              }
              if (done != null && failure == null) {
                done.complete(null);
              } else if (done != null) {
                done.completeExceptionally(explained(failure));
              }
              member.membersChanged();
            });
  }

  private static Throwable explained(Throwable thrown) {
    Throwable failure =
        thrown instanceof CompletionException && thrown.getCause() != null
            ? thrown.getCause()
            : thrown;
    return switch (failure) {
      case NotLeaderException e -> new NoQuorumException("this member does not lead");
      case CannotReplicateException e ->
          new NoQuorumException("the leader takes nothing in just now");
      case IndeterminateStateException e ->
          new UndecidedException("leadership changed meanwhile; see who is in the group");
      case MismatchingRaftGroupMembersCommitIndexException e ->
          new IllegalStateException("another change of the members was decided first; ask again");
      default -> failure;
    };
  }

  /** One step towards what is wanted. */
  private void reconcile() {
    RaftNodeImpl raft = member.node();
    if (raft == null
        || !member.leads()
        || changing
        || handingOver
        || raft.getStatus() != RaftNodeStatus.ACTIVE) {
      return;
    }
    for (Wanted wanted : List.copyOf(additions.values())) {
      if (step(raft, wanted.who())) {
        additions.remove(wanted.who().id());
        wanted.done().complete(null);
      }
      if (changing) {
        return;
      }
    }
    for (Member configured : member.config().voters()) {
      step(raft, new Member(configured.id(), configured.address(), Role.VOTER));
      if (changing) {
        return;
      }
    }
    for (Member configured : member.config().observers()) {
      step(raft, new Member(configured.id(), configured.address(), Role.OBSERVER));
      if (changing) {
        return;
      }
    }
    // Whoever was added later is in no list, and may lose its disk like anybody.
    RaftGroupMembersState members = raft.getEffectiveMembers();
    for (RaftEndpoint endpoint : members.getMembers()) {
      PeerEndpoint peer = (PeerEndpoint) endpoint;
      if (configured().stream().noneMatch(one -> one.id() == peer.id())) {
        Role role = members.getVotingMembers().contains(peer) ? Role.VOTER : Role.OBSERVER;
        step(raft, new Member(peer.id(), peer.address(), role));
        if (changing) {
          return;
        }
      }
    }
  }

  /** Begins the next change that {@code who} needs; true when none is needed. */
  private boolean step(RaftNodeImpl raft, Member who) {
    if (who.id() == member.config().id()) {
      return true;
    }
    RaftGroupMembersState members = raft.getEffectiveMembers();
    PeerEndpoint known = find(members, who.id());
    Heard peer = fresh(who.id());
    boolean empty = peer != null && peer.hello().clusterId().isEmpty();
    if (known == null) {
      if (peer != null && empty && !removed.contains(peer.hello().self())) {
        PeerEndpoint newcomer =
            new PeerEndpoint(who.id(), peer.hello().self().incarnation(), who.address());
        begin(raft, addingMode(members, who), newcomer, null);
      } else if (peer != null) {
        refuse(who);
      }
      return false;
    }
    boolean somebodyElse =
        peer != null && empty && peer.hello().self().incarnation() != known.incarnation();
    if (somebodyElse) {
      if (silent(known)) {
        replace(raft, known, who, members.getVotingMembers().contains(known));
      }
      return false;
    }
    boolean votes = members.getVotingMembers().contains(known);
    if (votes || who.role() == Role.OBSERVER) {
      return true;
    }
    if (caughtUp(raft, known)) {
      begin(raft, MembershipChangeMode.ADD_OR_PROMOTE_TO_FOLLOWER, known, null);
    }
    return false;
  }

  /** MicroRaft takes two learners at most; a third newcomer votes from the start. */
  private static MembershipChangeMode addingMode(RaftGroupMembersState members, Member who) {
    int learners = members.getMembers().size() - members.getVotingMembers().size();
    boolean full = learners >= RaftGroupMembers.MAX_LEARNER_COUNT;
    return full && who.role() == Role.VOTER
        ? MembershipChangeMode.ADD_OR_PROMOTE_TO_FOLLOWER
        : MembershipChangeMode.ADD_LEARNER;
  }

  private void refuse(Member who) {
    Wanted wanted = additions.remove(who.id());
    if (wanted != null) {
      wanted
          .done()
          .completeExceptionally(
              new IllegalStateException(
                  "Member "
                      + who.id()
                      + " has the data directory of one that was removed; start it with an empty"
                      + " one"));
    }
  }

  private void replace(RaftNodeImpl raft, PeerEndpoint lost, Member who, boolean voted) {
    LOG.warn("Member {} came back with an empty disk: {} is removed first", who.id(), lost);
    Role role = voted ? Role.VOTER : Role.OBSERVER;
    Member same = new Member(who.id(), addressOf(lost), role);
    additions.putIfAbsent(
        who.id(),
        new Wanted(same, new CompletableFuture<>(), member.nanoTime() + CHANGE_PATIENCE_NANOS));
    begin(raft, MembershipChangeMode.REMOVE_MEMBER, lost, null);
  }

  private static boolean caughtUp(RaftNodeImpl raft, PeerEndpoint learner) {
    long last = raft.state().log().lastLogOrSnapshotIndex();
    return last - matchIndex(raft, learner) <= CAUGHT_UP_ENTRIES;
  }

  static long matchIndex(RaftNodeImpl raft, PeerEndpoint peer) {
    FollowerState follower =
        raft.state().leaderState() == null
            ? null
            : raft.state().leaderState().getFollowerStateOrNull(peer);
    // A follower whose match is not yet known counts as far behind.
    return follower == null || follower.matchIndex() == 0
        ? Long.MIN_VALUE / 2
        : follower.matchIndex();
  }

  /** Whether a member that was far behind is being served from what the log still holds. */
  boolean catchingUp() {
    RaftNodeImpl raft = member.node();
    if (raft == null || !member.leads()) {
      return false;
    }
    long commit = raft.state().commitIndex();
    for (RaftEndpoint endpoint : raft.getEffectiveMembers().getMembers()) {
      PeerEndpoint peer = (PeerEndpoint) endpoint;
      long match = matchIndex(raft, peer);
      boolean behind = match > 0 && commit - match > BEHIND_ENTRIES;
      if (behind && hears(peer) && !peer.equals(raft.getLocalEndpoint())) {
        return true;
      }
    }
    return false;
  }

  // ---- handing over

  /** The voter that is best off, to lead after this member; null when nobody answers. */
  @Nullable PeerEndpoint successor() {
    RaftNodeImpl raft = member.node();
    if (raft == null || !member.leads()) {
      return null;
    }
    Collection<RaftEndpoint> voters = raft.getCommittedMembers().getVotingMembers();
    return voters.stream()
        .map(PeerEndpoint.class::cast)
        .filter(peer -> !peer.equals(raft.getLocalEndpoint()))
        .filter(peer -> hears(peer) && member.reaches(peer))
        .max(Comparator.comparingLong(peer -> matchIndex(raft, peer)))
        .orElse(null);
  }

  private void handOver(RaftNodeImpl raft, int id, CompletableFuture<Void> done) {
    PeerEndpoint target = find(raft.getCommittedMembers(), id);
    if (id == member.config().id()) {
      done.complete(null);
    } else if (target == null || !raft.getCommittedMembers().getVotingMembers().contains(target)) {
      done.completeExceptionally(
          new IllegalArgumentException("member " + id + " is not a voter of this group"));
    } else if (handingOver) {
      done.completeExceptionally(new IllegalStateException("leadership is being handed over"));
    } else {
      handOver(target, done);
    }
  }

  /**
   * Lets what was appended be committed first: MicroRaft gives up while anything is not (trap 9).
   */
  void handOver(PeerEndpoint target, CompletableFuture<Void> done) {
    handingOver = true;
    proposals.hold(true);
    long deadline = member.nanoTime() + HANDOVER_PATIENCE_NANOS;
    done.whenComplete(
        (ok, failure) -> {
          handingOver = false;
          proposals.hold(false);
        });
    handOverWhenQuiet(target, done, deadline);
  }

  private void handOverWhenQuiet(PeerEndpoint target, CompletableFuture<Void> done, long deadline) {
    RaftNodeImpl raft = member.node();
    if (raft == null
        || !member.leads()
        || !member.reaches(target)
        || member.nanoTime() - deadline >= 0) {
      done.completeExceptionally(new NoQuorumException("leadership could not be handed over"));
      return;
    }
    boolean quiet =
        raft.state().commitIndex() == raft.state().log().lastLogOrSnapshotIndex()
            && matchIndex(raft, target) == raft.state().commitIndex();
    if (!quiet) {
      member.schedule(() -> handOverWhenQuiet(target, done, deadline), HANDOVER_POLL_NANOS);
      return;
    }
    raft.transferLeadership(target)
        .whenComplete((ok, failure) -> awaitLeader(target, done, deadline));
  }

  private void awaitLeader(PeerEndpoint target, CompletableFuture<Void> done, long deadline) {
    if (member.leadership().leaderId() == target.id()) {
      done.complete(null);
    } else if (member.nanoTime() - deadline >= 0 || !member.reaches(target)) {
      done.completeExceptionally(
          new UndecidedException("no word that leadership was taken over; see who leads"));
    } else {
      member.schedule(() -> awaitLeader(target, done, deadline), HANDOVER_POLL_NANOS);
    }
  }

  // ---- endings

  /** This member no longer leads: what it was to bring about is somebody else's now. */
  void loseLeadership() {
    List<Wanted> lost = List.copyOf(additions.values());
    additions.clear();
    for (Wanted wanted : lost) {
      wanted
          .done()
          .completeExceptionally(
              new UndecidedException(
                  "leadership changed meanwhile; see who is in the group and ask again"));
    }
  }

  private void expire(long nowNanos) {
    List<Asked> late =
        asked.values().stream().filter(a -> nowNanos - a.deadlineNanos() >= 0).toList();
    asked.values().removeAll(late);
    late.forEach(
        a ->
            a.done()
                .completeExceptionally(
                    new UndecidedException(
                        "the leader did not answer in time; see who is in the group")));
    for (Wanted wanted : List.copyOf(additions.values())) {
      if (nowNanos - wanted.deadlineNanos() >= 0) {
        additions.remove(wanted.who().id());
        wanted
            .done()
            .completeExceptionally(
                new UndecidedException(
                    "member "
                        + wanted.who().id()
                        + " did not answer or did not catch up yet; see who is in the group"));
      }
    }
  }

  void abandon(String why) {
    loseLeadership();
    List<Asked> lost = List.copyOf(asked.values());
    asked.clear();
    lost.forEach(a -> a.done().completeExceptionally(new UndecidedException(why)));
  }
}
