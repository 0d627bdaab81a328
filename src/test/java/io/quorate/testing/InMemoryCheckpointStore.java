package io.quorate.testing;

import io.quorate.storage.CheckpointStore;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A checkpoint that lasts as long as the object: a member can be started again on it. */
public class InMemoryCheckpointStore implements CheckpointStore {
  private final Map<String, TreeMap<byte[], byte[]>> maps = new HashMap<>();
  private @Nullable Meta meta;

  @Override
  public synchronized Optional<Meta> latest() {
    return Optional.ofNullable(meta);
  }

  @Override
  public synchronized void read(String map, BiConsumer<byte[], byte[]> entries) {
    map(map).forEach(entries);
  }

  @Override
  public synchronized void save(Base base, Function<Edit, Meta> changes) {
    if (base == Base.EMPTY) {
      maps.clear();
    }
    meta =
        changes.apply(
            new Edit() {
              @Override
              public void put(String map, byte[] key, byte[] value) {
                beforePut(map);
                map(map).put(key, value);
              }

              @Override
              public void remove(String map, byte[] key) {
                map(map).remove(key);
              }

              @Override
              public void clear(String map) {
                maps.remove(map);
              }
            });
  }

  /** For tests in which something else goes on while an image is written. */
  protected void beforePut(String map) {}

  @Override
  public void hurry() {}

  @Override
  public long sizeBytes() {
    return 0;
  }

  private TreeMap<byte[], byte[]> map(String name) {
    return maps.computeIfAbsent(name, n -> new TreeMap<>(Arrays::compareUnsigned));
  }

  @Override
  public void close() {}
}
