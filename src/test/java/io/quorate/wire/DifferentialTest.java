package io.quorate.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.quorate.Seeds;
import io.quorate.wire.RawClient.Body;
import io.quorate.wire.RawClient.Frame;
import io.quorate.wire.RawClient.Welcome;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.apache.zookeeper.server.ServerCnxnFactory;
import org.apache.zookeeper.server.ZooKeeperServer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The same random requests, frame by frame, to Apache ZooKeeper and to us: the same replies, field
 * by field, and the same events, on every connection.
 *
 * <p>Zxids are other numbers there, since refusals take some; they must pair up one to one and in
 * order. Session ids pair up by connection; times are near each other.
 */
class DifferentialTest {
  private static final int STEPS = 1_500;
  private static final int CONNECTIONS = 3;
  private static final int TICK_MS = 3_000;
  private static final List<String> PATHS =
      List.of(
          "/a", "/b", "/a/a", "/a/b", "/b/a", "/a/a/a", "/a/a/b", "/a/b/a", "/c", "/a-", "/a/-");
  private static final List<String> ODD_PATHS =
      List.of(
          "/",
          "a",
          "/a/",
          "/a//b",
          "/a/./b",
          "/\u0001",
          "/a\u0000b",
          "/zookeeper",
          "/zookeeper/quota",
          "/zookeeper/config",
          "/none/x",
          "/e\u0301");
  private static final String QUOTA = "/zookeeper/quota/a";
  private static final List<String> LIMITS =
      List.of(
          "count=-1,bytes=-1=;byteHardLimit=40;countHardLimit=5",
          "count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=3",
          "count=2,bytes=10",
          "count=4,bytes=20=;byteHardLimit=60;countHardLimit=-1");
  private static final List<String> PROPERTIES =
      List.of(
          "zookeeper.extendedTypesEnabled",
          "zookeeper.forceSync",
          "zookeeper.4lw.commands.whitelist");

  private static final Map<String, String> VALUES =
      Map.of("zookeeper.forceSync", "no", "zookeeper.4lw.commands.whitelist", "mntr");

  @TempDir static Path directory;

  @BeforeAll
  static void allowTtlNodesAndNeedNoDisk() {
    PROPERTIES.forEach(name -> System.setProperty(name, VALUES.getOrDefault(name, "true")));
  }

  @AfterAll
  static void clear() {
    PROPERTIES.forEach(System::clearProperty);
  }

  @Test
  void everyReplyAndEveryEventAgreesWithZooKeeper() {
    Seeds.each(
        4,
        seed -> {
          try (var both = new Both(seed)) {
            both.run();
          } catch (Exception e) {
            throw new AssertionError(e);
          }
        });
  }

  /** Those that monitors of ZooKeeper read, and no name that ZooKeeper gives another meaning. */
  @Test
  void theMonitorSpeaksOfTheSameThings() throws Exception {
    try (var both = new Both(1)) {
      List<String> theirs = names(word(both.door.getLocalPort()));
      List<String> ours = names(word(both.rig.wire.port()));

      var known = new ArrayList<String>(theirs);
      known.add("zk_heap_used");
      assertThat(known).containsAll(ours);
      assertThat(ours)
          .contains(
              "zk_version",
              "zk_server_state",
              "zk_avg_latency",
              "zk_min_latency",
              "zk_max_latency",
              "zk_packets_received",
              "zk_packets_sent",
              "zk_num_alive_connections",
              "zk_outstanding_requests",
              "zk_znode_count",
              "zk_watch_count",
              "zk_ephemerals_count",
              "zk_approximate_data_size",
              "zk_open_file_descriptor_count",
              "zk_max_file_descriptor_count",
              "zk_uptime");
    }
  }

