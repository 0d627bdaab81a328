package io.quorate.app;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.quorate.consensus.log.LogMetrics;
import io.quorate.server.ServerMetrics;
import io.quorate.state.Command;
import io.quorate.state.Outcome;
import io.quorate.state.Settings;
import io.quorate.state.State;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.springframework.stereotype.Component;

/** What happens, under {@code quorate.*}. Safe from any thread. */
@Component
final class MicrometerMetrics implements ServerMetrics, LogMetrics {
  private final MeterRegistry registry;
  private final ClassValue<Map<String, Counter>> operations =
      classValue(k -> new ConcurrentHashMap<>());
  private final ClassValue<Timer> latencies = classValue(this::latency);
  private final Timer fsync;
  private final DistributionSummary flushed;
  private final Timer checkpoint;
  private final Counter lateSegments;
  private volatile State state = State.initial(Settings.DEFAULT);

  MicrometerMetrics(MeterRegistry registry) {
    this.registry = registry;
    fsync =
        Timer.builder("quorate.log.fsync")
            .description("Time of one fsync of the log")
            .publishPercentileHistogram()
            .minimumExpectedValue(Duration.ofNanos(20_000))
            .maximumExpectedValue(Duration.ofSeconds(2))
            .register(registry);
    flushed =
        DistributionSummary.builder("quorate.log.flushed")
            .description("Bytes that one fsync of the log made durable")
            .baseUnit("bytes")
            .register(registry);
    checkpoint =
        Timer.builder("quorate.checkpoint")
            .description("Time of one durable checkpoint")
            .register(registry);
    lateSegments =
        Counter.builder("quorate.log.segments.late")
            .description("Log segments that were needed before a spare was ready")
            .register(registry);
    gauge("quorate.znodes", "Znodes in the tree", s -> s.tree().size());
    gauge("quorate.sessions", "Open sessions", s -> s.sessions().size());
    gauge("quorate.ephemerals", "Ephemeral znodes", s -> s.ephemerals().size());
    gauge("quorate.tree.bytes", "Bytes of paths and data, estimated", s -> s.tree().weightBytes());
    gauge("quorate.history.changes", "Changes held in history", s -> s.history().changeCount());
    gauge("quorate.history.bytes", "Bytes held in history", s -> s.history().weightBytes());
    gauge("quorate.zxid", "Newest applied zxid", State::zxid);
  }

  private void gauge(
      String name, String description, java.util.function.ToDoubleFunction<State> value) {
    Gauge.builder(name, this, metrics -> value.applyAsDouble(metrics.state))
        .description(description)
        .register(registry);
  }

  @Override
  public void command(Command command, Outcome outcome) {
    String result =
        switch (outcome) {
          case Outcome.Rejected rejected -> rejected.code().name();
          case Outcome.SeveralRejected several -> several.rejection().code().name();
          default -> "OK";
        };
    operations
        .get(command.getClass())
        .computeIfAbsent(
            result,
            r ->
                Counter.builder("quorate.operations")
                    .description("Commands judged by the state machine")
                    .tag("kind", command.getClass().getSimpleName())
                    .tag("outcome", r)
                    .register(registry))
        .increment();
  }

  @Override
  public void answered(Command command, long nanos) {
    latencies.get(command.getClass()).record(nanos, TimeUnit.NANOSECONDS);
  }

  private Timer latency(Class<?> kind) {
    return Timer.builder("quorate.write")
        .description("Time from taking a write to its answer")
        .tag("kind", kind.getSimpleName())
        .publishPercentileHistogram()
        .minimumExpectedValue(Duration.ofNanos(100_000))
        .maximumExpectedValue(Duration.ofSeconds(10))
        .register(registry);
  }

  private static <T> ClassValue<T> classValue(Function<Class<?>, T> made) {
    return new ClassValue<>() {
      @Override
      protected T computeValue(Class<?> kind) {
        return made.apply(kind);
      }
    };
  }

  @Override
  public void applied(State newest) {
    state = newest;
  }

  @Override
  public void checkpointed(long nanos) {
    checkpoint.record(nanos, TimeUnit.NANOSECONDS);
  }

  @Override
  public void fsync(long nanos) {
    fsync.record(nanos, TimeUnit.NANOSECONDS);
  }

  @Override
  public void written(long bytes) {
    flushed.record(bytes);
  }

  @Override
  public void segmentOpened(boolean waited) {
    if (waited) {
      lateSegments.increment();
    }
  }
}
