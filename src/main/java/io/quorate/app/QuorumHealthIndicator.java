package io.quorate.app;

import io.quorate.consensus.Replicator;
import io.quorate.server.Cluster;
import io.quorate.server.Coordinator;
import java.util.OptionalLong;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

/**
 * Ready: the leader was heard lately, and this member has applied what the leader said to be
 * committed, but for a little that is on its way.
 */
@Component("quorum")
final class QuorumHealthIndicator implements HealthIndicator {
  private static final long MAX_LAG = 2_000;

  private final Coordinator coordinator;
  private final Cluster cluster;

  QuorumHealthIndicator(Coordinator coordinator, Cluster cluster) {
    this.coordinator = coordinator;
    this.cluster = cluster;
  }

  @Override
  public Health health() {
    Replicator replicator = coordinator.replicator();
    Replicator.Leadership leadership = replicator.leadership();
    OptionalLong lag = cluster.lagEntries();
    boolean ready = lag.isPresent() && lag.getAsLong() <= MAX_LAG;
    return (ready ? Health.up() : Health.outOfService())
        .withDetail("leader", leadership.leaderId())
        .withDetail("term", leadership.term())
        .withDetail("applied", coordinator.appliedIndex())
        .withDetail("lag", lag.isPresent() ? lag.getAsLong() : "unknown")
        .withDetail("diskRoom", replicator.headroom().enough())
        .build();
  }
}