  private static String word(int port) throws IOException {
    try (var client = new RawClient(port)) {
      client.sendBytes("mntr".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
      return client.readText();
    }
  }

  private static List<String> names(String text) {
    return text.lines().map(line -> line.split("\t")[0]).toList();
  }

  private static final java.util.Comparator<Frame> BY_CONTENT =
      java.util.Comparator.comparingInt(Frame::xid).thenComparing(Frame::body);

  /** A connection to each. */
  private static final class Pair {
    RawClient theirs;
    RawClient ours;
    Welcome theirWelcome;
    Welcome ourWelcome;
    long ourLastZxid;
    int xid;

    Pair(RawClient theirs, RawClient ours, Welcome theirWelcome, Welcome ourWelcome) {
      this.theirs = theirs;
      this.ours = ours;
      this.theirWelcome = theirWelcome;
      this.ourWelcome = ourWelcome;
    }
  }

  /** A request whose body may name zxids, which differ. */
  private record Request(int op, byte[] theirs, byte[] ours) {
    Request(int op, Body body) {
      this(op, body.bytes(), body.bytes());
    }
  }

  /** What a frame is made of: numbers of several kinds, and all else. */
  private sealed interface Token {
    record Zxid(long value) implements Token {}

    record Time(long value) implements Token {}

    record Session(long value) implements Token {}

    record Plain(Object value) implements Token {}
  }

  private static final class Both implements AutoCloseable {
    private final Random random;
    private final ZooKeeperServer server;
    private final ServerCnxnFactory door;
    private final WireRig rig;
    private final List<Pair> pairs = new ArrayList<>();
    private final TreeMap<Long, Long> oursByTheirs = new TreeMap<>();
    private final Map<Long, Long> sessions = new HashMap<>();
    private final List<long[]> moments = new ArrayList<>();

    /** A session was closed in this step: ZooKeeper deletes its ephemerals in no order. */
    private boolean closed;

    /** Every other seed has a quota on {@code /a}. */
    private final boolean quotas;

    Both(long seed) throws Exception {
      random = new Random(seed);
      quotas = seed % 2 == 1;
      java.io.File home = directory.resolve("seed" + seed).toFile();
      server = new ZooKeeperServer(home, home, TICK_MS);
      door = ServerCnxnFactory.createFactory(new InetSocketAddress("127.0.0.1", 0), 20);
      door.startup(server);
      rig = WireRig.start(WireRig.settings(2 * TICK_MS, 20 * TICK_MS, true), 0);
      // Theirs has no container manager when it is started so; ours is not to reap either.
      rig.member.replicator.setLeading(false);
      var anySession = new io.quorate.state.Session(1, io.quorate.tree.Bytes.EMPTY, 6_000, 1, 1);
      while (!rig.member.sessions().vouchesFor(anySession)) {
        Thread.onSpinWait();
      }
      oursByTheirs.put(0L, 0L);
      sessions.put(0L, 0L);
      moments.add(new long[] {0, 0});
      for (int i = 0; i < CONNECTIONS; i++) {
        pairs.add(connect(0, new byte[16], 0, new byte[16]));
      }
    }

    private Pair connect(long theirId, byte[] theirSecret, long ourId, byte[] ourSecret)
        throws IOException {
      int timeoutMs = 20_000 + random.nextInt(60_000);
      boolean readOnly = random.nextBoolean();
      var theirs = new RawClient(door.getLocalPort());
      var ours = new RawClient(rig.wire.port());
      Welcome theirWelcome = theirs.greet(0, timeoutMs, theirId, theirSecret, readOnly);
      Welcome ourWelcome = ours.greet(0, timeoutMs, ourId, ourSecret, readOnly);
      if (theirWelcome == null || ourWelcome == null) {
        throw new IOException("not welcome: " + theirWelcome + " " + ourWelcome);
      }
      assertThat(ourWelcome.timeoutMs()).isEqualTo(theirWelcome.timeoutMs());
      assertThat(ourWelcome.saysReadOnly()).isEqualTo(theirWelcome.saysReadOnly());
      assertThat(ourWelcome.secret()).hasSameSizeAs(theirWelcome.secret());
      assertThat(ourWelcome.sessionId() == 0).isEqualTo(theirWelcome.sessionId() == 0);
      sessions.put(theirWelcome.sessionId(), ourWelcome.sessionId());
      return new Pair(theirs, ours, theirWelcome, ourWelcome);
    }

    void run() throws Exception {
      if (quotas) {
        for (String path :
            List.of(QUOTA, QUOTA + "/zookeeper_limits", QUOTA + "/zookeeper_stats")) {
          single(pairs.get(0), new Request(Op.CREATE, quotaNode(path)), "a quota");
        }
      }
      for (int step = 0; step < STEPS; step++) {
        int at = random.nextInt(CONNECTIONS);
        Pair pair = pairs.get(at);
        String what = "step " + step + ", connection " + at;
        int dice = random.nextInt(400);
        closed = dice == 1;
        if (dice == 0) {
          reconnect(at);
        } else if (dice == 1) {
          closeAndOpen(at, what);
        } else if (dice == 2) {
          wrongPassword(at);
        } else if (dice < 10 && !quotas) {
          // With quotas theirs judges what is still under way by the counts before it.
          pipeline(pair, what);
        } else {
          single(pair, request(), what);
        }
        for (int i = 0; i < CONNECTIONS; i++) {
          settle(pairs.get(i), what + ", seen by " + i);
        }
      }
    }

    private void single(Pair pair, Request request, String step) throws IOException {
      int xid = ++pair.xid;
      pair.theirs.request(xid, request.op, request.theirs);
      pair.ours.request(xid, request.op, request.ours);
      String what = step + ", op " + request.op + " " + printable(request.ours);
      List<Frame> theirs = until("ZooKeeper", pair.theirs, xid, what);
      List<Frame> ours = until("Quorate", pair.ours, xid, what);
      same(pair, request.op, theirs, ours, what);
    }

    /** Many at once: the same replies in the same order, and the same events in theirs. */
    private void pipeline(Pair pair, String step) throws IOException {
      var ops = new HashMap<Integer, Integer>();
      int last = 0;
      var names = new StringBuilder(step);
      for (int i = 0; i < 20; i++) {
        Request request = request();
        // Credentials are answered at once, so anywhere. And what follows a change of an ACL is
        // judged there by the old one while the change is under way.
        while (request.op == Op.AUTH || request.op == Op.SET_ACL) {
          request = request();
        }
        last = ++pair.xid;
        ops.put(last, request.op);
        names.append("\n  ").append(last).append(": op ").append(request.op).append(' ');
        names.append(printable(request.ours));
        pair.theirs.request(last, request.op, request.theirs);
        pair.ours.request(last, request.op, request.ours);
      }
      String what = names.toString();
      List<Frame> theirs = until("ZooKeeper", pair.theirs, last, what);
      List<Frame> ours = until("Quorate", pair.ours, last, what);
      for (boolean events : new boolean[] {false, true}) {
        List<Frame> some = theirs.stream().filter(f -> f.xid() == -1 == events).toList();
        List<Frame> others = ours.stream().filter(f -> f.xid() == -1 == events).toList();
        assertThat(others).as(what).hasSameSizeAs(some);
        for (int i = 0; i < some.size(); i++) {
          int op = events ? 0 : ops.getOrDefault(some.get(i).xid(), 0);
          same(pair, op, List.of(some.get(i)), List.of(others.get(i)), what);
        }
      }
    }

    /** A ping brings out every event that is on its way. */
    private void settle(Pair pair, String what) throws IOException {
      pair.theirs.request(-2, Op.PING, new byte[0]);
      pair.ours.request(-2, Op.PING, new byte[0]);
      List<Frame> theirs = until("ZooKeeper", pair.theirs, -2, what);
      List<Frame> ours = until("Quorate", pair.ours, -2, what);
      same(pair, Op.PING, theirs, ours, what);
      moments.add(
          new long[] {theirs.get(theirs.size() - 1).zxid(), ours.get(ours.size() - 1).zxid()});
    }

    private void reconnect(int at) throws IOException {
      Pair old = pairs.get(at);
      if (random.nextBoolean()) {
        old.theirs.close();
        old.ours.close();
      }
      Pair next =
          connect(
              old.theirWelcome.sessionId(),
              old.theirWelcome.secret(),
              old.ourWelcome.sessionId(),
              old.ourWelcome.secret());
      assertThat(next.ourWelcome.sessionId()).isEqualTo(old.ourWelcome.sessionId());
      assertThat(next.ourWelcome.secret()).isEqualTo(old.ourWelcome.secret());
      pairs.set(at, next);
      old.theirs.close();
      old.ours.close();
    }

    private void closeAndOpen(int at, String what) throws IOException {
      Pair old = pairs.get(at);
      single(old, new Request(Op.CLOSE_SESSION, new Body()), what + " closes");
      assertThat(old.ours.frame()).as(what).isNull();
      assertThat(old.theirs.frame()).as(what).isNull();
      Welcome theirs =
          new RawClient(door.getLocalPort())
              .greet(0, 30_000, old.theirWelcome.sessionId(), old.theirWelcome.secret());
      Welcome ours =
          new RawClient(rig.wire.port())
              .greet(0, 30_000, old.ourWelcome.sessionId(), old.ourWelcome.secret());
      refused(theirs, ours);
      pairs.set(at, connect(0, new byte[16], 0, new byte[16]));
    }

    private static void refused(@Nullable Welcome theirs, @Nullable Welcome ours) {
      assertThat(Objects.requireNonNull(theirs).sessionId()).isZero();
      assertThat(Objects.requireNonNull(ours).sessionId()).isZero();
      assertThat(ours.timeoutMs()).isZero();
      assertThat(ours.secret()).isEqualTo(theirs.secret()).containsOnly(0);
    }

    /** ZooKeeper hangs up on the rightful owner; we do not, and so only ours is asked. */
    private void wrongPassword(int at) throws IOException {
      try (var thief = new RawClient(rig.wire.port())) {
        Welcome welcome =
            thief.greet(0, 30_000, pairs.get(at).ourWelcome.sessionId(), new byte[16]);
        assertThat(Objects.requireNonNull(welcome).sessionId()).isZero();
        assertThat(thief.frame()).isNull();
      }
    }

    private static List<Frame> until(String who, RawClient client, int xid, String what) {
      var frames = new ArrayList<Frame>();
      Frame frame;
      do {
        try {
          frame = client.frame();
        } catch (IOException e) {
          throw new AssertionError(who + " is silent: " + what + "\n" + frames, e);
        }
        if (frame == null) {
          throw new AssertionError(who + " hung up: " + what + "\n" + frames);
        }
        frames.add(frame);
      } while (frame.xid() != xid);
      return frames;
    }

    // Requests

    private String path() {
      return random.nextInt(30) == 0
          ? ODD_PATHS.get(random.nextInt(ODD_PATHS.size()))
          : PATHS.get(random.nextInt(PATHS.size()));
    }

    /** A watch where no node can be is kept by ZooKeeper alone. */
    private String possible() {
      return PATHS.get(random.nextInt(PATHS.size()));
    }

    private byte @Nullable [] data() {
      int size = random.nextInt(12);
      return size == 0 ? null : new byte[size - 1];
    }

    private int version() {
      return random.nextInt(3) == 0 ? random.nextInt(3) : -1;
    }

    private Request request() {
      Request whole = wholeRequest();
      // Half an auth request is hung up on.
      if (random.nextInt(60) > 0 || whole.theirs.length == 0 || whole.op == Op.AUTH) {
        return whole;
      }
      int kept = random.nextInt(whole.theirs.length);
      return new Request(
          whole.op, Arrays.copyOf(whole.theirs, kept), Arrays.copyOf(whole.ours, kept));
    }

    private Body quotaNode(String path) {
      String data =
          path.endsWith("limits")
              ? LIMITS.get(random.nextInt(LIMITS.size()))
              : path.endsWith("stats") ? "count=0,bytes=0" : "";
      return new Body()
          .text(path)
          .buffer(data.getBytes(StandardCharsets.UTF_8))
          .number(1)
          .number(31)
          .text("world")
          .text("anyone")
          .number(0);
    }

    private Request quota() {
      String limits = QUOTA + "/zookeeper_limits";
      String stats = QUOTA + "/zookeeper_stats";
      return switch (random.nextInt(8)) {
        case 0 ->
            new Request(
                Op.SET_DATA,
                new Body()
                    .text(limits)
                    .buffer(
                        LIMITS.get(random.nextInt(LIMITS.size())).getBytes(StandardCharsets.UTF_8))
                    .number(-1));
        case 1 -> new Request(Op.DELETE, new Body().text(limits).number(-1));
        case 2, 3 -> new Request(Op.CREATE, quotaNode(limits));
        case 4 -> new Request(Op.GET_DATA, new Body().text(limits).flag(random.nextBoolean()));
        case 5 -> new Request(Op.GET_CHILDREN2, new Body().text(QUOTA).flag(false));
        default -> new Request(Op.GET_DATA, new Body().text(stats).flag(random.nextBoolean()));
      };
    }

    private Request wholeRequest() {
      if (quotas && random.nextInt(8) == 0) {
        return quota();
      }
      switch (random.nextInt(30)) {
        case 0, 1, 2, 3, 4, 5:
          return create();
        case 6, 7, 8:
          return new Request(Op.DELETE, new Body().text(path()).number(version()));
        case 9, 10:
          return new Request(Op.SET_DATA, new Body().text(path()).buffer(data()).number(version()));
        case 11, 12:
          return new Request(Op.EXISTS, pathAndWatch());
        case 13, 14:
          return new Request(Op.GET_DATA, pathAndWatch());
        case 15:
          return new Request(Op.GET_CHILDREN, pathAndWatch());
        case 16, 17:
          return new Request(Op.GET_CHILDREN2, pathAndWatch());
        case 18:
          return new Request(Op.GET_ACL, new Body().text(path()));
        case 19:
          return new Request(Op.SET_ACL, new Body().text(path()).raw(acl()).number(version()));
        case 20, 21, 22:
          return new Request(Op.MULTI, multi());
        case 23:
          return new Request(Op.MULTI_READ, multiRead());
        case 24:
          return new Request(Op.ADD_WATCH, new Body().text(path()).number(mode()));
        case 25:
          return new Request(
              random.nextBoolean() ? Op.CHECK_WATCHES : Op.REMOVE_WATCHES,
              new Body().text(possible()).number(random.nextInt(7)));
        case 26, 27:
          return setWatches();
        case 28:
          return rare();
        default:
          return new Request(Op.SYNC, new Body().text(path()));
      }
    }

    private int mode() {
      int dice = random.nextInt(20);
      return dice == 0 ? 2 : dice % 2;
    }

    private Request rare() {
      return switch (random.nextInt(6)) {
        case 0 -> new Request(Op.GET_ALL_CHILDREN_NUMBER, new Body().text(path()));
        case 1 -> new Request(Op.GET_EPHEMERALS, new Body().text(path()));
        case 2 -> new Request(Op.WHO_AM_I, new Body());
        case 3 -> new Request(Op.RECONFIG, new Body().text(null).text("1").text(null).wide(-1));
        case 4 ->
            new Request(
                Op.AUTH,
                new Body()
                    .number(0)
                    .text("digest")
                    .buffer("user0:x".getBytes(StandardCharsets.UTF_8)));
        default -> new Request(Op.WHO_AM_I, new Body());
      };
    }

    private Body pathAndWatch() {
      return new Body().text(path()).flag(random.nextBoolean());
    }

    private byte[] acl() {
      var body = new Body();
      switch (random.nextInt(12)) {
        case 0:
          return body.number(-1).bytes();
        case 1:
          return body.number(0).bytes();
        case 2:
          return body.number(1).number(31).text("auth").text("").bytes();
        case 3:
          return body.number(2)
              .number(random.nextInt(32))
              .text("world")
              .text("anyone")
              .number(31)
              .text("digest")
              .text("user0:KtkNxDNkx5DXwUaiyYMcXyIcb2Y=")
              .bytes();
        case 4:
          return body.number(1)
              .number(random.nextInt(32))
              .text(List.of("ip", "digest", "world", "x", "auth").get(random.nextInt(5)))
              .text(List.of("127.0.0.0/8", "u:p", "anyone", "", "nobody").get(random.nextInt(5)))
              .bytes();
        default:
          return body.number(1).number(31).text("world").text("anyone").bytes();
      }
    }

    private Request create() {
      int op =
          List.of(Op.CREATE, Op.CREATE, Op.CREATE2, Op.CREATE2, Op.CREATE_CONTAINER, Op.CREATE_TTL)
              .get(random.nextInt(6));
      return new Request(op, create(op));
    }

    private Body create(int op) {
      int flags = random.nextInt(4);
      if (op == Op.CREATE_CONTAINER) {
        flags = 4;
      }
      if (op == Op.CREATE_TTL) {
        flags = 5 + random.nextInt(2);
      }
      if (random.nextInt(40) == 0) {
        flags = List.of(-1, 7, 9, 4).get(random.nextInt(4));
      }
      var body = new Body().text(path()).buffer(data()).raw(acl()).number(flags);
      if (op == Op.CREATE_TTL) {
        // With flags that are not a TTL's, theirs takes one below zero.
        int odd = flags == 5 || flags == 6 ? 4 : 2;
        body.wide(
            List.of(1_000_000L, 0L, -1L, 1L << 40)
                .get(random.nextInt(20) > 0 ? 0 : random.nextInt(odd)));
      }
      return body;
    }

    private Body multi() {
      var body = new Body();
      // Theirs judges each by the counts before all of them.
      int count = random.nextInt(quotas ? 2 : 5);
      for (int i = 0; i < count; i++) {
        int op =
            List.of(Op.CREATE, Op.CREATE2, Op.DELETE, Op.SET_DATA, Op.CHECK, Op.CREATE_CONTAINER)
                .get(random.nextInt(6));
        body.number(op).flag(false).number(-1);
        switch (op) {
          case Op.DELETE, Op.CHECK -> body.text(path()).number(version());
          case Op.SET_DATA -> body.text(path()).buffer(data()).number(version());
          default -> body.raw(create(op).bytes());
        }
      }
      return body.number(-1).flag(true).number(-1);
    }

    private Body multiRead() {
      var body = new Body();
      int count = random.nextInt(4);
      for (int i = 0; i < count; i++) {
        body.number(random.nextBoolean() ? Op.GET_DATA : Op.GET_CHILDREN).flag(false).number(-1);
        body.text(path()).flag(false);
      }
      return body.number(-1).flag(true).number(-1);
    }

    private Request setWatches() {
      long[] moment = moments.get(random.nextInt(moments.size()));
      boolean two = random.nextBoolean();
      var lists = new Body();
      for (int i = 0; i < (two ? 5 : 3); i++) {
        int count = random.nextInt(3);
        var paths = new ArrayList<String>();
        for (int j = 0; j < count; j++) {
          paths.add(PATHS.get(random.nextInt(PATHS.size())));
        }
        lists.texts(paths);
      }
      return new Request(
          two ? Op.SET_WATCHES2 : Op.SET_WATCHES,
          new Body().wide(moment[0]).raw(lists.bytes()).bytes(),
          new Body().wide(moment[1]).raw(lists.bytes()).bytes());
    }

    // Comparison

    private void same(
        Pair pair, int op, List<Frame> theirFrames, List<Frame> ourFrames, String what) {
      var theirs = new ArrayList<Frame>(theirFrames);
      var ours = new ArrayList<Frame>(ourFrames);
      if (closed) {
        theirs.sort(BY_CONTENT);
        ours.sort(BY_CONTENT);
      }
      var left = new ArrayList<String>();
      var right = new ArrayList<String>();
      for (int i = 0; i < Math.max(theirs.size(), ours.size()); i++) {
        left.add(i < theirs.size() ? text(op, theirs.get(i)) : "nothing");
        right.add(i < ours.size() ? text(op, ours.get(i)) : "nothing");
      }
      String difference = what + "\n  ZooKeeper: " + left + "\n  Quorate:   " + right;
      if (theirs.size() != ours.size()) {
        fail(difference);
      }
      for (int i = 0; i < theirs.size(); i++) {
        List<Token> expected = tokens(op, theirs.get(i));
        List<Token> actual = tokens(op, ours.get(i));
        if (expected.size() != actual.size()) {
          fail(difference);
        }
        for (int j = 0; j < expected.size(); j++) {
          if (!same(expected.get(j), actual.get(j))) {
            fail(difference + "\n  at token " + j + " of frame " + i);
          }
        }
        if (ours.get(i).xid() > 0 && op != Op.AUTH) {
          assertThat(ours.get(i).zxid()).as(what).isGreaterThanOrEqualTo(pair.ourLastZxid);
          pair.ourLastZxid = ours.get(i).zxid();
        }
      }
    }

    private boolean same(Token theirs, Token ours) {
      if (theirs instanceof Token.Zxid expected && ours instanceof Token.Zxid actual) {
        Long known = oursByTheirs.putIfAbsent(expected.value, actual.value);
        Map.Entry<Long, Long> below = oursByTheirs.lowerEntry(expected.value);
        Map.Entry<Long, Long> above = oursByTheirs.higherEntry(expected.value);
        return (known == null || known == actual.value)
            && (below == null || below.getValue() < actual.value)
            && (above == null || above.getValue() > actual.value);
      }
      if (theirs instanceof Token.Time expected && ours instanceof Token.Time actual) {
        return Math.abs(expected.value - actual.value) < 10_000 || expected.value == 0;
      }
      if (theirs instanceof Token.Session expected && ours instanceof Token.Session actual) {
        return Objects.equals(sessions.get(expected.value), actual.value);
      }
      return theirs.equals(ours);
    }

    private static String text(int op, Frame frame) {
      return frame.xid() + " " + tokens(op, frame);
    }

    private static List<Token> tokens(int op, Frame frame) {
      var tokens = new ArrayList<Token>();
      ByteBuffer body = frame.body().duplicate();
      tokens.add(new Token.Plain("xid " + frame.xid()));
      tokens.add(new Token.Plain("error " + frame.error()));
      if (frame.xid() == -1) {
        tokens.add(frame.zxid() == -1 ? new Token.Plain(-1L) : new Token.Zxid(frame.zxid()));
        tokens.add(new Token.Plain(body.getInt()));
        tokens.add(new Token.Plain(body.getInt()));
        tokens.add(new Token.Plain(text(body)));
      } else if (frame.error() == 0 && body.hasRemaining()) {
        body(op, body, tokens);
      }
      tokens.add(new Token.Plain(body.remaining() + " left"));
      return tokens;
    }

    private static void body(int op, ByteBuffer body, List<Token> tokens) {
      switch (op) {
        case Op.CREATE, Op.SYNC -> tokens.add(new Token.Plain(text(body)));
        case Op.CREATE2, Op.CREATE_CONTAINER, Op.CREATE_TTL -> {
          tokens.add(new Token.Plain(text(body)));
          stat(body, tokens);
        }
        case Op.SET_DATA, Op.SET_ACL, Op.EXISTS -> stat(body, tokens);
        case Op.GET_DATA -> {
          tokens.add(new Token.Plain(text(body)));
          stat(body, tokens);
        }
        case Op.GET_CHILDREN, Op.GET_EPHEMERALS -> tokens.add(new Token.Plain(sorted(body)));
        case Op.GET_CHILDREN2 -> {
          tokens.add(new Token.Plain(sorted(body)));
          stat(body, tokens);
        }
        case Op.GET_ACL -> {
          int count = body.getInt();
          for (int i = 0; i < count; i++) {
            tokens.add(new Token.Plain(body.getInt() + text(body) + ":" + text(body)));
          }
          stat(body, tokens);
        }
        case Op.MULTI, Op.MULTI_READ -> {
          int type;
          boolean done;
          do {
            type = body.getInt();
            done = body.get() != 0;
            tokens.add(new Token.Plain(type + " " + done + " " + body.getInt()));
            if (!done && type == Op.ERROR) {
              tokens.add(new Token.Plain(body.getInt()));
            } else if (!done && type != Op.DELETE && type != Op.CHECK) {
              body(type, body, tokens);
            }
          } while (!done);
        }
        case Op.WHO_AM_I -> {
          // ZooKeeper keeps a connection's identities in no order.
          var who = new ArrayList<String>();
          for (int count = body.getInt(); count > 0; count--) {
            who.add(text(body) + ":" + text(body));
          }
          Collections.sort(who);
          tokens.add(new Token.Plain(who));
        }
        default -> {
          byte[] rest = new byte[body.remaining()];
          body.get(rest);
          tokens.add(new Token.Plain(Arrays.toString(rest)));
        }
      }
    }

    private static void stat(ByteBuffer body, List<Token> tokens) {
      tokens.add(new Token.Zxid(body.getLong()));
      tokens.add(new Token.Zxid(body.getLong()));
      tokens.add(new Token.Time(body.getLong()));
      tokens.add(new Token.Time(body.getLong()));
      for (int i = 0; i < 3; i++) {
        tokens.add(new Token.Plain(body.getInt()));
      }
      tokens.add(new Token.Session(body.getLong()));
      tokens.add(new Token.Plain(body.getInt()));
      tokens.add(new Token.Plain(body.getInt()));
      tokens.add(new Token.Zxid(body.getLong()));
    }

    private static List<String> sorted(ByteBuffer body) {
      int count = body.getInt();
      var texts = new ArrayList<String>();
      for (int i = 0; i < count; i++) {
        texts.add(text(body));
      }
      Collections.sort(texts);
      return texts;
    }

    private static String text(ByteBuffer body) {
      int length = body.getInt();
      if (length < 0) {
        return "null";
      }
      byte[] bytes = new byte[length];
      body.get(bytes);
      return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    private static String printable(byte[] body) {
      return new String(body, StandardCharsets.ISO_8859_1).replaceAll("[^ -~]+", ".");
    }

    @Override
    public void close() throws Exception {
      for (Pair pair : pairs) {
        pair.theirs.close();
        pair.ours.close();
      }
      door.shutdown();
      rig.close();
    }
  }
}
