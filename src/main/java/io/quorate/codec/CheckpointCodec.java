package io.quorate.codec;

import io.quorate.bytes.ByteReader;
import io.quorate.bytes.ByteWriter;
import io.quorate.bytes.MalformedException;
import io.quorate.bytes.ValueCodec;
import io.quorate.state.Answer;
import io.quorate.state.Answers;
import io.quorate.state.History;
import io.quorate.state.Session;
import io.quorate.state.Settings;
import io.quorate.state.State;
import io.quorate.state.Submission;
import io.quorate.tree.Digest;
import io.quorate.tree.ZnodeTree;
import io.quorate.tree.ZooVector;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BiConsumer;

/**
 * The state as named sorted maps of bytes, whole or as what changed since an older state.
 *
 * <p>Every value ends in a CRC32C of its key and itself. The header counts the entries of each map
 * and has the digest of the tree, so a map that lost or mixed up entries is noticed as well.
 *
 * <p>Keys sort as unsigned bytes.
 */
public final class CheckpointCodec {
  public static final String ZNODES = "znodes";
  public static final String SESSIONS = "sessions";
  public static final String HISTORY = "history";
  public static final String ANSWERS = "answers";

  /** The maps, in the order in which {@link #write} fills and {@link #read} asks for them. */
  public static final List<String> MAPS = List.of(ZNODES, SESSIONS, HISTORY, ANSWERS);

  private static final int VERSION = 2;
  private static final int OLDEST_VERSION = 1;

  private CheckpointCodec() {}

  /**
   * What a sink holds already. It does not keep a whole state alive: after a hundred thousand
   * writes an old history has nothing in common with the new one.
   */
  public record Written(
      ZnodeTree tree,
      ZooVector<Long, Session> sessions,
      ZooVector<Long, Answers.Kept> answers,
      Tail history) {
    public static final Written NOTHING =
        new Written(
            ZnodeTree.EMPTY,
            ZooVector.empty(Comparator.<Long>naturalOrder()),
            ZooVector.empty(Comparator.<Long>naturalOrder()),
            new Tail(0, 0, new TreeMap<>()));

    /** All of {@code state}. */
    public static Written of(State state) {
      return with(Tail.of(state.history()), state);
    }

    private static Written with(Tail history, State state) {
      return new Written(state.tree(), state.sessions(), state.answers().byAge(), history);
    }
  }

  /**
   * A history, or its end: what was dropped in the meantime to make room for newer entries is not
   * missed, since the log that is applied after the checkpoint drops it as well.
   *
   * @param heldAfter as {@link History#heldAfter}
   * @param runs their first zxids and sizes
   */
  public record Tail(long heldAfter, int entries, SortedMap<Long, Integer> runs) {
    private static Tail of(History history) {
      return of(history.heldAfter(), history.size(), history.runs());
    }

    private static Tail of(long heldAfter, int entries, List<History.Run> runs) {
      var sizes = new TreeMap<Long, Integer>();
      runs.forEach(run -> sizes.put(run.firstZxid(), run.sizeBytes()));
      return new Tail(heldAfter, entries, sizes);
    }
  }

  /** Takes what a checkpoint holds. */
  public interface Sink {
    void put(String map, byte[] key, byte[] value);

    void remove(String map, byte[] key);

    /** Removes all that is in {@code map}: for a store, cheaper than one after the other. */
    void clear(String map);
  }

  /** Gives back what a {@link Sink} took. */
  @FunctionalInterface
  public interface Source {
    /** Hands every entry of {@code map} to {@code entries}, in the order of the keys. */
    void read(String map, BiConsumer<byte[], byte[]> entries);
  }

  /** What is small and changes often: it is written whole with every checkpoint. */
  public static SortedMap<String, byte[]> header(State state) {
    return header(state, Tail.of(state.history()));
  }

  /** The same of a checkpoint that has {@code history}, which {@link #write} has returned. */
  public static SortedMap<String, byte[]> header(State state, Tail history) {
    var header = new TreeMap<String, byte[]>();
    Digest digest = state.tree().digest();
    var settings = new ByteWriter(64);
    TermsCodec.write(settings, state.settings());
    put(header, "version", new ByteWriter(16).number(VERSION));
    put(header, "zxid", new ByteWriter(16).signed(state.zxid()));
    put(header, "timeMs", new ByteWriter(16).signed(state.timeMs()));
    put(header, "term", new ByteWriter(16).signed(state.term()));
    put(header, "settings", settings);
    put(header, "lanes", lanes(state.lanes()));
    put(header, "heldAfter", new ByteWriter(16).signed(history.heldAfter()));
    put(header, "digest", new ByteWriter(16).fixed(digest.high()).fixed(digest.low()));
    put(
        header,
        "sizes",
        new ByteWriter(32)
            .number(state.tree().size())
            .number(state.sessions().size())
            .number(history.entries())
            .number(state.answers().size()));
    return header;
  }

