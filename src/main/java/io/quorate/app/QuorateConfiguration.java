package io.quorate.app;

import io.quorate.auth.Authenticator;
import io.quorate.codec.CorruptCheckpointException;
import io.quorate.consensus.Replicator;
import io.quorate.consensus.microraft.ConsensusConfig;
import io.quorate.consensus.microraft.MicroRaftReplicator;
import io.quorate.server.Clock;
import io.quorate.server.Cluster;
import io.quorate.server.Coordinator;
import io.quorate.server.GuardedClock;
import io.quorate.server.QuorateServer;
import io.quorate.server.Restored;
import io.quorate.server.Sessions;
import io.quorate.storage.CheckpointStore;
import io.quorate.watch.WatchTable;
import io.quorate.wire.WireServer;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.info.BuildProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Puts one member together from its parts. */
@Configuration(proxyBeanMethods = false)
class QuorateConfiguration {
  private static final Logger LOG = LoggerFactory.getLogger("quorate");
  private static final int EXIT_FATAL = 70;

  @Bean
  MemberConfiguration memberConfiguration(QuorateProperties properties) {
    return MemberConfiguration.from(properties);
  }

  @Bean
  GuardedClock clock() {
    return new GuardedClock(Clock.SYSTEM);
  }

  /** Locks the data directory: the first thing that touches it. */
  @Bean(destroyMethod = "")
  Replicator replicator(MemberConfiguration member, Clock clock, MicrometerMetrics metrics) {
    RaftInvariants.watch(QuorateConfiguration::end);
    try {
      ConsensusConfig.Builder config =
          ConsensusConfig.builder(member.id(), member.dataDir())
              .voters(member.members())
              .observers(member.observers())
              .electionTimeout(member.electionTimeout())
              .proposalTimeout(Duration.ofSeconds(2))
              .segmentBytes(member.logSegmentBytes())
              .snapshotTriggerBytes(member.checkpointAfterBytes())
              .clockMs(clock::wallMs)
              .metrics(metrics)
              .fatal(QuorateConfiguration::end);
      member.tls().ifPresent(config::tls);
      return MicroRaftReplicator.open(config.build());
    } catch (IOException e) {
      throw new CannotStartException(
          String.valueOf(e.getMessage()),
          "See to " + member.dataDir() + ", or name another directory with quorate.data-dir.",
          e);
    }
  }

  /** After the replicator, which holds the lock on the directory. */
  @Bean(destroyMethod = "close")
  CheckpointStore checkpointStore(
      MemberConfiguration member, Replicator lockHolder, Optional<ReadAhead> ahead) {
    return ahead
        .flatMap(ReadAhead::store)
        .orElseGet(() -> ReadAhead.open(ReadAhead.directory(member)));
  }

  /** Applies its log while Spring makes the rest; the doors open when all is made. */
  @Bean(initMethod = "start", destroyMethod = "close")
  QuorateServer quorateServer(
      MemberConfiguration member,
      Replicator replicator,
      CheckpointStore store,
      Optional<ReadAhead> ahead,
      Clock clock,
      MicrometerMetrics metrics)
      throws IOException, CorruptCheckpointException {
    Optional<Restored> read = ahead.flatMap(ReadAhead::take);
    Restored restored = read.isPresent() ? read.get() : Restored.from(store);
    var diverged = new DivergenceMark(member.dataDir());
    return new QuorateServer(
        new QuorateServer.Options(
            member.id(),
            BootCounter.next(member.dataDir(), clock.wallMs()),
            member.settings(),
            member.requestTimeout(),
            clock,
            metrics,
            diverged.read(),
            diverged::write,
            QuorateConfiguration::end),
        replicator,
        store,
        restored);
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
  Authenticator authenticator(MemberConfiguration member) {
    return new Authenticator(member.superDigest());
  }

  @Bean
  WatchTable watches(QuorateServer server) {
    return server.watches();
  }

  @Bean(destroyMethod = "")
  WireServer wireServer(
      MemberConfiguration member,
      QuorateServer server,
      Clock clock,
      Authenticator authenticator,
      Optional<BuildProperties> build) {
    return new WireServer(
        new WireServer.Options(
            "",
            member.zookeeperPort(),
            WireServer.Options.MAX_FRAME_BYTES,
            member.maxConnectionsPerAddress(),
            member.tickTime(),
            member.fourLetterWords(),
            member.id(),
            member.dataDir().toString(),
            member.handshakeTimeout(),
            build.map(BuildProperties::getTime)),
        server.coordinator(),
        server.sessions(),
        server.watches(),
        clock,
        authenticator);
  }

  /**
   * The end of a member that cannot be trusted any more. Nothing is tidied up: what is on disk is
   * what was acknowledged, and another write could only make it worse.
   */
  private static void end(Throwable cause) {
    LOG.error("This member stops at once, because it could not go on correctly", cause);
    Runtime.getRuntime().halt(EXIT_FATAL);
  }
}
