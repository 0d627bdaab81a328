package io.quorate.state;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.Seeds;
import io.quorate.tree.Acl;
import io.quorate.tree.Bytes;
import io.quorate.tree.Identity;
import io.quorate.tree.Lifetime;
import io.quorate.tree.Stat;
import io.quorate.tree.ZPath;
import io.quorate.tree.Znode;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.server.DataTree;
import org.apache.zookeeper.server.ServerCnxnFactory;
import org.apache.zookeeper.server.ZooKeeperServer;
import org.apache.zookeeper.server.auth.DigestAuthenticationProvider;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The state machine beside Apache ZooKeeper itself: the same random requests, from an anonymous and
 * an authenticated client, get the same answers and leave the same tree. Its zxids are other
 * numbers, as it spends them on refusals too, but they pair up with ours one to one and in order.
 */
class ZooKeeperComparisonTest {
  private static final int COMMANDS = 600;
  private static final List<String> NAMES = List.of("a", "b", "c", "a-");
  private static final List<String> PROPERTIES =
      List.of("zookeeper.extendedTypesEnabled", "zookeeper.forceSync");

  @TempDir static Path directory;

  @BeforeAll
  static void allowTtlNodesAndNeedNoDisk() {
    System.setProperty("zookeeper.extendedTypesEnabled", "true");
    System.setProperty("zookeeper.forceSync", "no");
  }

  @AfterAll
  static void clear() {
    PROPERTIES.forEach(System::clearProperty);
  }

  @Test
  void everyAnswerAndEveryNodeAgreesWithZooKeeper() {
    Seeds.each(
        3,
        seed -> {
          try (var both = new Both(seed)) {
            for (int i = 0; i < COMMANDS; i++) {
              both.step(i);
            }
          } catch (Exception e) {
            throw new AssertionError(e);
          }
        });
  }

  /** One client as ZooKeeper and as we know it. */
  private record Client(ZooKeeper zooKeeper, Submission.Author author) {}

  private static final class Both implements AutoCloseable {
    private final Random random;
    private final ZooKeeperServer server;
    private final ServerCnxnFactory door;
    private final List<Client> clients = new ArrayList<>();
    private final TreeMap<Long, Long> theirsByOurs = new TreeMap<>();
    private State state = State.initial(Settings.DEFAULT);

    Both(long seed) throws Exception {
      random = new Random(seed);
      java.io.File home = directory.resolve("seed" + seed).toFile();
      server = new ZooKeeperServer(home, home, 60_000);
      door = ServerCnxnFactory.createFactory(new InetSocketAddress("127.0.0.1", 0), 20);
      door.startup(server);
      clients.add(opened(false));
      clients.add(opened(true));
      theirsByOurs.put(0L, 0L);
    }

    private Client opened(boolean authenticated) throws Exception {
      var connected = new CountDownLatch(1);
      var zooKeeper =
          new ZooKeeper(
              "127.0.0.1:" + door.getLocalPort(),
              120_000,
              event -> {
                if (event.getState() == Watcher.Event.KeeperState.SyncConnected) {
                  connected.countDown();
                }
              });
      connected.await();
      var identities = new ArrayList<Identity>();
      identities.add(new Identity("ip", "127.0.0.1"));
      if (authenticated) {
        zooKeeper.addAuthInfo("digest", "ann:x".getBytes(StandardCharsets.UTF_8));
        identities.add(
            new Identity("digest", DigestAuthenticationProvider.generateDigest("ann:x")));
      }
      long id = zooKeeper.getSessionId();
      apply(Submission.Author.ANYONE, new Command.OpenSession(id, Bytes.EMPTY, 10_000, 1));
      return new Client(
          zooKeeper, new Submission.Author(id, Submission.Author.ANY_GENERATION, identities));
    }

    private Outcome apply(Submission.Author author, Command command) {
      var applied = StateMachine.apply(state, Submission.of(author, command), new Stamp(1_000));
      state = applied.state();
      return applied.answer().outcome();
    }

