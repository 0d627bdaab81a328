package io.quorate.bench;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Watches over HTTP, one endless answer for each, all on one thread. */
final class WatchStreams implements AutoCloseable {
  private static final int CONNECTING_AT_ONCE = 30;

  private final Selector selector = Selector.open();
  private final byte[] request;
  private final byte[] opened;
  private final byte[] event;
  private final int count;
  private final Thread thread;
  private volatile boolean stopping;
  private volatile CountDownLatch armed;
  private volatile CountDownLatch notified = new CountDownLatch(0);
  private volatile long latestNotificationNanos;

  /**
   * @param request the whole request that asks for the stream
   * @param opened what the answer holds when the watch is set
   * @param event what it holds once for each event
   */
  WatchStreams(List<Integer> ports, int count, String request, String opened, String event)
      throws IOException, InterruptedException {
    this.count = count;
    this.request = request.getBytes(StandardCharsets.UTF_8);
    this.opened = opened.getBytes(StandardCharsets.UTF_8);
    this.event = event.getBytes(StandardCharsets.UTF_8);
    this.armed = new CountDownLatch(count);
    this.thread = Thread.ofPlatform().name("watch-streams").start(this::run);
    for (int i = 0; i < count; i++) {
      while (armed.getCount() > 0 && i - (count - armed.getCount()) >= CONNECTING_AT_ONCE) {
        Thread.sleep(1);
        if (!thread.isAlive()) {
          throw new IllegalStateException("a watch stream was closed by its server");
        }
      }
      var channel =
          SocketChannel.open(new InetSocketAddress("127.0.0.1", ports.get(i % ports.size())));
      channel.write(ByteBuffer.wrap(this.request));
      channel.configureBlocking(false);
      channel.register(selector, SelectionKey.OP_READ, new Stream());
      selector.wakeup();
    }
    if (!armed.await(120, TimeUnit.SECONDS)) {
      long missing = armed.getCount();
      close();
      throw new IllegalStateException(missing + " watch streams did not open within 120 s");
    }
  }

  /** To be called before the write whose event is waited for. */
  void expect() {
    notified = new CountDownLatch(count);
  }

  long awaitNotified() throws InterruptedException {
    if (!notified.await(60, TimeUnit.SECONDS)) {
      throw new IllegalStateException(notified.getCount() + " watchers heard nothing within 60 s");
    }
    return latestNotificationNanos;
  }

  private void run() {
    var in = ByteBuffer.allocate(64 * 1024);
    try {
      while (!stopping) {
        selector.select(20);
        for (SelectionKey key : selector.selectedKeys()) {
          in.clear();
          if (((SocketChannel) key.channel()).read(in) < 0) {
            throw new IOException("closed by the server");
          }
          var stream = (Stream) key.attachment();
          for (int i = 0; i < in.position(); i++) {
            stream.take(in.get(i));
          }
        }
        selector.selectedKeys().clear();
      }
    } catch (IOException lost) {
      System.err.println("A watch stream was lost: " + lost.getMessage());
    }
  }

  @Override
  public void close() throws IOException, InterruptedException {
    stopping = true;
    selector.wakeup();
    thread.join();
    for (SelectionKey key : selector.keys()) {
      key.channel().close();
    }
    selector.close();
  }

  /** Looks for the words that matter, also where reads cut them. */
  private final class Stream {
    private boolean isOpen;
    private int matched;

    void take(byte next) {
      byte[] wanted = isOpen ? event : opened;
      // The first byte of each word occurs in it once, so this is all that a mismatch needs.
      matched = next == wanted[matched] ? matched + 1 : next == wanted[0] ? 1 : 0;
      if (matched == wanted.length) {
        matched = 0;
        if (isOpen) {
          latestNotificationNanos = System.nanoTime();
          notified.countDown();
        } else {
          isOpen = true;
          armed.countDown();
        }
      }
    }
  }
}
