package io.quorate.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.zookeeper.AsyncCallback;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;
import org.jspecify.annotations.Nullable;

/**
 * Asynchronous operations by stock ZooKeeper clients, as many outstanding over all sessions as
 * asked. Each session stays with one member; sessions are spread over all members.
 */
final class ZooKeeperLoad implements AutoCloseable {
  static final String ROOT = "/bench";
  private static final int KEYS = 1_000;
  private static final int PARENTS = 32;
  private static final int SESSION_TIMEOUT_MS = 30_000;
  private static final AtomicInteger RUNS = new AtomicInteger();

  private final List<ZooKeeper> sessions = new ArrayList<>();

  /** What the sessions ask for. */
  enum Operation {
    SET,
    CREATE,
    /** A znode comes and goes again: at the end one is left of each outstanding, at most. */
    CREATE_AND_DELETE,
    GET,
    EXISTS,
    /** Nine reads to one write. */
    MIX
  }

  ZooKeeperLoad(List<Integer> ports, int sessionCount) throws Exception {
    for (int i = 0; i < sessionCount; i++) {
      sessions.add(connect("127.0.0.1:" + ports.get(i % ports.size())));
    }
    ensure(sessions.getFirst(), ROOT);
    for (int i = 0; i < KEYS; i++) {
      ensure(sessions.getFirst(), key(i));
    }
    for (ZooKeeper session : sessions) {
      sync(session);
    }
  }

  static ZooKeeper connect(String hosts) throws Exception {
    var connected = new CountDownLatch(1);
    var client =
        new ZooKeeper(
            hosts,
            SESSION_TIMEOUT_MS,
            event -> {
              if (event.getState() == Watcher.Event.KeeperState.SyncConnected) {
                connected.countDown();
              }
            });
    if (!connected.await(30, TimeUnit.SECONDS)) {
      client.close();
      throw new IllegalStateException("no session with " + hosts + " within 30 s");
    }
    return client;
  }

  Load of(Operation operation, int outstanding, int dataBytes) throws Exception {
    String run = ROOT + "/run" + RUNS.incrementAndGet() + "-" + System.nanoTime();
    if (operation == Operation.CREATE || operation == Operation.CREATE_AND_DELETE) {
      ensure(sessions.getFirst(), run);
      for (int i = 0; i < PARENTS; i++) {
        ensure(sessions.getFirst(), run + "/" + i);
      }
      for (ZooKeeper session : sessions) {
        sync(session);
      }
    }
    return new Run(operation, outstanding, new byte[dataBytes], run);
  }

  /** Creates a znode where there is none. */
  static void ensure(ZooKeeper client, String path) throws Exception {
    try {
      client.create(path, new byte[100], ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
    } catch (KeeperException.NodeExistsException already) {
      // left by an earlier load on the same servers
    }
  }

  private static void sync(ZooKeeper session) throws InterruptedException {
    var done = new CountDownLatch(1);
    session.sync(ROOT, (code, path, context) -> done.countDown(), null);
    if (!done.await(30, TimeUnit.SECONDS)) {
      throw new IllegalStateException("a session did not catch up within 30 s");
    }
  }

  static String key(int index) {
    return ROOT + "/k" + index;
  }

  @Override
  public void close() throws InterruptedException {
    for (ZooKeeper session : sessions) {
      session.close();
    }
  }

  private final class Run implements Load {
    private final Operation operation;
    private final int outstanding;
    private final byte[] data;
    private final String parents;
    private final AtomicLong created = new AtomicLong();
    private final CountDownLatch unfinished;
    private final List<Tally> tallies = new ArrayList<>();
    private @Nullable Window window;

    Run(Operation operation, int outstanding, byte[] data, String parents) {
      this.operation = operation;
      this.outstanding = outstanding;
      this.data = data;
      this.parents = parents;
      this.unfinished = new CountDownLatch(outstanding);
    }

    @Override
    public void start(Window window) {
      this.window = window;
      sessions.forEach(session -> tallies.add(new Tally(window)));
      for (int i = 0; i < outstanding; i++) {
        new Slot(i, window).next();
      }
    }

    @Override
    public Tally.Summary finish() throws InterruptedException {
      if (window == null || !unfinished.await(60, TimeUnit.SECONDS)) {
        throw new IllegalStateException(
            unfinished.getCount() + " operations had no answer 60 s after the load ended");
      }
      return Tally.summary(tallies, window);
    }

    /** One operation at a time, the next when it completes, on the thread of its session. */
    private final class Slot
        implements AsyncCallback.StatCallback,
            AsyncCallback.DataCallback,
            AsyncCallback.StringCallback,
            AsyncCallback.VoidCallback {
      private final Window window;
      private final SplittableRandom random;
      private int session;
      private @Nullable String toDelete;
      private long begunNanos;

      Slot(int number, Window window) {
        this.window = window;
        this.random = new SplittableRandom(number);
        this.session = number % sessions.size();
      }

      void next() {
        begunNanos = System.nanoTime();
        ZooKeeper client = sessions.get(session);
        String key = key(random.nextInt(KEYS));
        switch (operation) {
          case SET -> client.setData(key, data, -1, this, null);
          case GET -> client.getData(key, false, this, null);
          case EXISTS -> client.exists(key, false, this, null);
          case CREATE -> create(client, fresh());
          case CREATE_AND_DELETE -> {
            if (toDelete == null) {
              toDelete = fresh();
              create(client, toDelete);
            } else {
              client.delete(toDelete, -1, this, null);
              toDelete = null;
            }
          }
          case MIX -> {
            if (random.nextInt(10) == 0) {
              client.setData(key, data, -1, this, null);
            } else {
              client.getData(key, false, this, null);
            }
          }
        }
      }

      private String fresh() {
        long number = created.incrementAndGet();
        return parents + "/" + number % PARENTS + "/n" + number;
      }

      private void create(ZooKeeper client, String path) {
        client.create(path, data, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT, this, null);
      }

      private void completed(int code) {
        long now = System.nanoTime();
        if (code == KeeperException.Code.OK.intValue()) {
          tallies.get(session).succeeded(begunNanos, now);
        } else {
          tallies.get(session).failed(now);
        }
        if (window.isOver(now) || code == KeeperException.Code.SESSIONEXPIRED.intValue()) {
          unfinished.countDown();
          return;
        }
        if (outstanding < sessions.size()) {
          session =
              (session + 1) % sessions.size(); // so that few operations still meet all members
        }
        next();
      }

      @Override
      public void processResult(int code, String path, Object context) {
        completed(code);
      }

      @Override
      public void processResult(int code, String path, Object context, Stat stat) {
        completed(code);
      }

      @Override
      public void processResult(int code, String path, Object context, byte[] data, Stat stat) {
        completed(code);
      }

      @Override
      public void processResult(int code, String path, Object context, String name) {
        completed(code);
      }
    }
  }
}
