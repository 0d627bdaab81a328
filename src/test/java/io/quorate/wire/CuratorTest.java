package io.quorate.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.cache.ChildData;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.nodes.PersistentTtlNode;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.retry.RetryOneTime;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.zookeeper.CreateMode;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Curator's recipes, unmodified. */
@Timeout(120)
class CuratorTest {
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final List<CuratorFramework> clients = new ArrayList<>();
  private ClientRig rig;

  @BeforeEach
  void start() throws Exception {
    rig = ClientRig.start();
  }

  @AfterEach
  void stop() throws Exception {
    clients.forEach(CuratorFramework::close);
    threads.shutdownNow();
    rig.close();
  }

  private CuratorFramework client() {
    CuratorFramework client =
        CuratorFrameworkFactory.newClient(rig.address(), 20_000, 10_000, new RetryOneTime(100));
    client.start();
    clients.add(client);
    return client;
  }

  private void inEach(int count, Step step) throws Exception {
    var running = new ArrayList<Future<?>>();
    for (int i = 0; i < count; i++) {
      CuratorFramework client = client();
      running.add(
          threads.submit(
              () -> {
                step.run(client);
                return null;
              }));
    }
    for (Future<?> each : running) {
      each.get(60, TimeUnit.SECONDS);
    }
  }

  private interface Step {
    void run(CuratorFramework client) throws Exception;
  }

  @Test
  void aMutexLetsOneInAtATime() throws Exception {
    var inside = new AtomicInteger();
    var most = new AtomicInteger();
    inEach(
        4,
        client -> {
          var mutex = new InterProcessMutex(client, "/mutex");
          for (int i = 0; i < 25; i++) {
            mutex.acquire();
            most.accumulateAndGet(inside.incrementAndGet(), Math::max);
            inside.decrementAndGet();
            mutex.release();
          }
        });

    assertThat(most.get()).isEqualTo(1);
  }

  @Test
  void readersShareAndWritersDoNot() throws Exception {
    var readers = new CyclicBarrier(3);
    inEach(
        3,
        client -> {
          var lock = new InterProcessReadWriteLock(client, "/rw");
          lock.readLock().acquire();
          readers.await(20, TimeUnit.SECONDS);
          lock.readLock().release();
          lock.writeLock().acquire();
          lock.writeLock().release();
        });
  }

  @Test
  void aSemaphoreHasSoManyLeases() throws Exception {
    var inside = new AtomicInteger();
    var most = new AtomicInteger();
    inEach(
        5,
        client -> {
          var semaphore = new InterProcessSemaphoreV2(client, "/semaphore", 2);
          for (int i = 0; i < 8; i++) {
            Lease lease = semaphore.acquire();
            most.accumulateAndGet(inside.incrementAndGet(), Math::max);
            inside.decrementAndGet();
            semaphore.returnLease(lease);
          }
        });

    assertThat(most.get()).isBetween(1, 2);
  }

  @Test
  void aLatchHasOneLeaderAndThenTheNext() throws Exception {
    var latches = new ArrayList<LeaderLatch>();
    for (int i = 0; i < 3; i++) {
      var latch = new LeaderLatch(client(), "/latch", "" + i);
      latch.start();
      latches.add(latch);
    }
    while (!latches.isEmpty()) {
      LeaderLatch leader = leader(latches);
      assertThat(latches.stream().filter(LeaderLatch::hasLeadership)).containsExactly(leader);
      leader.close();
      latches.remove(leader);
    }
  }

  private static LeaderLatch leader(List<LeaderLatch> latches) throws InterruptedException {
    while (true) {
      for (LeaderLatch latch : latches) {
        if (latch.await(50, TimeUnit.MILLISECONDS)) {
          return latch;
        }
      }
    }
  }

  @Test
  void aSelectorGivesEachItsTurn() throws Exception {
    var turns = new CountDownLatch(6);
    var leading = new AtomicInteger();
    var most = new AtomicInteger();
    var selectors = new ArrayList<LeaderSelector>();
    for (int i = 0; i < 3; i++) {
      var selector =
          new LeaderSelector(
              client(),
              "/selector",
              new LeaderSelectorListenerAdapter() {
                @Override
                public void takeLeadership(CuratorFramework client) {
                  most.accumulateAndGet(leading.incrementAndGet(), Math::max);
                  turns.countDown();
                  leading.decrementAndGet();
                }
              });
      selector.autoRequeue();
      selector.start();
      selectors.add(selector);
    }

    assertThat(turns.await(30, TimeUnit.SECONDS)).isTrue();
    assertThat(most.get()).isEqualTo(1);
    selectors.forEach(LeaderSelector::close);
  }

  @Test
  void aCacheFollowsASubtreeWrittenByOthers() throws Exception {
    CuratorFramework writer = client();
    BlockingQueue<String> seen = new LinkedBlockingQueue<>();
    try (CuratorCache cache = CuratorCache.build(client(), "/cache")) {
      cache.listenable().addListener((type, old, data) -> seen.add(type + " " + path(old, data)));
      cache.start();
      // The cache fetches what an event names: a node that is gone by then it has never seen.
      writer.create().creatingParentsIfNeeded().forPath("/cache/a/b", "1".getBytes(UTF_8));
      await(seen, "NODE_CREATED /cache/a/b");
      writer.setData().forPath("/cache/a/b", "2".getBytes(UTF_8));
      await(seen, "NODE_CHANGED /cache/a/b");
      writer.delete().deletingChildrenIfNeeded().forPath("/cache/a");
      await(seen, "NODE_DELETED /cache/a");
    }
  }

