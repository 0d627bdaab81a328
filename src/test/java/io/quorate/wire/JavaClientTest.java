package io.quorate.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.apache.zookeeper.CreateMode.CONTAINER;
import static org.apache.zookeeper.CreateMode.EPHEMERAL;
import static org.apache.zookeeper.CreateMode.EPHEMERAL_SEQUENTIAL;
import static org.apache.zookeeper.CreateMode.PERSISTENT;
import static org.apache.zookeeper.CreateMode.PERSISTENT_SEQUENTIAL;
import static org.apache.zookeeper.CreateMode.PERSISTENT_WITH_TTL;
import static org.apache.zookeeper.ZooDefs.Ids.CREATOR_ALL_ACL;
import static org.apache.zookeeper.ZooDefs.Ids.OPEN_ACL_UNSAFE;
import static org.apache.zookeeper.ZooDefs.Ids.READ_ACL_UNSAFE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.AsyncCallback;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.Transaction;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.Watcher.WatcherType;
import org.apache.zookeeper.ZooDefs.Perms;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.ClientInfo;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.data.Stat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** ZooKeeper's own Java client, unmodified, against our port. */
@Timeout(60)
class JavaClientTest {
  private ClientRig rig;
  private ZooKeeper zk;

  @BeforeEach
  void start() throws Exception {
    rig = ClientRig.start();
    zk = rig.client();
  }

  @AfterEach
  void stop() throws Exception {
    rig.close();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }

  private void create(String path) throws Exception {
    zk.create(path, bytes(path), OPEN_ACL_UNSAFE, PERSISTENT);
  }

  /** Collects events, and waits for the next one. */
  private static final class Events implements Watcher {
    private final BlockingQueue<WatchedEvent> queue = new LinkedBlockingQueue<>();

    @Override
    public void process(WatchedEvent event) {
      if (event.getType() != EventType.None) {
        queue.add(event);
      }
    }

    String next() throws InterruptedException {
      WatchedEvent event = queue.poll(10, TimeUnit.SECONDS);
      return event == null ? "nothing" : event.getType() + " " + event.getPath();
    }

    boolean isEmpty() {
      return queue.isEmpty();
    }
  }

  private static void fails(Code code, org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(KeeperException.class, e -> assertThat(e.code()).isEqualTo(code));
  }

  // Nodes

  @Test
  void aNodeIsCreatedReadSetAndDeleted() throws Exception {
    var created = new Stat();
    assertThat(zk.create("/a", bytes("one"), OPEN_ACL_UNSAFE, PERSISTENT, created)).isEqualTo("/a");

    var read = new Stat();
    assertThat(zk.getData("/a", false, read)).isEqualTo(bytes("one"));
    assertThat(read).isEqualTo(created);

    Stat set = zk.setData("/a", bytes("three"), 0);
    assertThat(set.getVersion()).isEqualTo(1);
    assertThat(set.getDataLength()).isEqualTo(5);
    assertThat(set.getMzxid()).isGreaterThan(set.getCzxid());

    zk.delete("/a", 1);
    assertThat(zk.exists("/a", false)).isNull();
  }

  @Test
  void nullDataIsNotEmptyData() throws Exception {
    zk.create("/null", null, OPEN_ACL_UNSAFE, PERSISTENT);
    zk.create("/empty", new byte[0], OPEN_ACL_UNSAFE, PERSISTENT);

    assertThat(zk.getData("/null", false, null)).isNull();
    assertThat(zk.getData("/empty", false, null)).isEmpty();
  }

  @Test
  void whatIsWrongHasItsCode() throws Exception {
    create("/a");
    create("/a/b");
    zk.create("/e", null, OPEN_ACL_UNSAFE, EPHEMERAL);

    fails(Code.NODEEXISTS, () -> create("/a"));
    fails(Code.NONODE, () -> create("/none/b"));
    fails(Code.NONODE, () -> zk.getData("/none", false, null));
    fails(Code.NOCHILDRENFOREPHEMERALS, () -> create("/e/b"));
    fails(Code.NOTEMPTY, () -> zk.delete("/a", -1));
    fails(Code.BADVERSION, () -> zk.delete("/a", 7));
    fails(Code.BADVERSION, () -> zk.setData("/a", null, 7));
    fails(Code.BADARGUMENTS, () -> zk.delete("/zookeeper", -1));
    fails(Code.INVALIDACL, () -> zk.create("/x", null, List.of(), PERSISTENT));
  }

