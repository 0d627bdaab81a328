package io.quorate.consensus.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a real small file system where one can be mounted, else on a disk that counts its bytes. */
class DiskRoomTest {
  private static final long DISK_BYTES = 4 << 20;
  private static final int SEGMENT_BYTES = 256 * 1024;
  private static final SegmentLog.Options OPTIONS =
      new SegmentLog.Options(SEGMENT_BYTES, 2, 512 * 1024);

  @TempDir Path directory;

  private boolean mounted;
  private long doubleUsed;

  @AfterEach
  void unmount() throws Exception {
    if (mounted) {
      run("umount", "-l", directory.toString());
    }
  }

  @Test
  void aFullDiskIsSaidBeforeTheLogNeedsItAndRoomThatReturnsIsSeen() throws Exception {
    Disk disk = smallDisk();
    SegmentLog log = SegmentLog.open(disk, OPTIONS, Runnable::run, LogMetrics.NONE);
    log.checkRoom();
    assertThat(log.hasRoom()).isTrue();

    fill(disk);
    log.checkRoom();
    assertThat(log.hasRoom()).isFalse();
    assertThat(log.freeBytes()).isLessThan(OPTIONS.reserveBytes());

    // The spares that were made in time still carry what must go on.
    int written = 0;
    for (; written < 2 * SEGMENT_BYTES; written += 1000) {
      log.append(log.lastIndex() + 1, 1, new byte[900]);
      log.flush();
    }
    assertThat(log.hasRoom()).isFalse();

    disk.delete("filler");
    log.checkRoom();
    assertThat(log.hasRoom()).isTrue();
    for (int i = 0; i < 1000; i++) {
      log.append(log.lastIndex() + 1, 1, new byte[900]);
    }
    log.flush();
    long last = log.lastIndex();
    assertThat(recovered(disk)).hasSize((int) last);
  }

  @Test
  void whenEvenTheSparesAreUsedUpTheFailureIsFinal() throws Exception {
    Disk disk = smallDisk();
    SegmentLog log = SegmentLog.open(disk, OPTIONS, Runnable::run, LogMetrics.NONE);
    fill(disk);

    assertThatThrownBy(
            () -> {
              for (int i = 0; i < 10_000; i++) {
                log.append(log.lastIndex() + 1, 1, new byte[900]);
                log.flush();
              }
            })
        .isInstanceOf(IOException.class);
    disk.delete("filler");

    assertThatThrownBy(() -> log.append(log.lastIndex() + 1, 1, new byte[10]))
        .hasMessageContaining("failed before");
    long last = log.lastIndex();
    assertThat(recovered(disk)).hasSize((int) last);
  }

  private static List<LogRecord> recovered(Disk disk) throws IOException {
    return SegmentLogTest.recovered(
        SegmentLog.open(disk, OPTIONS, Runnable::run, LogMetrics.NONE), 0);
  }

  private Disk smallDisk() throws Exception {
    mounted =
        run("mount", "-t", "tmpfs", "-o", "size=" + DISK_BYTES, "tmpfs", directory.toString());
    FileDisk real = new FileDisk(directory);
    return mounted ? real : new CountingDisk(real);
  }

  private static boolean run(String... command) throws Exception {
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      return process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0;
    } catch (IOException noSuchCommand) {
      return false;
    }
  }

  /** Writes until nothing more goes in. */
  private void fill(Disk disk) throws IOException {
    if (disk instanceof CountingDisk) {
      doubleUsed = DISK_BYTES;
      return;
    }
    try (OutputStream out = Files.newOutputStream(directory.resolve("filler"))) {
      byte[] block = new byte[4096];
      for (int i = 0; i < DISK_BYTES / block.length; i++) {
        out.write(block);
      }
    } catch (IOException full) {
      assertThat(full).hasMessageContaining("No space left");
    }
  }

  /** Says "full" by arithmetic: for those who may not mount. */
  private final class CountingDisk implements Disk {
    private final Disk real;

    CountingDisk(Disk real) {
      this.real = real;
    }

    @Override
    public List<String> list() throws IOException {
      return real.list();
    }

    @Override
    public DiskFile open(String name) throws IOException {
      return new CountingFile(real.open(name));
    }

    @Override
    public DiskFile openToAppend(String name) throws IOException {
      return new CountingFile(real.openToAppend(name));
    }

    @Override
    public DiskFile create(String name) throws IOException {
      return new CountingFile(real.create(name));
    }

    @Override
    public void rename(String from, String to) throws IOException {
      real.rename(from, to);
    }

    @Override
    public void delete(String name) throws IOException {
      if (name.equals("filler")) {
        doubleUsed = 0;
      } else if (real.list().contains(name)) {
        try (DiskFile file = real.open(name)) {
          doubleUsed -= Math.min(doubleUsed, file.size());
        }
        real.delete(name);
      }
    }

    @Override
    public void syncDirectory() throws IOException {
      real.syncDirectory();
    }

    @Override
    public long usableBytes() {
      return DISK_BYTES - doubleUsed;
    }

    @Override
    public String describe(String name) {
      return real.describe(name);
    }
  }

  private final class CountingFile implements Disk.DiskFile {
    private final Disk.DiskFile real;

    CountingFile(Disk.DiskFile real) {
      this.real = real;
    }

    @Override
    public long size() throws IOException {
      return real.size();
    }

    @Override
    public int read(ByteBuffer into, long position) throws IOException {
      return real.read(into, position);
    }

    @Override
    public void write(ByteBuffer from, long position) throws IOException {
      long growth = Math.max(0, position + from.remaining() - real.size());
      if (growth > DISK_BYTES - doubleUsed) {
        throw new IOException("No space left on device");
      }
      doubleUsed += growth;
      real.write(from, position);
    }

    @Override
    public void force() throws IOException {
      real.force();
    }

    @Override
    public void close() throws IOException {
      real.close();
    }
  }
}
