package io.quorate.storage.mvstore;

import io.quorate.storage.CheckpointStore.Base;
import io.quorate.storage.CheckpointStore.Meta;
import io.quorate.storage.mvstore.MvCheckpointStore.Limits;
import io.quorate.testing.Saves;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * The question: how long do a whole image, small and large changes to it, and reading it at a
 * restart take, with how much disk? Started by {@code tools/checkpoint-speed}.
 */
final class CheckpointSpeed {
  private static final int VALUE_BYTES = 150;

  private CheckpointSpeed() {}

  public static void main(String[] arguments) {
    Path directory = Path.of(arguments[0]);
    int entries = Integer.parseInt(arguments[1]);
    var limits = new Limits(1L << 40, Limits.DEFAULT.unsavedBytes());
    try (var store = MvCheckpointStore.open(directory, limits)) {
      save(store, Base.EMPTY, entries, entries, 1);
      for (int changes : new int[] {100, 1_000, 1_000, 10_000, 10_000, 10_000, 100_000}) {
        save(store, Base.NEWEST, changes, entries, changes);
      }
    }
    for (int i = 0; i < 3; i++) {
      long start = System.nanoTime();
      long[] count = {0};
      try (var store = MvCheckpointStore.open(directory, limits)) {
        long opened = System.nanoTime();
        store.read("tree", (key, value) -> count[0]++);
        System.out.printf(
            Locale.ROOT,
            "open %,d ms, read %,d entries %,d ms%n",
            (opened - start) / 1_000_000,
            count[0],
            (System.nanoTime() - opened) / 1_000_000);
      }
    }
  }

  private static void save(
      MvCheckpointStore store, Base base, int changes, int entries, long seed) {
    var random = new Random(seed);
    int[] numbers = // in key order, as a difference of two trees comes
        base == Base.EMPTY
            ? IntStream.range(0, entries).toArray()
            : random.ints(changes, 0, entries).sorted().toArray();
    long start = System.nanoTime();
    long index = store.latest().map(Meta::index).orElse(0L) + 1;
    Saves.save(
        store,
        new Meta(index, new byte[0], new TreeMap<>()),
        base,
        edit -> {
          for (int number : numbers) {
            byte[] value = new byte[VALUE_BYTES];
            random.nextBytes(value);
            edit.put("tree", key(number), value);
          }
        });
    System.out.printf(
        Locale.ROOT,
        "save %s %,d entries: %,d ms, then %,d MiB on disk%n",
        base,
        changes,
        (System.nanoTime() - start) / 1_000_000,
        store.sizeBytes() >> 20);
  }

  private static byte[] key(int number) {
    return "/service-%04d/node-%06d"
        .formatted(number / 1_000, number % 1_000)
        .getBytes(StandardCharsets.UTF_8);
  }
}