  @Test
  void sequenceNumbersCountCreationsAndSurviveDeletions() throws Exception {
    create("/q");
    String first = zk.create("/q/n-", null, OPEN_ACL_UNSAFE, PERSISTENT_SEQUENTIAL);
    zk.delete(first, -1);
    fails(
        Code.NODEEXISTS,
        () ->
            zk.multi(
                List.of(
                    Op.create("/q/n-", null, OPEN_ACL_UNSAFE, PERSISTENT_SEQUENTIAL),
                    Op.create("/q", null, OPEN_ACL_UNSAFE, PERSISTENT))));

    assertThat(first).isEqualTo("/q/n-0000000000");
    assertThat(zk.create("/q/", null, OPEN_ACL_UNSAFE, EPHEMERAL_SEQUENTIAL))
        .isEqualTo("/q/0000000001");
    assertThat(zk.create("/q/.", null, OPEN_ACL_UNSAFE, PERSISTENT_SEQUENTIAL))
        .isEqualTo("/q/.0000000002");
    Stat parent = zk.exists("/q", false);
    assertThat(parent.getCversion()).isEqualTo(2 * 3 - 2);
    assertThat(parent.getPzxid()).isEqualTo(zk.exists("/q/.0000000002", false).getCzxid());
  }

  @Test
  void childrenAreListedAndCounted() throws Exception {
    create("/p");
    for (String name : List.of("c", "a", "b")) {
      create("/p/" + name);
    }
    create("/p/a/x");

    var stat = new Stat();
    assertThat(zk.getChildren("/p", false)).containsExactlyInAnyOrder("a", "b", "c");
    assertThat(zk.getChildren("/p", false, stat)).hasSize(3);
    assertThat(stat.getNumChildren()).isEqualTo(3);
    assertThat(zk.getAllChildrenNumber("/p")).isEqualTo(4);
    assertThat(zk.getAllChildrenNumber("/")).isEqualTo(3 + 5);
  }

  @Test
  void theNodesOfZooKeeperItselfAreThere() throws Exception {
    assertThat(zk.getChildren("/", false)).containsExactly("zookeeper");
    assertThat(zk.getChildren("/zookeeper", false)).containsExactlyInAnyOrder("config", "quota");
    assertThat(zk.getConfig(false, new Stat())).isEmpty();
  }

  // Multi

  @Test
  void aMultiIsAllOrNothing() throws Exception {
    List<OpResult> results =
        zk.multi(
            List.of(
                Op.create("/m", bytes("1"), OPEN_ACL_UNSAFE, PERSISTENT),
                Op.setData("/m", bytes("2"), 0),
                Op.check("/m", 1),
                Op.create("/m/c", null, OPEN_ACL_UNSAFE, CONTAINER),
                Op.delete("/m/c", -1)));

    assertThat(results).hasSize(5);
    assertThat(((OpResult.CreateResult) results.get(0)).getPath()).isEqualTo("/m");
    assertThat(((OpResult.SetDataResult) results.get(1)).getStat().getVersion()).isEqualTo(1);
    assertThat(((OpResult.CreateResult) results.get(3)).getStat()).isNotNull();
    Stat stat = zk.exists("/m", false);
    assertThat(stat.getMzxid()).isEqualTo(stat.getCzxid()).isEqualTo(stat.getPzxid());
  }

