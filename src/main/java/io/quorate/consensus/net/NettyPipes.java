package io.quorate.consensus.net;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Pipes over TCP: one connection to each peer, for sending; the peer's own for what it sends.
 *
 * <p>A connection begins with a magic number and a version. Frames are length 4, CRC32C 4, bytes.
 * The accepting side sends an empty frame twice a second; when none comes, the connecting side
 * gives the connection up and makes another, rather than wait for TCP to find out that a network
 * has healed.
 */
public final class NettyPipes implements Pipes {
  private static final Logger LOG = LoggerFactory.getLogger(NettyPipes.class);
  private static final long MAGIC = 0x51554f5250495045L; // "QUORPIPE"
  private static final int VERSION = 1;
  private static final int PREFACE_BYTES = 12;
  private static final int MOST_FRAME_BYTES = 256 << 20;
  private static final int FULL_BYTES = 32 << 20;
  private static final int DRAINED_BYTES = 16 << 20;
  private static final long ALIVE_MILLIS = 500;
  private static final long SILENT_MILLIS = 2_500;
  private static final long FIRST_BACK_OFF_MILLIS = 50;
  private static final long LONGEST_BACK_OFF_MILLIS = 1_000;
  private static final int CONNECT_MILLIS = 2_000;
  private static final long CLOSE_MILLIS = 500;

  private final YieldingSelect select = new YieldingSelect();
  private final MultiThreadIoEventLoopGroup group =
      new MultiThreadIoEventLoopGroup(
          1, new DefaultThreadFactory("quorate-raft", true), YieldingIo.factory(() -> select));
  private final EventLoop thread = group.next();

  /** Whom was written to since the last flush; the loop's own. */
  private final List<Channel> written = new ArrayList<>();

  private final Map<Integer, Line> lines = new ConcurrentHashMap<>();
  private final Channel server;
  private final @Nullable SslContext serverTls;
  private final @Nullable SslContext clientTls;
  private volatile Consumer<byte[]> received = frame -> {};
  private volatile Consumer<Integer> lost = id -> {};
  private volatile Consumer<Integer> gone = id -> {};
  private volatile boolean started;
  private volatile boolean closed;

  /**
   * Listens at once; frames that come before {@link #start} are dropped.
   *
   * @param address where to listen, {@code host:port}
   * @throws IOException with a sentence for people when that is not possible
   */
  public static NettyPipes listen(String address, Optional<Tls> tls) throws IOException {
    return new NettyPipes(address, tls);
  }

  private NettyPipes(String address, Optional<Tls> tls) throws IOException {
    try {
      serverTls = tls.isEmpty() ? null : serverContext(tls.get());
      clientTls = tls.isEmpty() ? null : clientContext(tls.get());
    } catch (SSLException | IllegalArgumentException e) {
      group.shutdownGracefully(0, 0, TimeUnit.SECONDS);
      throw new IOException("The replication certificates cannot be used: " + e.getMessage(), e);
    }
    try {
      server = bind(parse(address));
    } catch (IOException e) {
      group.shutdownGracefully(0, 0, TimeUnit.SECONDS);
      throw e;
    }
  }

  private static SslContext serverContext(Tls tls) throws SSLException {
    return SslContextBuilder.forServer(tls.certificates().toFile(), tls.key().toFile())
        .trustManager(tls.trusted().toFile())
        .clientAuth(ClientAuth.REQUIRE)
        .sslProvider(SslProvider.JDK)
        .build();
  }

  private static SslContext clientContext(Tls tls) throws SSLException {
    return SslContextBuilder.forClient()
        .keyManager(tls.certificates().toFile(), tls.key().toFile())
        .trustManager(tls.trusted().toFile())
        .sslProvider(SslProvider.JDK)
        .build();
  }

  /** The one thread on which everything here happens. */
  public Loop loop() {
    return new Loop() {
      @Override
      public void execute(Runnable task) {
        unlessClosed(() -> thread.execute(task));
      }

      @Override
      public void schedule(Runnable task, long delayNanos) {
        unlessClosed(() -> thread.schedule(task, delayNanos, TimeUnit.NANOSECONDS));
      }

      @Override
      public void hurry(boolean on) {
        select.hurry(on);
      }

      @Override
      public boolean isCurrent() {
        return thread.inEventLoop();
      }

      private void unlessClosed(Runnable handOver) {
        try {
          handOver.run();
        } catch (RejectedExecutionException afterClose) {
          // As promised, nothing is run any more.
        }
      }
    };
  }

  /** What the tasks that were waiting together send to a peer leaves in one write. */
  private void write(Channel channel, ByteBuf frame) {
    if (written.isEmpty()) {
      thread.execute(this::flushWritten);
    }
    channel.write(frame, channel.voidPromise());
    if (!written.contains(channel)) {
      written.add(channel);
    }
  }

  private void flushWritten() {
    written.forEach(Channel::flush);
    written.clear();
  }

  /** The port that is listened on. */
  public int port() {
    return ((InetSocketAddress) server.localAddress()).getPort();
  }

