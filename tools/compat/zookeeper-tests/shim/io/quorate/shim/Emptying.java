package io.quorate.shim;

import java.io.IOException;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.ZKUtil;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.client.ZKClientConfig;

/** Deletes what a test has left on a member, so that the next one finds it as on an empty disk. */
final class Emptying {
  /** {@code super:test}, which several of their tests bring too. */
  static final String SUPER = "super:D/InIHSb7yEEbrWz8b9l71RjZJU=";

  private static final int TIMEOUT_MS = 20_000;

  private Emptying() {}

  /** Whether everything could be deleted. */
  static boolean done(int port) throws IOException, InterruptedException {
    try (var client =
        new ZooKeeper("127.0.0.1:" + port, TIMEOUT_MS, event -> {}, new ZKClientConfig())) {
      client.addAuthInfo("digest", "super:test".getBytes());
      for (String name : client.getChildren("/", false)) {
        if (!name.equals("zookeeper")) {
          ZKUtil.deleteRecursive(client, "/" + name);
        }
      }
      for (String name : client.getChildren("/zookeeper/quota", false)) {
        ZKUtil.deleteRecursive(client, "/zookeeper/quota/" + name);
      }
      client.setACL("/", ZooDefs.Ids.OPEN_ACL_UNSAFE, -1);
      client.setData("/", new byte[0], -1);
      return true;
    } catch (KeeperException e) {
      return false;
    }
  }
}
