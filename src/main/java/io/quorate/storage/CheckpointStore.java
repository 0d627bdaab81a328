package io.quorate.storage;

import java.util.Optional;
import java.util.SortedMap;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * One durable image of the state: some named sorted maps of bytes and a header, all of one moment.
 *
 * <p>Either the whole of {@link #save} is on disk or nothing of it. One thread at a time.
 */
public interface CheckpointStore extends AutoCloseable {

  /** The newest durable image; empty when there is none yet. */
  Optional<Meta> latest();

  /** Reads one map of the newest durable image, in the order of unsigned bytes of the keys. */
  void read(String map, BiConsumer<byte[], byte[]> entries);

  /**
   * Writes the next image; it is durable on return.
   *
   * @param whole whether {@code changes} says everything; else it says what differs from the image
   *     before
   * @throws java.io.UncheckedIOException when it could not be written; the image before is still
   *     the newest
   */
  void save(Meta meta, boolean whole, Consumer<Edit> changes);

  @Override
  void close();

  /** Takes the changes of one image. */
  interface Edit {
    void put(String map, byte[] key, byte[] value);

    void remove(String map, byte[] key);
  }

  /**
   * What stands beside the maps.
   *
   * @param index log index that the image covers
   * @param logMeta the log's own bytes for that index
   * @param header small named values
   */
  record Meta(long index, byte[] logMeta, SortedMap<String, byte[]> header) {}
}
