package io.quorate.app;

import io.quorate.consensus.Replicator;
import io.quorate.server.Cluster;
import io.quorate.server.Coordinator;
import io.quorate.server.GuardedClock;
import java.util.Optional;
import java.util.OptionalLong;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

/**
 * Ready: the leader was heard lately, and this member has applied what the leader said to be
 * committed, but for a little that is on its way. After a start it must have been level once: what
 * the log holds from before is applied when the leader's first entry is, which stands behind it.
 */
@Component("quorum")
final class QuorumHealthIndicator implements HealthIndicator {
  private static final long MAX_LAG = 2_000;
  private static final long LEVEL_LAG = 64;

  private final Coordinator coordinator;
  private final Cluster cluster;
  private final GuardedClock clock;
  private volatile boolean wasLevel;

  QuorumHealthIndicator(Coordinator coordinator, Cluster cluster, GuardedClock clock) {
    this.coordinator = coordinator;
    this.cluster = cluster;
    this.clock = clock;
  }

  @Override
  public Health health() {
    Optional<String> divergence = coordinator.divergence();
    if (divergence.isPresent()) {
      return Health.down().withDetail("diverged", divergence.get()).build();
    }
    Replicator replicator = coordinator.replicator();
    Replicator.Leadership leadership = replicator.leadership();
    OptionalLong lag = cluster.lagEntries();
    if (!wasLevel
        && lag.isPresent()
        && lag.getAsLong() <= LEVEL_LAG
        && coordinator.state().term() == leadership.term()) {
      wasLevel = true;
    }
    boolean ready = wasLevel && lag.isPresent() && lag.getAsLong() <= MAX_LAG;
    return (ready ? Health.up() : Health.outOfService())
        .withDetail("leader", leadership.leaderId())
        .withDetail("term", leadership.term())
        .withDetail("applied", coordinator.appliedIndex())
        .withDetail("lag", lag.isPresent() ? lag.getAsLong() : "unknown")
        .withDetail("clockDifferenceMs", clock.differenceMs())
        .withDetail("diskRoom", replicator.headroom().enough())
        .build();
  }
}
