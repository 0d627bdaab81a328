package io.quorate.app;

import io.quorate.server.Coordinator;
import io.quorate.server.QuorateServer;
import io.quorate.state.Settings;
import io.quorate.wire.WireServer;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.boot.info.BuildProperties;
import org.springframework.context.event.EventListener;
import org.springframework.core.env.Environment;
import org.springframework.stereotype.Component;

/** Says, once everything is open, where everything is. */
@Component
final class StartBanner {
  private static final Logger LOG = LoggerFactory.getLogger("quorate");

  private final MemberConfiguration configuration;
  private final Coordinator coordinator;
  private final QuorateServer server;
  private final WireServer wire;
  private final Environment environment;
  private final Optional<BuildProperties> build;

  StartBanner(
      MemberConfiguration configuration,
      Coordinator coordinator,
      QuorateServer server,
      WireServer wire,
      Environment environment,
      Optional<BuildProperties> build) {
    this.configuration = configuration;
    this.coordinator = coordinator;
    this.server = server;
    this.wire = wire;
    this.environment = environment;
    this.build = build;
  }

  @EventListener(ApplicationReadyEvent.class)
  void announce() {
    String port = environment.getRequiredProperty("local.server.port");
    LOG.info(
        "Quorate {} member {} is open: HTTP http://localhost:{} (Swagger UI /swagger-ui.html),"
            + " ZooKeeper protocol {}, data {}",
        build.map(BuildProperties::getVersion).orElse("(unpackaged)"),
        configuration.id(),
        port,
        configuration.zookeeperPort() < 0 ? "off" : "port " + wire.port(),
        configuration.dataDir());
    server.announce(Integer.parseInt(port), wire.port());
    Settings agreed = coordinator.state().settings();
    if (agreed.revision() > 0 && !agreed.withRevision(0).equals(configuration.settings())) {
      LOG.warn(
          "The cluster's limits were agreed when it was founded and differ from this member's"
              + " configuration, which does not count for them: {} are in force, not {}",
          agreed,
          configuration.settings());
    }
  }
}