  private static void put(SortedMap<String, byte[]> header, String name, ByteWriter value) {
    header.put(name, value.sealed(name.getBytes(StandardCharsets.UTF_8)));
  }

  private static ByteWriter lanes(ZooVector<Integer, State.Lane> lanes) {
    var out = new ByteWriter(16 * lanes.size()).number(lanes.size());
    ZooVector.Cursor<Integer, State.Lane> cursor = lanes.cursor();
    while (cursor.next()) {
      out.signed(cursor.key()).signed(cursor.value().boot()).signed(cursor.value().next());
    }
    return out;
  }

  /**
   * Tells {@code sink} what to put and remove, map by map, in the order of the keys; only the
   * history goes backwards, and stops where it has given way to a newer one.
   *
   * <p>Cost: what differs between the states, when one came from the other.
   *
   * @param since what the sink holds
   * @return what it holds now
   */
  public static Written write(State state, Written since, Sink sink) {
    writeTree(state, since, sink);
    writeSessions(state, since, sink);
    Tail history = writeHistory(state, since.history().runs(), sink);
    writeAnswers(state, since, sink);
    return Written.with(history, state);
  }

  /**
   * Puts all of {@code state}, map by map, in the order of the keys. Its history must be held, or
   * not have given way.
   */
  public static void writeWhole(State state, Sink sink) {
    writeTree(state, Written.NOTHING, sink);
    writeSessions(state, Written.NOTHING, sink);
    for (History.Run run : state.history().runs()) {
      ByteWriter value = room(run);
      run.writeTo(value);
      put(run, value, sink);
    }
    writeAnswers(state, Written.NOTHING, sink);
  }

  private static void writeTree(State state, Written since, Sink sink) {
    state
        .tree()
        .diff(
            since.tree(),
            (path, before, after) -> {
              byte[] key = path.key();
              if (after == null) {
                sink.remove(ZNODES, key);
              } else {
                var value = new ByteWriter(64 + after.dataLength());
                ValueCodec.write(value, after);
                sink.put(ZNODES, key, value.sealed(key));
              }
            });
  }

  private static void writeSessions(State state, Written since, Sink sink) {
    differences(SESSIONS, state.sessions(), since.sessions(), CheckpointCodec::write, sink);
  }

  private static void writeAnswers(State state, Written since, Sink sink) {
    differences(ANSWERS, state.answers().byAge(), since.answers(), CheckpointCodec::write, sink);
  }

  private static <V> void differences(
      String map,
      ZooVector<Long, V> now,
      ZooVector<Long, V> then,
      BiConsumer<ByteWriter, V> writer,
      Sink sink) {
    now.diff(
        then,
        (number, before, after) -> {
          byte[] key = key(number);
          if (after == null) {
            sink.remove(map, key);
          } else {
            var value = new ByteWriter(128);
            writer.accept(value, after);
            sink.put(map, key, value.sealed(key));
          }
        });
  }

  /**
   * Runs are only added to, at the end, and removed, at the begin: one that begins with the same
   * zxid and is as long is the same.
   */
  private static Tail writeHistory(State state, SortedMap<Long, Integer> then, Sink sink) {
    List<History.Run> runs = state.history().runs();
    var gone = new TreeMap<Long, Integer>(then);
    runs.forEach(run -> gone.remove(run.firstZxid()));
    if (!gone.isEmpty() && gone.size() == then.size()) {
      sink.clear(HISTORY);
    } else {
      gone.keySet().forEach(zxid -> sink.remove(HISTORY, key(zxid)));
    }
    int first = runs.size();
    while (first > 0 && putUnlessGone(runs.get(first - 1), then, sink)) {
      first--;
    }
    if (first == 0) {
      return Tail.of(state.history());
    }
    for (History.Run cutOff : runs.subList(0, first)) {
      if (then.containsKey(cutOff.firstZxid())) {
        sink.remove(HISTORY, key(cutOff.firstZxid()));
      }
    }
    List<History.Run> kept = runs.subList(first, runs.size());
    return Tail.of(
        kept.isEmpty() ? state.zxid() : kept.getFirst().firstZxid() - 1,
        kept.stream().mapToInt(History.Run::entries).sum(),
        kept);
  }