  @Test
  void aFailedMultiHasOneErrorPerOperation() throws Exception {
    var done = new CompletableFuture<List<OpResult>>();
    var code = new AtomicInteger();
    zk.multi(
        List.of(
            Op.create("/m", null, OPEN_ACL_UNSAFE, PERSISTENT),
            Op.delete("/none", -1),
            Op.create("/n", null, OPEN_ACL_UNSAFE, PERSISTENT)),
        (rc, path, ctx, results) -> {
          code.set(rc);
          done.complete(results);
        },
        null);

    assertThat(done.get(10, TimeUnit.SECONDS))
        .extracting(result -> ((OpResult.ErrorResult) result).getErr())
        .containsExactly(0, Code.NONODE.intValue(), Code.RUNTIMEINCONSISTENCY.intValue());
    assertThat(code.get()).isEqualTo(Code.NONODE.intValue());
    assertThat(zk.exists("/m", false)).isNull();
  }

  @Test
  void aMultiOfReadsAnswersEachOnItsOwn() throws Exception {
    create("/a");
    create("/a/b");

    List<OpResult> results =
        zk.multi(List.of(Op.getData("/a"), Op.getData("/none"), Op.getChildren("/a")));

    assertThat(((OpResult.GetDataResult) results.get(0)).getData()).isEqualTo(bytes("/a"));
    assertThat(((OpResult.ErrorResult) results.get(1)).getErr()).isEqualTo(Code.NONODE.intValue());
    assertThat(((OpResult.GetChildrenResult) results.get(2)).getChildren()).containsExactly("b");
  }

  @Test
  void anEmptyTransactionSucceeds() throws Exception {
    Transaction none = zk.transaction();

    assertThat(none.commit()).isEmpty();
  }

  // Order

  @Test
  void hundredsOfRequestsInFlightAreAnsweredInOrder() throws Exception {
    create("/n");
    int count = 600;
    List<Integer> answered = new CopyOnWriteArrayList<>();
    List<String> wrong = new CopyOnWriteArrayList<>();
    var done = new CountDownLatch(2 * count);
    for (int i = 0; i < count; i++) {
      int number = i;
      zk.setData(
          "/n",
          bytes("" + number),
          -1,
          (rc, path, ctx, stat) -> {
            answered.add(2 * number);
            if (rc != 0 || stat.getVersion() != number + 1) {
              wrong.add("set " + number + " came to " + rc + " " + stat);
            }
            done.countDown();
          },
          null);
      zk.getData(
          "/n",
          false,
          (rc, path, ctx, data, stat) -> {
            answered.add(2 * number + 1);
            if (rc != 0 || !new String(data, UTF_8).equals("" + number)) {
              wrong.add("get " + number + " came to " + rc);
            }
            done.countDown();
          },
          null);
    }

    assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();
    assertThat(wrong).isEmpty();
    assertThat(answered).isSorted();
  }

  @Test
  void aSyncIsAnsweredInItsPlace() throws Exception {
    create("/n");
    List<String> order = new CopyOnWriteArrayList<>();
    var done = new CountDownLatch(3);
    zk.setData("/n", bytes("1"), -1, (rc, p, c, s) -> note(order, "set", done), null);
    zk.sync("/n", (rc, p, c) -> note(order, "sync " + rc + " " + p, done), null);
    zk.getData(
        "/n",
        false,
        (rc, p, c, data, s) -> note(order, "get " + new String(data, UTF_8), done),
        null);

    assertThat(done.await(10, TimeUnit.SECONDS)).isTrue();
    assertThat(order).containsExactly("set", "sync 0 /n", "get 1");
  }

  private static void note(List<String> order, String what, CountDownLatch done) {
    order.add(what);
    done.countDown();
  }

  // Watches

  @Test
  void aDataWatchFiresOnce() throws Exception {
    create("/w");
    var events = new Events();
    zk.getData("/w", events, null);

    zk.setData("/w", null, -1);
    zk.setData("/w", null, -1);
    zk.delete("/w", -1);

    assertThat(events.next()).isEqualTo("NodeDataChanged /w");
    assertThat(events.isEmpty()).isTrue();
  }

