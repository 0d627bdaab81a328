package io.quorate.bench;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * One request at a time on each of many kept-alive connections, all on one thread. Requests are
 * bytes made beforehand and answers are only measured out, so that the servers have the processor.
 */
final class HttpLoad implements Load {
  private static final long GRACE_NANOS = 10_000_000_000L;

  private final List<Integer> ports;
  private final int connections;
  private final List<ByteBuffer> requests;
  private @Nullable Thread thread;
  private @Nullable Window window;
  private @Nullable Tally tally;
  private volatile @Nullable Exception broken;

  /** Connections are spread over the ports in turn; each request is drawn from the list. */
  HttpLoad(List<Integer> ports, int connections, List<ByteBuffer> requests) {
    this.ports = ports;
    this.connections = connections;
    this.requests = requests;
  }

  static ByteBuffer request(String method, String target, String contentType, byte[] body) {
    byte[] head =
        "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
            .formatted(method, target, contentType, body.length)
            .getBytes(StandardCharsets.US_ASCII);
    return ByteBuffer.allocateDirect(head.length + body.length).put(head).put(body).flip();
  }

  @Override
  public void start(Window window) {
    this.window = window;
    tally = new Tally(window);
    var tally = this.tally;
    thread =
        Thread.ofPlatform()
            .name("http-load")
            .start(
                () -> {
                  try {
                    run(window, tally);
                  } catch (IOException | RuntimeException failed) {
                    broken = failed;
                  }
                });
  }

  @Override
  public Tally.Summary finish() throws InterruptedException {
    if (thread == null || window == null || tally == null) {
      throw new IllegalStateException("not started");
    }
    thread.join();
    if (broken != null) {
      throw new IllegalStateException("HTTP load ended early: " + broken, broken);
    }
    return Tally.summary(List.of(tally), window);
  }

  private void run(Window window, Tally tally) throws IOException {
    var random = new SplittableRandom(connections);
    int open = 0;
    try (var selector = Selector.open()) {
      try {
        for (; open < connections; open++) {
          connect(selector, ports.get(open % ports.size())).send(requests, random);
        }
        while (open > 0 && System.nanoTime() - window.endNanos() < GRACE_NANOS) {
          selector.select(100);
          for (SelectionKey key : selector.selectedKeys()) {
            var connection = (Connection) key.attachment();
            int status;
            try {
              status = connection.receive();
            } catch (IOException lost) {
              tally.failed(System.nanoTime());
              key.cancel();
              connection.channel.close();
              if (window.isOver(System.nanoTime())) {
                open--;
              } else {
                connect(selector, connection.port).send(requests, random);
              }
              continue;
            }
            if (status == 0) {
              continue;
            }
            long now = System.nanoTime();
            if (status / 100 == 2) {
              tally.succeeded(connection.begunNanos, now);
            } else {
              tally.failed(now);
            }
            if (window.isOver(now)) {
              key.cancel();
              connection.channel.close();
              open--;
            } else {
              connection.send(requests, random);
            }
          }
          selector.selectedKeys().clear();
        }
        if (open > 0) {
          throw new IOException(open + " connections had no answer 10 s after the load ended");
        }
      } finally {
        for (SelectionKey key : selector.keys()) {
          key.channel().close();
        }
      }
    }
  }

  private static Connection connect(Selector selector, int port) throws IOException {
    var channel = SocketChannel.open(new InetSocketAddress("127.0.0.1", port));
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    channel.configureBlocking(false);
    var connection = new Connection(channel, port);
    channel.register(selector, SelectionKey.OP_READ, connection);
    return connection;
  }

  private static final class Connection {
    private final SocketChannel channel;
    private final int port;
    private final ByteBuffer answer = ByteBuffer.allocate(16 * 1024);
    private long begunNanos;

    Connection(SocketChannel channel, int port) {
      this.channel = channel;
      this.port = port;
    }

    void send(List<ByteBuffer> requests, SplittableRandom random) throws IOException {
      ByteBuffer request = requests.get(random.nextInt(requests.size())).duplicate();
      answer.clear();
      begunNanos = System.nanoTime();
      while (request.hasRemaining()) { // a request fits the socket's buffer
        channel.write(request);
      }
    }

    /** The status of a complete answer, 0 when more must come. */
    int receive() throws IOException {
      if (channel.read(answer) < 0) {
        throw new EOFException("the server closed the connection");
      }
      return HttpAnswer.status(answer.array(), answer.position());
    }
  }
}
