package io.quorate.consensus.net;

import io.netty.channel.IoEvent;
import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.IoRegistration;
import io.netty.channel.nio.NioIoHandle;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.ThreadAwareExecutor;
import java.io.IOException;
import java.net.ProtocolFamily;
import java.nio.channels.DatagramChannel;
import java.nio.channels.Pipe;
import java.nio.channels.SelectableChannel;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.channels.spi.AbstractSelector;
import java.nio.channels.spi.SelectorProvider;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Netty's selector for one loop, which yields before it sleeps ({@link YieldingSelect}) and is
 * woken only while it sleeps.
 *
 * <p>Netty's own remembers until the next sleep that somebody woke it, and wakes itself once more
 * at each look until then: three system calls for a look instead of one, and a sleep that ends at
 * once. Here a loop says itself that it goes to sleep, before it looks for tasks the last time; who
 * hands a task over puts it in the queue before it asks. So one of the two sees the other.
 */
public final class YieldingIo implements IoHandler {
  private final YieldingSelect select;
  private final Opened opened = new Opened(SelectorProvider.provider());
  private final IoHandler nio;

  private YieldingIo(YieldingSelect select, ThreadAwareExecutor thread) {
    this.select = select;
    nio = NioIoHandler.newFactory(opened, () -> select).newHandler(thread);
  }

  /** For the loops of a group, each with a {@code select} of its own. */
  public static IoHandlerFactory factory(Supplier<YieldingSelect> select) {
    return thread -> new YieldingIo(select.get(), thread);
  }

  @Override
  public void initialize() {
    nio.initialize();
  }

  @Override
  public int run(IoHandlerContext context) {
    try {
      return nio.run(context);
    } finally {
      select.awake();
    }
  }

  @Override
  public void wakeup() {
    if (select.isAsleep()) {
      opened.newest().wakeup();
    }
  }

  @Override
  public IoRegistration register(IoHandle handle) throws Exception {
    return nio.register(
        handle instanceof NioIoHandle channel ? new Waking(channel, select) : handle);
  }

  @Override
  public boolean isCompatible(Class<? extends IoHandle> handleType) {
    return nio.isCompatible(handleType);
  }

  @Override
  public void prepareToDestroy() {
    nio.prepareToDestroy();
  }

  @Override
  public void destroy() {
    nio.destroy();
  }

  /** A channel whose events say that its loop is awake. */
  private record Waking(NioIoHandle channel, YieldingSelect select) implements NioIoHandle {
    @Override
    public void handle(IoRegistration registration, IoEvent event) {
      select.awake();
      channel.handle(registration, event);
    }

    @Override
    public SelectableChannel selectableChannel() {
      return channel.selectableChannel();
    }

    @Override
    public void registered() {
      channel.registered();
    }

    @Override
    public void unregistered() {
      channel.unregistered();
    }

    @Override
    public void close() throws Exception {
      channel.close();
    }
  }

  /** Remembers the selector that it opened last: Netty opens another when it doubts one. */
  private static final class Opened extends SelectorProvider {
    private final SelectorProvider real;
    private volatile @Nullable Selector newest;

    Opened(SelectorProvider real) {
      this.real = real;
    }

    Selector newest() {
      return Objects.requireNonNull(newest);
    }

    @Override
    public AbstractSelector openSelector() throws IOException {
      AbstractSelector selector = real.openSelector();
      newest = selector;
      return selector;
    }

    @Override
    public DatagramChannel openDatagramChannel() throws IOException {
      return real.openDatagramChannel();
    }

    @Override
    public DatagramChannel openDatagramChannel(ProtocolFamily family) throws IOException {
      return real.openDatagramChannel(family);
    }

    @Override
    public Pipe openPipe() throws IOException {
      return real.openPipe();
    }

    @Override
    public ServerSocketChannel openServerSocketChannel() throws IOException {
      return real.openServerSocketChannel();
    }

    @Override
    public SocketChannel openSocketChannel() throws IOException {
      return real.openSocketChannel();
    }
  }
}
