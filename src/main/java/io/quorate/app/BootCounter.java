package io.quorate.app;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * A number for each start of a member, kept in the file {@code boot} of its data directory. It
 * tells the batches of one start from those of another, so it must never repeat and never fall: it
 * is on disk before it is used, and it begins at the clock, because a directory that was lost has
 * taken its last number with it.
 */
final class BootCounter {
  private BootCounter() {}

  /**
   * The next number: larger than all before, and at least {@code nowMs}. The directory must be
   * locked by this process.
   *
   * @throws IOException when it cannot be read or made durable
   */
  static long next(Path dataDir, long nowMs) throws IOException {
    Path file = dataDir.resolve("boot");
    long boot = Math.max(Files.exists(file) ? read(file) + 1 : 1, nowMs);
    Path aside = dataDir.resolve("boot.new");
    try (FileChannel channel =
        FileChannel.open(
            aside,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
      channel.write(StandardCharsets.US_ASCII.encode(boot + "\n"));
      channel.force(true);
    }
    Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
    try (FileChannel directory = FileChannel.open(dataDir, StandardOpenOption.READ)) {
      directory.force(true);
    }
    return boot;
  }

  private static long read(Path file) throws IOException {
    String text = Files.readString(file, StandardCharsets.US_ASCII).trim();
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw new IOException(
          file + " should hold the number of starts and holds \"" + text + "\"", e);
    }
  }
}
