package io.quorate.consensus.log;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * One directory of files, as the log needs it: small enough to be simulated, with torn writes.
 *
 * <p>Creating, renaming and deleting are durable only after {@link #syncDirectory}, written bytes
 * only after {@link DiskFile#force}.
 */
public interface Disk {
  /** Bytes of the blocks that {@link #openToAppend} speaks of. */
  int BLOCK_BYTES = 4096;

  /** Names of the files, in no particular order. */
  List<String> list() throws IOException;

  /** Opens an existing file for reading and writing. */
  DiskFile open(String name) throws IOException;

  /**
   * Opens an existing file that will be written in order, from any place on. What lies behind the
   * last byte that was written may become zeros, up to the end of that block of {@value
   * #BLOCK_BYTES} bytes. One at a time.
   */
  DiskFile openToAppend(String name) throws IOException;

  /** Makes an empty file, replacing one of that name. */
  DiskFile create(String name) throws IOException;

  /** Renames, replacing {@code to}; atomic. */
  void rename(String from, String to) throws IOException;

  void delete(String name) throws IOException;

  /** Makes creations, renames and deletions durable. */
  void syncDirectory() throws IOException;

  /** Bytes that may still be written, as the file system says. */
  long usableBytes() throws IOException;

  /** Where the directory is, for people. */
  String describe(String name);

  /** A file open for reading and writing at any place. */
  interface DiskFile extends Closeable {
    long size() throws IOException;

    /** Reads until {@code into} is full or the file ends; returns how many bytes were read. */
    int read(ByteBuffer into, long position) throws IOException;

    /** Writes all of {@code from}. */
    void write(ByteBuffer from, long position) throws IOException;

    /** Makes everything written so far durable. */
    void force() throws IOException;

    @Override
    void close() throws IOException;
  }
}
