package io.quorate.app;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.http.Outcome;
import io.quorate.web.RequestTimes;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * Adds requests for znodes to {@code http.server.requests}, with the tags that Spring gives all
 * others. To look its observation's timer up anew for each of them took a tenth of a read.
 */
@Component
final class ZnodeRequestTimes implements RequestTimes {
  private static final String PATHS = "/znodes/**";
  private static final int FAILED = 500;

  private final MeterRegistry registry;
  private final Map<Kind, Timer> timers = new ConcurrentHashMap<>();

  ZnodeRequestTimes(MeterRegistry registry) {
    this.registry = registry;
  }

  private record Kind(String method, int status, String exception) {}

  @Override
  public void answered(String method, int status, @Nullable Throwable failure, long nanos) {
    Kind kind =
        failure == null
            ? new Kind(method, status, "none")
            : new Kind(method, FAILED, failure.getClass().getSimpleName());
    timers.computeIfAbsent(kind, this::timer).record(nanos, TimeUnit.NANOSECONDS);
  }

  private Timer timer(Kind kind) {
    return Timer.builder("http.server.requests")
        .tag("error", kind.exception)
        .tag("exception", kind.exception)
        .tag("method", kind.method)
        .tag("outcome", Outcome.forStatus(kind.status).name())
        .tag("status", Integer.toString(kind.status))
        .tag("uri", PATHS)
        .register(registry);
  }
}
