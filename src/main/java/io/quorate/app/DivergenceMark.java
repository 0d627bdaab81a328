package io.quorate.app;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Remembers over restarts that this directory's tree was found to differ from the leader's: the
 * file {@code diverged}, with the reason in it. Only a new, empty directory is without it.
 */
final class DivergenceMark {
  private static final String ADVICE =
      ". Keep a copy of the data directory to find out why; then stop this member, empty the"
          + " directory, and start it again: the others rebuild it";

  private final Path file;

  DivergenceMark(Path dataDir) {
    file = dataDir.resolve("diverged");
  }

  /** What was found, with what to do; empty when nothing was. */
  Optional<String> read() throws IOException {
    return Files.exists(file)
        ? Optional.of(Files.readString(file).strip() + ADVICE)
        : Optional.empty();
  }

  void write(String how) {
    try {
      Files.writeString(file, how + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
