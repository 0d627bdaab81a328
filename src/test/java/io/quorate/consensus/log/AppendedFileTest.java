package io.quorate.consensus.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quorate.Seeds;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files of {@link Disk#openToAppend}, on whatever file system the tests run. */
class AppendedFileTest {
  @TempDir Path directory;

  /** Of a length that ends with a block, and one that does not. */
  @ParameterizedTest
  @ValueSource(ints = {4 << 20, (4 << 20) + 1_000})
  void whatIsWrittenIsThereAndNothingElseChanges(int size) {
    Seeds.each(
        3,
        seed -> {
          try {
            write(size, new Random(seed));
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  private void write(int size, Random random) throws IOException {
    byte[] model = bytes(random, size);
    Path path = directory.resolve("file");
    Files.write(path, model);
    Disk disk = new FileDisk(directory);

    for (int round = 0; round < 30; round++) {
      int from = random.nextInt(size);
      int at = from;
      try (Disk.DiskFile file = disk.openToAppend("file")) {
        for (int i = 0; i < 10 && at < size; i++) {
          int most = random.nextInt(10) == 0 ? 2_000_000 : 6_000; // or more than is buffered
          byte[] written = bytes(random, Math.min(size - at, random.nextInt(most)));
          ByteBuffer buffer = ByteBuffer.wrap(written);
          file.write(buffer, at);
          assertThat(buffer.hasRemaining()).isFalse();
          System.arraycopy(written, 0, model, at, written.length);
          at += written.length;
          if (random.nextBoolean()) {
            file.force();
          }
          assertRead(file, model, at);
        }
        assertThat(file.size()).isEqualTo(size);
      }
      byte[] now = Files.readAllBytes(path);
      int blockEnd = Math.min(size, (at + Disk.BLOCK_BYTES - 1) & -Disk.BLOCK_BYTES);
      assertThat(Arrays.equals(now, 0, at, model, 0, at)).isTrue();
      assertThat(Arrays.equals(now, blockEnd, size, model, blockEnd, size)).isTrue();
      model = now; // what lies behind the end in its block is as it was, or zeros
    }
  }

  /** On another path than the write: what the page cache has is not older. */
  private static void assertRead(Disk.DiskFile file, byte[] model, int end) throws IOException {
    int from = Math.max(0, end - 10_000);
    ByteBuffer read = ByteBuffer.allocate(end - from);
    file.read(read, from);
    assertThat(Arrays.equals(read.array(), 0, end - from, model, from, end)).isTrue();
  }

  @Test
  void oneThatIsNotThereIsNotMade() throws IOException {
    Disk disk = new FileDisk(directory);

    assertThatThrownBy(() -> disk.openToAppend("file")).isInstanceOf(IOException.class);

    assertThat(disk.list()).isEmpty();
  }

  private static byte[] bytes(Random random, int count) {
    byte[] bytes = new byte[count];
    random.nextBytes(bytes);
    return bytes;
  }
}