  private static void await(BlockingQueue<String> seen, String wanted) throws InterruptedException {
    String event = "";
    while (!event.equals(wanted)) {
      event = String.valueOf(seen.poll(20, TimeUnit.SECONDS));
      assertThat(event).as("waiting for %s", wanted).isNotEqualTo("null");
    }
  }

  private static String path(ChildData old, ChildData data) {
    return (data == null ? old : data).getPath();
  }

  @Test
  void aQueueGivesEachItemToOne() throws Exception {
    CuratorFramework producer = client();
    var queue = new SimpleDistributedQueue(producer, "/queue");
    for (int i = 0; i < 40; i++) {
      queue.offer(("" + i).getBytes(UTF_8));
    }
    BlockingQueue<String> taken = new LinkedBlockingQueue<>();
    inEach(
        2,
        client -> {
          var mine = new SimpleDistributedQueue(client, "/queue");
          for (int i = 0; i < 20; i++) {
            taken.add(new String(mine.take(), UTF_8));
          }
        });

    assertThat(taken).hasSize(40).doesNotHaveDuplicates();
  }

  @Test
  void countersLoseNothing() throws Exception {
    inEach(
        3,
        client -> {
          var counter = new DistributedAtomicLong(client, "/counter", new RetryOneTime(10));
          for (int i = 0; i < 20; ) {
            if (counter.increment().succeeded()) {
              i++;
            }
          }
        });

    var counter = new DistributedAtomicLong(client(), "/counter", new RetryOneTime(10));
    assertThat(counter.get().postValue()).isEqualTo(60);
  }

  @Test
  void aSharedCountIsSeenByTheOther() throws Exception {
    var seen = new CountDownLatch(1);
    try (var one = new SharedCount(client(), "/shared", 1);
        var other = new SharedCount(client(), "/shared", 1)) {
      one.start();
      other.start();
      other.addListener(
          new org.apache.curator.framework.recipes.shared.SharedCountListener() {
            @Override
            public void countHasChanged(
                org.apache.curator.framework.recipes.shared.SharedCountReader count, int now) {
              if (now == 7) {
                seen.countDown();
              }
            }

            @Override
            public void stateChanged(
                CuratorFramework client,
                org.apache.curator.framework.state.ConnectionState state) {}
          });

      one.setCount(7);

      assertThat(seen.await(20, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void barriersOpenForAll() throws Exception {
    CuratorFramework keeper = client();
    new DistributedBarrier(keeper, "/barrier").setBarrier();
    var passed = new AtomicInteger();
    var waiting =
        threads.submit(
            () -> {
              inEach(
                  3,
                  client -> {
                    new DistributedBarrier(client, "/barrier").waitOnBarrier();
                    passed.incrementAndGet();
                  });
              return null;
            });
    new DistributedBarrier(keeper, "/barrier").removeBarrier();
    waiting.get(30, TimeUnit.SECONDS);
    assertThat(passed.get()).isEqualTo(3);

    inEach(
        3,
        client -> {
          var both = new DistributedDoubleBarrier(client, "/double", 3);
          both.enter();
          both.leave();
        });
  }

  @Test
  void servicesAreFound() throws Exception {
    ServiceInstance<Void> instance =
        ServiceInstance.<Void>builder().name("shop").address("10.0.0.1").port(80).build();
    ServiceDiscovery<Void> offering =
        ServiceDiscoveryBuilder.builder(Void.class)
            .client(client())
            .basePath("/services")
            .thisInstance(instance)
            .build();
    ServiceDiscovery<Void> asking =
        ServiceDiscoveryBuilder.builder(Void.class).client(client()).basePath("/services").build();
    offering.start();
    asking.start();

    assertThat(asking.queryForInstances("shop"))
        .extracting(ServiceInstance::getAddress)
        .containsExactly("10.0.0.1");
    offering.close();
    assertThat(asking.queryForInstances("shop")).isEmpty();
    asking.close();
  }

  @Test
  void persistentNodesComeBackAndGroupsKnowTheirMembers() throws Exception {
    CuratorFramework client = client();
    try (var node = new PersistentNode(client, CreateMode.EPHEMERAL, false, "/node", new byte[0]);
        var ttl = new PersistentTtlNode(client, "/ttl", 60_000, new byte[0]);
        var one = new GroupMember(client, "/group", "one");
        var two = new GroupMember(client(), "/group", "two")) {
      node.start();
      ttl.start();
      one.start();
      two.start();
      assertThat(node.waitForInitialCreate(20, TimeUnit.SECONDS)).isTrue();
      assertThat(ttl.waitForInitialCreate(20, TimeUnit.SECONDS)).isTrue();
      client().delete().forPath("/node");
      for (int i = 0; i < 500; i++) {
        if (one.getCurrentMembers().size() == 2 && client.checkExists().forPath("/node") != null) {
          break;
        }
        Thread.sleep(20);
      }

      assertThat(one.getCurrentMembers()).containsOnlyKeys("one", "two");
      assertThat(client.checkExists().forPath("/node")).isNotNull();
    }
  }

  @Test
  void transactionsAndContainersWork() throws Exception {
    CuratorFramework client = client();
    client
        .transaction()
        .forOperations(
            client.transactionOp().create().forPath("/t", "1".getBytes(UTF_8)),
            client.transactionOp().setData().forPath("/t", "2".getBytes(UTF_8)));
    client.createContainers("/containers/a/b");

    assertThat(client.getData().forPath("/t")).isEqualTo("2".getBytes(UTF_8));
    assertThat(client.checkExists().forPath("/containers/a/b")).isNotNull();
  }
}
