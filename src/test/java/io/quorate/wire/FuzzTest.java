package io.quorate.wire;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.netty.util.ResourceLeakDetector;
import io.quorate.Seeds;
import io.quorate.wire.RawClient.Body;
import io.quorate.wire.RawClient.Frame;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/**
 * Frames that nobody means: random bytes, requests with bytes changed, lengths that lie, hang-ups
 * in the middle. Whatever comes, a well-behaved client beside is served, and no buffer is lost.
 */
@Timeout(180)
class FuzzTest {
  private static final int CONNECTIONS = 250;
  private static final List<Integer> OPS =
      List.of(
          1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 100, 101, 102,
          103, 104, 105, 106, 107, -10, -11, -1, 0, 999);

  private final ResourceLeakDetector.Level before = ResourceLeakDetector.getLevel();
  private static final List<String> LEAKS = new CopyOnWriteArrayList<>();

  private final AppenderBase<ILoggingEvent> recorder =
      new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
          LEAKS.add(event.getFormattedMessage());
        }
      };
  private ch.qos.logback.classic.Logger leakLog;

  @BeforeEach
  void watchForLeaks() {
    ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
    leakLog = (ch.qos.logback.classic.Logger) LoggerFactory.getLogger(ResourceLeakDetector.class);
    recorder.setContext(leakLog.getLoggerContext());
    recorder.start();
    leakLog.addAppender(recorder);
  }

  @AfterEach
  void calmDown() {
    ResourceLeakDetector.setLevel(before);
    leakLog.detachAppender(recorder);
    assertThat(LEAKS).isEmpty();
  }

  @Test
  void whateverComesTheServerGoesOn() {
    Seeds.each(
        3,
        seed -> {
          try (WireRig rig = WireRig.start()) {
            new Fuzzer(rig, new Random(seed)).run();
          } catch (Exception e) {
            throw new AssertionError(e);
          }
        });
  }

  private record Fuzzer(WireRig rig, Random random) {
    void run() throws Exception {
      try (var good = new RawClient(rig.wire.port())) {
        Objects.requireNonNull(good.greet(0, 40_000, 0, new byte[16]));
        for (int i = 0; i < CONNECTIONS; i++) {
          bad();
          good.request(i, Op.CREATE2, create("/good" + i, 0));
          Frame created = next(good);
          assertThat(created.xid()).isEqualTo(i);
          assertThat(created.error()).isZero();
        }
        System.gc();
        good.request(1_000_000, Op.GET_CHILDREN, new Body().text("/").flag(false).bytes());
        assertThat(next(good).error()).isZero();
      }
      for (int i = 0; i < 500 && rig.wire.connectionCount() > 0; i++) {
        Thread.sleep(10);
      }
      assertThat(rig.wire.connectionCount()).isZero();
      assertThat(rig.wire.traffic().outstanding.sum()).isZero();
    }

    private static Frame next(RawClient client) throws IOException {
      Frame frame;
      do {
        frame = Objects.requireNonNull(client.frame(), "a good client was hung up on");
      } while (frame.xid() == -1);
      return frame;
    }

    private static byte[] create(String path, int flags) {
      return new Body()
          .text(path)
          .buffer(new byte[3])
          .number(1)
          .number(31)
          .text("world")
          .text("anyone")
          .number(flags)
          .wide(1_000)
          .bytes();
    }

    private void bad() throws IOException {
      try (var client = new RawClient(rig.wire.port())) {
        if (random.nextInt(4) == 0) {
          client.sendBytes(bytes(random.nextInt(200)));
          return;
        }
        if (client.greet(0, 10_000, 0, new byte[random.nextInt(20)]) == null) {
          return;
        }
        int requests = random.nextInt(40);
        for (int i = 0; i < requests; i++) {
          request(client, i);
        }
        if (random.nextBoolean()) {
          client.request(-2, Op.PING, new byte[0]);
          client.patience(2_000);
          while (true) {
            Frame frame = client.frame();
            if (frame == null || frame.xid() == -2) {
              break;
            }
          }
        }
      } catch (SocketTimeoutException e) {
        // A length that promised more than came: the server waits, as it should.
      } catch (IOException e) {
        // Hung up on, which is what such a client deserves.
      }
    }

    private void request(RawClient client, int xid) throws IOException {
      int op = OPS.get(random.nextInt(OPS.size()));
      byte[] body =
          switch (random.nextInt(3)) {
            case 0 -> bytes(random.nextInt(60));
            case 1 -> changed(create("/f" + random.nextInt(5), random.nextInt(8)));
            default -> changed(shaped(op));
          };
      switch (random.nextInt(40)) {
        case 0 -> client.sendBytes(bytes(1 + random.nextInt(20)));
        case 1 -> client.sendBytes(new Body().number(random.nextInt()).raw(body).bytes());
        case 2 -> client.send(bytes(random.nextInt(8)));
        default -> client.request(xid, op, body);
      }
    }

    private byte[] shaped(int op) {
      var body = new Body();
      String path = "/f" + random.nextInt(5);
      switch (op) {
        case Op.MULTI, Op.MULTI_READ -> {
          for (int i = 0; i < random.nextInt(4); i++) {
            body.number(OPS.get(random.nextInt(OPS.size()))).flag(false).number(-1);
            body.raw(
                random.nextBoolean() ? create(path, 0) : new Body().text(path).number(-1).bytes());
          }
          body.number(-1).flag(true).number(-1);
        }
        case Op.SET_WATCHES, Op.SET_WATCHES2 -> {
          body.wide(random.nextInt(100));
          for (int i = 0; i < 5; i++) {
            body.texts(List.of(path, "", "no/slash", "//", path + "/x"));
          }
        }
        case Op.AUTH -> body.number(0).text("digest").text("u:p");
        default -> body.text(path).flag(random.nextBoolean()).number(random.nextInt(6)).wide(1);
      }
      return body.bytes();
    }

    private byte[] changed(byte[] body) {
      int changes = random.nextInt(3);
      for (int i = 0; i < changes && body.length > 0; i++) {
        body[random.nextInt(body.length)] = (byte) random.nextInt();
      }
      return random.nextInt(8) == 0
          ? java.util.Arrays.copyOf(body, random.nextInt(body.length + 1))
          : body;
    }

    private byte[] bytes(int count) {
      byte[] bytes = new byte[count];
      random.nextBytes(bytes);
      return random.nextInt(10) == 0
          ? "GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII)
          : bytes;
    }
  }
}
