package io.quorate.consensus.log;

import com.sun.nio.file.ExtendedOpenOption;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * A file whose writes go past the page cache, in whole blocks, and are durable when they return:
 * one system call for what else is a write and an fsync, and half of their processor time.
 *
 * <p>The block that is not full yet is kept and written again with what follows. Its bytes are the
 * same then, so that it does not matter how many of its sectors a power cut lets through; the page
 * cache writes whole pages, too. What is behind the end in that block becomes zeros.
 *
 * <p>Owned by one thread.
 */
final class DirectFile implements Disk.DiskFile {
  /** As much as {@link SegmentLog} hands over at once, and the rest of the block it begins in. */
  private static final int BUFFERED_BLOCKS = SegmentLog.BUFFER_BYTES / Disk.BLOCK_BYTES + 1;

  private static final byte[] ZEROS = new byte[Disk.BLOCK_BYTES];

  private final Disk.DiskFile plain;
  private final FileChannel direct;
  private final ByteBuffer blocks;

  /** Where in the file the buffer begins; it ends where the next write is expected. */
  private long start = -1;

  private boolean forced;

  private DirectFile(Disk.DiskFile plain, FileChannel direct, ByteBuffer blocks) {
    this.plain = plain;
    this.direct = direct;
    this.blocks = blocks;
  }

  /** A buffer for {@link #open}, which one file at a time may use. */
  static ByteBuffer buffer() {
    return ByteBuffer.allocateDirect((BUFFERED_BLOCKS + 1) * Disk.BLOCK_BYTES)
        .alignedSlice(Disk.BLOCK_BYTES)
        .limit(BUFFERED_BLOCKS * Disk.BLOCK_BYTES)
        .slice();
  }

  /**
   * Whether files in a directory may be opened so. Elsewhere than on Linux a write with O_DSYNC may
   * end in the cache of the drive, as on macOS.
   */
  static boolean isPossibleIn(Path directory) {
    try {
      return System.getProperty("os.name").equals("Linux")
          && Disk.BLOCK_BYTES % Files.getFileStore(directory).getBlockSize() == 0;
    } catch (IOException | UnsupportedOperationException unknown) {
      return false;
    }
  }

  /**
   * @param plain the same file, as usual; closed with this one
   * @return null when the file system does not offer it, or the file ends within a block
   */
  static @Nullable DirectFile open(Path path, Disk.DiskFile plain, ByteBuffer buffer) {
    try {
      if (plain.size() % Disk.BLOCK_BYTES != 0) {
        return null;
      }
      FileChannel direct =
          FileChannel.open(
              path, StandardOpenOption.WRITE, StandardOpenOption.DSYNC, ExtendedOpenOption.DIRECT);
      return new DirectFile(plain, direct, buffer);
    } catch (IOException | UnsupportedOperationException notOffered) {
      return null;
    }
  }

  @Override
  public long size() throws IOException {
    return plain.size();
  }

  @Override
  public int read(ByteBuffer into, long position) throws IOException {
    return plain.read(into, position);
  }

  @Override
  public void write(ByteBuffer from, long position) throws IOException {
    if (start < 0 || start + blocks.position() != position) {
      load(position);
    }
    while (from.hasRemaining()) {
      int count = Math.min(from.remaining(), blocks.remaining());
      blocks.put(from.slice(from.position(), count));
      from.position(from.position() + count);
      writeBlocks();
    }
  }

  /** Begins anew with what is in the block before a place. */
  private void load(long position) throws IOException {
    start = position - position % Disk.BLOCK_BYTES;
    blocks.clear().limit((int) (position - start));
    plain.read(blocks, start);
    if (blocks.hasRemaining()) {
      throw new IOException("the file ends before " + position);
    }
    blocks.limit(blocks.capacity());
  }

  private void writeBlocks() throws IOException {
    int end = blocks.position();
    int unused = -end & Disk.BLOCK_BYTES - 1;
    blocks.put(ZEROS, 0, unused).flip();
    while (blocks.hasRemaining()) {
      direct.write(blocks, start + blocks.position());
    }
    blocks.clear();
    int open = end % Disk.BLOCK_BYTES;
    blocks.put(0, blocks, end - open, open).position(open);
    start += end - open;
  }

  /** The first time only: what was in the file before may be in the page cache alone. */
  @Override
  public void force() throws IOException {
    if (!forced) {
      plain.force();
      forced = true;
    }
  }

  @Override
  public void close() throws IOException {
    try (plain) {
      direct.close();
    }
  }
}
