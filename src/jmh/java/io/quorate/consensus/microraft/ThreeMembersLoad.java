package io.quorate.consensus.microraft;

import io.quorate.consensus.Replicator.Member;
import io.quorate.consensus.Replicator.Role;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The same for three members in one process over loopback, and how long a change of leader takes.
 */
public final class ThreeMembersLoad {
  private ThreeMembersLoad() {}

  public static void main(String[] args) throws Exception {
    Path directory = Files.createDirectories(Path.of(args.length > 0 ? args[0] : "target/load"));
    List<Member> list = new ArrayList<>();
    for (int id = 1; id <= 3; id++) {
      try (ServerSocket free = new ServerSocket(0)) {
        list.add(new Member(id, "127.0.0.1:" + free.getLocalPort(), Role.VOTER));
      }
    }
    List<MicroRaftReplicator> members = new ArrayList<>();
    long begun = System.nanoTime();
    for (int id = 1; id <= 3; id++) {
      Path data = Files.createTempDirectory(directory, "m" + id);
      MicroRaftReplicator member =
          MicroRaftReplicator.open(ConsensusConfig.builder(id, data).voters(list).build());
      members.add(member);
      member.start(new GroupOfOneLoad.Forgetful(member));
    }
    MicroRaftReplicator leader = leader(members);
    System.out.printf("a leader after %.0f ms%n", (System.nanoTime() - begun) / 1e6);
    for (int flight : new int[] {1, 1, 64, 64, 256}) {
      GroupOfOneLoad.run(leader, flight, 100);
    }
    barriers(leader, "leader");
    barriers(members.get(members.indexOf(leader) == 0 ? 1 : 0), "follower");
    members.remove(leader);
    long closing = System.nanoTime();
    leader.close();
    MicroRaftReplicator next = leader(members);
    next.propose(new byte[1]).toCompletableFuture().get();
    System.out.printf(
        "closed a leader and wrote to the next after %.0f ms%n",
        (System.nanoTime() - closing) / 1e6);
    members.forEach(MicroRaftReplicator::close);
  }

  private static MicroRaftReplicator leader(List<MicroRaftReplicator> members)
      throws InterruptedException {
    while (true) {
      for (MicroRaftReplicator member : members) {
        if (member.leadership().localLeader()) {
          return member;
        }
      }
      TimeUnit.MILLISECONDS.sleep(1);
    }
  }

  private static void barriers(MicroRaftReplicator member, String who) throws Exception {
    for (int round = 0; round < 2; round++) {
      long begun = System.nanoTime();
      int count = 2_000;
      for (int i = 0; i < count; i++) {
        member.readBarrier().toCompletableFuture().get();
      }
      System.out.printf(
          "barrier at the %s: %.3f ms%n", who, (System.nanoTime() - begun) / 1e6 / count);
    }
  }
}
