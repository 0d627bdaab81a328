package io.quorate.web;

import io.quorate.auth.Authenticator;
import io.quorate.server.Clock;
import io.quorate.server.Cluster;
import io.quorate.server.Coordinator;
import io.quorate.server.QuorateServer;
import io.quorate.server.Sessions;
import io.quorate.state.Settings;
import io.quorate.testing.InMemoryCheckpointStore;
import io.quorate.testing.InMemoryReplicator;
import io.quorate.testing.TestServer;
import io.quorate.watch.WatchTable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.ComponentScan;
import org.springframework.context.annotation.Configuration;

/** The real web stack on a free port, over a member whose log is in memory. */
final class WebServer implements AutoCloseable {
  static final String SUPER = "admin:" + digest("admin:secret");
  static final Settings SETTINGS =
      new Settings(
          1024 * 1024, 100_000, 64L << 20, 1_000, 40_000, 50, 600_000, 100, 32L << 20, false);

  private static final Duration REQUEST_TIMEOUT = Duration.ofMillis(700);
  private static @Nullable TestServer starting;

  final TestServer member;
  final int port;
  private final ConfigurableApplicationContext context;

  private WebServer(TestServer member, ConfigurableApplicationContext context) {
    this.member = member;
    this.context = context;
    this.port = Integer.parseInt(context.getEnvironment().getRequiredProperty("local.server.port"));
  }

  static WebServer start() {
    return start(SETTINGS);
  }

  static synchronized WebServer start(Settings settings, String... options) {
    TestServer member = TestServer.start(settings, REQUEST_TIMEOUT, new InMemoryCheckpointStore());
    starting = member;
    var all = new ArrayList<>(List.of(options));
    // The rest of what the configuration file says stands; this part needs the app.
    all.add("--management.endpoint.health.group.readiness.include=readinessState");
    all.add("--server.port=0");
    all.add("--logging.level.root=warn");
    var context = new SpringApplicationBuilder(Wiring.class).run(all.toArray(String[]::new));
    var server = new WebServer(member, context);
    member.server.announce(server.port, -1);
    return server;
  }

  InMemoryReplicator replicator() {
    return member.replicator;
  }

  <T> T bean(Class<T> type) {
    return context.getBean(type);
  }

  /** Moves what pages are timed by. */
  void advance(Duration time) {
    context.getBean(PageClock.class).ahead.addAndGet(time.toMillis());
  }

  Raw http() {
    return new Raw(port);
  }

  @Override
  public void close() {
    context.close();
    member.close();
  }

  static String digest(String userAndPassword) {
    String id = io.quorate.auth.DigestScheme.id(userAndPassword);
    return id.substring(id.indexOf(':') + 1);
  }

  /** The system's clock, moved on by a test. */
  static final class PageClock implements Clock {
    final AtomicLong ahead = new AtomicLong();

    @Override
    public long wallMs() {
      return Clock.SYSTEM.wallMs() + ahead.get();
    }

    @Override
    public long monotonicMs() {
      return Clock.SYSTEM.monotonicMs() + ahead.get();
    }
  }

  /** What was told of requests for znodes, newest last. */
  static final class Times implements RequestTimes {
    final Queue<String> answered = new ConcurrentLinkedQueue<>();

    @Override
    public void answered(String method, int status, @Nullable Throwable failure, long nanos) {
      answered.add(method + " " + (failure == null ? status : failure) + (nanos > 0 ? "" : "?"));
    }
  }

  @Configuration(proxyBeanMethods = false)
  @EnableAutoConfiguration
  @ComponentScan(basePackages = "io.quorate.web")
  static class Wiring {
    @Bean(destroyMethod = "")
    QuorateServer server() {
      return java.util.Objects.requireNonNull(starting).server;
    }

    @Bean
    Coordinator coordinator(QuorateServer server) {
      return server.coordinator();
    }

    @Bean
    Cluster cluster(QuorateServer server) {
      return server.cluster();
    }

    @Bean
    Sessions sessions(QuorateServer server) {
      return server.sessions();
    }

    @Bean
    WatchTable watches(QuorateServer server) {
      return server.watches();
    }

    @Bean
    PageClock clock() {
      return new PageClock();
    }

    @Bean
    Times times() {
      return new Times();
    }

    @Bean
    Authenticator authenticator() {
      return new Authenticator(Optional.of(SUPER));
    }
  }
}
