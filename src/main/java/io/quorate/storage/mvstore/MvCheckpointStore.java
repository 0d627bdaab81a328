package io.quorate.storage.mvstore;

import io.quorate.storage.CheckpointFailedException;
import io.quorate.storage.CheckpointStore;
import io.quorate.storage.CheckpointUnreadableException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.zip.CRC32C;
import org.h2.mvstore.MVStoreException;
import org.jspecify.annotations.Nullable;

/**
 * The durable image in a directory of its own, on H2's MVStore.
 *
 * <p>The idea: image files are only appended to, and a marker of a few bytes says which file, cut
 * to which length, is the newest image. Moving the marker is the commit. Changes become MVStore
 * versions at the end of the newest file; a whole image, and compaction (when less than half of a
 * file is live), go to a new file. They are written in pieces, each forced and paid for in time,
 * which nobody sees before the marker names the last. So memory is bounded, the disk is never taken
 * for long, a crash at any point leaves the previous image, and nothing that an image needs is ever
 * overwritten.
 *
 * <p>The trade: up to twice the live bytes, more by what a save changes while it lasts, and by a
 * whole image while a new file is written beside.
 *
 * <p>Guarded by its monitor; the directory is guarded against other processes by a file lock.
 */
public final class MvCheckpointStore implements CheckpointStore {
  private static final String LOCK = "checkpoint.lock";
  private static final String MARKER = "checkpoint.current";
  private static final String MARKER_NEXT = "checkpoint.current.next";
  private static final long MAGIC = 0x51756f7261746531L; // "Quorate1"
  private static final int MARKER_BYTES = 40;
  private static final long SPARSE_SLACK_BYTES = 4 << 20;

  private final Path directory;
  private final Limits limits;
  private final Throttle throttle;
  private final FileChannel lock;
  private @Nullable Marker marker;
  private @Nullable ImageFile newest;

  /** Whether the marker on disk may be ahead of {@link #marker}, after a save that failed late. */
  private boolean unsettled;

  /**
   * What a save may take.
   *
   * @param bytesPerSecond average speed of writing, 1 and up
   * @param unsavedBytes heap for what is not on disk yet, about
   */
  public record Limits(long bytesPerSecond, long unsavedBytes) {
    public static final Limits DEFAULT = new Limits(24L << 20, 2L << 20);
  }

  private MvCheckpointStore(Path directory, Limits limits, FileChannel lock) {
    this.directory = directory;
    this.limits = limits;
    this.throttle = new Throttle(limits.bytesPerSecond());
    this.lock = lock;
  }

  /**
   * Opens the store in {@code directory}, which is made when absent and must be its alone.
   *
   * @throws CheckpointUnreadableException when another process has it, or when what it holds is not
   *     what was written
   */
  public static MvCheckpointStore open(Path directory, Limits limits) {
    FileChannel lock = lock(directory);
    var store = new MvCheckpointStore(directory, limits, lock);
    try {
      store.marker = store.readMarker();
      store.removeOthers();
      if (store.marker != null) {
        store.newest();
      }
      return store;
    } catch (IOException e) {
      store.close();
      throw unreadable(directory, e);
    } catch (RuntimeException e) {
      store.close();
      throw e;
    }
  }

  @Override
  public synchronized Optional<Meta> latest() {
    return marker == null ? Optional.empty() : Optional.of(newest().meta());
  }

  @Override
  public synchronized void read(String map, BiConsumer<byte[], byte[]> entries) {
    if (marker == null) {
      return;
    }
    ImageFile image = newest();
    try {
      image.read(map, entries);
    } catch (IOException | MVStoreException e) {
      forget();
      throw unreadable(image.path(), e);
    }
  }

  @Override
  public synchronized void save(Base base, Function<Edit, Meta> changes) {
    try (var next = new NextImage(base)) {
      next.commit(changes.apply(next));
    } catch (IOException | MVStoreException | UnwritableException e) {
      throw new CheckpointFailedException(
          "The next checkpoint could not be written in %s (%s). %s is intact; free disk space or mend the disk."
              .formatted(
                  directory,
                  reason(e),
                  marker == null ? "What was there" : "The one at index " + marker.index),
          e);
    }
    compactWhenSparse();
  }

