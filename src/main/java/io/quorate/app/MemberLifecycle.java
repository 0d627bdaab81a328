package io.quorate.app;

import io.quorate.server.QuorateServer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/** Stops the member, which was started when it was made, after the doors are shut. */
@Component
final class MemberLifecycle implements SmartLifecycle {
  private static final Logger LOG = LoggerFactory.getLogger(MemberLifecycle.class);

  private final QuorateServer server;
  private volatile boolean running;

  MemberLifecycle(QuorateServer server) {
    this.server = server;
  }

  @Override
  public void start() {
    running = true;
  }

  @Override
  public void stop() {
    server.close();
    running = false;
    LOG.info("Stopped; everything acknowledged is on disk");
  }

  @Override
  public boolean isRunning() {
    return running;
  }

  @Override
  public int getPhase() {
    return 0;
  }
}