    void step(int number) throws Exception {
      if (random.nextInt(50) == 0) {
        int which = random.nextInt(2);
        Client gone = clients.get(which);
        gone.zooKeeper.close();
        apply(gone.author, new Command.CloseSession(gone.author.sessionId()));
        clients.set(which, opened(which == 1));
        compareTrees("after the close of a session, step " + number);
        return;
      }
      Client client = clients.get(random.nextInt(2));
      if (random.nextInt(15) == 0) {
        setAcl(client, number);
        return;
      }
      var ops = new ArrayList<Command.Op>();
      int count = random.nextInt(4) == 0 ? random.nextInt(4) : 1;
      for (int i = 0; i < count; i++) {
        ops.add(op(client));
      }
      var theirOps = new ArrayList<Op>();
      for (Command.Op op : ops) {
        theirOps.add(theirs(op));
      }

      String theirs = theirAnswer(client, theirOps);
      String ours = ourAnswer(apply(client.author, new Command.Multi(ops)));

      String when = "step " + number + " " + ops;
      assertThat(ours).as(when).isEqualTo(theirs);
      compareTrees(when);
    }

    /** In ZooKeeper the one write that cannot stand in a multi. */
    private void setAcl(Client client, int number) throws Exception {
      var set = new Command.SetAcl(path(), acl(), new Precondition.Version(version()));
      int theirs = 0;
      try {
        client.zooKeeper.setACL(
            set.path().toString(), theirs(set.acl()), version(set.precondition()));
      } catch (KeeperException e) {
        theirs = e.code().intValue();
      }

      Outcome outcome = apply(client.author, set);

      String when = "step " + number + " " + set;
      int ours = outcome instanceof Outcome.Rejected no ? no.code().number() : 0;
      assertThat(ours).as(when).isEqualTo(theirs);
      compareTrees(when);
    }

    private static String theirAnswer(Client client, List<Op> ops) throws Exception {
      try {
        var paths = new ArrayList<String>();
        for (OpResult result : client.zooKeeper.multi(ops)) {
          paths.add(result instanceof OpResult.CreateResult create ? create.getPath() : "ok");
        }
        return paths.toString();
      } catch (KeeperException e) {
        int index = 0;
        for (OpResult result : e.getResults()) {
          int error = ((OpResult.ErrorResult) result).getErr();
          if (error != 0) {
            return index + ": " + error;
          }
          index++;
        }
        return "all: " + e.code().intValue();
      }
    }

    private static String ourAnswer(Outcome outcome) {
      return switch (outcome) {
        case Outcome.Several several ->
            several.results().stream()
                .map(
                    result ->
                        result instanceof Outcome.Created created
                            ? created.path().toString()
                            : "ok")
                .toList()
                .toString();
        case Outcome.SeveralRejected no -> no.failedIndex() + ": " + no.rejection().code().number();
        default -> outcome.toString();
      };
    }

    private Command.Op op(Client client) {
      return switch (random.nextInt(10)) {
        case 0, 1, 2, 3 -> create(client);
        case 4, 5 -> new Command.SetData(path(), data(), null, new Precondition.Version(version()));
        case 6, 7 -> new Command.Delete(path(), new Precondition.Version(version()));
        case 8 -> new Command.Check(path(), version());
        default -> create(client);
      };
    }

    private Command.Op create(Client client) {
      boolean sequential = random.nextInt(4) == 0;
      Lifetime lifetime =
          switch (random.nextInt(8)) {
            case 0, 1 -> new Lifetime.Ephemeral(client.author.sessionId());
            case 2 -> sequential ? Lifetime.PERSISTENT : Lifetime.CONTAINER;
            case 3 -> new Lifetime.Ttl(1_000_000);
            default -> Lifetime.PERSISTENT;
          };
      String name = NAMES.get(random.nextInt(NAMES.size()));
      if (sequential && random.nextInt(6) == 0) {
        name = random.nextBoolean() ? "." : "..";
      }
      return new Command.Create(
          parent(),
          name,
          sequential ? Command.Naming.SEQUENTIAL : Command.Naming.EXACT,
          data(),
          null,
          acl(),
          lifetime,
          Command.Parents.REQUIRED);
    }

