package io.quorate.wire;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.ZKUtil;
import org.apache.zookeeper.ZooKeeper;

/**
 * Members that somebody else started, with quotas that refuse, ticks of {@code
 * quorate.compat.tick-ms}, and {@code super:secret} as super user. Their tree is emptied first.
 */
final class RunningMembers implements ClientRig {
  private static final int TICK_MS = Integer.getInteger("quorate.compat.tick-ms", 2_000);

  private final String addresses;
  private final List<ZooKeeper> clients = new ArrayList<>();

  private RunningMembers(String addresses) {
    this.addresses = addresses;
  }

  static RunningMembers at(String addresses) throws Exception {
    ZooKeeper sweeper = WireRig.connect(addresses, 20_000);
    try {
      sweeper.addAuthInfo("digest", "super:secret".getBytes(UTF_8));
      WireRig.sync(sweeper);
      empty(sweeper, "/zookeeper/quota", "");
      empty(sweeper, "/", "zookeeper");
    } finally {
      sweeper.close();
    }
    return new RunningMembers(addresses);
  }

  private static void empty(ZooKeeper sweeper, String parent, String kept) throws Exception {
    for (String child : sweeper.getChildren(parent, false)) {
      if (!child.equals(kept)) {
        try {
          ZKUtil.deleteRecursive(sweeper, (parent.equals("/") ? "" : parent) + "/" + child);
        } catch (KeeperException.NoNodeException e) {
          // It went by itself: an ephemeral or a container.
        }
      }
    }
  }

  @Override
  public String address() {
    return addresses;
  }

  @Override
  public ZooKeeper client() throws IOException, InterruptedException {
    ZooKeeper client = WireRig.connect(addresses, 20_000);
    clients.add(client);
    WireRig.sync(client); // its member may have missed what emptied the tree
    return client;
  }

  /** By taking the session to another connection, and closing that. */
  @Override
  public void cut(ZooKeeper client) throws IOException {
    String first = addresses.split(",")[0];
    try (var thief = new RawClient(Integer.parseInt(first.substring(first.indexOf(':') + 1)))) {
      if (thief.greet(
              0, client.getSessionTimeout(), client.getSessionId(), client.getSessionPasswd())
          == null) {
        throw new IOException("the session cannot be taken over");
      }
    }
  }

  @Override
  public int minTimeoutMs() {
    return 2 * TICK_MS;
  }

  @Override
  public int maxTimeoutMs() {
    return 20 * TICK_MS;
  }

  @Override
  public void close() throws InterruptedException {
    for (ZooKeeper client : clients) {
      client.close(2_000);
    }
  }
}