  @Test
  void existsWatchesWhatIsNotThereYet() throws Exception {
    var events = new Events();
    assertThat(zk.exists("/w", events)).isNull();

    create("/w");

    assertThat(events.next()).isEqualTo("NodeCreated /w");
  }

  @Test
  void oneDeletionIsToldOnceWhereDataAndChildWatchesMatch() throws Exception {
    create("/w");
    var data = new Events();
    var children = new Events();
    zk.getData("/w", data, null);
    zk.getChildren("/w", children);

    zk.delete("/w", -1);
    create("/w");

    assertThat(data.next()).isEqualTo("NodeDeleted /w");
    assertThat(children.next()).isEqualTo("NodeDeleted /w");
    assertThat(data.isEmpty() && children.isEmpty()).isTrue();
  }

  @Test
  void aChildWatchTellsOfComingAndGoing() throws Exception {
    create("/w");
    var events = new Events();
    zk.getChildren("/w", events);
    create("/w/c");
    assertThat(events.next()).isEqualTo("NodeChildrenChanged /w");

    zk.getChildren("/w", events, new Stat());
    zk.setData("/w/c", null, -1);
    zk.delete("/w/c", -1);

    assertThat(events.next()).isEqualTo("NodeChildrenChanged /w");
    assertThat(events.isEmpty()).isTrue();
  }

  @Test
  void anEventComesBeforeTheReplyToTheWriteThatCausedIt() throws Exception {
    create("/w");
    for (int i = 0; i < 200; i++) {
      List<String> order = new CopyOnWriteArrayList<>();
      var done = new CountDownLatch(2);
      zk.exists("/w", event -> note(order, "event", done));
      zk.setData("/w", null, -1, (rc, p, c, s) -> note(order, "reply", done), null);
      assertThat(done.await(10, TimeUnit.SECONDS)).isTrue();
      assertThat(order).containsExactly("event", "reply");
    }
  }

  @Test
  void anEventComesBeforeAnyReadThatShowsIt() throws Exception {
    ZooKeeper other = rig.client();
    create("/w");
    WireRig.sync(other);
    for (int i = 0; i < 100; i++) {
      var told = new AtomicInteger();
      int before = zk.exists("/w", event -> told.incrementAndGet()).getVersion();
      var unseen = new AtomicInteger();
      var done = new CountDownLatch(20);
      AsyncCallback.StatCallback check =
          (rc, path, ctx, stat) -> {
            if (stat.getVersion() > before && told.get() == 0) {
              unseen.incrementAndGet();
            }
            done.countDown();
          };
      other.setData("/w", null, -1, (rc, p, c, s) -> {}, null);
      for (int j = 0; j < 20; j++) {
        zk.exists("/w", false, check, null);
      }
      assertThat(done.await(10, TimeUnit.SECONDS)).isTrue();
      other.sync("/w", (rc, p, c) -> {}, null);
      other.exists("/w", false);
      assertThat(unseen.get()).isZero();
    }
  }

  @Test
  void persistentWatchesStay() throws Exception {
    create("/w");
    var events = new Events();
    zk.addWatch("/w", events, AddWatchMode.PERSISTENT);

    zk.setData("/w", null, -1);
    create("/w/c");
    zk.setData("/w", null, -1);
    zk.delete("/w/c", -1);
    zk.delete("/w", -1);

    assertThat(List.of(events.next(), events.next(), events.next(), events.next(), events.next()))
        .containsExactly(
            "NodeDataChanged /w",
            "NodeChildrenChanged /w",
            "NodeDataChanged /w",
            "NodeChildrenChanged /w",
            "NodeDeleted /w");
  }

  @Test
  void recursiveWatchesTellOfEverythingBelowAndNotOfChildren() throws Exception {
    create("/w");
    var events = new Events();
    zk.addWatch("/w", events, AddWatchMode.PERSISTENT_RECURSIVE);
    zk.addWatch("/", new Events(), AddWatchMode.PERSISTENT_RECURSIVE);

    create("/w/a");
    create("/w/a/b");
    zk.setData("/w/a/b", null, -1);
    zk.delete("/w/a/b", -1);
    create("/x");
    zk.setData("/w", null, -1);

    assertThat(List.of(events.next(), events.next(), events.next(), events.next(), events.next()))
        .containsExactly(
            "NodeCreated /w/a",
            "NodeCreated /w/a/b",
            "NodeDataChanged /w/a/b",
            "NodeDeleted /w/a/b",
            "NodeDataChanged /w");
    assertThat(events.isEmpty()).isTrue();
  }