  @Override
  public void hurry() {
    throttle.lift();
  }

  @Override
  public synchronized long sizeBytes() {
    long sum = 0;
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        sum += Files.size(file);
      }
    } catch (IOException e) {
      throw unreadable(directory, e);
    }
    return sum;
  }

  @Override
  public synchronized void close() {
    forget();
    try {
      lock.close();
    } catch (IOException e) {
      // The lock goes with the process; there is nothing to lose.
    }
  }

  private static FileChannel lock(Path directory) {
    try {
      Files.createDirectories(directory);
      FileChannel lock =
          FileChannel.open(
              directory.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      try {
        if (lock.tryLock() != null) {
          return lock;
        }
      } catch (OverlappingFileLockException e) {
        // The same process has it: as refused as by another one.
      }
      lock.close();
      throw new CheckpointUnreadableException(
          "The checkpoint in "
              + directory
              + " is in use by another process: stop it first, or give this one its own directory.",
          null);
    } catch (IOException e) {
      throw unreadable(directory, e);
    }
  }

  private ImageFile newest() {
    if (newest == null) {
      Marker at = Objects.requireNonNull(marker);
      Path file = file(at.generation);
      try {
        settle();
        newest = ImageFile.open(file, at.lengthBytes, throttle);
        if (newest.meta().index() != at.index) {
          throw new IOException("it covers index " + newest.meta().index() + ", not " + at.index);
        }
      } catch (IOException | MVStoreException e) {
        forget();
        throw unreadable(file, e);
      }
    }
    return newest;
  }

  /** Takes a marker back whose save was reported as failed; callers build on the one before. */
  private void settle() throws IOException {
    if (unsettled) {
      if (marker == null) {
        Files.deleteIfExists(directory.resolve(MARKER));
        forceDirectory();
      } else if (!marker.equals(readMarker())) {
        writeMarker(marker);
      }
      removeOthers();
      unsettled = false;
    }
  }

  private void forget() {
    if (newest != null) {
      newest.close();
      newest = null;
    }
  }

  private void compactWhenSparse() {
    try {
      ImageFile image = newest();
      if (!isSparse(image)) {
        return;
      }
      Meta meta = image.meta();
      try (var next = new NextImage(Base.NEWEST)) {
        next.moveToNewFile();
        next.commit(meta);
      }
    } catch (IOException | MVStoreException | UnwritableException | OutOfMemoryError e) {
      // The image is durable and intact, only larger than it need be; the next save tries again.
    }
  }

  private static boolean isSparse(ImageFile image) throws IOException {
    return image.lengthBytes() > 2 * image.liveBytes() + SPARSE_SLACK_BYTES;
  }

  private static CheckpointUnreadableException unreadable(Path file, Exception cause) {
    return new CheckpointUnreadableException(
        "The checkpoint %s cannot be read (%s). Restore the data directory from a backup, or remove it and add this member to its cluster anew; the other members have the data."
            .formatted(file, reason(cause)),
        cause);
  }

  private static String reason(Exception e) {
    Throwable root = e;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root.getMessage() == null ? root.toString() : root.getMessage();
  }

  private Path file(long generation) {
    return directory.resolve("checkpoint-" + generation + ".mv");
  }

  /** Removes what no marker names. What stays is in nobody's way, and is tried again. */
  private void removeOthers() {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "checkpoint*")) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        boolean kept =
            name.equals(LOCK)
                || name.equals(MARKER)
                || (marker != null && file.equals(file(marker.generation)));
        if (!kept) {
          Files.delete(file);
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      // A leftover costs space only: a new file replaces one of its name, a marker likewise.
    }
  }

  private @Nullable Marker readMarker() throws IOException {
    Path path = directory.resolve(MARKER);
    if (!Files.exists(path)) {
      return null;
    }
    byte[] bytes = Files.readAllBytes(path);
    var in = ByteBuffer.wrap(bytes);
    if (bytes.length != MARKER_BYTES
        || in.getLong() != MAGIC
        || in.getLong(MARKER_BYTES - 8) != crc(bytes)) {
      throw new IOException(MARKER + " is damaged");
    }
    return new Marker(in.getLong(), in.getLong(), in.getLong());
  }

  private void writeMarker(Marker next) throws IOException {
    var out = ByteBuffer.allocate(MARKER_BYTES);
    out.putLong(MAGIC).putLong(next.generation).putLong(next.lengthBytes).putLong(next.index);
    out.putLong(crc(out.array())).flip();
    Path aside = directory.resolve(MARKER_NEXT);
    try (FileChannel file =
        FileChannel.open(
            aside,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      while (out.hasRemaining()) {
        file.write(out);
      }
      file.force(true);
    }
    forceDirectory(); // a new image file's name must not come later than the marker naming it
    Files.move(aside, directory.resolve(MARKER), StandardCopyOption.ATOMIC_MOVE);
    forceDirectory();
  }

  private void forceDirectory() throws IOException {
    try (FileChannel names = FileChannel.open(directory, StandardOpenOption.READ)) {
      names.force(true);
    }
  }

  private static long crc(byte[] marker) {
    var crc = new CRC32C();
    crc.update(marker, 0, MARKER_BYTES - 8);
    return crc.getValue();
  }

  /** Which file, cut to which length, is the newest image, and what it covers. */
  private record Marker(long generation, long lengthBytes, long index) {}

  /** The disk failed below {@link Edit}, whose methods declare nothing. */
  private static final class UnwritableException extends RuntimeException {
    private static final long serialVersionUID = 1;

    UnwritableException(IOException cause) {
      super(cause);
    }
  }

  /** The image being written: at the end of the newest file, or in a new one. */
  private final class NextImage implements Edit, AutoCloseable {
    private final long newGeneration = marker == null ? 1 : marker.generation + 1;
    private ImageFile target;
    private boolean inNewFile;
    private boolean committed;

    NextImage(Base base) throws IOException {
      settle();
      inNewFile = base == Base.EMPTY || marker == null;
      target = inNewFile ? ImageFile.create(file(newGeneration), throttle) : newest();
    }

    @Override
    public void put(String map, byte[] key, byte[] value) {
      target.put(map, key, value);
      boundMemory();
    }

    @Override
    public void remove(String map, byte[] key) {
      target.remove(map, key);
      boundMemory();
    }

    @Override
    public void clear(String map) {
      target.clear(map);
    }

    private void boundMemory() {
      if (target.unsavedBytes() <= limits.unsavedBytes()) {
        return;
      }
      try {
        if (!inNewFile && isSparse(target)) {
          // Most of it is gone already: what is left costs less to copy now than at the end.
          moveToNewFile();
        }
        target.flush();
      } catch (IOException e) {
        throw new UnwritableException(e);
      }
    }

    void moveToNewFile() throws IOException {
      ImageFile old = target;
      target = ImageFile.create(file(newGeneration), throttle);
      inNewFile = true;
      old.copyTo(target, limits.unsavedBytes());
      forget(); // with what was changed in it but never committed
    }

    void commit(Meta meta) throws IOException {
      target.commit(meta);
      var next =
          new Marker(
              inNewFile || marker == null ? newGeneration : marker.generation,
              target.lengthBytes(),
              meta.index());
      writeMarker(next);
      marker = next;
      committed = true;
      if (inNewFile) {
        forget();
        newest = target;
        removeOthers();
      }
    }

    /** Unless committed: back to the image before. */
    @Override
    public void close() throws IOException {
      if (committed) {
        return;
      }
      target.close();
      forget();
      unsettled = true;
      settle();
      if (marker != null && !inNewFile) {
        newest(); // cuts off what was written: the disk may be full of it
      }
    }
  }
}
