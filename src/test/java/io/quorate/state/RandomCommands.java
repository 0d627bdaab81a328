package io.quorate.state;

import io.quorate.tree.Acl;
import io.quorate.tree.Bytes;
import io.quorate.tree.Digest;
import io.quorate.tree.Identity;
import io.quorate.tree.Lifetime;
import io.quorate.tree.ZPath;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * A stream of commands in a small world, where names, sessions and keys meet again and again: what
 * the model, replay and codec tests feed on. The same seed gives the same stream.
 */
public final class RandomCommands {
  /** Small enough that a few hundred commands run into every limit. */
  public static final Settings TIGHT =
      new Settings(40, 60, 12_000, 4_000, 40_000, 5, 2_000, 6, 1L << 20, false);

  private static final List<String> NAMES = List.of("a", "b", "c", "a-", "ä", "0");
  private static final List<Identity> PEOPLE =
      List.of(
          new Identity("digest", "ann:x"),
          new Identity("digest", "bob:y"),
          new Identity("ip", "10.0.0.7"),
          new Identity("x509", "CN=eve"),
          Identity.SUPER);
  private static final List<Acl> ACLS =
      List.of(
          Acl.OPEN,
          Acl.OPEN,
          Acl.OPEN,
          Acl.OPEN,
          Acl.OPEN,
          Acl.OPEN,
          new Acl(List.of(new Acl.Entry(Acl.ALL, "auth", ""))),
          new Acl(List.of(new Acl.Entry(Acl.READ, "world", "anyone"))),
          new Acl(
              List.of(
                  new Acl.Entry(Acl.READ | Acl.CREATE | Acl.DELETE, "world", "anyone"),
                  new Acl.Entry(Acl.ALL, "digest", "ann:x"))),
          new Acl(List.of(new Acl.Entry(Acl.ALL, "ip", "10.0.0.0/8"))),
          new Acl(
              List.of(
                  new Acl.Entry(Acl.ALL, "x509", "CN=eve"),
                  new Acl.Entry(Acl.ALL, "x509", "CN=eve"))),
          new Acl(List.of()),
          new Acl(List.of(new Acl.Entry(Acl.ALL, "world", "nobody"))),
          new Acl(List.of(new Acl.Entry(32, "world", "anyone"))));
  private static final Bytes SECRET = Bytes.utf8("secret");

  private final Random random;
  private long nowMs = 1_000_000;

  public RandomCommands(long seed) {
    this.random = new Random(seed);
  }

  /** The next stamp: mostly a little later, sometimes much, sometimes going back. */
  public Stamp stamp() {
    nowMs += random.nextInt(20) == 0 ? random.nextInt(3_000) : random.nextInt(40);
    return new Stamp(random.nextInt(15) == 0 ? nowMs - 500 : nowMs);
  }

  public Submission submission() {
    List<Identity> identities = new ArrayList<>();
    while (random.nextInt(3) == 0) {
      identities.add(pick(PEOPLE));
    }
    long session = random.nextInt(3) == 0 ? session() : 0;
    var author =
        new Submission.Author(
            session,
            session == 0 || random.nextInt(4) != 0
                ? Submission.Author.ANY_GENERATION
                : 1 + random.nextInt(2),
            identities);
    Submission.OnceKey key =
        random.nextInt(6) == 0
            ? new Submission.OnceKey(
                "s" + random.nextInt(2), "k" + random.nextInt(8), "f" + random.nextInt(2))
            : null;
    return new Submission(author, key, command(session));
  }

  private Command command(long session) {
    return switch (random.nextInt(40)) {
      case 0, 1 -> new Command.Multi(ops(session));
      case 2 -> new Command.Transaction(conditions(), ops(session), ops(session));
      case 3, 4, 5 ->
          new Command.OpenSession(
              random.nextInt(10) == 0 ? 0 : session(),
              SECRET,
              random.nextInt(60_000),
              1 + random.nextInt(3));
      case 6 ->
          new Command.AttachSession(
              session(),
              random.nextInt(4) == 0 ? Bytes.utf8("guess") : SECRET,
              random.nextBoolean() ? 0 : random.nextInt(60_000),
              1 + random.nextInt(3));
      case 7 -> new Command.CloseSession(session());
      case 8 -> new Command.ExpireSession(session(), 1 + random.nextInt(2), random.nextInt(5));
      case 9, 10, 11 -> new Command.Reap(path());
      case 12 -> random.nextInt(5) == 0 ? configure() : new Command.Read(path());
      case 13 -> new Command.NewTerm(random.nextInt(5), 1);
      case 14 -> new Command.Fence(1 + random.nextInt(3), random.nextInt(3), random.nextInt(9));
      case 15 -> new Command.Audit(random.nextInt(99), new Digest(random.nextLong(), 7));
      default -> op(session);
    };
  }

