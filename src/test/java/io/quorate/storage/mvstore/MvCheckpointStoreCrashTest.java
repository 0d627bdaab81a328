package io.quorate.storage.mvstore;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.storage.CheckpointStore.Base;
import io.quorate.storage.CheckpointStore.Meta;
import io.quorate.storage.mvstore.MvCheckpointStore.Limits;
import io.quorate.testing.Saves;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Kills a process that saves, again and again; -Dquorate.crash.rounds= makes it long. */
class MvCheckpointStoreCrashTest {
  private static final int ROUNDS = Integer.getInteger("quorate.crash.rounds", 8);
  private static final long SEED =
      Long.getLong("quorate.seed", new Random().nextLong() & 0xffff_ffffL);

  @TempDir private Path directory;

  @Test
  void theNewestImageIsWholeAfterEveryKill() throws Exception {
    System.out.println("MvCheckpointStoreCrashTest seed " + SEED + " (-Dquorate.seed=)");
    var random = new Random(SEED);
    long index = 0;
    for (int round = 0; round < ROUNDS; round++) {
      long promised = saveAndDie(random.nextInt(600));

      try (var store = MvCheckpointStore.open(directory, Limits.DEFAULT)) {
        long found = store.latest().map(Meta::index).orElse(0L);
        assertThat(found).isGreaterThanOrEqualTo(Math.max(index, promised));
        assertThat(MvCheckpointStoreTest.read(store, "tree")).isEqualTo(Saver.modelAt(found));
        index = found;
      }
    }
    System.out.println(ROUNDS + " kills, last image " + index);
    assertThat(index).isPositive();
  }

  /** The last index that the child said was durable. */
  private long saveAndDie(int afterMs) throws Exception {
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-cp",
                System.getProperty("java.class.path"),
                Saver.class.getName(),
                directory.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    long promised = 0;
    try (var lines = new BufferedReader(new InputStreamReader(child.getInputStream(), UTF_8))) {
      lines.readLine(); // it has begun
      child.waitFor(afterMs, TimeUnit.MILLISECONDS);
      child.toHandle().destroyForcibly(); // SIGKILL; the pipe stays readable
      child.waitFor();
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        promised = Long.parseLong(line);
      }
    }
    assertThat(child.exitValue()).isEqualTo(128 + 9);
    return promised;
  }

  /** Saves images whose contents follow from their index, by all three ways, until killed. */
  static final class Saver {
    private static final int KEYS = 3_000;

    public static void main(String[] arguments) {
      var limits = new Limits(1L << 40, 200L << 10);
      try (var store = MvCheckpointStore.open(Path.of(arguments[0]), limits)) {
        long index = store.latest().map(Meta::index).orElse(0L);
        var model = modelAt(index);
        System.out.println("begun");
        while (true) {
          index++;
          save(store, index, model);
          System.out.println(index);
        }
      }
    }

    private static void save(MvCheckpointStore store, long index, Map<String, String> model) {
      var meta = new Meta(index, new byte[0], new TreeMap<>());
      var changes = changes(index);
      apply(changes, model);
      if (index % 5 == 0) {
        Saves.save(
            store,
            meta,
            Base.EMPTY,
            edit -> model.forEach((key, value) -> edit.put("tree", utf8(key), utf8(value))));
        return;
      }
      Saves.save(
          store,
          meta,
          Base.NEWEST,
          edit ->
              changes.forEach(
                  (key, value) -> {
                    if (value.isEmpty()) {
                      edit.remove("tree", utf8(key));
                    } else {
                      edit.put("tree", utf8(key), utf8(value));
                    }
                  }));
    }

    static Map<String, String> modelAt(long index) {
      var model = new TreeMap<String, String>();
      for (long i = 1; i <= index; i++) {
        apply(changes(i), model);
      }
      return model;
    }

    /** An empty value stands for a removal. Every third save has more than fits into memory. */
    private static Map<String, String> changes(long index) {
      var random = new Random(index);
      var changes = new TreeMap<String, String>();
      int count = index % 3 == 0 ? KEYS : random.nextInt(100);
      for (int i = 0; i < count; i++) {
        boolean removal = random.nextInt(4) == 0;
        changes.put("k" + random.nextInt(KEYS), removal ? "" : "v" + index + "x".repeat(100));
      }
      return changes;
    }

    private static void apply(Map<String, String> changes, Map<String, String> model) {
      changes.forEach(
          (key, value) -> {
            if (value.isEmpty()) {
              model.remove(key);
            } else {
              model.put(key, value);
            }
          });
    }

    private static byte[] utf8(String text) {
      return text.getBytes(UTF_8);
    }
  }
}
