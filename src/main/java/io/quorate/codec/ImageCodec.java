package io.quorate.codec;

import io.quorate.state.State;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UTFDataFormatException;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;

/**
 * A whole state as one checksummed stream, for a peer: a mark, the header and the maps of {@link
 * CheckpointCodec} one after the other, and a CRC32C of it all.
 *
 * <p>The streams should be buffered; neither is closed.
 */
public final class ImageCodec {
  private static final long MARK = 0x51756f726174_0001L; // "Quorat" and the version
  private static final int ENTRY = 1;
  private static final int END = 0;

  private ImageCodec() {}

  /** A state whose history is held, or has not given way. */
  public static void write(State state, OutputStream stream) throws IOException {
    var crc = new CRC32C();
    var out = new DataOutputStream(new CheckedOutputStream(stream, crc));
    out.writeLong(MARK);
    for (SortedMap.Entry<String, byte[]> entry : CheckpointCodec.header(state).entrySet()) {
      out.writeByte(ENTRY);
      out.writeUTF(entry.getKey());
      writeBlock(out, entry.getValue());
    }
    var maps = new MapWriter(out);
    try {
      CheckpointCodec.writeWhole(state, maps);
    } catch (UncheckedIOException e) {
      throw Objects.requireNonNull(e.getCause());
    }
    maps.finish();
    out.writeInt((int) crc.getValue());
    out.flush();
  }

  private static void writeBlock(DataOutputStream out, byte[] block) throws IOException {
    out.writeInt(block.length);
    out.write(block);
  }

  /** Writes the maps in their order, an end mark before each and after the last. */
  private static final class MapWriter implements CheckpointCodec.Sink {
    private final DataOutputStream out;
    private int ended;

    MapWriter(DataOutputStream out) {
      this.out = out;
    }

    @Override
    public void put(String map, byte[] key, byte[] value) {
      try {
        endUpTo(CheckpointCodec.MAPS.indexOf(map));
        out.writeByte(ENTRY);
        writeBlock(out, key);
        writeBlock(out, value);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public void remove(String map, byte[] key) {
      throw new IllegalStateException("nothing to remove from a whole image");
    }

    @Override
    public void clear(String map) {
      throw new IllegalStateException("nothing to remove from a whole image");
    }

    void finish() throws IOException {
      endUpTo(CheckpointCodec.MAPS.size());
    }

    private void endUpTo(int index) throws IOException {
      for (; ended <= index; ended++) {
        out.writeByte(END);
      }
    }
  }

  /**
   * @throws CorruptImageException when the stream is cut, damaged or something else altogether
   * @throws IOException when the stream itself fails
   */
  public static State read(InputStream stream) throws IOException {
    var crc = new CRC32C();
    var in = new DataInputStream(new CheckedInputStream(stream, crc));
    try {
      if (in.readLong() != MARK) {
        throw new CorruptImageException("Image: it does not begin as an image of this version");
      }
      var header = new TreeMap<String, byte[]>();
      while (hasEntry(in)) {
        header.put(in.readUTF(), readBlock(in));
      }
      State state = CheckpointCodec.read(header, new MapReader(in));
      int sum = (int) crc.getValue();
      if (in.readInt() != sum) {
        throw new CorruptImageException("Image: its checksum does not match");
      }
      return state;
    } catch (CorruptCheckpointException e) {
      throw new CorruptImageException("Image: " + e.getMessage());
    } catch (UncheckedIOException e) {
      throw cut(Objects.requireNonNull(e.getCause()));
    } catch (IOException e) {
      throw cut(e);
    }
  }

  private static IOException cut(IOException e) {
    return e instanceof EOFException || e instanceof UTFDataFormatException
        ? new CorruptImageException("Image: cut short or damaged")
        : e;
  }

  private static boolean hasEntry(DataInputStream in) throws IOException {
    int mark = in.readUnsignedByte();
    if (mark > ENTRY) {
      throw new CorruptImageException("Image: unknown mark " + mark);
    }
    return mark == ENTRY;
  }

  private static byte[] readBlock(DataInputStream in) throws IOException {
    int size = in.readInt();
    if (size < 0) {
      throw new CorruptImageException("Image: negative size " + size);
    }
    // Unlike readFully, this allocates as bytes arrive, not what a damaged size promises.
    byte[] block = in.readNBytes(size);
    if (block.length < size) {
      throw new EOFException();
    }
    return block;
  }

  /** Gives the maps in the order in which they come, which is the order they are asked for. */
  private record MapReader(DataInputStream in) implements CheckpointCodec.Source {
    @Override
    public void read(String map, BiConsumer<byte[], byte[]> entries) {
      try {
        while (hasEntry(in)) {
          byte[] key = readBlock(in);
          entries.accept(key, readBlock(in));
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
