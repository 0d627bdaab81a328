package io.quorate.wire;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.quorate.auth.Authenticator;
import io.quorate.consensus.net.YieldingIo;
import io.quorate.consensus.net.YieldingSelect;
import io.quorate.server.Clock;
import io.quorate.server.Coordinator;
import io.quorate.server.Sessions;
import io.quorate.state.Session;
import io.quorate.state.State;
import io.quorate.tree.ZooVector;
import io.quorate.watch.WatchTable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The port that ZooKeeper's clients connect to. */
public final class WireServer implements AutoCloseable {
  private static final long FOLLOW_PERIOD_MS = 50;
  private static final int LOW_WATER_BYTES = 128 << 10;
  private static final int HIGH_WATER_BYTES = 512 << 10;

  private final Options options;
  private final Coordinator coordinator;
  private final Sessions sessions;
  private final WatchTable watchTable;
  private final Clock clock;
  private final Authenticator authenticator;
  private final Traffic traffic = new Traffic();
  private final FourLetterWords words;

  private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
  private final Map<Long, Attached> bySession = new ConcurrentHashMap<>();
  private final Map<InetAddress, Integer> byAddress = new ConcurrentHashMap<>();

  private @Nullable EventLoopGroup acceptors;
  private @Nullable EventLoopGroup loops;
  private @Nullable Channel listening;

  /** The sessions that {@link #follow} has seen; its acceptor thread's own. */
  private ZooVector<Long, Session> followed = ZooVector.empty(Comparator.<Long>naturalOrder());

  /**
   * What the port is told.
   *
   * @param bindAddress where it listens; empty for all addresses
   * @param port 0 for any free one, -1 for none at all
   * @param maxFrameBytes ZooKeeper's {@code jute.maxbuffer}; a larger request closes its connection
   * @param maxConnectionsPerAddress ZooKeeper's {@code maxClientCnxns}; 0 for no limit
   * @param tickTime shown by {@code conf}
   * @param fourLetterWords those that are answered; {@code *} for all
   * @param member this member's number
   * @param dataDir shown by {@code conf}
   * @param handshakeTimeout who has not greeted by then is hung up on; an open session is not bound
   *     by it
   * @param builtAt when this program was built, shown behind its version; empty where nobody knows
   */
  public record Options(
      String bindAddress,
      int port,
      int maxFrameBytes,
      int maxConnectionsPerAddress,
      Duration tickTime,
      Set<String> fourLetterWords,
      int member,
      String dataDir,
      Duration handshakeTimeout,
      Optional<Instant> builtAt) {

    /** ZooKeeper's default of {@code jute.maxbuffer}. */
    public static final int MAX_FRAME_BYTES = 0xfffff;

    /** How long a client may be silent before it has said who it is. */
    public static final Duration HANDSHAKE_TIMEOUT = Duration.ofSeconds(10);

    /** ZooKeeper's default of {@code maxClientCnxns}. */
    public static final int MAX_CONNECTIONS_PER_ADDRESS = 60;

    /** The words that only look and cost little. */
    public static final Set<String> FOUR_LETTER_WORDS =
        Set.of("srvr", "ruok", "mntr", "isro", "stat", "conf", "envi");
  }

  /** A connection and the attachment of the session that it acts for. */
  private record Attached(Connection connection, long generation) {}

  public WireServer(
      Options options,
      Coordinator coordinator,
      Sessions sessions,
      WatchTable watchTable,
      Clock clock,
      Authenticator authenticator) {
    this.options = options;
    this.coordinator = coordinator;
    this.sessions = sessions;
    this.watchTable = watchTable;
    this.clock = clock;
    this.authenticator = authenticator;
    this.words = new FourLetterWords(this);
  }

