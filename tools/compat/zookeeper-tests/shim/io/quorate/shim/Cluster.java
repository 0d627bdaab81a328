package io.quorate.shim;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Three members of one cluster, in a process each, in place of an ensemble of ZooKeeper's. The next
 * test finds the same processes, emptied.
 */
public final class Cluster {
  private static final int COUNT = 3;

  private static Cluster kept;

  private final QuorateProcess[] members = new QuorateProcess[COUNT];

  private Cluster() throws IOException {
    var list = new ArrayList<String>();
    for (int id = 1; id <= COUNT; id++) {
      list.add(id + "@127.0.0.1:" + QuorateProcess.freePort());
    }
    for (int id = 1; id <= COUNT; id++) {
      members[id - 1] =
          new QuorateProcess(
              Files.createTempDirectory("member").toFile(),
              List.of(
                  "--quorate.id=" + id,
                  "--quorate.members=" + String.join(",", list),
                  "--quorate.super-digest=" + Emptying.SUPER,
                  "--quorate.zookeeper.max-connections-per-address=0",
                  "--quorate.zookeeper.four-letter-words=*"));
    }
  }

  /** One that runs, and is empty as the first time. */
  public static synchronized Cluster take() {
    Member.served();
    try {
      if (kept == null || !kept.startAll() || !Emptying.done(kept.port(1))) {
        if (kept != null) {
          kept.stopAll();
        }
        kept = new Cluster();
        kept.startAll();
      }
      return kept;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private boolean startAll() throws IOException, InterruptedException {
    for (QuorateProcess each : members) {
      each.launch();
    }
    for (QuorateProcess each : members) {
      each.awaitAnswer();
    }
    for (int i = 0; i < 1_200 && leader() == 0; i++) {
      Thread.sleep(50);
    }
    return leader() != 0;
  }

  private void stopAll() {
    for (QuorateProcess each : members) {
      each.stop();
    }
  }

  public void start(int id) {
    try {
      members[id - 1].launch();
      members[id - 1].awaitAnswer();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** SIGKILL. */
  public void stop(int id) {
    members[id - 1].stop();
  }

  /** The member that leads, 1 and up; 0 while none says so. */
  public int leader() {
    for (int id = 1; id <= COUNT; id++) {
      try {
        if (members[id - 1].isAlive() && members[id - 1].ask("srvr").contains("Mode: leader")) {
          return id;
        }
      } catch (IOException e) {
        // Coming up, or going down.
      }
    }
    return 0;
  }

  public int port(int id) {
    return members[id - 1].port();
  }

  public String addresses() {
    return Arrays.stream(members)
        .map(each -> "127.0.0.1:" + each.port())
        .collect(Collectors.joining(","));
  }
}
