package io.quorate.app;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The keys under {@code quorate} as they were written. {@link MemberConfiguration} reads them, so
 * that a wrong one is answered with our own sentence. A key that does not exist stops the start.
 */
@ConfigurationProperties(prefix = "quorate", ignoreUnknownFields = false)
record QuorateProperties(
    @DefaultValue("1") String id,
    @DefaultValue("./data") String dataDir,
    @DefaultValue("") String members,
    @DefaultValue("") String observers,
    @DefaultValue("2s") String tickTime,
    @DefaultValue("1s") String electionTimeout,
    @DefaultValue("5s") String requestTimeout,
    @DefaultValue("1MB") String maxDataSize,
    @DefaultValue("") String superDigest,
    @DefaultValue("") String allowedOrigins,
    @DefaultValue ZooKeeper zookeeper,
    @DefaultValue History history,
    @DefaultValue Log log,
    @DefaultValue Tls tls) {

  /** Keys under {@code quorate.zookeeper}. */
  record ZooKeeper(
      @DefaultValue("2181") String port,
      @DefaultValue("srvr,ruok,mntr,isro,stat,conf,envi") String fourLetterWords,
      @DefaultValue("60") String maxConnectionsPerAddress,
      @DefaultValue("10s") String handshakeTimeout,
      @DefaultValue("false") String enforceQuota) {}

  /** Keys under {@code quorate.history}. */
  record History(@DefaultValue("100000 events, 64MB") String retention) {}

  /** Keys under {@code quorate.tls}: all three or none. */
  record Tls(
      @DefaultValue("") String certificates,
      @DefaultValue("") String key,
      @DefaultValue("") String trusted) {}

  /** Keys under {@code quorate.log}. */
  record Log(
      @DefaultValue("8MB") String segmentSize, @DefaultValue("128MB") String checkpointAfter) {}
}
