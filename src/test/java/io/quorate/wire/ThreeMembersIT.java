package io.quorate.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.apache.zookeeper.ZooDefs.Ids.OPEN_ACL_UNSAFE;
import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.wire.RawClient.Body;
import io.quorate.wire.RawClient.Frame;
import io.quorate.wire.RawClient.Welcome;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.ZooKeeper;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Sessions, reads and watches of stock clients that go from member to member. */
@Timeout(120)
@NullUnmarked // a member may refuse; what then fails is the test
class ThreeMembersIT {
  private static final byte[] NO_SECRET = new byte[16];
  private static final byte[] OPEN_ACL =
      new Body().number(1).number(31).text("world").text("anyone").bytes();
  private static final int EPHEMERAL = 1;
  private static final int SEQUENTIAL = 2;

  private static Members members;

  @BeforeAll
  static void start(@TempDir Path dir) throws Exception {
    members = Members.start(dir);
  }

  @AfterAll
  static void stop() {
    members.close();
  }

  // Frames, seen one by one

  /** A session that is taken from member to member, with the newest zxid that it has seen. */
  private static final class Traveller {
    long zxid;
    long id;
    byte[] secret = NO_SECRET;

    /** Null when the member refuses it. */
    RawClient to(int member) throws IOException {
      RawClient client = new RawClient(members.port(member));
      Welcome welcome = client.greet(zxid, 10_000, id, secret);
      if (welcome == null) {
        client.close();
        return null;
      }
      assertThat(welcome.sessionId()).isNotZero();
      assertThat(id == 0 || id == welcome.sessionId()).isTrue();
      id = welcome.sessionId();
      secret = welcome.secret();
      return client;
    }

    Frame ask(RawClient client, int op, byte[] body) throws IOException {
      client.request(1, op, body);
      Frame frame = client.frame();
      assertThat(frame.zxid()).as("zxids never go backwards").isGreaterThanOrEqualTo(zxid);
      zxid = frame.zxid();
      return frame;
    }
  }

  private static byte[] create(String path, int flags) {
    return new Body().text(path).buffer(new byte[0]).raw(OPEN_ACL).number(flags).bytes();
  }

  private static byte[] look(String path) {
    return new Body().text(path).flag(false).bytes();
  }

  @Test
  void aSessionMovesWithItsEphemeralsAndTheOldConnectionIsDone() throws Exception {
    var session = new Traveller();
    RawClient last = session.to(0);
    assertThat(session.ask(last, Op.CREATE, create("/moving", EPHEMERAL)).error()).isZero();

    for (int round = 1; round <= 9; round++) {
      RawClient next = session.to(round % Members.COUNT);
      // As ZooKeeper does with SESSIONMOVED: not carried out, no answer, hung up.
      requestIfItCan(last, create("/late" + round, 0));
      assertThat(last.frame()).isNull();
      last.close();
      session.ask(next, Op.SYNC, new Body().text("/").bytes());
      assertThat(session.ask(next, Op.EXISTS, look("/late" + round)).error()).isEqualTo(-101);
      Frame ephemeral = session.ask(next, Op.EXISTS, look("/moving"));
      assertThat(ephemeral.error()).isZero();
      assertThat(ephemeral.body().getLong(44)).as("ephemeralOwner").isEqualTo(session.id);
      last = next;
    }
    assertThat(session.ask(last, Op.CLOSE_SESSION, new byte[0]).error()).isZero();
    assertThat(last.frame()).isNull();
    last.close();
    for (int member = 0; member < Members.COUNT; member++) {
      var other = new Traveller();
      try (RawClient client = other.to(member)) {
        other.ask(client, Op.SYNC, new Body().text("/").bytes());
        assertThat(other.ask(client, Op.EXISTS, look("/moving")).error()).isEqualTo(-101);
      }
    }
  }

  private static void requestIfItCan(RawClient client, byte[] body) {
    try {
      client.request(2, Op.CREATE, body);
    } catch (IOException e) {
      // The member has hung up already.
    }
  }

