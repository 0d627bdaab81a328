package io.quorate.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufAllocatorMetricProvider;
import io.quorate.wire.RawClient.Body;
import io.quorate.wire.RawClient.Frame;
import io.quorate.wire.RawClient.Welcome;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import org.apache.zookeeper.ZooKeeper;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What no well-behaved client does, and what it never sees: handshakes, limits, hang-ups. */
@Timeout(60)
class ProtocolTest {
  private static final byte[] NO_SECRET = new byte[16];
  private static final byte[] OPEN_ACL =
      new Body().number(1).number(31).text("world").text("anyone").bytes();

  private WireRig rig;

  @BeforeEach
  void start() {
    rig = WireRig.start();
  }

  @AfterEach
  void stop() throws Exception {
    rig.close();
  }

  private RawClient connect() throws IOException {
    return new RawClient(rig.wire.port());
  }

  private RawClient inSession() throws IOException {
    RawClient client = connect();
    assertThat(client.greet(0, 20_000, 0, NO_SECRET)).isNotNull();
    return client;
  }

  private static Frame answer(RawClient client, int op, byte[] body) throws IOException {
    client.request(1, op, body);
    return Objects.requireNonNull(client.frame());
  }

  private static byte[] create(String path, byte[] data) {
    return new Body().text(path).buffer(data).raw(OPEN_ACL).number(0).bytes();
  }

  @Test
  void theReadOnlyByteIsAnsweredOnlyWhenItWasSent() throws Exception {
    try (RawClient old = connect();
        RawClient recent = connect()) {
      assertThat(Objects.requireNonNull(old.greet(0, 5_000, 0, NO_SECRET, false)).saysReadOnly())
          .isFalse();
      assertThat(Objects.requireNonNull(recent.greet(0, 5_000, 0, NO_SECRET, true)).saysReadOnly())
          .isTrue();
    }
  }

  @Test
  void aClientThatHasSeenMoreIsRefusedWithoutAnAnswer() throws Exception {
    try (RawClient ahead = connect()) {
      assertThat(ahead.greet(1_000_000, 5_000, 0, NO_SECRET)).isNull();
    }
  }

  @Test
  void aWrongPasswordIsAnsweredWithNothingAndTheConnectionClosed() throws Exception {
    try (RawClient owner = connect();
        RawClient thief = connect()) {
      Welcome own = Objects.requireNonNull(owner.greet(0, 20_000, 0, NO_SECRET));
      Welcome refused = Objects.requireNonNull(thief.greet(0, 20_000, own.sessionId(), NO_SECRET));

      assertThat(refused.timeoutMs()).isZero();
      assertThat(refused.sessionId()).isZero();
      assertThat(refused.secret()).isEqualTo(NO_SECRET);
      assertThat(thief.frame()).isNull();
      assertThat(answer(owner, Op.PING, new byte[0]).error()).isZero();
    }
  }

  @Test
  void aReconnectClosesTheConnectionBefore() throws Exception {
    try (RawClient before = connect();
        RawClient after = connect()) {
      Welcome first = Objects.requireNonNull(before.greet(0, 20_000, 0, NO_SECRET));
      Welcome second =
          Objects.requireNonNull(after.greet(0, 20_000, first.sessionId(), first.secret()));

      assertThat(second.sessionId()).isEqualTo(first.sessionId());
      assertThat(second.secret()).isEqualTo(first.secret());
      assertThat(before.frame()).isNull();
      assertThat(answer(after, Op.PING, new byte[0]).error()).isZero();
    }
  }

  @Test
  void aSessionThatMovedHangsUpOnTheOldConnection() throws Exception {
    try (RawClient client = connect()) {
      Welcome own = Objects.requireNonNull(client.greet(0, 20_000, 0, NO_SECRET));
      rig.member
          .sessions()
          .attach(own.sessionId(), own.secret(), 0)
          .get(10, java.util.concurrent.TimeUnit.SECONDS);

      client.request(1, Op.CREATE, create("/late", new byte[0]));

      assertThat(client.frame()).isNull();
      try (RawClient other = inSession()) {
        assertThat(answer(other, Op.EXISTS, new Body().text("/late").flag(false).bytes()).error())
            .isEqualTo(-101);
      }
    }
  }

