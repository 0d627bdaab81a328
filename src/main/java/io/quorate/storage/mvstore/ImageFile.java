package io.quorate.storage.mvstore;

import io.quorate.storage.CheckpointStore.Meta;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.zip.CRC32C;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;
import org.h2.mvstore.type.ByteArrayDataType;
import org.jspecify.annotations.Nullable;

/**
 * One MVStore file, only ever appended to. For one thread.
 *
 * <p>MVStore's own recycling of space is off, because it may overwrite pages that an older version
 * needs before the newer one is known to be on disk. Cutting the file to the length it had after a
 * {@link #commit} gives that version back.
 */
final class ImageFile implements AutoCloseable {
  private static final int FORMAT = 1;
  private static final int CRC_BYTES = 4;
  private static final String META_MAP = "image";
  private static final byte[] META_KEY = {0};
  private static final int PAGE_BYTES = 4096;

  private final Path path;
  private final Throttle throttle;
  private final MVStore store;
  private final Map<String, MVMap<byte[], byte[]>> open = new HashMap<>();
  private final SortedMap<String, Totals> totals = new TreeMap<>();
  private @Nullable Meta meta;

  private ImageFile(Path path, Throttle throttle) {
    this.path = path;
    this.throttle = throttle;
    this.store =
        new MVStore.Builder()
            .fileName(path.toString())
            .autoCommitDisabled()
            .autoCommitBufferSize(0)
            .autoCompactFillRate(0)
            .pageSplitSize(PAGE_BYTES)
            .cacheSize(8)
            .open();
    store.setReuseSpace(false);
    store.setRetentionTime(Integer.MAX_VALUE);
    store.setVersionsToKeep(0);
  }

  static ImageFile create(Path path, Throttle throttle) throws IOException {
    Files.deleteIfExists(path);
    return new ImageFile(path, throttle);
  }

  /** Opens what was committed when the file was this long; anything after it is cut off. */
  static ImageFile open(Path path, long lengthBytes, Throttle throttle) throws IOException {
    try (FileChannel file = FileChannel.open(path, StandardOpenOption.WRITE)) {
      if (file.size() < lengthBytes) {
        throw new IOException("it has " + file.size() + " bytes instead of " + lengthBytes);
      }
      if (file.size() > lengthBytes) {
        file.truncate(lengthBytes);
        file.force(true);
      }
    }
    var image = new ImageFile(path, throttle);
    try {
      byte[] words = image.map(META_MAP).get(META_KEY);
      if (words == null) {
        throw new IOException("it holds no committed image");
      }
      image.decode(checked(META_KEY, words));
      return image;
    } catch (IOException | RuntimeException e) {
      image.close();
      throw e;
    }
  }

  Path path() {
    return path;
  }

  Meta meta() {
    if (meta == null) {
      throw new IllegalStateException("nothing committed in " + path);
    }
    return meta;
  }

  void put(String map, byte[] key, byte[] value) {
    byte[] before = map(map).put(key, sealed(key, value));
    if (before != null) {
      add(map, -1, -key.length - before.length);
    }
    add(map, 1, key.length + value.length + CRC_BYTES);
  }

  void remove(String map, byte[] key) {
    byte[] before = map(map).remove(key);
    if (before != null) {
      add(map, -1, -key.length - before.length);
    }
  }

  void clear(String map) {
    map(map).clear();
    totals.remove(map);
  }

  void read(String map, BiConsumer<byte[], byte[]> entries) throws IOException {
    long count = 0;
    var cursor = map(map).cursor(null);
    while (cursor.hasNext()) {
      byte[] key = cursor.next();
      entries.accept(key, checked(key, cursor.getValue()));
      count++;
    }
    long expected = totals.getOrDefault(map, Totals.NONE).entries;
    if (count != expected) {
      throw new IOException("map " + map + " has " + count + " entries instead of " + expected);
    }
  }

  /** Copies everything, committed or not, in commits of about {@code pieceBytes} memory. */
  void copyTo(ImageFile target, long pieceBytes) throws IOException {
    for (String map : totals.keySet()) {
      var cursor = map(map).cursor(null);
      while (cursor.hasNext()) {
        byte[] key = cursor.next();
        target.put(map, key, checked(key, cursor.getValue()));
        if (target.unsavedBytes() > pieceBytes) {
          target.flush();
        }
      }
    }
  }

  /** Estimated heap that holds what is not on disk yet. */
  long unsavedBytes() {
    return store.getUnsavedMemory();
  }

