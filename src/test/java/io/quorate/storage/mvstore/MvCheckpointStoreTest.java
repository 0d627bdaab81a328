package io.quorate.storage.mvstore;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.quorate.storage.CheckpointFailedException;
import io.quorate.storage.CheckpointStore.Base;
import io.quorate.storage.CheckpointStore.Edit;
import io.quorate.storage.CheckpointStore.Meta;
import io.quorate.storage.CheckpointUnreadableException;
import io.quorate.storage.mvstore.MvCheckpointStore.Limits;
import io.quorate.testing.Saves;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MvCheckpointStoreTest {
  private static final Limits FAST = new Limits(10L << 30, 32L << 20);
  private static final Limits TIGHT = new Limits(10L << 30, 256L << 10);

  @TempDir private Path directory;

  @Test
  void anImageComesBackAfterReopening() {
    try (var store = open(FAST)) {
      assertThat(store.latest()).isEmpty();
      Saves.save(store, meta(7), Base.EMPTY, edit -> edit.put("tree", bytes("/a"), bytes("1")));
    }

    try (var store = open(FAST)) {
      var meta = store.latest().orElseThrow();
      assertThat(meta.index()).isEqualTo(7);
      assertThat(meta.logMeta()).isEqualTo(bytes("log 7"));
      assertThat(meta.header().get("cluster")).isEqualTo(bytes("c"));
      assertThat(read(store, "tree")).isEqualTo(Map.of("/a", "1"));
      assertThat(read(store, "none")).isEmpty();
    }
  }

  @Test
  void changesAreAddedToTheNewestImage() {
    try (var store = open(FAST)) {
      Saves.save(
          store,
          meta(1),
          Base.EMPTY,
          edit -> {
            edit.put("tree", bytes("a"), bytes("1"));
            edit.put("tree", bytes("b"), bytes("2"));
            edit.put("sessions", bytes("s"), bytes("3"));
          });

      Saves.save(
          store,
          meta(2),
          Base.NEWEST,
          edit -> {
            edit.put("tree", bytes("a"), bytes("one"));
            edit.remove("tree", bytes("b"));
            edit.remove("tree", bytes("never there"));
            edit.clear("sessions");
          });
    }

    try (var store = open(FAST)) {
      assertThat(store.latest().orElseThrow().index()).isEqualTo(2);
      assertThat(read(store, "tree")).isEqualTo(Map.of("a", "one"));
      assertThat(read(store, "sessions")).isEmpty();
    }
  }

  @Test
  void aSaveThatIsBrokenOffLeavesThePreviousImage() {
    try (var store = open(TIGHT)) {
      Saves.save(store, meta(1), Base.EMPTY, edit -> edit.put("tree", bytes("a"), bytes("1")));

      for (var base : Base.values()) {
        assertThatThrownBy(
                () ->
                    Saves.save(
                        store,
                        meta(2),
                        base,
                        edit -> {
                          edit.clear("tree");
                          for (int i = 0; i < 20_000; i++) {
                            edit.put("tree", bytes("k" + i), bytes("v"));
                          }
                          throw new IllegalStateException("broken off");
                        }))
            .isInstanceOf(IllegalStateException.class);
        assertThat(store.latest().orElseThrow().index()).isEqualTo(1);
        assertThat(read(store, "tree")).isEqualTo(Map.of("a", "1"));
      }
    }
  }

  @Test
  void manyChangesOnLittleMemoryMakeTheSameImage() {
    long seed = Long.getLong("quorate.seed", new Random().nextLong() & 0xffff_ffffL);
    System.out.println("MvCheckpointStoreTest seed " + seed + " (-Dquorate.seed=)");
    var random = new Random(seed);
    var model = new TreeMap<String, String>();
    try (var store = open(TIGHT)) {
      for (int index = 1; index <= 30; index++) {
        int edits = random.nextInt(10) == 0 ? 20_000 : random.nextInt(500);
        Saves.save(
            store,
            meta(index),
            Base.NEWEST,
            edit -> {
              for (int i = 0; i < edits; i++) {
                String key = "key" + random.nextInt(10_000);
                if (random.nextInt(3) == 0) {
                  edit.remove("tree", bytes(key));
                  model.remove(key);
                } else {
                  String value = "value" + random.nextLong();
                  edit.put("tree", bytes(key), bytes(value));
                  model.put(key, value);
                }
              }
            });
        assertThat(read(store, "tree")).isEqualTo(model);
      }
    }
    try (var store = open(FAST)) {
      assertThat(read(store, "tree")).isEqualTo(model);
    }
  }

  @Test
  void theFileStaysWithinTwiceItsLiveBytes() {
    byte[] value = new byte[1_000];
    try (var store = open(FAST)) {
      for (int index = 1; index <= 60; index++) {
        int from = index * 7_919;
        Saves.save(
            store,
            meta(index),
            Base.NEWEST,
            edit -> {
              for (int i = 0; i < 1_000; i++) {
                int number = (from + i) % 5_000;
                edit.put("tree", ByteBuffer.allocate(4).putInt(number).array(), value);
              }
            });
        assertThat(store.sizeBytes()).isLessThan(2 * 5_000 * 1_100 + (5 << 20));
      }
    }
  }

  @Test
  void aSaveThatReplacesMostOfTheImageWritesItOnce() {
    byte[] value = new byte[10_000];
    try (var store = open(TIGHT)) {
      Saves.save(store, meta(1), Base.EMPTY, edit -> replace(edit, 0, value));
      long once = store.sizeBytes();

      assertThatThrownBy(
              () ->
                  Saves.save(
                      store,
                      meta(2),
                      Base.NEWEST,
                      edit -> {
                        replace(edit, 1, value);
                        throw new IllegalStateException("broken off");
                      }))
          .hasMessage("broken off");
      assertThat(store.sizeBytes()).as("nothing of it is left").isEqualTo(once);
      assertThat(read(store, "tree")).hasSize(1_500).containsKey("0-0");

      for (int index = 3; index < 6; index++) {
        int turn = index;
        Saves.save(store, meta(index), Base.NEWEST, edit -> replace(edit, turn, value));
        assertThat(store.sizeBytes()).isLessThan(once * 5 / 4);
        assertThat(read(store, "tree")).hasSize(1_500).containsKey(turn + "-7");
      }
    }
    try (var store = open(FAST)) {
      assertThat(read(store, "tree")).hasSize(1_500).containsKey("5-1499");
    }
  }

  /** As a history that is full: all the old ones go, then as many new ones come. */
  private static void replace(Edit edit, int turn, byte[] value) {
    for (int before = 0; before < turn; before++) {
      for (int i = 0; i < 1_500; i++) {
        edit.remove("tree", bytes(before + "-" + i));
      }
    }
    for (int i = 0; i < 1_500; i++) {
      edit.put("tree", bytes(turn + "-" + i), value);
    }
  }

  @Test
  void aSecondOpenerIsRefused() {
    try (var first = open(FAST)) {
      assertThatThrownBy(() -> open(FAST))
          .isInstanceOf(CheckpointUnreadableException.class)
          .hasMessageContaining(directory.toString())
          .hasMessageContaining("in use");
      assertThat(first.latest()).isEmpty();
    }
  }

  @Test
  void whatACrashLeftBehindTheImageIsCutOff() throws Exception {
    Path file = savedOnce();
    Files.write(file, new byte[12_345], StandardOpenOption.APPEND);
    Files.write(directory.resolve("checkpoint-2.mv"), new byte[5]);

    try (var store = open(FAST)) {
      assertThat(read(store, "tree")).hasSize(10_000);
      assertThat(directory.resolve("checkpoint-2.mv")).doesNotExist();
    }
  }

  @Test
  void aDamagedFileIsNamedTogetherWithTheWayOut() throws Exception {
    Path file = savedOnce();
    byte[] whole = Files.readAllBytes(file);
    var random = new Random(4711);
    int refused = 0;

    for (int round = 0; round < 40; round++) {
      byte[] damaged = whole.clone();
      int at = 8_192 + random.nextInt(damaged.length - 8_192);
      for (int i = at; i < Math.min(at + 64, damaged.length); i++) {
        damaged[i] ^= 0x55;
      }
      Files.write(file, damaged);
      try (var store = open(FAST)) {
        assertThat(read(store, "tree")).hasSize(10_000); // hit nothing that is in use
      } catch (CheckpointUnreadableException e) {
        assertThat(e).hasMessageContaining(file.toString()).hasMessageContaining("Restore");
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(30);

    Files.write(file, java.util.Arrays.copyOf(whole, whole.length / 2));
    assertThatThrownBy(() -> open(FAST)).isInstanceOf(CheckpointUnreadableException.class);
  }

  @Test
  void aFullDiskLeavesThePreviousImageAndMayBeTriedAgain() throws Exception {
    Path mount = directory.resolve("small");
    Files.createDirectories(mount);
    assumeTrue(
        run("mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", mount.toString()) == 0,
        "needs the right to mount a tmpfs");
    try (var store = MvCheckpointStore.open(mount.resolve("checkpoint"), FAST)) {
      Saves.save(store, meta(1), Base.EMPTY, edit -> edit.put("tree", bytes("a"), bytes("1")));
      Path ballast = mount.resolve("ballast");

      for (var base : Base.values()) {
        Files.write(ballast, new byte[5 << 20]);
        assertThatThrownBy(() -> Saves.save(store, meta(2), base, edit -> fill(edit, 2_000)))
            .isInstanceOf(CheckpointFailedException.class)
            .hasMessageContaining("No space left")
            .hasMessageContaining("index 1 is intact");
        assertThat(store.latest().orElseThrow().index()).isEqualTo(1);
        assertThat(read(store, "tree")).isEqualTo(Map.of("a", "1"));
        Files.delete(ballast);
      }

      Saves.save(store, meta(3), Base.EMPTY, edit -> fill(edit, 2_000));
      assertThat(read(store, "tree")).hasSize(2_000);
    } finally {
      run("umount", mount.toString());
    }
  }

  @Test
  void aSaveThatFailsAtItsLastStepIsTakenBack() throws Exception {
    try (var store = open(FAST)) {
      Saves.save(store, meta(1), Base.EMPTY, edit -> edit.put("tree", bytes("a"), bytes("1")));
      Path inTheWay = directory.resolve("checkpoint.current.next");
      Files.createDirectories(inTheWay.resolve("full"));

      for (var base : Base.values()) {
        assertThatThrownBy(
                () ->
                    Saves.save(
                        store, meta(2), base, edit -> edit.put("tree", bytes("b"), bytes("2"))))
            .isInstanceOf(CheckpointFailedException.class)
            .hasMessageContaining("index 1 is intact");
        assertThat(store.latest().orElseThrow().index()).isEqualTo(1);
        assertThat(read(store, "tree")).isEqualTo(Map.of("a", "1"));
      }

      Files.delete(inTheWay.resolve("full"));
      Files.delete(inTheWay);
      Saves.save(store, meta(3), Base.NEWEST, edit -> edit.put("tree", bytes("c"), bytes("3")));
      assertThat(read(store, "tree")).isEqualTo(Map.of("a", "1", "c", "3"));
    }
  }

  @Test
  void aSaveKeepsToItsSpeed() {
    try (var store = open(new Limits(4L << 20, 1L << 20))) {
      long start = System.nanoTime();

      Saves.save(store, meta(1), Base.EMPTY, edit -> fill(edit, 4_000));

      assertThat(System.nanoTime() - start).isGreaterThan(900_000_000L);
    }
  }

  private static void fill(Edit edit, int count) {
    for (int i = 0; i < count; i++) {
      edit.put("tree", bytes("%06d".formatted(i)), new byte[1_000]);
    }
    edit.remove("tree", bytes("a"));
  }

  private Path savedOnce() {
    try (var store = open(FAST)) {
      Saves.save(
          store,
          meta(1),
          Base.EMPTY,
          edit -> {
            for (int i = 0; i < 10_000; i++) {
              edit.put("tree", bytes("key" + i), bytes("value" + i));
            }
          });
    }
    return directory.resolve("checkpoint-1.mv");
  }

  private MvCheckpointStore open(Limits limits) {
    return MvCheckpointStore.open(directory, limits);
  }

  private static Meta meta(long index) {
    return new Meta(index, bytes("log " + index), new TreeMap<>(Map.of("cluster", bytes("c"))));
  }

  static Map<String, String> read(MvCheckpointStore store, String map) {
    var entries = new TreeMap<String, String>();
    store.read(map, (key, value) -> entries.put(new String(key, UTF_8), new String(value, UTF_8)));
    return entries;
  }

  static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }

  private static int run(String... command) throws Exception {
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start()
        .waitFor();
  }
}
