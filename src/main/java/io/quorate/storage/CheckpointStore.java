package io.quorate.storage;

import java.util.Collections;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Function;

/**
 * One durable image of several named, sorted maps of bytes, and a few words about it. An image is
 * there whole or not at all, whatever stops the process or the machine.
 *
 * <p>Calls may come from any thread and wait for each other; none belongs on the apply thread.
 */
public interface CheckpointStore extends AutoCloseable {

  /** What is written about the newest durable image; empty when there never was one. */
  Optional<Meta> latest();

  /**
   * All entries of one map of the newest durable image, in unsigned order of their keys.
   *
   * @throws CheckpointUnreadableException when the disk does not hold what was written
   */
  void read(String map, BiConsumer<byte[], byte[]> entries);

  /**
   * Makes the next image durable: the newest one with {@code changes}, or only what {@code changes}
   * puts; it says at the end what goes with them. Returns when it is on disk; may take long,
   * because it is throttled.
   *
   * <p>Memory: bounded, however many changes there are. Puts in key order are cheapest.
   *
   * <p>An exception from {@code changes} is passed on, and an interrupt ends the save; the previous
   * image then stands as it does after a failure.
   *
   * @throws CheckpointFailedException when the disk refused; the previous image is intact
   */
  void save(Base base, Function<Edit, Meta> changes);

  /**
   * From now on saves, also one under way, are not throttled: nobody is left to be disturbed.
   * Returns at once.
   */
  void hurry();

  /** Bytes on disk at this moment. */
  long sizeBytes();

  @Override
  void close();

  /** What a save starts from. */
  enum Base {
    NEWEST,
    EMPTY
  }

  /** The next image while it is being written. Used inside {@link #save}, on its thread. */
  interface Edit {
    void put(String map, byte[] key, byte[] value);

    /** Removes an entry; nothing happens when it is absent. */
    void remove(String map, byte[] key);

    /** Removes all entries of a map. */
    void clear(String map);
  }

  /**
   * What goes with an image, in the same commit.
   *
   * @param index log index that it covers
   * @param logMeta what the log wants back, opaque here
   * @param header small named values, opaque here
   */
  record Meta(long index, byte[] logMeta, SortedMap<String, byte[]> header) {
    public Meta {
      header = Collections.unmodifiableSortedMap(new TreeMap<>(header));
    }
  }
}