  private Command configure() {
    return new Command.Configure(
        new Settings(
            20 + random.nextInt(40),
            random.nextInt(80),
            4_000 + random.nextInt(10_000),
            4_000,
            40_000,
            1 + random.nextInt(7),
            2_000,
            random.nextInt(6),
            1L << 20,
            false));
  }

  private List<Command.Op> ops(long session) {
    var ops = new ArrayList<Command.Op>();
    for (int i = random.nextInt(5); i > 0; i--) {
      ops.add(op(session));
    }
    return ops;
  }

  private Command.Op op(long session) {
    return switch (random.nextInt(20)) {
      case 0, 1, 2, 3, 4, 5 -> create(session);
      case 6, 7, 8 ->
          new Command.Put(
              path(),
              Bytes.wrap(new byte[random.nextInt(45)]),
              contentType(),
              precondition(),
              pick(ACLS),
              lifetime(session),
              parents());
      case 9, 10, 11 -> new Command.SetData(path(), data(), contentType(), precondition());
      case 12, 13, 14 -> new Command.Delete(path(), precondition());
      case 15 -> new Command.DeleteTree(path(), precondition());
      // Not of the root: a locked one would end the story.
      case 16 -> new Command.SetAcl(parent().child(segment()), pick(ACLS), precondition());
      case 17 -> new Command.Check(path(), version());
      default -> new Command.Read(path());
    };
  }

  private Command.Op create(long session) {
    boolean sequential = random.nextInt(4) == 0;
    String name = sequential && random.nextInt(3) == 0 ? "" : pick(NAMES);
    if (random.nextInt(30) == 0) {
      name = pick(List.of("", ".", "..", "x/y"));
    }
    return new Command.Create(
        parent(),
        name,
        sequential ? Command.Naming.SEQUENTIAL : Command.Naming.EXACT,
        data(),
        contentType(),
        pick(ACLS),
        lifetime(session),
        parents());
  }

  private Lifetime lifetime(long session) {
    return switch (random.nextInt(8)) {
      case 0, 1 ->
          session == 0 && random.nextInt(8) != 0
              ? Lifetime.PERSISTENT
              : new Lifetime.Ephemeral(random.nextInt(8) == 0 ? session() : session);
      case 2 -> Lifetime.CONTAINER;
      case 3 -> new Lifetime.Ttl(1 + random.nextInt(600));
      default -> Lifetime.PERSISTENT;
    };
  }

  private Command.Parents parents() {
    return random.nextInt(3) == 0 ? Command.Parents.CREATED : Command.Parents.REQUIRED;
  }

  private @Nullable Bytes data() {
    return random.nextInt(5) == 0 ? null : Bytes.wrap(new byte[random.nextInt(45)]);
  }

  private @Nullable String contentType() {
    return random.nextInt(3) == 0 ? pick(List.of("text/plain", "application/json")) : null;
  }

  private List<Command.Condition> conditions() {
    var conditions = new ArrayList<Command.Condition>();
    for (int i = random.nextInt(3); i > 0; i--) {
      conditions.add(new Command.Condition(path(), precondition()));
    }
    return conditions;
  }

  private Precondition precondition() {
    return switch (random.nextInt(12)) {
      case 0 -> Precondition.ABSENT;
      case 1 -> Precondition.PRESENT;
      case 2, 3, 4 -> new Precondition.Version(version());
      case 5 -> {
        var etags = new ArrayList<String>();
        for (int i = 0; i < 40; i++) {
          etags.add("0x" + Integer.toHexString(random.nextInt(400)));
          etags.add("a" + random.nextInt(3) + "-0x" + Integer.toHexString(random.nextInt(400)));
        }
        yield new Precondition.OneOf(etags);
      }
      default -> Precondition.NONE;
    };
  }

  private int version() {
    return random.nextInt(5) - 1;
  }

  private ZPath parent() {
    int depth = random.nextInt(8) == 0 ? 3 : random.nextInt(3);
    ZPath path = ZPath.ROOT;
    for (int i = 0; i < depth; i++) {
      path = path.child(segment());
    }
    return path;
  }

  private ZPath path() {
    if (random.nextInt(40) == 0) {
      return pick(
          List.of(
              ZPath.ROOT,
              ZPath.of("/zookeeper"),
              ZPath.of("/zookeeper/config"),
              ZPath.of("/zookeeper/quota")));
    }
    return parent().child(segment());
  }

  /** Mostly the same two, so that what is asked for is often there. */
  private String segment() {
    if (random.nextInt(10) == 0) {
      return pick(NAMES) + "000000000" + random.nextInt(10);
    }
    return random.nextInt(3) == 0 ? pick(NAMES) : pick(NAMES.subList(0, 2));
  }

  /** Few, so that they meet; some negative, as those of ZooKeeper's servers above 127. */
  private long session() {
    return random.nextInt(4) - 2 == 0 ? 77 : random.nextInt(4) - 2;
  }

  private <T> T pick(List<T> from) {
    return from.get(random.nextInt(from.size()));
  }
}
