package io.quorate.tree;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;
import org.pcollections.TreePMap;

/**
 * The question: what does a persistent ordered map cost beside the mutable ones it replaces, with
 * keys like znode paths: one lookup, one replaced value, one child created and deleted, one listing
 * of 100 entries?
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgs = {"-Xms3g", "-Xmx3g"})
public class ZooVectorBenchmark {
  private static final Comparator<byte[]> ORDER = Arrays::compareUnsigned;
  private static final int PROBES = 1 << 16;
  private static final int LISTED = 100;

  @Param({"1000", "1000000"})
  public int entries;

  @Param({"ZooVector", "TreeMap", "ConcurrentSkipListMap", "TreePMap"})
  public String map;

  private final byte[][] present = new byte[PROBES][];
  private final byte[][] absent = new byte[PROBES][];
  private Subject subject;
  private int probe;

  @Setup
  public void fill() {
    var random = new Random(4711);
    subject =
        switch (map) {
          case "ZooVector" -> new OurVector();
          case "TreeMap" -> new Mutable(new TreeMap<>(ORDER));
          case "ConcurrentSkipListMap" -> new Mutable(new ConcurrentSkipListMap<>(ORDER));
          case "TreePMap" -> new Pcollections();
          default -> throw new IllegalArgumentException(map);
        };
    for (int number : shuffled(entries, random)) {
      subject.put(key(number, ""), number);
    }
    for (int i = 0; i < PROBES; i++) {
      present[i] = key(random.nextInt(entries), "");
      absent[i] = key(random.nextInt(entries), "-new");
    }
  }

  @Benchmark
  public Object get() {
    return subject.get(present[next()]);
  }

  @Benchmark
  public void replace() {
    int i = next();
    subject.put(present[i], new Object());
  }

  @Benchmark
  public void insertAndRemove() {
    byte[] key = absent[next()];
    subject.put(key, key);
    subject.remove(key);
  }

  @Benchmark
  public void list100(Blackhole sink) {
    subject.scan(present[next()], sink);
  }

  private int next() {
    return probe = (probe + 1) & (PROBES - 1);
  }

  private static byte[] key(int number, String suffix) {
    return "/services/%02x/instance-%06d%s"
        .formatted(number * 31 & 0xff, number, suffix)
        .getBytes(UTF_8);
  }

  private static int[] shuffled(int count, Random random) {
    int[] numbers = new int[count];
    for (int i = 0; i < count; i++) {
      int j = random.nextInt(i + 1);
      numbers[i] = numbers[j];
      numbers[j] = i;
    }
    return numbers;
  }

  private interface Subject {
    Object get(byte[] key);

    void put(byte[] key, Object value);

    void remove(byte[] key);

    void scan(byte[] from, Blackhole sink);
  }

  private static final class OurVector implements Subject {
    private ZooVector<byte[], Object> vector = ZooVector.empty(ZooVector.UNSIGNED_BYTES);

    @Override
    public Object get(byte[] key) {
      return vector.get(key);
    }

    @Override
    public void put(byte[] key, Object value) {
      vector = vector.put(key, value);
    }

    @Override
    public void remove(byte[] key) {
      vector = vector.remove(key);
    }

    @Override
    public void scan(byte[] from, Blackhole sink) {
      var cursor = vector.from(from);
      for (int i = 0; i < LISTED && cursor.next(); i++) {
        sink.consume(cursor.key());
        sink.consume(cursor.value());
      }
    }
  }

  private static final class Mutable implements Subject {
    private final NavigableMap<byte[], Object> entries;

    Mutable(NavigableMap<byte[], Object> entries) {
      this.entries = entries;
    }

    @Override
    public Object get(byte[] key) {
      return entries.get(key);
    }

    @Override
    public void put(byte[] key, Object value) {
      entries.put(key, value);
    }

    @Override
    public void remove(byte[] key) {
      entries.remove(key);
    }

    @Override
    public void scan(byte[] from, Blackhole sink) {
      consume(entries.tailMap(from, true), sink);
    }
  }

  private static final class Pcollections implements Subject {
    private TreePMap<byte[], Object> entries = TreePMap.empty(ORDER);

    @Override
    public Object get(byte[] key) {
      return entries.get(key);
    }

    @Override
    public void put(byte[] key, Object value) {
      entries = entries.plus(key, value);
    }

    @Override
    public void remove(byte[] key) {
      entries = entries.minus(key);
    }

    @Override
    public void scan(byte[] from, Blackhole sink) {
      consume(entries.tailMap(from, true), sink);
    }
  }

  private static void consume(Map<byte[], Object> tail, Blackhole sink) {
    int left = LISTED;
    for (var entry : tail.entrySet()) {
      sink.consume(entry.getKey());
      sink.consume(entry.getValue());
      if (--left == 0) {
        return;
      }
    }
  }
}