  /** Whether {@code sink} has it now: it is put unless it was there, or has given way. */
  private static boolean putUnlessGone(History.Run run, SortedMap<Long, Integer> then, Sink sink) {
    Integer size = then.get(run.firstZxid());
    if (size != null && size == run.sizeBytes()) {
      return true;
    }
    ByteWriter value = room(run);
    if (!run.writeUnlessGone(value)) {
      return false;
    }
    put(run, value, sink);
    return true;
  }

  private static ByteWriter room(History.Run run) {
    return new ByteWriter(run.sizeBytes() + Integer.BYTES); // what seals it too
  }

  private static void put(History.Run run, ByteWriter value, Sink sink) {
    byte[] key = key(run.firstZxid());
    sink.put(HISTORY, key, value.sealed(key));
  }

  /**
   * Whether {@code header} is of this version: changes can be written over what it belongs to. An
   * older one can be read, but is replaced by a whole image.
   */
  public static boolean isCurrent(SortedMap<String, byte[]> header)
      throws CorruptCheckpointException {
    try {
      return new Restoring(header, (map, entries) -> {}).version() == VERSION;
    } catch (MalformedException e) {
      throw new CorruptCheckpointException("Checkpoint: " + e.getMessage());
    }
  }

  /** Eight bytes that sort as the signed numbers do. */
  private static byte[] key(long number) {
    return new ByteWriter(8).fixed(number ^ Long.MIN_VALUE).toArray();
  }

  private static long number(byte[] key) throws MalformedException {
    if (key.length != 8) {
      throw new MalformedException("a key of " + key.length + " bytes, not 8");
    }
    long number = 0;
    for (byte b : key) {
      number = number << 8 | b & 0xff;
    }
    return number ^ Long.MIN_VALUE;
  }

  private static void write(ByteWriter out, Session session) {
    out.bytes(session.passwordHash())
        .signed(session.timeoutMs())
        .signed(session.member())
        .signed(session.generation());
  }

  private static void write(ByteWriter out, Answers.Kept kept) {
    out.signed(kept.timeMs());
    CommandCodec.write(out, kept.key());
    OutcomeCodec.write(out, kept.answer());
  }

  /**
   * The state that was written.
   *
   * @throws CorruptCheckpointException when anything is missing, damaged or of another version
   */
  public static State read(SortedMap<String, byte[]> header, Source source)
      throws CorruptCheckpointException {
    return new Restoring(header, source).state();
  }

  /** One state being read. */
  private static final class Restoring {
    private final SortedMap<String, byte[]> header;
    private final Source source;
    private final ValueCodec.ZnodeReader znodes = new ValueCodec.ZnodeReader();

    Restoring(SortedMap<String, byte[]> header, Source source) {
      this.header = header;
      this.source = source;
    }

    State state() throws CorruptCheckpointException {
      try {
        int version = version();
        long zxid = signed("zxid");
        long timeMs = signed("timeMs");
        long term = signed("term");
        long heldAfter = signed("heldAfter");
        ByteReader in = opened("settings");
        Settings settings = TermsCodec.settings(in);
        in.expectEnd();
        ZooVector<Integer, State.Lane> lanes = lanes();
        ByteReader sizes = opened("sizes");
        ZnodeTree tree = tree(sizes.natural());
        ZooVector<Long, Session> sessions = map(SESSIONS, sizes.natural(), Restoring::session);
        History history = history(version, heldAfter, sizes.natural());
        Answers answers = answers(sizes.natural());
        sizes.expectEnd();
        return State.assemble(
            zxid, timeMs, term, tree, sessions, lanes, answers, history, settings);
      } catch (MalformedException e) {
        throw new CorruptCheckpointException("Checkpoint: " + e.getMessage());
      }
    }

    private int version() throws MalformedException {
      ByteReader in = opened("version");
      int version = in.natural();
      in.expectEnd();
      if (version < OLDEST_VERSION || version > VERSION) {
        throw new MalformedException(
            "its version is " + version + ", not " + OLDEST_VERSION + " to " + VERSION);
      }
      return version;
    }