    private Acl acl() {
      int perms = random.nextInt(3) == 0 ? 1 + random.nextInt(31) : Acl.ALL;
      return switch (random.nextInt(24)) {
        case 0 -> one(perms, "auth", "");
        case 1 -> one(perms, "ip", "127.0.0.0/8");
        case 2 -> one(perms, "ip", "10.0.0.1");
        case 3 ->
            one(
                perms,
                "digest",
                random.nextBoolean() ? "ann:wrong" : "ann:QxkR8RuR8ZzzEvE5Xqdm0tmBYqc=");
        case 4 -> one(perms, "world", random.nextBoolean() ? "anyone" : "nobody");
        case 5 ->
            one(
                perms,
                random.nextBoolean() ? "digest" : "ip",
                List.of("", ":", "a:", ":b", "a:b:", "a:b:c", "1.2.3", "1.2.3.4/33", "1.2.3.4/")
                    .get(random.nextInt(9)));
        case 6 -> one(perms, "sasl", "x");
        case 7 -> new Acl(List.of());
        default -> Acl.OPEN;
      };
    }

    private static Acl one(int perms, String scheme, String id) {
      return new Acl(List.of(new Acl.Entry(perms, scheme, id)));
    }

    private @Nullable Bytes data() {
      return switch (random.nextInt(4)) {
        case 0 -> null;
        case 1 -> Bytes.EMPTY;
        default -> Bytes.utf8("data" + random.nextInt(9));
      };
    }

    private int version() {
      return random.nextInt(3) == 0 ? random.nextInt(3) : -1;
    }

    private ZPath parent() {
      if (random.nextInt(30) == 0) {
        return ZPath.of(random.nextBoolean() ? "/zookeeper" : "/zookeeper/config");
      }
      ZPath path = ZPath.ROOT;
      for (int depth = random.nextInt(3); depth > 0; depth--) {
        path = path.child(NAMES.get(random.nextInt(NAMES.size())));
      }
      return path;
    }

    private ZPath path() {
      if (random.nextInt(30) == 0) {
        return List.of(
                ZPath.ROOT,
                ZPath.of("/zookeeper"),
                ZPath.of("/zookeeper/config"),
                ZPath.of("/zookeeper/quota"))
            .get(random.nextInt(4));
      }
      String number = random.nextInt(6) == 0 ? "000000000" + random.nextInt(9) : "";
      return parent().child(NAMES.get(random.nextInt(NAMES.size())) + number);
    }

    private static Op theirs(Command.Op op) {
      byte[] data =
          switch (op) {
            case Command.Create create -> create.data() == null ? null : create.data().toArray();
            case Command.SetData set -> set.data() == null ? null : set.data().toArray();
            default -> null;
          };
      return switch (op) {
        case Command.Create create -> {
          boolean sequential = create.naming() == Command.Naming.SEQUENTIAL;
          String path = (create.parent().isRoot() ? "" : create.parent()) + "/" + create.name();
          yield switch (create.lifetime()) {
            case Lifetime.Persistent p ->
                Op.create(
                    path,
                    data,
                    theirs(create.acl()),
                    sequential ? CreateMode.PERSISTENT_SEQUENTIAL : CreateMode.PERSISTENT);
            case Lifetime.Ephemeral e ->
                Op.create(
                    path,
                    data,
                    theirs(create.acl()),
                    sequential ? CreateMode.EPHEMERAL_SEQUENTIAL : CreateMode.EPHEMERAL);
            case Lifetime.Container c ->
                Op.create(path, data, theirs(create.acl()), CreateMode.CONTAINER);
            case Lifetime.Ttl ttl ->
                Op.create(
                    path,
                    data,
                    theirs(create.acl()),
                    sequential
                        ? CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL
                        : CreateMode.PERSISTENT_WITH_TTL,
                    ttl.ttlMs());
          };
        }
        case Command.SetData set ->
            Op.setData(set.path().toString(), data, version(set.precondition()));
        case Command.Delete delete ->
            Op.delete(delete.path().toString(), version(delete.precondition()));
        case Command.Check check -> Op.check(check.path().toString(), check.version());
        default -> throw new IllegalStateException("ZooKeeper has no " + op);
      };
    }

