package io.quorate.app;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ZnodeRequestTimesTest {
  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private final ZnodeRequestTimes times = new ZnodeRequestTimes(registry);

  private Timer timer(String method, String status, String outcome, String exception) {
    return registry
        .get("http.server.requests")
        .tags("method", method, "status", status, "outcome", outcome, "uri", "/znodes/**")
        .tags("exception", exception, "error", exception)
        .timer();
  }

  @Test
  void eachKindOfAnswerHasATimer() {
    times.answered("GET", 200, null, 1_000_000);
    times.answered("GET", 200, null, 3_000_000);
    times.answered("GET", 404, null, 1_000_000);
    times.answered("PUT", 503, null, 1_000_000);

    Timer read = timer("GET", "200", "SUCCESS", "none");
    assertThat(read.count()).isEqualTo(2);
    assertThat(read.totalTime(TimeUnit.MILLISECONDS)).isEqualTo(4);
    assertThat(timer("GET", "404", "CLIENT_ERROR", "none").count()).isOne();
    assertThat(timer("PUT", "503", "SERVER_ERROR", "none").count()).isOne();
  }

  @Test
  void whatHadNoAnswerCountsAsAnErrorOfTheServer() {
    times.answered("GET", 200, new IOException("interrupted"), 1_000_000);

    assertThat(timer("GET", "500", "SERVER_ERROR", "IOException").count()).isOne();
    assertThat(registry.getMeters()).hasSize(1);
  }
}
