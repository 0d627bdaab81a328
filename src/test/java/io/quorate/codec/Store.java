package io.quorate.codec;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.state.State;
import java.util.Arrays;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** What a store on disk would keep. */
final class Store implements CheckpointCodec.Sink, CheckpointCodec.Source {
  SortedMap<String, byte[]> header = new TreeMap<>();
  private final TreeMap<String, TreeMap<byte[], byte[]>> maps = new TreeMap<>();

  void take(State state, @Nullable State since) {
    header = CheckpointCodec.header(state);
    CheckpointCodec.write(
        state,
        since == null ? CheckpointCodec.Written.NOTHING : CheckpointCodec.Written.of(since),
        this);
  }

  State read() throws CorruptCheckpointException {
    return CheckpointCodec.read(header, this);
  }

  State restored() {
    try {
      return read();
    } catch (CorruptCheckpointException e) {
      throw new AssertionError(e);
    }
  }

  TreeMap<byte[], byte[]> entries(String map) {
    return maps.computeIfAbsent(map, m -> new TreeMap<>(Arrays::compareUnsigned));
  }

  @Override
  public void put(String map, byte[] key, byte[] value) {
    entries(map).put(key, value);
  }

  @Override
  public void remove(String map, byte[] key) {
    assertThat(entries(map).remove(key)).as("%s had it", map).isNotNull();
  }

  @Override
  public void clear(String map) {
    entries(map).clear();
  }

  @Override
  public void read(String map, BiConsumer<byte[], byte[]> entries) {
    entries(map).forEach(entries);
  }
}
