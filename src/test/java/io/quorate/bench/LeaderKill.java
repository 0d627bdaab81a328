package io.quorate.bench;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.zookeeper.ZooKeeper;

/**
 * From the leader's death to the first write acknowledged after it. Three writers retry all the
 * time, each by a stock client that knows every member; for etcd each asks one member by HTTP.
 */
final class LeaderKill {
  private static final int WRITERS = 3;
  private static final long RETRY_MS = 2;
  private static final long SETTLE_MS = 2_000;

  private final Cluster cluster;
  private final AtomicLong deadSince = new AtomicLong(Long.MAX_VALUE);
  private final AtomicLong writtenAt = new AtomicLong(Long.MAX_VALUE);
  private final AtomicLong writes = new AtomicLong();
  private final CountDownLatch written = new CountDownLatch(1);
  private volatile boolean stopping;

  private LeaderKill(Cluster cluster) {
    this.cluster = cluster;
  }

  /** Milliseconds. The killed member runs again when this returns. */
  static double once(Cluster cluster) throws Exception {
    return new LeaderKill(cluster).run();
  }

  private double run() throws Exception {
    var clients = new ArrayList<ZooKeeper>();
    var threads = new ArrayList<Thread>();
    try {
      for (int i = 0; i < WRITERS; i++) {
        threads.add(Thread.ofPlatform().name("writer-" + i).unstarted(writer(i, clients)));
      }
      threads.forEach(Thread::start);
      Thread.sleep(SETTLE_MS);
      if (writes.get() == 0) {
        throw new IllegalStateException("no write was acknowledged before the leader was killed");
      }
      int leader = cluster.leader();
      long killed = System.nanoTime();
      cluster.kill(leader);
      deadSince.set(System.nanoTime());
      if (!written.await(60, TimeUnit.SECONDS)) {
        throw new IllegalStateException("no write within 60 s of the leader's death");
      }
      cluster.restart(leader);
      return (writtenAt.get() - killed) / 1e6;
    } finally {
      stopping = true;
      for (Thread thread : threads) {
        thread.join();
      }
      for (ZooKeeper client : clients) {
        client.close();
      }
    }
  }

  private Runnable writer(int number, List<ZooKeeper> clients) throws Exception {
    Write write;
    if (cluster.contestant().speaksZooKeeper()) {
      var client = ZooKeeperLoad.connect(cluster.connectString());
      clients.add(client);
      ZooKeeperLoad.ensure(client, ZooKeeperLoad.ROOT);
      write = () -> client.setData(ZooKeeperLoad.ROOT, new byte[100], -1);
    } else {
      int port = cluster.httpPorts().get(number);
      byte[] data = "x".repeat(100).getBytes(StandardCharsets.US_ASCII);
      write = () -> ClusterLoads.put(cluster.contestant(), port, "bench/leader", data);
    }
    return () -> {
      while (!stopping) {
        long begun = System.nanoTime();
        try {
          write.run();
          long now = System.nanoTime();
          writes.incrementAndGet();
          long dead = deadSince.get();
          if (dead != Long.MAX_VALUE && begun - dead >= 0) {
            writtenAt.accumulateAndGet(now, Math::min);
            written.countDown();
          }
        } catch (Exception refused) {
          // tried again at once: that is what is measured
        }
        try {
          Thread.sleep(RETRY_MS);
        } catch (InterruptedException e) {
          return;
        }
      }
    };
  }

  private interface Write {
    void run() throws Exception;
  }
}