    private ByteReader opened(String name) throws MalformedException {
      byte[] value = header.get(name);
      if (value == null) {
        throw new MalformedException("the header has no " + name);
      }
      return ByteReader.unseal(name.getBytes(StandardCharsets.UTF_8), value);
    }

    private long signed(String name) throws MalformedException {
      ByteReader in = opened(name);
      long value = in.signed();
      in.expectEnd();
      return value;
    }

    private ZooVector<Integer, State.Lane> lanes() throws MalformedException {
      ByteReader in = opened("lanes");
      ZooVector<Integer, State.Lane> lanes = ZooVector.empty(Comparator.<Integer>naturalOrder());
      int count = in.count();
      for (int i = 0; i < count; i++) {
        lanes = lanes.put(in.signedInt(), new State.Lane(in.signed(), in.signed()));
      }
      in.expectEnd();
      return lanes;
    }

    private ZnodeTree tree(int size) throws MalformedException {
      var builder = ZnodeTree.builder();
      each(ZNODES, (key, in) -> builder.append(key, znodes.read(in)));
      ZnodeTree tree = builder.build();
      ByteReader in = opened("digest");
      var digest = new Digest(in.fixed(), in.fixed());
      in.expectEnd();
      if (tree.size() != size || !tree.digest().equals(digest)) {
        throw new MalformedException(
            "its "
                + tree.size()
                + " znodes have digest "
                + tree.digest()
                + ", the header says "
                + size
                + " with "
                + digest);
      }
      return tree;
    }

    private <V> ZooVector<Long, V> map(String name, int size, EntryReader<V> reader)
        throws MalformedException {
      ZooVector.Builder<Long, V> builder = ZooVector.builder(Comparator.<Long>naturalOrder());
      each(
          name,
          (key, in) -> {
            long number = number(key);
            builder.append(number, reader.read(number, in));
          });
      ZooVector<Long, V> map = builder.build();
      expectSize(name, map.size(), size);
      return map;
    }

    private Answers answers(int size) throws MalformedException {
      var answers =
          new Object() {
            Answers now = Answers.NONE;
          };
      each(ANSWERS, (key, in) -> answers.now = answers.now.restored(kept(number(key), in)));
      expectSize(ANSWERS, answers.now.size(), size);
      return answers.now;
    }

    private static void expectSize(String name, int actual, int expected)
        throws MalformedException {
      if (actual != expected) {
        throw new MalformedException(actual + " " + name + ", the header says " + expected);
      }
    }

    private static Session session(long id, ByteReader in) throws MalformedException {
      return new Session(id, ValueCodec.present(in), in.signedInt(), in.signedInt(), in.signed());
    }

    /** As runs of entries; in version 1 each entry stood alone, without its zxid. */
    private History history(int version, long heldAfter, int size) throws MalformedException {
      var restoring = new History.Restoring(heldAfter);
      each(
          HISTORY,
          (key, in) -> {
            if (version == 1) {
              restoring.entry(number(key), in);
            } else {
              restoring.run(number(key), in);
            }
          });
      History history = restoring.history();
      expectSize(HISTORY, history.size(), size);
      return history;
    }

    private static Answers.Kept kept(long ordinal, ByteReader in) throws MalformedException {
      long timeMs = in.signed();
      Submission.OnceKey key = CommandCodec.onceKey(in);
      Answer answer = OutcomeCodec.answer(in);
      return new Answers.Kept(ordinal, timeMs, key, answer);
    }

    private void each(String map, EntryConsumer consumer) throws MalformedException {
      try {
        source.read(
            map,
            (key, value) -> {
              try {
                ByteReader in = ByteReader.unseal(key, value);
                consumer.accept(key, in);
                in.expectEnd();
              } catch (MalformedException e) {
                throw new Unreadable(map + ": " + e.getMessage());
              } catch (IllegalArgumentException e) { // a builder: not ascending
                throw new Unreadable(map + ": " + e.getMessage());
              }
            });
      } catch (Unreadable e) {
        throw new MalformedException(String.valueOf(e.getMessage()));
      }
    }
  }

  @FunctionalInterface
  private interface EntryReader<V> {
    V read(long number, ByteReader in) throws MalformedException;
  }

  @FunctionalInterface
  private interface EntryConsumer {
    void accept(byte[] key, ByteReader in) throws MalformedException;
  }

  /** Carries what is wrong out of the source's loop. */
  private static final class Unreadable extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Unreadable(String message) {
      super(message, null, false, false);
    }
  }
}