    private static int version(Precondition precondition) {
      return ((Precondition.Version) precondition).version();
    }

    private static List<ACL> theirs(Acl acl) {
      var theirs = new ArrayList<ACL>();
      for (Acl.Entry entry : acl.entries()) {
        theirs.add(new ACL(entry.perms(), new Id(entry.scheme(), entry.id())));
      }
      return theirs;
    }

    private void compareTrees(String when) throws Exception {
      DataTree tree = server.getZKDatabase().getDataTree();
      var paths = new ArrayList<ZPath>();
      state.tree().forEach((path, node) -> paths.add(path));
      // Their root counts twice, as "" and as "/".
      assertThat(tree.getNodeCount() - 1).as(when).isEqualTo(paths.size());
      for (ZPath path : paths) {
        String text = path.toString();
        Znode node = java.util.Objects.requireNonNull(state.find(path));
        org.apache.zookeeper.data.Stat theirs = tree.statNode(text, null);
        Stat ours = node.stat();
        String what = when + ": " + path;
        assertThat(ours.version()).as(what).isEqualTo(theirs.getVersion());
        assertThat(ours.cversion()).as(what).isEqualTo(theirs.getCversion());
        assertThat(ours.aversion()).as(what).isEqualTo(theirs.getAversion());
        assertThat(ours.dataLength()).as(what).isEqualTo(theirs.getDataLength());
        assertThat(ours.numChildren()).as(what).isEqualTo(theirs.getNumChildren());
        assertThat(ours.ephemeralOwner())
            .as(what)
            .isEqualTo(node.isReapable() ? 0 : theirs.getEphemeralOwner());
        pair(ours.czxid(), theirs.getCzxid(), what);
        pair(ours.mzxid(), theirs.getMzxid(), what);
        pair(ours.pzxid(), theirs.getPzxid(), what);
        byte[] data = tree.getNode(text).getData();
        if (ours.czxid() != 0 || ours.version() != 0) { // /zookeeper's own data is theirs
          assertThat(node.data().map(Bytes::toArray).orElse(null)).as(what).isEqualTo(data);
          assertThat(theirs(node.acl())).as(what).isEqualTo(tree.getACL(tree.getNode(text)));
        }
        var names = new TreeSet<String>();
        for (var child = state.tree().children(path); child.next(); ) {
          names.add(child.name());
        }
        assertThat(names).as(what).isEqualTo(new TreeSet<>(tree.getChildren(text, null, null)));
      }
    }

    /** The same zxid of ours is always the same of theirs, and a later one is later. */
    private void pair(long ours, long theirs, String what) {
      Long known = theirsByOurs.putIfAbsent(ours, theirs);
      assertThat(theirs).as(what).isEqualTo(known == null ? theirs : known);
      var before = theirsByOurs.lowerEntry(ours);
      var after = theirsByOurs.higherEntry(ours);
      assertThat(before == null || before.getValue() < theirs).as(what).isTrue();
      assertThat(after == null || after.getValue() > theirs).as(what).isTrue();
    }

    @Override
    public void close() throws Exception {
      for (Client client : clients) {
        client.zooKeeper.close();
      }
      door.shutdown();
      server.shutdown();
    }
  }
}
