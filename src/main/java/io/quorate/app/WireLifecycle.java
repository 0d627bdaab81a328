package io.quorate.app;

import io.quorate.wire.WireServer;
import java.io.UncheckedIOException;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/** Opens the ZooKeeper port once the member has started, and shuts it before the member stops. */
@Component
final class WireLifecycle implements SmartLifecycle {
  private final WireServer wire;
  private volatile boolean running;

  WireLifecycle(WireServer wire) {
    this.wire = wire;
  }

  @Override
  public void start() {
    try {
      wire.start();
    } catch (UncheckedIOException e) {
      throw new CannotStartException(
          "quorate.zookeeper.port: " + e.getMessage(),
          "End what listens there, give another port, 0 for any free one, or -1 for none.",
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
