package io.quorate.app;

import io.quorate.wire.WireServer;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/** Opens the ZooKeeper port once the member has started, and shuts it before the member stops. */
@Component
final class WireLifecycle implements SmartLifecycle {
  private final WireServer wire;
  private final MemberConfiguration configuration;
  private volatile boolean running;

  WireLifecycle(WireServer wire, MemberConfiguration configuration) {
    this.wire = wire;
    this.configuration = configuration;
  }

  @Override
  public void start() {
    try {
      wire.start();
    } catch (Exception e) {
      // Netty throws what the operating system said, checked or not.
      throw new CannotStartException(
          "The ZooKeeper port " + configuration.zookeeperPort() + " cannot be opened: " + e,
          "End what listens there, or set quorate.zookeeper.port to another one, or to -1 for none.",
          e);
    }
    running = true;
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

  /** After {@link MemberLifecycle}. */
  @Override
  public int getPhase() {
    return 1;
  }
}