  /**
   * Listens. With port -1 it does nothing.
   *
   * @throws UncheckedIOException when the address is taken
   */
  public void start() {
    if (options.port() < 0) {
      return;
    }
    acceptors = loops(1, "quorate-zk-accept");
    loops = loops(Math.max(1, Runtime.getRuntime().availableProcessors() / 2), "quorate-zk");
    InetSocketAddress address =
        options.bindAddress().isEmpty()
            ? new InetSocketAddress(options.port())
            : new InetSocketAddress(options.bindAddress(), options.port());
    ChannelFuture bound =
        new ServerBootstrap()
            .group(acceptors, loops)
            .channel(NioServerSocketChannel.class)
            .option(ChannelOption.SO_BACKLOG, 1024)
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(
                ChannelOption.WRITE_BUFFER_WATER_MARK,
                new WriteBufferWaterMark(LOW_WATER_BYTES, HIGH_WATER_BYTES))
            .childHandler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel channel) {
                    channel.pipeline().addLast(new Connection(WireServer.this));
                  }
                })
            .bind(address)
            .awaitUninterruptibly();
    if (!bound.isSuccess()) {
      close();
      throw new UncheckedIOException(
          "cannot listen on port " + options.port() + ": " + bound.cause().getMessage(),
          new IOException(bound.cause()));
    }
    listening = bound.channel();
    acceptors.scheduleAtFixedRate(
        this::follow, FOLLOW_PERIOD_MS, FOLLOW_PERIOD_MS, TimeUnit.MILLISECONDS);
  }

  private static EventLoopGroup loops(int count, String name) {
    return new MultiThreadIoEventLoopGroup(
        count, new DefaultThreadFactory(name, true), YieldingIo.factory(YieldingSelect::new));
  }

  /** The port that it listens on, or -1. */
  public int port() {
    Channel channel = listening;
    return channel != null && channel.localAddress() instanceof InetSocketAddress address
        ? address.getPort()
        : -1;
  }

  /** How many clients are connected. */
  public int connectionCount() {
    return connections.size();
  }

  /** Accepts no more, answers what is under way, and lets everybody go; 3 s at most. */
  @Override
  public void close() {
    Channel channel = listening;
    if (channel != null) {
      channel.close();
    }
    connections.forEach(Connection::finish);
    stop(acceptors);
    stop(loops);
  }

  private static void stop(@Nullable EventLoopGroup group) {
    if (group != null) {
      group.shutdownGracefully(50, 3_000, TimeUnit.MILLISECONDS);
    }
  }

  // What connections ask of it

  Options options() {
    return options;
  }

  Coordinator coordinator() {
    return coordinator;
  }

  Sessions sessions() {
    return sessions;
  }

  WatchTable watchTable() {
    return watchTable;
  }

  Clock clock() {
    return clock;
  }

  Authenticator authenticator() {
    return authenticator;
  }

  Traffic traffic() {
    return traffic;
  }

  FourLetterWords words() {
    return words;
  }

  Set<Connection> connections() {
    return connections;
  }

  /** Whether the address may have one more connection. */
  boolean admit(Connection connection, Channel channel) {
    InetAddress address = ((InetSocketAddress) channel.remoteAddress()).getAddress();
    int count = byAddress.merge(address, 1, Integer::sum);
    if (options.maxConnectionsPerAddress() > 0 && count > options.maxConnectionsPerAddress()) {
      leave(address);
      return false;
    }
    connections.add(connection);
    return true;
  }

  void remove(Connection connection, Channel channel) {
    if (connections.remove(connection)) {
      leave(((InetSocketAddress) channel.remoteAddress()).getAddress());
    }
    bySession.computeIfPresent(
        connection.sessionId(),
        (id, attached) -> attached.connection == connection ? null : attached);
  }

  private void leave(InetAddress address) {
    byAddress.computeIfPresent(address, (a, count) -> count == 1 ? null : count - 1);
  }

  /** {@code connection} acts for its session now: the one that did before is closed. */
  void settled(Connection connection, long generation) {
    var mine = new Attached(connection, generation);
    bySession.compute(
        connection.sessionId(),
        (id, before) -> {
          if (before == null) {
            return mine;
          }
          boolean late = before.generation > generation;
          (late ? connection : before.connection).end();
          return late ? before : mine;
        });
    State state = coordinator.state();
    if (isOver(mine, state.session(connection.sessionId()).orElse(null))) {
      connection.end();
    }
  }

  private static boolean isOver(Attached attached, @Nullable Session session) {
    return session == null || session.generation() > attached.generation;
  }

  /** Ends connections whose session has ended or went to another member. */
  private void follow() {
    ZooVector<Long, Session> now = coordinator.state().sessions();
    if (now == followed) {
      return;
    }
    now.diff(
        followed,
        (id, before, session) -> {
          Attached attached = bySession.get(id);
          if (attached != null && isOver(attached, session)) {
            attached.connection.end();
          }
        });
    followed = now;
  }
}
