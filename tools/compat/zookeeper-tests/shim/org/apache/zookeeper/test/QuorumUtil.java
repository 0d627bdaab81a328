package org.apache.zookeeper.test;

import io.quorate.shim.Cluster;
import java.util.HashMap;
import java.util.Map;
import org.apache.zookeeper.server.quorum.QuorumPeer;

/** In place of the one that starts 2n+1 peers in the same process: as many members of Quorate. */
public class QuorumUtil {
  /** What tests know of one member. */
  public static class PeerStruct {
    public int id;
    public QuorumPeer peer;
    public int clientPort;
  }

  public final int N;
  public final int ALL;
  public boolean disableJMXTest;

  private final Cluster cluster;
  private final Map<Integer, PeerStruct> peers = new HashMap<>();

  public QuorumUtil(int n) {
    if (n != 1) {
      throw new IllegalArgumentException("three members, not " + (2 * n + 1));
    }
    N = n;
    ALL = 2 * n + 1;
    cluster = Cluster.take();
    for (int id = 1; id <= ALL; id++) {
      var peer = new PeerStruct();
      peer.id = id;
      peer.clientPort = cluster.port(id);
      peers.put(id, peer);
    }
  }

  public PeerStruct getPeer(int id) {
    return peers.get(id);
  }

  /** They run. */
  public void startAll() {}

  public void start(int id) {
    cluster.start(id);
  }

  public void restart(int id) {
    cluster.stop(id);
    cluster.start(id);
  }

  public void shutdown(int id) {
    cluster.stop(id);
  }

  /** They stay for the next test. */
  public void shutdownAll() {}

  public void tearDown() {}

  public int getLeaderServer() {
    return cluster.leader();
  }

  public String getConnString() {
    return cluster.addresses();
  }

  public String getConnectionStringForServer(int id) {
    return "127.0.0.1:" + cluster.port(id);
  }
}
