package io.quorate.shim;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.List;
import java.util.Map;
import org.apache.zookeeper.server.ServerCnxn;
import org.apache.zookeeper.server.ServerCnxnFactory;
import org.apache.zookeeper.server.ZooKeeperServer;

/**
 * Where a test starts a ZooKeeper server, it finds a member of Quorate's: on the port that the
 * factory was given, with what the directory of the server holds, and its tick. That server itself
 * is never started.
 *
 * <p>Named by {@code zookeeper.serverCnxnFactory}, which is how ZooKeeper is told of another one.
 */
public final class QuorateFactory extends ServerCnxnFactory {
  private InetSocketAddress address;
  private int connectionsPerAddress;
  private Relay relay;

  @Override
  public void configure(InetSocketAddress where, int most, int backlog, boolean secure)
      throws IOException {
    // Theirs takes the port here, and tests count on the refusal.
    try (var probe = new ServerSocket()) {
      probe.setReuseAddress(true);
      probe.bind(where);
      address = new InetSocketAddress(where.getAddress(), probe.getLocalPort());
    }
    connectionsPerAddress = most;
  }

  @Override
  public void startup(ZooKeeperServer server, boolean start)
      throws IOException, InterruptedException {
    setZooKeeperServer(server);
    serve();
  }

  private void serve() throws IOException, InterruptedException {
    File directory = zkServer.getTxnLogFactory().getSnapDir().getParentFile();
    relay =
        new Relay(address, Member.serve(directory, connectionsPerAddress, zkServer.getTickTime()));
  }

  @Override
  public void shutdown() {
    if (relay != null) {
      try {
        relay.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      relay = null;
    }
  }

  @Override
  public int getLocalPort() {
    return address.getPort();
  }

  @Override
  public InetSocketAddress getLocalAddress() {
    return address;
  }

  @Override
  public int getMaxClientCnxnsPerHost() {
    return connectionsPerAddress;
  }

  @Override
  public void setMaxClientCnxnsPerHost(int most) {
    connectionsPerAddress = most;
    if (relay != null) {
      // A member is told at its start.
      shutdown();
      try {
        serve();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public Iterable<ServerCnxn> getConnections() {
    return List.of();
  }

  @Override
  public Iterable<Map<String, Object>> getAllConnectionInfo(boolean brief) {
    return List.of();
  }

  @Override
  public int getSocketListenBacklog() {
    return -1;
  }

  @Override
  public void reconfigure(InetSocketAddress where) {
    throw new UnsupportedOperationException("a member keeps its port");
  }

  @Override
  public void closeAll(ServerCnxn.DisconnectReason reason) {
    throw new UnsupportedOperationException("nobody outside can close a member's connections");
  }

  @Override
  public void resetAllConnectionStats() {}

  @Override
  public void start() {}

  @Override
  public void join() {}
}