  @Test
  void closingIsAnsweredAndThenTheConnectionCloses() throws Exception {
    try (RawClient client = inSession()) {
      assertThat(answer(client, Op.CLOSE_SESSION, new byte[0]).error()).isZero();
      assertThat(client.frame()).isNull();
    }
  }

  @Test
  void aSessionThatExpiresEndsItsConnection() throws Exception {
    try (RawClient client = connect()) {
      assertThat(client.greet(0, 400, 0, NO_SECRET)).isNotNull();
      assertThat(client.frame()).isNull();
    }
  }

  @Test
  void failedCredentialsAreAnsweredAndThenTheConnectionCloses() throws Exception {
    try (RawClient client = inSession()) {
      client.request(-4, Op.AUTH, new Body().number(0).text("magic").text("x").bytes());
      Frame refused = Objects.requireNonNull(client.frame());

      assertThat(refused.xid()).isEqualTo(-4);
      assertThat(refused.zxid()).isZero();
      assertThat(refused.error()).isEqualTo(-115);
      assertThat(client.frame()).isNull();
    }
  }

  @Test
  void aMalformedBodyKeepsTheConnection() throws Exception {
    try (RawClient client = inSession()) {
      assertThat(answer(client, Op.CREATE, new byte[] {0, 0}).error()).isEqualTo(-5);
      assertThat(answer(client, Op.GET_DATA, new Body().number(1 << 30).bytes()).error())
          .isEqualTo(-5);
      assertThat(answer(client, Op.EXISTS, new Body().text(null).flag(false).bytes()).error())
          .isEqualTo(-5);
      assertThat(answer(client, Op.PING, new byte[0]).error()).isZero();
    }
  }

  @Test
  void anUnknownRequestIsAnsweredAndThenTheConnectionCloses() throws Exception {
    try (RawClient client = inSession()) {
      assertThat(answer(client, 77, new byte[0]).error()).isEqualTo(-6);
      assertThat(client.frame()).isNull();
    }
  }

  @Test
  void aHeaderCutShortClosesTheConnection() throws Exception {
    try (RawClient client = inSession()) {
      client.send(new byte[] {1, 2, 3});
      assertThat(client.frame()).isNull();
    }
  }

  @Test
  void theLargestFrameIsTakenAndALargerOneCloses() throws Exception {
    int around = 8 + create("/large", new byte[0]).length;
    byte[] largest = new byte[WireServer.Options.MAX_FRAME_BYTES - around];
    try (RawClient client = inSession()) {
      assertThat(answer(client, Op.CREATE, create("/large", largest)).error()).isZero();
      client.sendBytes(new Body().number(WireServer.Options.MAX_FRAME_BYTES + 1).bytes());
      assertThat(client.frame()).isNull();
    }
  }

  @Test
  void connectionsPerAddressAreLimited() throws Exception {
    rig.close();
    rig = WireRig.start(WireRig.SETTINGS, 2);
    try (RawClient one = inSession();
        RawClient two = inSession();
        RawClient three = connect()) {
      assertThat(three.read()).isNull();
      assertThat(answer(one, Op.PING, new byte[0]).error()).isZero();
      two.close();
      assertThat(eventuallyWelcome()).isTrue();
    }
  }

  @Test
  void aLimitedAddressMayCloseAndComeAgain() throws Exception {
    rig.close();
    rig = WireRig.start(WireRig.SETTINGS, 1);
    for (int i = 0; i < 20; i++) {
      assertThat(eventuallyWelcome()).isTrue();
    }
  }

