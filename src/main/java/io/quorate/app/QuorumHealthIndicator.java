package io.quorate.app;

import io.quorate.consensus.Replicator;
import io.quorate.server.Coordinator;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

/**
 * Ready: a leader is known, and this member has applied what it knows to be committed, but for a
 * little that is on its way.
 */
@Component("quorum")
final class QuorumHealthIndicator implements HealthIndicator {
  private static final long MAX_LAG = 2_000;

  private final Coordinator coordinator;

  QuorumHealthIndicator(Coordinator coordinator) {
    this.coordinator = coordinator;
  }

  @Override
  public Health health() {
    Replicator replicator = coordinator.replicator();
    Replicator.Leadership leadership = replicator.leadership();
    long applied = coordinator.appliedIndex();
    long committed = replicator.group().commitIndex();
    boolean ready = leadership.known() && committed - applied <= MAX_LAG;
    return (ready ? Health.up() : Health.outOfService())
        .withDetail("leader", leadership.leaderId())
        .withDetail("term", leadership.term())
        .withDetail("applied", applied)
        .withDetail("committed", committed)
        .withDetail("diskRoom", replicator.headroom().enough())
        .build();
  }
}