  @Test
  void watchesAreRemoved() throws Exception {
    create("/w");
    var data = new Events();
    var persistent = new Events();
    zk.getData("/w", data, null);
    zk.addWatch("/w", persistent, AddWatchMode.PERSISTENT);
    zk.removeWatches("/w", data, WatcherType.Data, false);
    assertThat(data.next()).isEqualTo("DataWatchRemoved /w");
    fails(Code.NOWATCHER, () -> zk.removeWatches("/w", data, WatcherType.Data, false));
    fails(Code.NOWATCHER, () -> zk.removeAllWatches("/other", WatcherType.Any, false));

    zk.setData("/w", null, -1);

    assertThat(persistent.next()).isEqualTo("NodeDataChanged /w");
    assertThat(data.isEmpty()).isTrue();
  }

  @Test
  void aWatcherWhoMayNotReadIsNotTold() throws Exception {
    ZooKeeper owner = rig.client();
    owner.addAuthInfo("digest", bytes("owner:pw"));
    var events = new Events();
    zk.exists("/secret", events);
    var ownEvents = new Events();
    owner.exists("/secret", ownEvents);

    owner.create("/secret", null, CREATOR_ALL_ACL, PERSISTENT);
    create("/open");

    assertThat(ownEvents.next()).isEqualTo("NodeCreated /secret");
    assertThat(events.isEmpty()).isTrue();
  }

  // Who may do what

  @Test
  void authExpandsToWhoAuthenticated() throws Exception {
    fails(Code.INVALIDACL, () -> zk.create("/mine", null, CREATOR_ALL_ACL, PERSISTENT));
    zk.addAuthInfo("digest", bytes("me:pw"));
    zk.create("/mine", bytes("x"), CREATOR_ALL_ACL, PERSISTENT);
    ZooKeeper other = rig.client();

    fails(Code.NOAUTH, () -> other.getData("/mine", false, null));
    fails(Code.NOAUTH, () -> other.create("/mine/c", null, OPEN_ACL_UNSAFE, PERSISTENT));
    fails(Code.NOAUTH, () -> other.getACL("/mine", new Stat()));
    assertThat(zk.getACL("/mine", new Stat()).get(0).getId().getScheme()).isEqualTo("digest");
    other.addAuthInfo("digest", bytes("super:secret"));
    assertThat(other.getData("/mine", false, null)).isEqualTo(bytes("x"));
  }

  @Test
  void entriesThatSayTheSameAreKeptOnce() throws Exception {
    zk.addAuthInfo("digest", bytes("me:pw"));
    var twice = new ArrayList<ACL>(READ_ACL_UNSAFE);
    twice.addAll(CREATOR_ALL_ACL);
    twice.addAll(READ_ACL_UNSAFE);
    twice.addAll(CREATOR_ALL_ACL);

    zk.create("/twice", null, twice, PERSISTENT);

    assertThat(zk.getACL("/twice", new Stat())).hasSize(2);
  }

  @Test
  void digestsAreHiddenFromThoseWhoOnlyRead() throws Exception {
    zk.addAuthInfo("digest", bytes("me:pw"));
    var acl = new ArrayList<ACL>(CREATOR_ALL_ACL);
    acl.add(new ACL(Perms.READ, new Id("world", "anyone")));
    zk.create("/half", null, acl, PERSISTENT);

    List<ACL> seen = rig.client().getACL("/half", new Stat());

    assertThat(seen.get(0).getId().getId()).isEqualTo("me:x");
    assertThat(zk.getACL("/half", new Stat()).get(0).getId().getId()).isNotEqualTo("me:x");
  }

