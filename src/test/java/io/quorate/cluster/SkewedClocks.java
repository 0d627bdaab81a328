package io.quorate.cluster;

import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Wall clocks of members that can be set wrong while they run, by a library put before libc's. */
final class SkewedClocks {
  private final Path dir;
  private final Path library;

  private SkewedClocks(Path dir, Path library) {
    this.dir = dir;
    this.library = library;
  }

  /** Null where no C compiler is there to make the library. */
  static @Nullable SkewedClocks inDirectory(Path dir, int members) {
    Path source = dir.resolve("skewed-clock.c");
    Path library = dir.resolve("skewed-clock.so");
    try (InputStream code = SkewedClocks.class.getResourceAsStream("/cluster/skewed-clock.c")) {
      Files.copy(Objects.requireNonNull(code), source);
      Process compiler =
          new ProcessBuilder(
                  "cc", "-shared", "-fPIC", "-o", library.toString(), source.toString(), "-ldl")
              .inheritIO()
              .start();
      if (!compiler.waitFor(30, TimeUnit.SECONDS) || compiler.exitValue() != 0) {
        return null;
      }
    } catch (IOException e) {
      return null;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return null;
    }
    var clocks = new SkewedClocks(dir, library);
    for (int id = 1; id <= members; id++) {
      clocks.set(id, 0);
    }
    return clocks;
  }

  Map<String, String> environment(int id) {
    return Map.of("LD_PRELOAD", library.toString(), "SKEWED_CLOCK_FILE", file(id).toString());
  }

  void set(int id, long seconds) {
    try (var file = new RandomAccessFile(file(id).toFile(), "rw")) {
      boolean swap = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
      file.writeLong(swap ? Long.reverseBytes(seconds) : seconds);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path file(int id) {
    return dir.resolve("clock" + id);
  }
}
