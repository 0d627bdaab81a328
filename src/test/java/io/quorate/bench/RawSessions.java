package io.quorate.bench;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Thousands of ZooKeeper sessions on one thread, which the stock client with its two threads each
 * could not hold. They ping, and they can watch one znode. The same against each server.
 */
final class RawSessions implements AutoCloseable {
  private static final int CONNECTING_AT_ONCE = 30; // fewer than a server's backlog
  private static final int PING_XID = -2;
  private static final int NOTIFICATION_XID = -1;
  private static final int PING = 11;
  private static final int GET_DATA = 4;
  private static final int EXISTS = 3;
  private static final int CLOSE = -11;
  private static final int WATCH_XID = 1;

  private final Selector selector = Selector.open();
  private final List<Session> sessions = new ArrayList<>();
  private final int timeoutMs;
  private final Thread thread;
  private volatile boolean stopping;
  private volatile CountDownLatch armed = new CountDownLatch(0);
  private volatile CountDownLatch notified = new CountDownLatch(0);
  private volatile long latestNotificationNanos;
  private volatile int lost;
  private volatile byte[] watchRequest = new byte[0];

  RawSessions(List<Integer> ports, int count, int timeoutMs) throws IOException {
    this.timeoutMs = timeoutMs;
    for (int opened = 0; opened < count; ) {
      var greeting = new ArrayList<Session>();
      for (; opened < count && greeting.size() < CONNECTING_AT_ONCE; opened++) {
        var session = new Session(ports.get(opened % ports.size()));
        session.channel.write(ByteBuffer.wrap(connectRequest(timeoutMs)));
        greeting.add(session);
      }
      for (Session session : greeting) {
        session.greeted();
        sessions.add(session);
      }
    }
    for (Session session : sessions) {
      session.channel.configureBlocking(false);
      session.channel.register(selector, SelectionKey.OP_READ, session);
    }
    thread = Thread.ofPlatform().name("raw-sessions").start(this::run);
  }

  /** Whether a server takes a session and answers a request in it. */
  static boolean answers(int port) throws IOException {
    try (var socket = new Socket()) {
      socket.connect(new InetSocketAddress("127.0.0.1", port), 1_000);
      socket.setSoTimeout(2_000);
      var in = new DataInputStream(socket.getInputStream());
      socket.getOutputStream().write(connectRequest(10_000));
      in.readNBytes(in.readInt());
      socket.getOutputStream().write(read(1, EXISTS, "/", false));
      byte[] reply = in.readNBytes(in.readInt());
      socket.getOutputStream().write(frame(8).putInt(2).putInt(CLOSE).array());
      in.readNBytes(in.readInt());
      return reply.length >= 16 && ByteBuffer.wrap(reply).getInt(12) == 0;
    } catch (EOFException refused) {
      return false;
    }
  }

  /** Sets a watch on the znode from each session and waits until all are set. */
  void watch(String path) throws InterruptedException {
    armed = new CountDownLatch(sessions.size());
    notified = new CountDownLatch(sessions.size());
    watchRequest = read(WATCH_XID, GET_DATA, path, true);
    selector.wakeup();
    if (!armed.await(120, TimeUnit.SECONDS)) {
      throw new IllegalStateException(armed.getCount() + " watches were not set within 120 s");
    }
  }

  /** When the last session had its notification, on {@link System#nanoTime()}. */
  long awaitNotified() throws InterruptedException {
    if (!notified.await(60, TimeUnit.SECONDS)) {
      throw new IllegalStateException(notified.getCount() + " watchers heard nothing within 60 s");
    }
    return latestNotificationNanos;
  }

  /** Sessions whose server has closed the connection. */
  int lost() {
    return lost;
  }

  private void run() {
    long begun = System.nanoTime();
    long pinged = 0;
    try {
      while (!stopping) {
        selector.select(20);
        for (SelectionKey key : selector.selectedKeys()) {
          receive(key);
        }
        selector.selectedKeys().clear();
        byte[] request = watchRequest;
        if (request.length > 0) {
          watchRequest = new byte[0];
          send(request);
        }
        // In turn, so that each has pinged three times in its timeout and no two wait for each
        // other.
        long due = (System.nanoTime() - begun) / 1_000_000 * 3 * sessions.size() / timeoutMs;
        for (; pinged < due; pinged++) {
          send(
              sessions.get((int) (pinged % sessions.size())),
              frame(8).putInt(PING_XID).putInt(PING).array());
        }
      }
    } catch (IOException failed) {
      lost = sessions.size();
    }
  }

  private void send(byte[] request) throws IOException {
    for (Session session : sessions) {
      send(session, request);
    }
  }

  private static void send(Session session, byte[] request) throws IOException {
    if (session.channel.isOpen()) {
      var buffer = ByteBuffer.wrap(request);
      while (buffer.hasRemaining()) {
        session.channel.write(buffer);
      }
    }
  }

  private void receive(SelectionKey key) throws IOException {
    var session = (Session) key.attachment();
    int count;
    try {
      count = session.channel.read(session.in);
    } catch (IOException reset) {
      count = -1;
    }
    if (count < 0) {
      lost++; // written by this thread alone
      key.cancel();
      session.channel.close();
      return;
    }
    session.in.flip();
    while (session.in.remaining() >= 4
        && session.in.remaining() >= 4 + session.in.getInt(session.in.position())) {
      int length = session.in.getInt();
      int xid = session.in.getInt(session.in.position());
      session.in.position(session.in.position() + length);
      if (xid == NOTIFICATION_XID) {
        latestNotificationNanos = System.nanoTime();
        notified.countDown();
      } else if (xid == WATCH_XID) {
        armed.countDown();
      }
    }
    session.in.compact();
  }

  @Override
  public void close() throws IOException, InterruptedException {
    stopping = true;
    selector.wakeup();
    thread.join();
    send(frame(8).putInt(2).putInt(CLOSE).array());
    for (Session session : sessions) {
      session.channel.close();
    }
    selector.close();
  }

  private static ByteBuffer frame(int length) {
    return ByteBuffer.allocate(4 + length).putInt(length);
  }

  private static byte[] connectRequest(int timeoutMs) {
    return frame(45)
        .putInt(0)
        .putLong(0)
        .putInt(timeoutMs)
        .putLong(0)
        .putInt(16)
        .put(new byte[16])
        .put((byte) 0)
        .array();
  }

  private static byte[] read(int xid, int type, String path, boolean watch) {
    byte[] name = path.getBytes(StandardCharsets.UTF_8);
    return frame(4 + 4 + 4 + name.length + 1)
        .putInt(xid)
        .putInt(type)
        .putInt(name.length)
        .put(name)
        .put((byte) (watch ? 1 : 0))
        .array();
  }

  private static final class Session {
    final SocketChannel channel;
    final ByteBuffer in = ByteBuffer.allocate(1024);

    Session(int port) throws IOException {
      channel = SocketChannel.open();
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      channel.connect(new InetSocketAddress("127.0.0.1", port));
    }

    void greeted() throws IOException {
      while (in.position() < 4 || in.position() < 4 + in.getInt(0)) {
        if (channel.read(in) < 0) {
          throw new EOFException("a server closed the connection of a new session");
        }
      }
      in.clear();
    }
  }
}