  private Channel bind(InetSocketAddress address) throws IOException {
    ServerBootstrap bootstrap =
        new ServerBootstrap()
            .group(group)
            .channel(NioServerSocketChannel.class)
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childHandler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel channel) {
                    if (serverTls != null) {
                      channel.pipeline().addLast(serverTls.newHandler(channel.alloc()));
                    }
                    channel.pipeline().addLast(new Preface());
                  }
                });
    try {
      try {
        return bootstrap.bind(address).sync().channel();
      } catch (Exception e) {
        if (e instanceof BindException && String.valueOf(e.getMessage()).contains("assign")) {
          // The name by which peers know us is not one of this machine's own addresses.
          return bootstrap.bind(address.getPort()).sync().channel();
        }
        throw e;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } catch (Exception e) {
      throw new IOException(
          "Cannot listen for other members at "
              + address
              + " ("
              + e.getMessage()
              + "). Another process may have the port, or quorate.members names a wrong address.",
          e);
    }
  }

  private static InetSocketAddress parse(String address) {
    int colon = address.lastIndexOf(':');
    if (colon < 1) {
      throw new IllegalArgumentException(
          "A replication address must be host:port, and is " + address);
    }
    String host = address.substring(0, colon);
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
    }
    return new InetSocketAddress(host, Integer.parseInt(address.substring(colon + 1)));
  }

  @Override
  public void start(
      Consumer<byte[]> frames, Consumer<Integer> losses, Consumer<Integer> departures) {
    received = frames;
    lost = losses;
    gone = departures;
    started = true;
    lines.values().forEach(Line::connect);
  }

  @Override
  public void routes(Map<Integer, String> addresses) {
    for (Map.Entry<Integer, String> route : addresses.entrySet()) {
      Line line = lines.get(route.getKey());
      if (line != null && !line.address.equals(route.getValue())) {
        lines.remove(route.getKey());
        line.end();
        line = null;
      }
      if (line == null && !closed) {
        line = new Line(route.getKey(), route.getValue());
        lines.put(route.getKey(), line);
        if (started) {
          line.connect();
        }
      }
    }
    for (int id : lines.keySet()) {
      if (!addresses.containsKey(id)) {
        Line line = lines.remove(id);
        if (line != null) {
          line.end();
        }
      }
    }
  }

  @Override
  public boolean send(int id, ByteBuffer frame) {
    Line line = lines.get(id);
    Channel channel = line == null ? null : line.ready;
    if (channel == null || !channel.isWritable()) {
      return false;
    }
    if (thread.inEventLoop()) {
      write(channel, framed(channel, frame));
    } else {
      channel.writeAndFlush(framed(channel, frame), channel.voidPromise());
    }
    return true;
  }

  /** The machine is there and answers that nobody listens. */
  private static boolean refused(@Nullable Throwable cause) {
    return cause instanceof ConnectException
        && String.valueOf(cause.getMessage()).contains("refused");
  }

  /** In memory that the socket takes as it is. */
  private static ByteBuf framed(Channel channel, ByteBuffer frame) {
    CRC32C crc = new CRC32C();
    crc.update(frame.duplicate());
    return channel
        .alloc()
        .ioBuffer(8 + frame.remaining())
        .writeInt(frame.remaining() + 4)
        .writeInt((int) crc.getValue())
        .writeBytes(frame.duplicate());
  }

  @Override
  public boolean isUp(int id) {
    Line line = lines.get(id);
    return line != null && line.ready != null;
  }

  @Override
  public void close() {
    closed = true;
    lines.values().forEach(Line::end);
    lines.clear();
    var unbound = server.close();
    if (thread.inEventLoop()) {
      group.shutdownGracefully(0, CLOSE_MILLIS, TimeUnit.MILLISECONDS);
      return;
    }
    // The port is free when this returns.
    unbound.awaitUninterruptibly(CLOSE_MILLIS);
    group
        .shutdownGracefully(0, CLOSE_MILLIS, TimeUnit.MILLISECONDS)
        .awaitUninterruptibly(2 * CLOSE_MILLIS);
  }

  /** The way to one peer: connects, and connects again. Its fields belong to the event loop. */
  private final class Line {
    final int id;
    final String address;
    volatile @Nullable Channel ready;
    private volatile boolean ended;
    private long backOffMillis = FIRST_BACK_OFF_MILLIS;
    private boolean wasUp;

    Line(int id, String address) {
      this.id = id;
      this.address = address;
    }

    void connect() {
      if (ended || closed || group.isShuttingDown()) {
        return;
      }
      InetSocketAddress target;
      try {
        target = parse(address);
      } catch (IllegalArgumentException e) {
        LOG.warn("Member {} has no usable address: {}", id, e.getMessage());
        return;
      }
      new Bootstrap()
          .group(group)
          .channel(NioSocketChannel.class)
          .option(ChannelOption.TCP_NODELAY, true)
          .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MILLIS)
          .option(
              ChannelOption.WRITE_BUFFER_WATER_MARK,
              new WriteBufferWaterMark(DRAINED_BYTES, FULL_BYTES))
          .handler(
              new ChannelInitializer<SocketChannel>() {
                @Override
                protected void initChannel(SocketChannel channel) {
                  if (clientTls != null) {
                    channel
                        .pipeline()
                        .addLast(
                            clientTls.newHandler(
                                channel.alloc(), target.getHostString(), target.getPort()));
                  }
                  channel.pipeline().addLast(new Outbound(Line.this));
                }
              })
          .connect(target)
          .addListener(
              done -> {
                if (!done.isSuccess()) {
                  if (wasUp && refused(done.cause())) {
                    wasUp = false;
                    gone.accept(id);
                  }
                  connectLater();
                }
              });
    }

    private void connectLater() {
      if (ended || closed || group.isShuttingDown()) {
        return;
      }
      long jitter = ThreadLocalRandom.current().nextLong(backOffMillis / 2 + 1);
      group.schedule(this::connect, backOffMillis / 2 + jitter, TimeUnit.MILLISECONDS);
      backOffMillis = Math.min(2 * backOffMillis, LONGEST_BACK_OFF_MILLIS);
    }

    void up(Channel channel) {
      backOffMillis = FIRST_BACK_OFF_MILLIS;
      wasUp = true;
      if (ended) {
        channel.close();
      } else {
        ready = channel;
      }
    }

    void down(Channel channel) {
      if (ready == channel) {
        ready = null;
        lost.accept(id);
        // Whether it is still there is best known at once.
        connect();
      } else {
        connectLater();
      }
    }

    void end() {
      ended = true;
      Channel channel = ready;
      ready = null;
      if (channel != null) {
        channel.close();
        lost.accept(id);
      }
    }
  }

  /** The connecting side: says who it is for, then only listens whether the other is alive. */
  private static final class Outbound extends ChannelInboundHandlerAdapter {
    private final Line line;
    private long lastReadNanos = System.nanoTime();

    Outbound(Line line) {
      this.line = line;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
      context.writeAndFlush(Unpooled.buffer(PREFACE_BYTES).writeLong(MAGIC).writeInt(VERSION));
      lastReadNanos = System.nanoTime();
      watch(context);
    }

    private void watch(ChannelHandlerContext context) {
      context
          .executor()
          .schedule(
              () -> {
                if (!context.channel().isActive()) {
                  return;
                }
                long silent = System.nanoTime() - lastReadNanos;
                if (silent > TimeUnit.MILLISECONDS.toNanos(SILENT_MILLIS)) {
                  LOG.info("Nothing heard from {}; connecting anew", line.address);
                  context.close();
                } else {
                  watch(context);
                }
              },
              ALIVE_MILLIS,
              TimeUnit.MILLISECONDS);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      lastReadNanos = System.nanoTime();
      ((ByteBuf) message).release();
      // The peer answered: it took our preface, and TLS, where there is any, is agreed on.
      if (line.ready == null) {
        line.up(context.channel());
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      line.down(context.channel());
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      LOG.info("The connection to {} failed: {}", line.address, cause.toString());
      context.close();
    }
  }

  /** The accepting side, until the other has said that it speaks our language. */
  private final class Preface extends ChannelInboundHandlerAdapter {
    private final ByteBuf begun = Unpooled.buffer(PREFACE_BYTES);

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      ByteBuf in = (ByteBuf) message;
      in.readBytes(begun, Math.min(in.readableBytes(), PREFACE_BYTES - begun.readableBytes()));
      if (begun.readableBytes() < PREFACE_BYTES) {
        in.release();
        return;
      }
      if (begun.getLong(0) != MAGIC || begun.getInt(8) != VERSION) {
        LOG.warn("{} does not speak our replication protocol", context.channel().remoteAddress());
        in.release();
        context.close();
        return;
      }
      context
          .pipeline()
          .addLast(new LengthFieldBasedFrameDecoder(MOST_FRAME_BYTES, 0, 4, 0, 4))
          .addLast(new Inbound());
      beAlive(context);
      context.fireChannelRead(in);
      context.pipeline().remove(this);
    }

    private void beAlive(ChannelHandlerContext context) {
      Channel channel = context.channel();
      if (channel.isActive()) {
        channel.writeAndFlush(Unpooled.buffer(1).writeByte(0));
        channel.eventLoop().schedule(() -> beAlive(context), ALIVE_MILLIS, TimeUnit.MILLISECONDS);
      }
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
      begun.release();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      LOG.info("{} was turned away: {}", context.channel().remoteAddress(), cause.toString());
      context.close();
    }
  }

  private final class Inbound extends SimpleChannelInboundHandler<ByteBuf> {
    @Override
    protected void channelRead0(ChannelHandlerContext context, ByteBuf frame) {
      int crc = frame.readInt();
      byte[] bytes = new byte[frame.readableBytes()];
      frame.readBytes(bytes);
      CRC32C actual = new CRC32C();
      actual.update(bytes);
      if ((int) actual.getValue() != crc) {
        LOG.warn("A damaged frame came from {}", context.channel().remoteAddress());
        context.close();
        return;
      }
      received.accept(bytes);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      LOG.info("A connection failed: {}", cause.toString());
      context.close();
    }
  }
}
