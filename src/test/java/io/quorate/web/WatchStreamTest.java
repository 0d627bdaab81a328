package io.quorate.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quorate.Seeds;
import io.quorate.state.Command;
import io.quorate.state.HistoryEntry;
import io.quorate.state.Position;
import io.quorate.state.Precondition;
import io.quorate.state.Settings;
import io.quorate.state.State;
import io.quorate.state.Submission;
import io.quorate.state.TreeEvent;
import io.quorate.testing.InMemoryCheckpointStore;
import io.quorate.testing.TestServer;
import io.quorate.tree.Acl;
import io.quorate.tree.Bytes;
import io.quorate.tree.Lifetime;
import io.quorate.tree.ZPath;
import io.quorate.watch.WatchTable.Scope;
import io.quorate.web.WatchStream.Interest;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Watchers that connect, drop and come back at random while thousands of writes happen: what each
 * was told equals the log. Faults that are planted between stream and watcher must be found.
 */
class WatchStreamTest {
  private static final int WRITES = 4_000;
  private static final int WATCHERS = 12;
  private static final Caller ANYONE = new Caller(List.of(), false);

  /** What goes wrong between the stream and the watcher. */
  enum Fault {
    NONE,
    DROPPED,
    DOUBLED,
    BEFORE_THE_REPLY
  }