  @Test
  void aSyncOnAnyMemberShowsWhatWasAcknowledgedOnAnother() throws Exception {
    var writer = new Traveller();
    var readers = new ArrayList<RawClient>();
    var sessions = new ArrayList<Traveller>();
    try (RawClient writing = writer.to(members.leader())) {
      writer.ask(writing, Op.CREATE, create("/synced", 0));
      writer.ask(writing, Op.CREATE, create("/mine", 0));
      for (int member = 0; member < Members.COUNT; member++) {
        var session = new Traveller();
        readers.add(session.to(member));
        sessions.add(session);
      }
      for (int version = 1; version <= 100; version++) {
        byte[] data = Integer.toString(version).getBytes(UTF_8);
        writer.ask(
            writing, Op.SET_DATA, new Body().text("/synced").buffer(data).number(-1).bytes());
        // A change behind the read must not make it older than the sync.
        byte[] own = new Body().text("/mine").buffer(data).number(-1).bytes();
        for (RawClient reader : readers) {
          reader.requests(
              List.of(
                  new RawClient.Request(1, Op.SYNC, new Body().text("/synced").bytes()),
                  new RawClient.Request(2, Op.GET_DATA, look("/synced")),
                  new RawClient.Request(3, Op.SET_DATA, own)));
        }
        for (RawClient reader : readers) {
          assertThat(reader.frame().xid()).isEqualTo(1);
          Frame read = reader.frame();
          byte[] seen = new byte[read.body().getInt()];
          read.body().get(seen);
          assertThat(new String(seen, UTF_8)).isEqualTo(Integer.toString(version));
          assertThat(reader.frame().error()).isZero();
        }
      }
    } finally {
      for (RawClient reader : readers) {
        reader.close();
      }
    }
  }

  @Test
  void watchesAreTakenToAnotherMemberAndTellWhatMoved() throws Exception {
    var watcher = new Traveller();
    var writer = new Traveller();
    RawClient before = watcher.to(0);
    watcher.ask(before, Op.CREATE, create("/moved", 0));
    for (String each : List.of("same", "set", "gone", "parent", "lonely")) {
      watcher.ask(before, Op.CREATE, create("/moved/" + each, 0));
    }
    long since = watcher.zxid;
    before.close();
    try (RawClient writing = writer.to(1)) {
      byte[] one = new byte[1];
      writer.ask(
          writing, Op.SET_DATA, new Body().text("/moved/set").buffer(one).number(-1).bytes());
      writer.ask(writing, Op.DELETE, new Body().text("/moved/gone").number(-1).bytes());
      writer.ask(writing, Op.CREATE, create("/moved/new", 0));
      writer.ask(writing, Op.CREATE, create("/moved/parent/child", 0));
      watcher.zxid = writer.zxid; // so that the next member has all of it

      try (RawClient after = watcher.to(2)) {
        after.requests(
            List.of(
                new RawClient.Request(
                    1,
                    Op.SET_WATCHES,
                    new Body()
                        .wide(since)
                        .texts(List.of("/moved/same", "/moved/set", "/moved/gone"))
                        .texts(List.of())
                        .texts(List.of())
                        .bytes()),
                new RawClient.Request(
                    2,
                    Op.SET_WATCHES,
                    new Body()
                        .wide(since)
                        .texts(List.of())
                        .texts(List.of("/moved/new", "/moved/later"))
                        .texts(List.of("/moved/parent", "/moved/lonely", "/moved/gone"))
                        .bytes())));

        assertThat(caughtUp(after, 1))
            .containsExactly("3 /moved/set", "2 /moved/gone"); // by mzxid, and what is not there
        assertThat(caughtUp(after, 2))
            .containsExactly("1 /moved/new", "4 /moved/parent", "2 /moved/gone"); // by pzxid

        writer.ask(
            writing, Op.SET_DATA, new Body().text("/moved/same").buffer(one).number(-1).bytes());
        writer.ask(writing, Op.CREATE, create("/moved/later", 0));
        writer.ask(writing, Op.CREATE, create("/moved/lonely/child", 0));
        writer.ask( // told of already, and not watched any more
            writing, Op.SET_DATA, new Body().text("/moved/set").buffer(one).number(-1).bytes());
        after.request(3, Op.SYNC, new Body().text("/").bytes());
        var events = new ArrayList<String>();
        Frame frame;
        for (frame = after.frame(); frame.xid() == -1; frame = after.frame()) {
          assertThat(frame.zxid()).isPositive();
          events.add(event(frame));
        }
        assertThat(frame.xid()).isEqualTo(3);
        assertThat(events).containsExactly("3 /moved/same", "1 /moved/later", "4 /moved/lonely");
      }
    }
  }