  /** Writes and forces what there is, without declaring it an image. */
  void flush() throws IOException {
    long before = lengthBytes();
    store.commit();
    store.sync();
    throttle.paid(lengthBytes() - before);
  }

  /** Writes and forces an image; when this returns, {@link #lengthBytes} marks it. */
  void commit(Meta words) throws IOException {
    map(META_MAP).put(META_KEY, sealed(META_KEY, encode(words)));
    flush();
    meta = words;
  }

  long lengthBytes() throws IOException {
    return Files.size(path);
  }

  /** What a freshly copied file would hold, about. */
  long liveBytes() {
    return totals.values().stream().mapToLong(t -> t.bytes + 4 * t.entries).sum();
  }

  /** Closes without writing anything. */
  @Override
  public void close() {
    store.closeImmediately();
  }

  private MVMap<byte[], byte[]> map(String name) {
    return open.computeIfAbsent(
        name,
        n ->
            store.openMap(
                n.equals(META_MAP) ? n : "map." + n,
                new MVMap.Builder<byte[], byte[]>()
                    .keyType(ByteArrayDataType.INSTANCE)
                    .valueType(ByteArrayDataType.INSTANCE)));
  }

  private void add(String map, long entries, long bytes) {
    totals.merge(map, new Totals(entries, bytes), Totals::plus);
  }

  // MVStore checks the frames of what it reads, not every byte: a value carries its own checksum.
  private static byte[] sealed(byte[] key, byte[] value) {
    byte[] sealed = Arrays.copyOf(value, value.length + CRC_BYTES);
    int crc = crc(key, value, value.length);
    for (int i = 0; i < CRC_BYTES; i++) {
      sealed[value.length + i] = (byte) (crc >>> 8 * i);
    }
    return sealed;
  }

  private static byte[] checked(byte[] key, byte[] sealed) throws IOException {
    int length = sealed.length - CRC_BYTES;
    if (length < 0) {
      throw new IOException("an entry is too short");
    }
    int crc = crc(key, sealed, length);
    for (int i = 0; i < CRC_BYTES; i++) {
      if (sealed[length + i] != (byte) (crc >>> 8 * i)) {
        throw new IOException("an entry has a wrong checksum");
      }
    }
    return Arrays.copyOf(sealed, length);
  }

  private static int crc(byte[] key, byte[] value, int length) {
    var crc = new CRC32C();
    crc.update(key, 0, key.length);
    crc.update(value, 0, length);
    return (int) crc.getValue();
  }

  private byte[] encode(Meta words) throws IOException {
    var bytes = new ByteArrayOutputStream();
    var out = new DataOutputStream(bytes);
    out.writeInt(FORMAT);
    out.writeLong(words.index());
    writeBytes(out, words.logMeta());
    out.writeInt(words.header().size());
    for (var entry : words.header().entrySet()) {
      out.writeUTF(entry.getKey());
      writeBytes(out, entry.getValue());
    }
    out.writeInt(totals.size());
    for (var entry : totals.entrySet()) {
      out.writeUTF(entry.getKey());
      out.writeLong(entry.getValue().entries);
      out.writeLong(entry.getValue().bytes);
    }
    return bytes.toByteArray();
  }

  private void decode(byte[] bytes) throws IOException {
    var in = new DataInputStream(new ByteArrayInputStream(bytes));
    int format = in.readInt();
    if (format != FORMAT) {
      throw new IOException("its format is " + format + ", this version reads " + FORMAT);
    }
    long index = in.readLong();
    byte[] logMeta = readBytes(in);
    var header = new TreeMap<String, byte[]>();
    for (int left = in.readInt(); left > 0; left--) {
      header.put(in.readUTF(), readBytes(in));
    }
    for (int left = in.readInt(); left > 0; left--) {
      totals.put(in.readUTF(), new Totals(in.readLong(), in.readLong()));
    }
    meta = new Meta(index, logMeta, header);
  }

  private static void writeBytes(DataOutputStream out, byte[] bytes) throws IOException {
    out.writeInt(bytes.length);
    out.write(bytes);
  }

  private static byte[] readBytes(DataInputStream in) throws IOException {
    byte[] bytes = new byte[in.readInt()];
    in.readFully(bytes);
    return bytes;
  }

  /** What a map holds. */
  private record Totals(long entries, long bytes) {
    static final Totals NONE = new Totals(0, 0);

    Totals plus(Totals other) {
      return new Totals(entries + other.entries, bytes + other.bytes);
    }
  }
}
