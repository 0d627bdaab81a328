package io.quorate.app;

import io.quorate.auth.Authenticator;
import io.quorate.server.QuorateServer;
import io.quorate.wire.WireServer;
import java.io.UncheckedIOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/** Opens the port of the ZooKeeper protocol once the member has started, and shuts it before. */
@Component
final class ZooKeeperPort implements SmartLifecycle {
  private static final Logger LOG = LoggerFactory.getLogger(ZooKeeperPort.class);

  private final WireServer wire;
  private volatile boolean running;

  ZooKeeperPort(
      MemberConfiguration configuration, QuorateServer server, Authenticator authenticator) {
    wire =
        new WireServer(
            new WireServer.Options(
                "",
                configuration.zookeeperPort(),
                WireServer.Options.MAX_FRAME_BYTES,
                configuration.maxConnectionsPerAddress(),
                configuration.tickTime(),
                configuration.fourLetterWords(),
                configuration.id(),
                configuration.dataDir().toString()),
            server.coordinator(),
            server.sessions(),
            server.watches(),
            server.clock(),
            authenticator);
  }

  @Override
  public void start() {
    try {
      wire.start();
    } catch (UncheckedIOException e) {
      throw new CannotStartException(
          "quorate.zookeeper.port: " + e.getMessage(),
          "Give another port, 0 for any free one, or -1 for none.",
          e);
    }
    running = true;
    if (wire.port() >= 0) {
      LOG.info("The ZooKeeper protocol is spoken on port {}", wire.port());
    }
  }

  @Override
  public void stop() {
    wire.close();
    running = false;
  }

  @Override
  public boolean isRunning() {
    return running;
  }

  /** Where clients connect; -1 when nobody can. */
  int port() {
    return wire.port();
  }

  /** After the member itself. */
  @Override
  public int getPhase() {
    return 1;
  }
}
