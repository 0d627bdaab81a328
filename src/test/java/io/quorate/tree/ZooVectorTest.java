package io.quorate.tree;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ZooVectorTest {
  private static final long SEED =
      Long.getLong("quorate.seed", new Random().nextLong() & 0xffff_ffffL);

  @Test
  void anOldVersionDoesNotSeeLaterChanges() {
    var before = numbers(1_000);

    var after = before.put(7, "seven").remove(8);

    assertThat(before.get(7)).isEqualTo("7");
    assertThat(before.get(8)).isEqualTo("8");
    assertThat(after.get(7)).isEqualTo("seven");
    assertThat(after.get(8)).isNull();
    assertThat(after.size()).isEqualTo(999);
  }

  @Test
  void puttingWhatIsThereOrRemovingWhatIsNotChangesNothing() {
    var vector = ZooVector.<Integer, String>empty(Comparator.naturalOrder()).put(1, "one");

    assertThat(vector.put(1, "one")).isSameAs(vector);
    assertThat(vector.remove(2)).isSameAs(vector);
    assertThat(vector.remove(0)).isSameAs(vector);
  }

  @Test
  void replacingAValueKeepsTheOldKey() {
    byte[] key = "key".getBytes(UTF_8);
    var vector = ZooVector.<byte[], Integer>empty(Arrays::compareUnsigned).put(key, 1);

    var entry = requireNonNull(vector.put("key".getBytes(UTF_8), 2).first());

    assertThat(entry.key()).isSameAs(key);
    assertThat(entry.value()).isEqualTo(2);
  }

  @Test
  void anEmptyVectorHasNothing() {
    var empty = ZooVector.<Integer, String>empty(Comparator.naturalOrder());

    assertThat(empty.isEmpty()).isTrue();
    assertThat(empty.first()).isNull();
    assertThat(empty.last()).isNull();
    assertThat(empty.floor(1)).isNull();
    assertThat(empty.cursor().next()).isFalse();
    assertThat(empty.descending().next()).isFalse();
    assertThat(empty.from(1).next()).isFalse();
    assertThat(empty.after(1).next()).isFalse();
    assertThat(ZooVector.builder(Comparator.<Integer>naturalOrder()).build().isEmpty()).isTrue();
  }

  @Test
  void anExhaustedCursorStaysExhausted() {
    var cursor = numbers(100).from(99);

    assertThat(cursor.next()).isTrue();
    assertThat(cursor.next()).isFalse();
    assertThat(cursor.next()).isFalse();
  }

  @Test
  void theBuilderRefusesKeysOutOfOrder() {
    var builder =
        ZooVector.<Integer, String>builder(Comparator.naturalOrder()).append(1, "a").append(2, "b");

    assertThatThrownBy(() -> builder.append(2, "c")).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aDifferenceIsFoundWithoutVisitingWhatIsShared() {
    int[] comparisons = {0};
    Comparator<Integer> counting =
        (a, b) -> {
          comparisons[0]++;
          return a.compareTo(b);
        };
    var builder = ZooVector.<Integer, String>builder(counting);
    for (int i = 0; i < 1_000_000; i++) {
      builder.append(2 * i, "");
    }
    var before = builder.build();
    var after = before.put(777_777, "came").remove(1_234_568).put(42, "changed");
    comparisons[0] = 0;

    var seen = new ArrayList<String>();
    after.diff(before, (key, was, is) -> seen.add(key + ":" + was + ">" + is));

    assertThat(seen).containsExactly("42:>changed", "777777:null>came", "1234568:>null");
    assertThat(comparisons[0]).isLessThan(1_000);
  }

  /**
   * Phases of growth and decay, so that the tree gains and loses levels; small and wide keys; in
   * the order that it knows of and in one that it must ask.
   */
  @ParameterizedTest
  @CsvSource({"40, true", "1000, true", "1000, false", "30000, true"})
  void itAgreesWithATreeMap(int keySpace, boolean known) {
    System.out.println("ZooVectorTest seed " + SEED + " (-Dquorate.seed=)");
    var random = new Random(SEED + keySpace);
    var vector =
        ZooVector.<byte[], Object>empty(known ? ZooVector.UNSIGNED_BYTES : Arrays::compareUnsigned);
    var model = new TreeMap<byte[], Object>(Arrays::compareUnsigned);
    var kept = new ArrayList<Version>();

    for (int round = 0; round < 60; round++) {
      int style = random.nextInt(5);
      int base = random.nextInt(keySpace);
      boolean together = random.nextInt(3) == 0;
      var waiting = new TreeMap<byte[], Object>(Arrays::compareUnsigned);
      for (int i = 0; i < keySpace / 10; i++) {
        byte[] key =
            switch (style) {
              case 0 -> key(base + i, keySpace); // in order, and a run of removals below
              case 1 -> key(base + keySpace - i, keySpace);
              default -> key(random.nextInt(keySpace), keySpace);
            };
        boolean grow = style == 4 ? random.nextBoolean() : round % 20 < 12;
        if (grow) {
          var value = new Object();
          if (together) {
            waiting.put(key, value);
          } else {
            vector = vector.put(key, value);
          }
          model.put(key, value);
        } else {
          waiting.remove(key);
          vector = vector.remove(key);
          model.remove(key);
        }
      }
      vector = vector.putAll(pairs(waiting), places(vector, waiting));
      assertWellFormed(vector);
      assertSame(vector, model, random, keySpace);
      kept.add(new Version(vector, new TreeMap<>(model)));
    }

    for (var version : kept) {
      assertEntries(version.vector.cursor(), version.model);
    }
    for (int i = 0; i < 40; i++) {
      var one = kept.get(random.nextInt(kept.size()));
      var other = kept.get(random.nextInt(kept.size()));
      assertDiff(one, other);
    }
    for (byte[] key : new ArrayList<>(model.keySet())) {
      vector = vector.remove(key);
    }
    assertThat(vector.isEmpty()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 31, 32, 33, 64, 1_023, 1_024, 1_025, 32_768, 32_769, 50_000})
  void aBuiltVectorIsWhole(int count) {
    var vector = numbers(count);

    assertThat(vector.size()).isEqualTo(count);
    var cursor = vector.cursor();
    for (int i = 0; i < count; i++) {
      assertThat(cursor.next()).isTrue();
      assertThat(cursor.key()).isEqualTo(i);
      assertThat(vector.get(i)).isSameAs(cursor.value());
    }
    assertThat(cursor.next()).isFalse();
    assertThat(vector.put(count, "new").remove(0).size()).isEqualTo(Math.max(count, 0));
  }

  private record Version(ZooVector<byte[], Object> vector, NavigableMap<byte[], Object> model) {}

  private static ZooVector<Integer, String> numbers(int count) {
    var builder = ZooVector.<Integer, String>builder(Comparator.naturalOrder());
    for (int i = 0; i < count; i++) {
      builder.append(i, Integer.toString(i));
    }
    return builder.build();
  }

  private static Object[] pairs(NavigableMap<byte[], Object> entries) {
    return entries.entrySet().stream()
        .flatMap(entry -> Stream.of(entry.getKey(), entry.getValue()))
        .toArray();
  }

  private static long[] places(
      ZooVector<byte[], Object> vector, NavigableMap<byte[], Object> entries) {
    return entries.keySet().stream().mapToLong(vector::locate).toArray();
  }

  /** No node is longer than its limit or empty, and all leaves lie equally deep. */
  private static void assertWellFormed(ZooVector<byte[], Object> vector) {
    try {
      Field root = ZooVector.class.getDeclaredField("root");
      Field height = ZooVector.class.getDeclaredField("height");
      root.setAccessible(true);
      height.setAccessible(true);
      assertWellFormed((Object[]) root.get(vector), height.getInt(vector), vector.isEmpty());
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  private static void assertWellFormed(Object[] node, int level, boolean mayBeEmpty) {
    assertThat(node.length).isBetween(mayBeEmpty ? 0 : 2, 64);
    for (int i = 0; i < node.length; i += 2) {
      if (level == 0) {
        assertThat(node[i + 1].getClass()).isEqualTo(Object.class);
      } else {
        Object[] below = (Object[]) node[i + 1];
        assertThat(below[0]).isSameAs(node[i]);
        assertWellFormed(below, level - 1, false);
      }
    }
  }

  private static byte[] key(int number, int keySpace) {
    int wrapped = Math.floorMod(number, keySpace);
    String parent =
        switch (wrapped % 4) {
          case 0 -> "/app/";
          case 1 -> "/a place with a long name/";
          case 2 -> "/a place with a lång name/"; // its bytes are above all of ASCII
          default -> "/";
        };
    return (parent + wrapped).getBytes(UTF_8);
  }

  private static void assertSame(
      ZooVector<byte[], Object> vector,
      NavigableMap<byte[], Object> model,
      Random random,
      int keySpace) {
    assertThat(vector.size()).isEqualTo(model.size());
    assertEntries(vector.cursor(), model);
    assertEntries(vector.descending(), model.descendingMap());
    assertEntry(vector.first(), model.firstEntry());
    assertEntry(vector.last(), model.lastEntry());
    for (int i = 0; i < 20; i++) {
      byte[] key = key(random.nextInt(keySpace), keySpace);
      assertThat(vector.get(key)).isSameAs(model.get(key));
      assertEntry(vector.floor(key), model.floorEntry(key));
      assertEntries(vector.from(key), model.tailMap(key, true));
      assertEntries(vector.after(key), model.tailMap(key, false));
    }
  }

  private static void assertEntry(
      ZooVector.@Nullable Entry<byte[], Object> entry, Map.@Nullable Entry<byte[], Object> model) {
    if (model == null) {
      assertThat(entry).isNull();
    } else {
      assertThat(requireNonNull(entry).key()).isEqualTo(model.getKey());
      assertThat(entry.value()).isSameAs(model.getValue());
    }
  }

  private static void assertEntries(
      ZooVector.Cursor<byte[], Object> cursor, Map<byte[], Object> model) {
    for (var entry : model.entrySet()) {
      if (!cursor.next()
          || !Arrays.equals(cursor.key(), entry.getKey())
          || cursor.value() != entry.getValue()) {
        throw new AssertionError("differs at " + new String(entry.getKey(), UTF_8));
      }
    }
    assertThat(cursor.next()).isFalse();
  }

  private static void assertDiff(Version now, Version then) {
    List<String> seen = new ArrayList<>();
    now.vector.diff(then.vector, (key, was, is) -> seen.add(line(key, was, is)));

    List<String> expected = new ArrayList<>();
    var keys = new TreeMap<byte[], Object>(then.model);
    keys.putAll(now.model);
    for (byte[] key : keys.keySet()) {
      Object was = then.model.get(key);
      Object is = now.model.get(key);
      if (was != is) {
        expected.add(line(key, was, is));
      }
    }
    assertThat(seen).isEqualTo(expected);
  }

  private static String line(byte[] key, @Nullable Object was, @Nullable Object is) {
    return new String(key, UTF_8) + " " + was + " " + is;
  }
}
