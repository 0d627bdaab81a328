package io.quorate.wire;

import io.quorate.auth.Authenticator;
import io.quorate.server.Clock;
import io.quorate.state.Settings;
import io.quorate.testing.InMemoryCheckpointStore;
import io.quorate.testing.TestServer;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooKeeper;

/** A member with its ZooKeeper port, and stock clients to try it with. */
final class WireRig implements ClientRig {
  static final Settings SETTINGS = settings(400, 40_000, false);

  /** {@code super:secret}, as ZooKeeper's {@code DigestAuthenticationProvider} writes it. */
  static final String SUPER_DIGEST = "super:lK75jTNcA+U9vtVEw5vB51mj/w4=";

  final TestServer member;
  final WireServer wire;
  private final List<ZooKeeper> clients = new ArrayList<>();

  private WireRig(TestServer member, WireServer wire) {
    this.member = member;
    this.wire = wire;
  }

  static Settings settings(int minTimeoutMs, int maxTimeoutMs, boolean quotaEnforced) {
    Settings d = Settings.DEFAULT;
    return new Settings(
        d.maxDataBytes(),
        d.historyMaxEvents(),
        d.historyMaxBytes(),
        minTimeoutMs,
        maxTimeoutMs,
        d.maxDeleteTree(),
        d.keyMinAgeMs(),
        d.maxKeys(),
        d.maxKeyBytes(),
        quotaEnforced);
  }

  static WireRig start() {
    return start(SETTINGS, 0);
  }

  static WireRig start(Settings settings, int maxConnectionsPerAddress) {
    return start(settings, maxConnectionsPerAddress, WireServer.Options.HANDSHAKE_TIMEOUT);
  }

  static WireRig start(Settings settings, int maxConnectionsPerAddress, Duration handshakeTimeout) {
    TestServer member =
        TestServer.start(settings, Duration.ofSeconds(10), new InMemoryCheckpointStore());
    var wire =
        new WireServer(
            new WireServer.Options(
                "127.0.0.1",
                0,
                WireServer.Options.MAX_FRAME_BYTES,
                maxConnectionsPerAddress,
                Duration.ofSeconds(2),
                Set.of("*"),
                1,
                "none",
                handshakeTimeout,
                Optional.of(Instant.parse("2026-11-22T21:20:19Z"))),
            member.coordinator(),
            member.sessions(),
            member.watches(),
            Clock.SYSTEM,
            new Authenticator(Optional.of(SUPER_DIGEST)));
    wire.start();
    return new WireRig(member, wire);
  }

  @Override
  public String address() {
    return "127.0.0.1:" + wire.port();
  }

  @Override
  public ZooKeeper client() throws IOException, InterruptedException {
    ZooKeeper client = connect(address(), 20_000);
    clients.add(client);
    return client;
  }

  static ZooKeeper connect(String address, int timeoutMs) throws IOException, InterruptedException {
    var connected = new CountDownLatch(1);
    var client =
        new ZooKeeper(
            address,
            timeoutMs,
            event -> {
              if (event.getState() == KeeperState.SyncConnected) {
                connected.countDown();
              }
            });
    if (!connected.await(20, TimeUnit.SECONDS)) {
      client.close(1000);
      throw new IOException("no connection to " + address);
    }
    return client;
  }

  /** Returns once the client's member has everything that was acknowledged before. */
  static void sync(ZooKeeper client) throws InterruptedException {
    var done = new CountDownLatch(1);
    client.sync("/", (code, path, context) -> done.countDown(), null);
    if (!done.await(20, TimeUnit.SECONDS)) {
      throw new IllegalStateException("no answer to a sync");
    }
  }

  @Override
  public int minTimeoutMs() {
    return member.coordinator().state().settings().minSessionTimeoutMs();
  }

  @Override
  public int maxTimeoutMs() {
    return member.coordinator().state().settings().maxSessionTimeoutMs();
  }

  @Override
  public void cut(ZooKeeper client) {
    wire.connections().stream()
        .filter(connection -> connection.sessionId() == client.getSessionId())
        .forEach(Connection::end);
  }

  @Override
  public void close() throws InterruptedException {
    for (ZooKeeper client : clients) {
      client.close(2000);
    }
    wire.close();
    member.close();
  }
}