  @Test
  void everyWatchersSequenceIsTheLogs() {
    Seeds.each(
        3,
        seed -> {
          try {
            play(seed, WRITES, Fault.NONE);
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        });
  }

  @ParameterizedTest
  @EnumSource(
      value = Fault.class,
      names = {"DROPPED", "DOUBLED", "BEFORE_THE_REPLY"})
  void aPlantedFaultIsFound(Fault fault) {
    assertThatThrownBy(() -> play(4711, 600, fault)).isInstanceOf(AssertionError.class);
  }

  /** Events pile up behind a client that does not read, until history forgets them. */
  @Test
  void aClientThatHistoryLeftBehindIsToldAndLetGo() throws Exception {
    var settings =
        new Settings(1024, 20, 1L << 20, 4_000, 40_000, 100, 600_000, 100, 1L << 20, false);
    try (var member =
        TestServer.start(settings, Duration.ofSeconds(20), new InMemoryCheckpointStore())) {
      var reads = new java.util.concurrent.CountDownLatch(1);
      var seen = new ArrayList<Position>();
      var lagging = new ArrayList<Position>();
      var sink =
          new WatchStream.Sink() {
            @Override
            public void begun(long zxid) {}

            @Override
            public void event(TreeEvent event, boolean isInitial) {
              try {
                reads.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
              seen.add(event.position());
            }

            @Override
            public void bookmark(Position position) {}

            @Override
            public void lagging(Position sent, Position resume) {
              lagging.add(sent);
              lagging.add(resume);
            }

            @Override
            public void flush() {}
          };
      WatchStream stream =
          WatchStream.open(
                  member.watches(),
                  new Interest(ZPath.of("/a"), Scope.NODE, null, false),
                  ANYONE,
                  sink)
              .orElseThrow();
      var sender = new CompletableFuture<Void>();
      Thread.ofVirtual()
          .start(
              () -> {
                try {
                  stream.run();
                  sender.complete(null);
                } catch (IOException | InterruptedException e) {
                  sender.completeExceptionally(e);
                }
              });
      stream.level().get(5, TimeUnit.SECONDS);

      for (int i = 0; i < WatchStream.OUTBOX_EVENTS + 500; i++) {
        member.submit(
            new Command.Put(
                ZPath.of("/a"),
                Bytes.EMPTY,
                null,
                Precondition.NONE,
                Acl.OPEN,
                Lifetime.PERSISTENT,
                Command.Parents.REQUIRED));
      }
      reads.countDown();
      sender.get(20, TimeUnit.SECONDS);

      assertThat(seen).isSorted().doesNotHaveDuplicates();
      assertThat(seen.size()).isGreaterThanOrEqualTo(WatchStream.OUTBOX_EVENTS);
      assertThat(lagging.get(0)).isEqualTo(seen.get(seen.size() - 1));
      assertThat(lagging.get(1)).isGreaterThan(lagging.get(0));
    }
  }

  private static void play(long seed, int writes, Fault fault) throws Exception {
    var settings =
        new Settings(
            1024 * 1024,
            1_000_000,
            256L << 20,
            4_000,
            40_000,
            100_000,
            600_000,
            100,
            1L << 20,
            false);
    try (var member =
        TestServer.start(settings, Duration.ofSeconds(20), new InMemoryCheckpointStore())) {
      var random = new Random(seed);
      var watchers = new ArrayList<Watcher>();
      for (int i = 0; i < WATCHERS; i++) {
        watchers.add(new Watcher(member, new Random(seed + i), i, fault));
      }
      var threads = new ArrayList<Thread>();
      for (Watcher watcher : watchers) {
        threads.add(Thread.ofVirtual().start(watcher::live));
      }
      write(member, random, writes);
      long last = member.coordinator().state().zxid();
      for (Watcher watcher : watchers) {
        watcher.finishAt(last);
      }
      for (Thread thread : threads) {
        assertThat(thread.join(Duration.ofSeconds(60))).as("seed %d: stuck", seed).isTrue();
      }
      for (Watcher watcher : watchers) {
        watcher.check(member.coordinator().state(), seed);
      }
      if (writes == WRITES) {
        assertThat(watchers.stream().mapToInt(watcher -> watcher.overflowCount).sum())
            .as("some were too slow for their outbox")
            .isPositive();
      }
    }
  }

  private static void write(TestServer member, Random random, int writes) throws Exception {
    var pending = new ArrayList<CompletableFuture<?>>();
    for (int i = 0; i < writes; i++) {
      pending.add(
          member.coordinator().submit(Submission.of(Submission.Author.ANYONE, command(random))));
      if (pending.size() > 40) {
        CompletableFuture.allOf(pending.toArray(CompletableFuture[]::new))
            .get(30, TimeUnit.SECONDS);
        pending.clear();
      }
    }
    CompletableFuture.allOf(pending.toArray(CompletableFuture[]::new)).get(30, TimeUnit.SECONDS);
  }

  private static ZPath path(Random random) {
    String[] names = {"/a", "/b", "/a/x", "/a/y", "/b/x", "/a/x/1", "/a/x/2", "/b/x/1"};
    return ZPath.of(names[random.nextInt(names.length)]);
  }

  private static Command command(Random random) {
    return switch (random.nextInt(10)) {
      case 0 -> new Command.DeleteTree(path(random), Precondition.NONE);
      case 1, 2 -> new Command.Delete(path(random), Precondition.NONE);
      case 3 ->
          new Command.Multi(
              List.of(
                  (Command.Op) put(random), (Command.Op) put(random), (Command.Op) put(random)));
      case 4 -> new Command.SetAcl(path(random), Acl.OPEN, Precondition.NONE);
      default -> put(random);
    };
  }

  private static Command.Put put(Random random) {
    return new Command.Put(
        path(random),
        Bytes.utf8("v" + random.nextInt(1000)),
        null,
        Precondition.NONE,
        Acl.OPEN,
        Lifetime.PERSISTENT,
        random.nextBoolean() ? Command.Parents.CREATED : Command.Parents.REQUIRED);
  }

  /** One client: it drops its stream now and then and comes back with the last thing it saw. */
  private static final class Watcher implements WatchStream.Sink {
    private final TestServer member;
    private final Random random;
    private final Fault fault;
    private final Interest interest;
    private final List<TreeEvent> seen = new ArrayList<>();
    private final TreeMap<String, Integer> snapshot = new TreeMap<>();
    private final List<String> complaints = new ArrayList<>();

    private final boolean isSlow;

    private volatile long finishAt = Long.MAX_VALUE;
    private volatile @Nullable WatchStream stream;
    private @Nullable Position last;
    private long began = -1;
    private long snapshotZxid = -1;
    private boolean armed;
    private boolean planted;
    private int untilDrop;
    private int overflowCount;

    Watcher(TestServer member, Random random, int number, Fault fault) {
      this.member = member;
      this.random = random;
      this.fault = fault;
      this.isSlow = number % 3 == 2;
      Scope scope = Scope.values()[number % 3];
      ZPath top = number % 4 == 0 ? ZPath.ROOT : number % 4 == 1 ? path(random) : ZPath.of("/a");
      this.interest = new Interest(top, scope, null, number % 2 == 1);
    }

    void finishAt(long zxid) {
      finishAt = zxid;
    }

    void live() {
      try {
        while (last == null || last.zxid() < finishAt) {
          armed = false;
          untilDrop = 1 + random.nextInt(isSlow ? 2_000 : 200);
          Interest now = new Interest(interest.path(), interest.scope(), last, interest.snapshot());
          Optional<WatchStream> opened = WatchStream.open(member.watches(), now, ANYONE, this);
          if (opened.isEmpty()) {
            complaints.add("gone at " + last);
            return;
          }
          stream = opened.get();
          Thread level =
              Thread.ofVirtual()
                  .start(
                      () -> {
                        // Ends the stream once everything is written and sent.
                        while (finishAt == Long.MAX_VALUE && stream == opened.get()) {
                          pause(1);
                        }
                        opened.get().level().join();
                        opened.get().close();
                      });
          try {
            opened.get().run();
          } catch (IOException e) {
            // Dropped on purpose.
          }
          stream = null;
          overflowCount += opened.get().overflowCount();
          level.join();
          if (finishAt != Long.MAX_VALUE && (last == null || last.zxid() < finishAt)) {
            // Nothing more may concern it; one more round from the last place shows that.
            if (untilDrop > 0) {
              return;
            }
          }
          pause(random.nextInt(3));
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    private static void pause(int ms) {
      try {
        Thread.sleep(ms);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    @Override
    public void begun(long zxid) throws IOException {
      armed = true;
      if (last == null) {
        began = zxid;
        last = interest.snapshot() ? null : Position.after(zxid);
      }
    }

    @Override
    public void event(TreeEvent event, boolean isInitial) throws IOException {
      if (!planted && fault != Fault.NONE && seen.size() > 5 && !isInitial) {
        planted = true;
        switch (fault) {
          case DROPPED -> {
            return;
          }
          case DOUBLED -> told(event, false);
          case BEFORE_THE_REPLY -> armed = false;
          case NONE -> {}
        }
      }
      told(event, isInitial);
      if (--untilDrop <= 0) {
        throw new IOException("dropped");
      }
      if (isSlow && finishAt == Long.MAX_VALUE || random.nextInt(300) == 0) {
        pause(1);
      }
    }

    private void told(TreeEvent event, boolean isInitial) {
      if (!armed) {
        complaints.add("told before the reply: " + event);
      }
      last = event.position();
      if (isInitial) {
        snapshotZxid = event.position().zxid();
        if (snapshot.put(event.path().toString(), event.version()) != null) {
          complaints.add("shown twice: " + event);
        }
      } else {
        seen.add(event);
      }
    }

    @Override
    public void bookmark(Position position) {
      if (last != null && position.compareTo(last) < 0) {
        complaints.add("a bookmark went back to " + position + " from " + last);
      }
      last = position;
    }

    @Override
    public void lagging(Position sent, Position resume) {
      complaints.add("lagging");
    }

    @Override
    public void flush() {}

    void check(State end, long seed) {
      assertThat(complaints).as("seed %d", seed).isEmpty();
      long from = snapshotZxid >= 0 ? snapshotZxid : began;
      var expected = new ArrayList<String>();
      var entries = end.history().from(from + 1);
      while (entries.next()) {
        HistoryEntry entry = entries.value();
        for (TreeEvent event : entry.events()) {
          if (interest.scope().concerns(interest.path(), event)) {
            expected.add(line(event));
          }
        }
      }
      assertThat(seen.stream().map(Watcher::line).toList())
          .as("seed %d, %s after 0x%x", seed, interest, from)
          .isEqualTo(expected);
      if (snapshotZxid >= 0) {
        assertThat(snapshot).as("seed %d, snapshot", seed).isEqualTo(expectedSnapshot(end));
      }
    }

    private TreeMap<String, Integer> expectedSnapshot(State end) {
      var nodes = new TreeMap<String, Integer>();
      end.history()
          .treeAt(snapshotZxid, end)
          .orElseThrow()
          .forEach(
              (path, node) -> {
                boolean within =
                    switch (interest.scope()) {
                      case NODE -> path.equals(interest.path());
                      case CHILDREN ->
                          path.equals(interest.path())
                              || !path.isRoot() && path.parent().equals(interest.path());
                      case SUBTREE -> path.isWithin(interest.path());
                    };
                if (within) {
                  nodes.put(path.toString(), node.version());
                }
              });
      return nodes;
    }

    private static String line(TreeEvent event) {
      return event.position() + " " + event.kind() + " " + event.path() + " " + event.version();
    }
  }
}