  @Test
  void anAclIsReplaced() throws Exception {
    create("/a");
    Stat stat =
        zk.setACL(
            "/a", new ArrayList<>(List.of(new ACL(Perms.READ, new Id("ip", "127.0.0.0/8")))), 0);

    assertThat(stat.getAversion()).isEqualTo(1);
    fails(Code.NOAUTH, () -> zk.setData("/a", null, -1));
    assertThat(zk.getData("/a", false, null)).isEqualTo(bytes("/a"));
  }

  @Test
  void whoAmISaysUsersAndNoDigests() throws Exception {
    zk.addAuthInfo("digest", bytes("me:pw"));

    List<ClientInfo> infos = zk.whoAmI();

    assertThat(infos)
        .extracting(info -> info.getAuthScheme() + " " + info.getUser())
        .containsExactly("ip 127.0.0.1", "digest me");
  }

  @Test
  void anUnknownSchemeFailsAuthentication() throws Exception {
    var failed = new CountDownLatch(1);
    zk.register(
        event -> {
          if (event.getState() == KeeperState.AuthFailed) {
            failed.countDown();
          }
        });

    zk.addAuthInfo("nonsense", bytes("x"));

    assertThat(failed.await(10, TimeUnit.SECONDS)).isTrue();
    fails(Code.AUTHFAILED, () -> zk.exists("/", false));
  }

  // Time

  @Test
  void containersAndTtlNodesGoWhenTheirTimeHasCome() throws Exception {
    zk.create("/c", null, OPEN_ACL_UNSAFE, CONTAINER);
    create("/c/x");
    var stat = new Stat();
    zk.create("/ttl", null, OPEN_ACL_UNSAFE, PERSISTENT_WITH_TTL, stat, 300);
    assertThat(stat.getEphemeralOwner()).isZero();
    assertThat(zk.exists("/c", false).getEphemeralOwner()).isZero();
    var events = new Events();
    zk.exists("/c", events);
    zk.exists("/ttl", events);

    zk.delete("/c/x", -1);

    assertThat(List.of(events.next(), events.next()))
        .containsExactlyInAnyOrder("NodeDeleted /c", "NodeDeleted /ttl");
  }

  // Sessions

  @Test
  void closingASessionRemovesItsEphemerals() throws Exception {
    ZooKeeper other = WireRig.connect(rig.address(), 20_000);
    other.create("/e1", null, OPEN_ACL_UNSAFE, EPHEMERAL);
    other.create("/e2", null, OPEN_ACL_UNSAFE, EPHEMERAL);
    assertThat(other.getEphemerals()).containsExactlyInAnyOrder("/e1", "/e2");
    assertThat(other.getEphemerals("/e2")).containsExactly("/e2");
    WireRig.sync(zk); // where members are several, the other client wrote through another one
    assertThat(zk.exists("/e1", false).getEphemeralOwner()).isEqualTo(other.getSessionId());

    other.close();

    WireRig.sync(zk);
    assertThat(zk.exists("/e1", false)).isNull();
    assertThat(zk.exists("/e2", false)).isNull();
  }

  @Test
  void aSilentSessionExpires() throws Exception {
    ZooKeeper other = WireRig.connect(rig.address(), rig.minTimeoutMs() + 100);
    other.create("/e", null, OPEN_ACL_UNSAFE, EPHEMERAL);
    var events = new Events();
    WireRig.sync(zk);
    zk.exists("/e", events);
    assertThat(other.getSessionTimeout()).isEqualTo(rig.minTimeoutMs() + 100);

    // What the test kit of ZooKeeper itself does to be silent.
    other.getTestable().injectSessionExpiration();
    other.close(100);

    assertThat(events.next()).isEqualTo("NodeDeleted /e");
  }

