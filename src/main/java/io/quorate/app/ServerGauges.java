package io.quorate.app;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.quorate.server.Coordinator;
import io.quorate.server.GuardedClock;
import io.quorate.watch.WatchTable;
import org.springframework.stereotype.Component;

/** What can be asked of the running server at any time. */
@Component
final class ServerGauges implements MeterBinder {
  private final Coordinator coordinator;
  private final WatchTable watches;
  private final GuardedClock clock;

  ServerGauges(Coordinator coordinator, WatchTable watches, GuardedClock clock) {
    this.coordinator = coordinator;
    this.watches = watches;
    this.clock = clock;
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    Gauge.builder("quorate.watches", watches, WatchTable::count)
        .description("Watches and streams that wait for a change")
        .register(registry);
    Gauge.builder("quorate.writes.waiting", coordinator, Coordinator::waitingCount)
        .description("Writes that wait for their batch")
        .register(registry);
    Gauge.builder("quorate.log.applied", coordinator, Coordinator::appliedIndex)
        .description("Log index that this member has applied")
        .register(registry);
    Gauge.builder("quorate.log.committed", coordinator, c -> c.replicator().group().commitIndex())
        .description("Log index that this member knows to be committed")
        .register(registry);
    Gauge.builder(
            "quorate.leader", coordinator, c -> c.replicator().leadership().localLeader() ? 1 : 0)
        .description("1 while this member leads")
        .register(registry);
    Gauge.builder("quorate.clock.difference", clock, GuardedClock::differenceMs)
        .description("How far this machine's clock is from the group's time; 0 while believed")
        .baseUnit("ms")
        .register(registry);
    Gauge.builder("quorate.diverged", coordinator, c -> c.divergence().isPresent() ? 1 : 0)
        .description("1 when this member's tree was found to differ from the leader's")
        .register(registry);
    Gauge.builder("quorate.disk.free", coordinator, c -> c.replicator().headroom().freeBytes())
        .description("Free bytes on the disk of the log")
        .baseUnit("bytes")
        .register(registry);
  }
}