  @Test
  void whoDoesNotGreetInTimeIsHungUpOn() throws Exception {
    rig.close();
    rig = WireRig.start(WireRig.SETTINGS, 0, Duration.ofMillis(300));
    try (RawClient inTime = inSession();
        RawClient silent = connect();
        RawClient halfway = connect()) {
      halfway.sendBytes(new Body().number(45).number(0).number(0).bytes());

      long before = System.nanoTime();
      assertThat(silent.read()).isNull();
      assertThat(halfway.read()).isNull();

      assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofSeconds(5));
      assertThat(answer(inTime, Op.PING, new byte[0]).error()).isZero();
    }
  }

  private boolean eventuallyWelcome() throws Exception {
    for (int i = 0; i < 200; i++) {
      try (RawClient next = connect()) {
        if (next.greet(0, 5_000, 0, NO_SECRET) != null) {
          return true;
        }
      }
      Thread.sleep(10);
    }
    return false;
  }

  @Test
  void aClientThatDoesNotReadIsNotReadFromAndHarmsNobody() throws Exception {
    try (RawClient busy = inSession();
        RawClient other = inSession()) {
      answer(busy, Op.CREATE, create("/big", new byte[500_000]));
      byte[] read = new Body().text("/big").flag(false).bytes();
      int count = 400; // 200 MB of answers
      for (int i = 0; i < count; i++) {
        busy.request(i, Op.GET_DATA, read);
      }

      assertThat(answer(other, Op.PING, new byte[0]).error()).isZero();
      for (int i = 0; i < count; i++) {
        Frame frame = Objects.requireNonNull(busy.frame());
        assertThat(frame.xid()).isEqualTo(i);
        assertThat(frame.body().remaining()).isGreaterThan(500_000);
      }
    }
  }

  @Test
  void aReaderThatStopsReadingCostsLittleMemory() throws Exception {
    try (RawClient deaf = inSession();
        RawClient other = inSession()) {
      answer(other, Op.CREATE, create("/big", new byte[500_000]));
      answer(deaf, Op.PING, new byte[0]);
      long heapBefore = usedHeapBytes();
      long buffersBefore = usedBufferBytes();
      byte[] read = new Body().text("/big").flag(false).bytes();
      for (int i = 0; i < 2_000; i++) { // 1 GB of answers
        deaf.request(i, Op.GET_DATA, read);
      }
      long sent;
      do { // until nothing leaves any more
        sent = rig.wire.traffic().sent.sum();
        Thread.sleep(200);
      } while (rig.wire.traffic().sent.sum() > sent);

      assertThat(sent).as("it is not answered on and on").isLessThan(1_000);
      assertThat(usedBufferBytes() - buffersBefore).isLessThan(16 << 20);
      assertThat(usedHeapBytes() - heapBefore).isLessThan(16 << 20);
    }
  }

  private static long usedHeapBytes() {
    System.gc();
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  private static long usedBufferBytes() {
    var metric = ((ByteBufAllocatorMetricProvider) ByteBufAllocator.DEFAULT).metric();
    return metric.usedDirectMemory() + metric.usedHeapMemory();
  }

  @Test
  void aClientThatTakesNothingIsLetGoOnceItsSessionIsOver() throws Exception {
    try (RawClient deaf = connect();
        RawClient other = inSession()) {
      answer(other, Op.CREATE, create("/big", new byte[500_000]));
      assertThat(deaf.greet(0, 400, 0, NO_SECRET)).isNotNull();
      byte[] read = new Body().text("/big").flag(false).bytes();
      for (int i = 0; i < 100; i++) { // 50 MB: more than any socket's buffers hold
        deaf.request(i, Op.GET_DATA, read);
      }

      await(() -> rig.wire.connectionCount() == 1);
      assertThat(answer(other, Op.PING, new byte[0]).error()).isZero();
    }
  }

  @Test
  void aClientThatDoesNotTakeItsEventsIsCutOff() throws Exception {
    try (RawClient deaf = inSession();
        RawClient other = inSession()) {
      answer(deaf, Op.ADD_WATCH, new Body().text("/").number(1).bytes());
      String name = "n".repeat(100_000); // an event carries the path

      await(
          () -> {
            for (int i = 0; i < 20 && rig.wire.connectionCount() == 2; i++) {
              answer(other, Op.CREATE, create("/" + name, new byte[0]));
              answer(other, Op.DELETE, new Body().text("/" + name).number(-1).bytes());
            }
            return rig.wire.connectionCount() == 1;
          });
    }
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  private static void await(Condition condition) throws Exception {
    for (int i = 0; i < 1_000 && !condition.holds(); i++) {
      Thread.sleep(20);
    }
    assertThat(condition.holds()).isTrue();
  }

  @Test
  void repliesLeaveInOrderWhateverIsAsked() throws Exception {
    try (RawClient client = inSession()) {
      answer(client, Op.CREATE, create("/n", new byte[0]));
      var expected = new ArrayList<Integer>();
      for (int i = 0; i < 500; i++) {
        switch (i % 5) {
          case 0 ->
              client.request(
                  i, Op.SET_DATA, new Body().text("/n").buffer(new byte[i]).number(-1).bytes());
          case 1 -> client.request(i, Op.GET_DATA, new Body().text("/n").flag(true).bytes());
          case 2 -> client.request(i, Op.SYNC, new Body().text("/n").bytes());
          case 3 -> client.request(i, Op.EXISTS, new Body().text("/none").flag(false).bytes());
          default -> client.request(i, Op.GET_DATA, new Body().text("/n").flag(false).bytes());
        }
        expected.add(i);
      }
      var answered = new ArrayList<Integer>();
      int last = 0;
      while (answered.size() < 500) {
        Frame frame = Objects.requireNonNull(client.frame());
        if (frame.xid() >= 0) {
          answered.add(frame.xid());
          if (frame.xid() % 5 == 4) {
            assertThat(frame.body().getInt()).isEqualTo(frame.xid() - 4);
          }
          last = frame.xid();
        }
      }
      assertThat(answered).isEqualTo(expected);
      assertThat(last).isEqualTo(499);
    }
  }

  @Test
  void aReadBehindASyncIsAsNewAsTheSyncThoughAChangeStandsBehindIt() throws Exception {
    try (RawClient reader = inSession();
        RawClient writer = inSession()) {
      answer(reader, Op.CREATE, create("/n", new byte[1]));
      rig.member.replicator.setQuorum(false); // the sync waits
      reader.requests(
          List.of(
              new RawClient.Request(1, Op.SYNC, new Body().text("/n").bytes()),
              new RawClient.Request(2, Op.GET_DATA, new Body().text("/n").flag(false).bytes()),
              new RawClient.Request(
                  3, Op.SET_DATA, new Body().text("/n").buffer(new byte[9]).number(-1).bytes())));
      answer(writer, Op.SET_DATA, new Body().text("/n").buffer(new byte[2]).number(-1).bytes());
      rig.member.replicator.setQuorum(true);

      assertThat(Objects.requireNonNull(reader.frame()).xid()).isEqualTo(1);
      assertThat(Objects.requireNonNull(reader.frame()).body().getInt()).isEqualTo(2);
      assertThat(Objects.requireNonNull(reader.frame()).xid()).isEqualTo(3);
    }
  }

  @Test
  void aReadBetweenTwoChangesShowsTheFirstAndNotTheSecond() throws Exception {
    int count = 200;
    try (RawClient client = inSession()) {
      answer(client, Op.CREATE, create("/n", new byte[0]));
      var requests = new ArrayList<RawClient.Request>();
      for (int i = 0; i < count; i++) { // all at once: many changes are in one entry
        var set = new Body().text("/n").buffer(new byte[i]).number(-1);
        requests.add(new RawClient.Request(2 * i, Op.SET_DATA, set.bytes()));
        var get = new Body().text("/n").flag(false);
        requests.add(new RawClient.Request(2 * i + 1, Op.GET_DATA, get.bytes()));
      }
      client.requests(requests);
      long zxid = 0;
      for (int i = 0; i < count; i++) {
        Frame set = Objects.requireNonNull(client.frame());
        assertThat(set.xid()).isEqualTo(2 * i);
        assertThat(set.zxid()).isGreaterThan(zxid);
        zxid = set.zxid();
        Frame get = Objects.requireNonNull(client.frame());
        assertThat(get.xid()).isEqualTo(2 * i + 1);
        assertThat(get.zxid()).isEqualTo(zxid);
        assertThat(get.body().getInt()).as("bytes read after %d were written", i).isEqualTo(i);
      }
    }
  }

  @Test
  void changesInOneEntryAreEachAnsweredWithTheirOwnZxid() throws Exception {
    int count = 200;
    try (RawClient client = inSession()) {
      answer(client, Op.CREATE, create("/n", new byte[0]));
      var requests = new ArrayList<RawClient.Request>();
      for (int i = 0; i < count; i++) {
        var set = new Body().text("/n").buffer(new byte[0]).number(i % 3 == 2 ? count : -1);
        requests.add(new RawClient.Request(i, Op.SET_DATA, set.bytes()));
      }
      client.requests(requests);
      long zxid = Objects.requireNonNull(client.frame()).zxid();
      for (int i = 1; i < count; i++) {
        Frame frame = Objects.requireNonNull(client.frame());
        zxid += i % 3 == 2 ? 0 : 1; // every third is refused
        assertThat(frame.zxid()).isEqualTo(zxid);
      }
    }
  }

  // Four-letter words

  private String word(String word) throws IOException {
    try (RawClient client = connect()) {
      client.sendBytes(word.getBytes(UTF_8));
      return client.readText();
    }
  }

  @Test
  void fourLetterWordsBeginAsZooKeepersDo() throws Exception {
    ZooKeeper zk = rig.client();
    zk.exists("/", event -> {});

    assertThat(word("ruok")).isEqualTo("imok");
    assertThat(word("isro")).isEqualTo("rw");
    assertThat(word("srvr").lines().map(line -> line.replaceAll(":.*", ":")))
        .containsExactly(
            "Zookeeper version:",
            "Latency min/avg/max:",
            "Received:",
            "Sent:",
            "Connections:",
            "Outstanding:",
            "Zxid:",
            "Mode:",
            "Node count:");
    assertThat(word("srvr"))
        .matches("(?s)Zookeeper version: 3\\.9\\.\\d+-quorate, built on 2026-11-22 21:20 UTC\n.*");
    assertThat(word("srvr")).contains("Mode: standalone\n", "Node count: 4\n");
    assertThat(word("stat")).contains("\nClients:\n /127.0.0.1:", "](queued=0,recved=");
    assertThat(word("mntr"))
        .startsWith("zk_version\t3.9")
        .contains("zk_server_state\tstandalone\n");
    assertThat(word("conf")).startsWith("clientPort=").contains("\nserverId=1\n");
    assertThat(word("cons")).contains(",sid=0x" + Long.toHexString(zk.getSessionId()));
    assertThat(word("wchs")).isEqualTo("1 connections watching 1 paths\nTotal watches:1\n");
    String session = "0x" + Long.toHexString(zk.getSessionId());
    assertThat(word("wchc")).isEqualTo(session + "\n\t/\n\n");
    assertThat(word("wchp")).isEqualTo("/\n\t" + session + "\n\n");
    assertThat(word("dirs")).matches("datadir_size: \\d+\nlogdir_size: \\d+\n");
    assertThat(word("dump")).startsWith("SessionTracker dump:\n");
    assertThat(word("envi")).startsWith("Environment:\nzookeeper.version=3.9");
  }

  @Test
  void countsBeginAgainWhenTold() throws Exception {
    ZooKeeper zk = rig.client();
    for (int i = 0; i < 100; i++) {
      zk.exists("/", false);
    }
    assertThat(number(word("srvr"), "Received: ")).isGreaterThan(100);
    assertThat(number(word("stat"), "recved=")).isGreaterThan(100);

    assertThat(word("srst")).isEqualTo("Server stats reset.\n");
    assertThat(word("crst")).isEqualTo("Connection stats reset.\n");

    assertThat(number(word("srvr"), "Received: ")).isLessThan(50);
    await(() -> number(word("stat"), "recved=") < 50);
  }

  private static long number(String text, String name) {
    return Pattern.compile(Pattern.quote(name) + "(\\d+)")
        .matcher(text)
        .results()
        .mapToLong(found -> Long.parseLong(found.group(1)))
        .max()
        .orElseThrow();
  }

  @Test
  void whileNobodyLeadsTheWordsSaySo() throws Exception {
    rig.member.replicator.loseLeader();

    for (String each : List.of("srvr", "stat", "mntr", "cons", "dump", "wchs")) {
      assertThat(word(each))
          .isEqualTo("This ZooKeeper instance is not currently serving requests\n");
    }
    assertThat(word("isro")).isEqualTo("null");
    assertThat(word("ruok")).isEqualTo("imok");
  }

  @Test
  void wordsThatAreNotWelcomeAreSaidSo() throws Exception {
    assertThat(word("gtmk"))
        .isEqualTo("gtmk is not executed because it is not in the whitelist.\n");
    assertThat(List.of(word("help"), word("GET "))).containsOnly("");
  }
}
