package io.quorate.bench;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.ZooDefs.OpCode;

/**
 * How many {@code setData} the clients of {@link ZooKeeperLoad} can do at most on this machine: the
 * server is one thread that keeps nothing and says yes at once.
 */
public final class ClientCeiling {
  private static final int STAT_BYTES = 68;
  private static final int NODE_EXISTS = -110;
  private static final int SESSIONS = 12;

  private ClientCeiling() {}

  public static void main(String[] arguments) throws Exception {
    int seconds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 10;
    int dataBytes = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 100;
    var group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    Channel server =
        new ServerBootstrap()
            .group(group)
            .channel(NioServerSocketChannel.class)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childHandler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel channel) {
                    channel
                        .pipeline()
                        .addLast(new LengthFieldBasedFrameDecoder(1 << 20, 0, 4, 0, 4))
                        .addLast(new SayYes());
                  }
                })
            .bind(new InetSocketAddress("127.0.0.1", 0))
            .sync()
            .channel();
    int port = ((InetSocketAddress) server.localAddress()).getPort();
    try (var load = new ZooKeeperLoad(List.of(port), SESSIONS)) {
      run(load, 256, dataBytes, 2 * seconds);
      for (int outstanding : new int[] {1, 64, 256}) {
        System.out.printf(
            "%4d outstanding: %,.0f setData of %d bytes a second%n",
            outstanding, run(load, outstanding, dataBytes, seconds), dataBytes);
      }
    } finally {
      group.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
    }
  }

  private static double run(ZooKeeperLoad load, int outstanding, int dataBytes, int seconds)
      throws Exception {
    var window = Window.after(Duration.ofSeconds(1), Duration.ofSeconds(seconds));
    Load writes = load.of(ZooKeeperLoad.Operation.SET, outstanding, dataBytes);
    writes.start(window);
    return writes.finish().perSecond();
  }

  /** One client's connection. */
  private static final class SayYes extends SimpleChannelInboundHandler<ByteBuf> {
    private boolean greeted;
    private long zxid;

    @Override
    protected void channelRead0(ChannelHandlerContext context, ByteBuf request) {
      ByteBuf out = context.alloc().ioBuffer(128).writeInt(0);
      if (greeted) {
        answer(request, out);
      } else {
        greeted = true;
        request.skipBytes(Integer.BYTES + Long.BYTES);
        out.writeInt(0).writeInt(request.readInt()).writeLong(1).writeInt(16).writeZero(16);
        out.writeBoolean(false);
      }
      out.setInt(0, out.readableBytes() - Integer.BYTES);
      context.write(out, context.voidPromise());
    }

    private void answer(ByteBuf request, ByteBuf out) {
      int xid = request.readInt();
      int kind = request.readInt();
      out.writeInt(xid).writeLong(++zxid).writeInt(kind == OpCode.create ? NODE_EXISTS : 0);
      switch (kind) {
        case OpCode.setData -> out.writeZero(STAT_BYTES);
        case OpCode.sync -> out.writeBytes(request); // the path
        default -> {}
      }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
      context.flush();
    }
  }
}