  /** The events before the reply {@code xid}; each has the zxid of what nobody saw, −1. */
  private static List<String> caughtUp(RawClient client, int xid) throws IOException {
    var events = new ArrayList<String>();
    Frame frame;
    for (frame = client.frame(); frame.xid() == -1; frame = client.frame()) {
      assertThat(frame.zxid()).isEqualTo(-1);
      events.add(event(frame));
    }
    assertThat(frame.xid()).isEqualTo(xid);
    assertThat(frame.error()).isZero();
    return events;
  }

  /** Its type and path. */
  private static String event(Frame frame) {
    int type = frame.body().getInt();
    frame.body().getInt();
    return type + " " + text(frame);
  }

  private static String text(Frame frame) {
    byte[] bytes = new byte[frame.body().getInt()];
    frame.body().get(bytes);
    return new String(bytes, UTF_8);
  }

  @Test
  void aNewLeaderGivesEverySessionItsWholeTimeoutAndCountsOn() throws Exception {
    var session = new Traveller(); // 10 s
    RawClient client = session.to((members.leader() + 1) % Members.COUNT);
    session.ask(client, Op.CREATE, create("/patient", EPHEMERAL));
    session.ask(client, Op.CREATE, create("/turns", 0));
    assertThat(text(session.ask(client, Op.CREATE, create("/turns/t-", SEQUENTIAL))))
        .isEqualTo("/turns/t-0000000000");
    session.ask(client, Op.DELETE, new Body().text("/turns/t-0000000000").number(-1).bytes());
    client.close();
    long silent = System.nanoTime();
    Thread.sleep(7_000);
    int leader = members.leader();
    members.kill(leader);
    TimeUnit.NANOSECONDS.sleep(TimeUnit.SECONDS.toNanos(12) - (System.nanoTime() - silent));

    RawClient again = session.to((leader + 1) % Members.COUNT); // asserts that it is the same
    session.ask(again, Op.SYNC, new Body().text("/").bytes());
    assertThat(session.ask(again, Op.EXISTS, look("/patient")).error()).isZero();
    assertThat(text(session.ask(again, Op.CREATE, create("/turns/t-", SEQUENTIAL))))
        .isEqualTo("/turns/t-0000000001");
    again.close();
    members.revive(leader);
  }

  @Test
  void aMemberThatIsBehindRefusesWhoHasSeenMore() throws Exception {
    int leader = members.leader();
    int follower = (leader + 1) % Members.COUNT;
    var session = new Traveller();
    RawClient client = session.to(leader);
    for (int round = 0; round < 5; round++) {
      String path = "/seen" + round;
      members.process(follower).pause();
      try {
        assertThat(session.ask(client, Op.CREATE, create(path, 0)).error()).isZero();
      } finally {
        members.process(follower).resume();
      }
      client.close();
      RawClient moved = null;
      for (int tries = 0; moved == null && tries < 100; tries++) {
        moved = session.to(follower); // refused until it has caught up
      }
      assertThat(session.ask(moved, Op.EXISTS, look(path)).error())
          .as("a read after moving shows what was seen before")
          .isZero();
      moved.close();
      client = session.to(leader);
    }
    for (int member = 0; member < Members.COUNT; member++) {
      var ahead = new Traveller();
      ahead.zxid = session.zxid + 1_000_000;
      assertThat(ahead.to(member)).isNull();
    }
    client.close();
  }

  // Stock clients

  private static CuratorFramework curator() throws Exception {
    CuratorFramework client =
        CuratorFrameworkFactory.newClient(
            members.addresses(), 15_000, 10_000, new RetryNTimes(60, 250));
    client.start();
    assertThat(client.blockUntilConnected(20, TimeUnit.SECONDS)).isTrue();
    return client;
  }

