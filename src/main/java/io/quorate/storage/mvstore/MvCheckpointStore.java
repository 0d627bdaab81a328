package io.quorate.storage.mvstore;

import io.quorate.storage.CheckpointStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.h2.mvstore.Cursor;
import org.h2.mvstore.DataUtils;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;
import org.h2.mvstore.MVStoreException;
import org.h2.mvstore.WriteBuffer;
import org.h2.mvstore.type.BasicDataType;

/** Each image is one version of an MVStore, committed and forced to disk. */
public final class MvCheckpointStore implements CheckpointStore {
  private static final String META = "meta";

  private final MVStore store;

  private MvCheckpointStore(MVStore store) {
    this.store = store;
  }

  public static MvCheckpointStore open(Path file) throws IOException {
    try {
      return new MvCheckpointStore(
          new MVStore.Builder().fileName(file.toString()).autoCommitDisabled().open());
    } catch (MVStoreException e) {
      throw new IOException("cannot open the checkpoint " + file + ": " + e.getMessage(), e);
    }
  }

  @Override
  public Optional<Meta> latest() {
    MVMap<byte[], byte[]> meta = map(META);
    byte[] index = meta.get(key("index"));
    if (index == null) {
      return Optional.empty();
    }
    var header = new TreeMap<String, byte[]>();
    Cursor<byte[], byte[]> cursor = meta.cursor(null);
    while (cursor.hasNext()) {
      String name = new String(cursor.next(), StandardCharsets.UTF_8);
      if (name.startsWith("h:")) {
        header.put(name.substring(2), cursor.getValue());
      }
    }
    byte[] logMeta = meta.get(key("log"));
    return Optional.of(
        new Meta(
            ByteBuffer.wrap(index).getLong(), logMeta == null ? new byte[0] : logMeta, header));
  }

  @Override
  public void read(String map, BiConsumer<byte[], byte[]> entries) {
    Cursor<byte[], byte[]> cursor = map("d:" + map).cursor(null);
    while (cursor.hasNext()) {
      byte[] key = cursor.next();
      entries.accept(key, cursor.getValue());
    }
  }

  @Override
  public void save(Meta meta, boolean whole, Consumer<Edit> changes) {
    try {
      if (whole) {
        for (String name : store.getMapNames()) {
          map(name).clear();
        }
      }
      changes.accept(
          new Edit() {
            @Override
            public void put(String map, byte[] key, byte[] value) {
              map("d:" + map).put(key, value);
            }

            @Override
            public void remove(String map, byte[] key) {
              map("d:" + map).remove(key);
            }
          });
      MVMap<byte[], byte[]> map = map(META);
      map.clear();
      map.put(key("index"), ByteBuffer.allocate(8).putLong(meta.index()).array());
      map.put(key("log"), meta.logMeta());
      meta.header().forEach((name, value) -> map.put(key("h:" + name), value));
      store.commit();
      store.sync();
    } catch (MVStoreException e) {
      throw new UncheckedIOException(new IOException(e));
    }
  }

  private MVMap<byte[], byte[]> map(String name) {
    return store.openMap(
        name,
        new MVMap.Builder<byte[], byte[]>()
            .keyType(UnsignedBytes.INSTANCE)
            .valueType(UnsignedBytes.INSTANCE));
  }

  private static byte[] key(String name) {
    return name.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    store.close();
  }

  /** Arrays of bytes, in the order of their unsigned values. */
  private static final class UnsignedBytes extends BasicDataType<byte[]> {
    static final UnsignedBytes INSTANCE = new UnsignedBytes();

    @Override
    public int compare(byte[] a, byte[] b) {
      return Arrays.compareUnsigned(a, b);
    }

    @Override
    public int getMemory(byte[] bytes) {
      return 24 + bytes.length;
    }

    @Override
    public void write(WriteBuffer out, byte[] bytes) {
      out.putVarInt(bytes.length).put(bytes);
    }

    @Override
    public byte[] read(ByteBuffer in) {
      byte[] bytes = new byte[DataUtils.readVarInt(in)];
      in.get(bytes);
      return bytes;
    }

    @Override
    public byte[][] createStorage(int size) {
      return new byte[size][];
    }
  }
}
