package org.apache.zookeeper.test;

import io.quorate.shim.Cluster;
import org.apache.zookeeper.server.quorum.QuorumPeer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * In place of the one that starts five peers in the same process: three members of Quorate. Who
 * asks it for a peer gets none.
 */
public class QuorumBase extends ClientBase {
  protected QuorumPeer s1;
  protected QuorumPeer s2;
  protected QuorumPeer s3;
  protected QuorumPeer s4;
  protected QuorumPeer s5;

  private Cluster cluster;

  @BeforeEach
  @Override
  public void setUp() throws Exception {
    setUp(false);
  }

  protected void setUp(boolean withObservers) throws Exception {
    setUpAll();
    cluster = Cluster.take();
    hostPort = cluster.addresses();
  }

  @AfterEach
  @Override
  public void tearDown() throws Exception {
    tearDownAll();
  }

  public int getLeaderClientPort() {
    return cluster.port(cluster.leader());
  }
}