  @Test
  void aLockAndALatchGoOnWhenTheLeaderIsKilled() throws Exception {
    ExecutorService threads = Executors.newCachedThreadPool();
    var inside = new AtomicInteger();
    var most = new AtomicInteger();
    var passed = new AtomicInteger();
    var killed = new CountDownLatch(1);
    try (CuratorFramework one = curator();
        CuratorFramework two = curator();
        CuratorFramework three = curator()) {
      List<CuratorFramework> clients = List.of(one, two, three);
      var sessions = new ArrayList<Long>();
      for (CuratorFramework client : clients) {
        sessions.add(client.getZookeeperClient().getZooKeeper().getSessionId());
      }
      var latch = new LeaderLatch(one, "/latch");
      var next = new LeaderLatch(two, "/latch");
      latch.start();
      latch.await();
      next.start();
      var running = new ArrayList<Future<?>>();
      for (CuratorFramework client : clients) {
        running.add(
            threads.submit(
                () -> {
                  var mutex = new InterProcessMutex(client, "/lock");
                  for (int after = 0; after < 10; ) {
                    mutex.acquire();
                    most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                    passed.incrementAndGet();
                    if (killed.getCount() == 0) {
                      after++;
                    }
                    inside.decrementAndGet();
                    mutex.release();
                  }
                  return null;
                }));
      }
      while (passed.get() < 30) {
        Thread.sleep(10);
      }
      int leader = members.leader();
      members.kill(leader);
      killed.countDown();
      for (Future<?> each : running) {
        each.get(60, TimeUnit.SECONDS);
      }

      assertThat(most.get()).isEqualTo(1);
      for (int i = 0; i < clients.size(); i++) {
        assertThat(clients.get(i).getZookeeperClient().getZooKeeper().getSessionId())
            .isEqualTo(sessions.get(i));
      }
      latch.close();
      assertThat(next.await(20, TimeUnit.SECONDS)).isTrue();
      next.close();
      members.revive(leader);
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void thousandsOfWatchesSurviveTheMemberThatHeldThem() throws Exception {
    int count = 2_500;
    String padding = "p".repeat(100); // 2 500 of them need more than one SetWatches of 128 KiB
    var fired = new ConcurrentHashMap<String, Integer>();
    var left = new CountDownLatch(count);
    ZooKeeper watching = WireRig.connect(members.addresses(), 15_000);
    ZooKeeper writing = WireRig.connect(members.addresses(), 15_000);
    try {
      writing.create("/many", null, OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
      var paths = new ArrayList<String>();
      for (int i = 0; i < count; i++) {
        paths.add("/many/" + padding + i);
      }
      everywhere(
          paths,
          (path, done) ->
              writing.create(
                  path,
                  null,
                  OPEN_ACL_UNSAFE,
                  CreateMode.PERSISTENT,
                  (code, p, context, name) -> done.countDown(),
                  null));
      WireRig.sync(watching);
      everywhere(
          paths,
          (path, done) ->
              watching.getData(
                  path,
                  event -> {
                    if (event.getType() != EventType.None) {
                      fired.merge(event.getType() + " " + event.getPath(), 1, Integer::sum);
                      left.countDown();
                    }
                  },
                  (code, p, context, data, stat) -> {
                    assertThat(code).isZero();
                    done.countDown();
                  },
                  null));
      long session = watching.getSessionId();
      int held = members.of(watching);
      if (members.of(writing) == held) { // it is to write on while the other one is away
        writing.close();
      }
      members.kill(held);
      ZooKeeper writer =
          writing.getState().isAlive() ? writing : WireRig.connect(members.addresses(), 15_000);
      for (String path : paths) {
        writer.setData(path, new byte[] {1}, 0);
      }

      assertThat(left.await(30, TimeUnit.SECONDS)).isTrue();
      assertThat(watching.getSessionId()).isEqualTo(session);
      WireRig.sync(watching); // an event too many would have come before this answer
      assertThat(fired).hasSize(count);
      assertThat(fired.values()).containsOnly(1);
      assertThat(fired.keySet()).allMatch(each -> each.startsWith("NodeDataChanged /many/p"));
      members.revive(held);
      writer.close();
    } finally {
      watching.close(2_000);
      writing.close(2_000);
    }
  }

  private interface Each {
    void ask(String path, CountDownLatch done) throws Exception;
  }

  private static void everywhere(List<String> paths, Each each) throws Exception {
    var done = new CountDownLatch(paths.size());
    for (String path : paths) {
      each.ask(path, done);
    }
    assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();
  }
}
