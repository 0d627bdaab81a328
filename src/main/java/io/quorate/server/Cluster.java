package io.quorate.server;

import io.quorate.consensus.NoQuorumException;
import io.quorate.consensus.Replicator;
import io.quorate.consensus.Replicator.GroupView;
import io.quorate.consensus.Replicator.Leadership;
import io.quorate.consensus.Replicator.Member;
import io.quorate.consensus.Replicator.Progress;
import io.quorate.consensus.UndecidedException;
import io.quorate.server.NotAppliedException.Reason;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;

/** The group for those who show or change it, without the log's own words. Any thread. */
public final class Cluster {
  private final Coordinator coordinator;
  private final Roster roster;

  Cluster(Coordinator coordinator, Roster roster) {
    this.coordinator = coordinator;
    this.roster = roster;
  }

  /** What a member is to the others. */
  public enum Role {
    LEADER,
    FOLLOWER,
    OBSERVER
  }

  /** How a member is doing, as the asked one knows. */
  public enum Health {
    OK,
    UNREACHABLE,
    NO_LEADER
  }

  /** The group as the asked member sees it. */
  public record View(String clusterId, List<MemberView> members) {
    public View {
      members = List.copyOf(members);
    }
  }

  /**
   * One member.
   *
   * @param applied log index that it has applied; of one that was not heard lately, what it is
   *     known to have on disk
   * @param committed log index that it knows to be committed
   * @param lagEntries how far {@code applied} is behind what is committed
   * @param http its HTTP door, {@code host:port}; empty when it was not heard lately
   * @param zookeeper its ZooKeeper door; empty when it has none or was not heard lately
   * @param address for replication, {@code host:port}; empty in a group of one
   */
  public record MemberView(
      int id,
      Role role,
      long term,
      long applied,
      long committed,
      long lagEntries,
      String http,
      String zookeeper,
      String address,
      Health health) {}

  public View view() {
    return view(replicator().group());
  }

  private View view(GroupView group) {
    Leadership leadership = replicator().leadership();
    var members = new ArrayList<MemberView>();
    for (Progress progress : group.progress()) {
      members.add(member(progress, group, leadership));
    }
    return new View(group.clusterId(), members);
  }

  private MemberView member(Progress progress, GroupView group, Leadership leadership) {
    Member member = progress.member();
    Roster.Row row =
        member.id() == group.localId()
            ? new Roster.Row(
                member.id(),
                leadership.term(),
                coordinator.appliedIndex(),
                group.commitIndex(),
                roster.httpPort(),
                roster.zookeeperPort(),
                true)
            : roster
                .fresh(member.id())
                .orElse(
                    new Roster.Row(
                        member.id(), leadership.term(), progress.matchIndex(), 0, -1, -1, true));
    return new MemberView(
        member.id(),
        role(member, leadership),
        row.term(),
        row.applied(),
        row.committed(),
        Math.max(0, group.commitIndex() - row.applied()),
        door(member, row.httpPort()),
        door(member, row.zookeeperPort()),
        member.address(),
        health(member, group, leadership));
  }

  /** On the host that the others reach it at. */
  private static String door(Member member, int port) {
    int colon = member.address().lastIndexOf(':');
    String host = colon < 0 ? "localhost" : member.address().substring(0, colon);
    return port < 0 ? "" : host + ":" + port;
  }

  private static Role role(Member member, Leadership leadership) {
    if (leadership.leaderId() == member.id()) {
      return Role.LEADER;
    }
    return member.role() == Replicator.Role.OBSERVER ? Role.OBSERVER : Role.FOLLOWER;
  }

  private Health health(Member member, GroupView group, Leadership leadership) {
    if (member.id() != group.localId() && roster.fresh(member.id()).isEmpty()) {
      return Health.UNREACHABLE;
    }
    return leadership.known() ? Health.OK : Health.NO_LEADER;
  }

  /**
   * How far this member is behind what the leader last said to be committed, entries; empty when no
   * leader has been heard for seconds.
   */
  public OptionalLong lagEntries() {
    Leadership leadership = replicator().leadership();
    if (!leadership.known()) {
      return OptionalLong.empty();
    }
    long committed =
        leadership.localLeader()
            ? replicator().group().commitIndex()
            : roster.fresh(leadership.leaderId()).map(Roster.Row::committed).orElse(-1L);
    return committed < 0
        ? OptionalLong.empty()
        : OptionalLong.of(Math.max(0, committed - coordinator.appliedIndex()));
  }

  /**
   * See {@link Replicator#addMember}. Fails with {@link NotAppliedException} without a quorum, with
   * {@link IndeterminateException} when it was begun and no end of it was seen.
   */
  public CompletableFuture<View> add(int id, String address, Role role) {
    var member =
        new Member(
            id, address, role == Role.OBSERVER ? Replicator.Role.OBSERVER : Replicator.Role.VOTER);
    return asked(replicator().addMember(member)).thenApply(this::view);
  }

  /** See {@link Replicator#removeMember}. */
  public CompletableFuture<View> remove(int id) {
    return asked(replicator().removeMember(id)).thenApply(this::view);
  }

  /** See {@link Replicator#transferLeadership}. */
  public CompletableFuture<View> lead(int id) {
    return asked(replicator().transferLeadership(id)).thenApply(done -> view());
  }

  private static <T> CompletableFuture<T> asked(CompletionStage<T> stage) {
    return stage
        .toCompletableFuture()
        .exceptionallyCompose(
            failure -> {
              Throwable cause =
                  failure instanceof CompletionException && failure.getCause() != null
                      ? failure.getCause()
                      : failure;
              String detail = String.valueOf(cause.getMessage());
              return CompletableFuture.failedFuture(
                  switch (cause) {
                    case NoQuorumException e -> new NotAppliedException(Reason.NO_QUORUM, detail);
                    case UndecidedException e -> new IndeterminateException(detail);
                    default -> cause;
                  });
            });
  }

  private Replicator replicator() {
    return coordinator.replicator();
  }
}