  @Test
  void timeoutsAreBroughtIntoTheRange() throws Exception {
    // The client gives a connection a share of this time, one for each address.
    ZooKeeper shortest = WireRig.connect(rig.address(), rig.minTimeoutMs() - 100);
    ZooKeeper longest = WireRig.connect(rig.address(), 1_000_000);

    assertThat(shortest.getSessionTimeout()).isEqualTo(rig.minTimeoutMs());
    assertThat(longest.getSessionTimeout()).isEqualTo(rig.maxTimeoutMs());
    shortest.close();
    longest.close();
  }

  @Test
  void aSessionGoesOnThroughANewConnection() throws Exception {
    create("/w");
    zk.create("/e", null, OPEN_ACL_UNSAFE, EPHEMERAL);
    var data = new Events();
    var exists = new Events();
    var quiet = new Events();
    zk.getData("/w", data, null);
    zk.exists("/new", exists);
    zk.getChildren("/w", quiet);
    ZooKeeper other = rig.client();
    rig.cut(zk);

    other.setData("/w", null, -1);
    other.create("/new", null, OPEN_ACL_UNSAFE, PERSISTENT);

    assertThat(data.next()).isEqualTo("NodeDataChanged /w");
    assertThat(exists.next()).isEqualTo("NodeCreated /new");
    assertThat(quiet.isEmpty()).isTrue();
    assertThat(zk.exists("/e", false).getEphemeralOwner()).isEqualTo(zk.getSessionId());
  }

  @Test
  void aWrongPasswordIsRefusedAndDisturbsNobody() throws Exception {
    zk.create("/e", null, OPEN_ACL_UNSAFE, EPHEMERAL);
    var expired = new CountDownLatch(1);
    var disturbed = new AtomicInteger();
    zk.register(
        event -> {
          if (event.getType() == EventType.None) {
            disturbed.incrementAndGet();
          }
        });
    var thief =
        new ZooKeeper(
            rig.address(),
            20_000,
            event -> {
              if (event.getState() == KeeperState.Expired) {
                expired.countDown();
              }
            },
            zk.getSessionId(),
            new byte[16]);

    assertThat(expired.await(10, TimeUnit.SECONDS)).isTrue();
    assertThat(zk.exists("/e", false)).isNotNull();
    assertThat(disturbed.get()).isZero();
    thief.close();
  }

  @Test
  void reconnectingClientsHearWhatTheyMissed() throws Exception {
    create("/w");
    create("/gone");
    var events = new Events();
    var gone = new Events();
    var recursive = new Events();
    zk.getData("/w", events, null);
    zk.getChildren("/gone", gone);
    zk.addWatch("/w", recursive, AddWatchMode.PERSISTENT_RECURSIVE);
    ZooKeeper other = rig.client();

    zk.setData("/gone", null, -1);
    rig.cut(zk);
    other.setData("/w", null, -1);
    other.delete("/gone", -1);

    assertThat(events.next()).isEqualTo("NodeDataChanged /w");
    assertThat(gone.next()).isEqualTo("NodeDeleted /gone");
  }

  // Quota

  @Test
  void quotasAreEnforcedWhenTheClusterSaysSo() throws Exception {
    rig.close();
    rig = ClientRig.startEnforcingQuota();
    zk = rig.client();
    create("/q");
    zk.create("/zookeeper/quota/q", null, OPEN_ACL_UNSAFE, PERSISTENT);
    zk.create(
        "/zookeeper/quota/q/zookeeper_limits",
        bytes("count=-1,bytes=-1=;byteHardLimit=20;countHardLimit=3"),
        OPEN_ACL_UNSAFE,
        PERSISTENT);
    zk.create(
        "/zookeeper/quota/q/zookeeper_stats",
        bytes("count=0,bytes=0"),
        OPEN_ACL_UNSAFE,
        PERSISTENT);

    create("/q/a");
    create("/q/b");
    fails(Code.QUOTAEXCEEDED, () -> create("/q/c"));
    fails(Code.QUOTAEXCEEDED, () -> zk.setData("/q/a", new byte[30], -1));
    assertThat(new String(zk.getData("/zookeeper/quota/q/zookeeper_stats", false, null), UTF_8))
        .isEqualTo("count=3,bytes=10");
  }
}
