package io.quorate.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quorate.Seeds;
import io.quorate.state.Command;
import io.quorate.state.RandomCommands;
import io.quorate.state.Submission;
import io.quorate.tree.ZPath;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

class EntryCodecTest {
  @Test
  void aBatchComesBackAsItWas() {
    Seeds.each(
        20,
        seed -> {
          List<Submission> submissions = submissions(seed, 200);

          byte[] bytes = EntryCodec.batch(3, 1L << 40, 9, encoded(submissions));

          assertThat(decoded(bytes))
              .isEqualTo(new EntryCodec.Entry.Batch(3, 1L << 40, 9, submissions));
        });
  }

  @Test
  void theLeadersOwnProposalsComeBackAsTheyWere() {
    List<Submission> submissions = submissions(1, 20);

    byte[] bytes = EntryCodec.solo(encoded(submissions));

    assertThat(decoded(bytes)).isEqualTo(new EntryCodec.Entry.Solo(submissions));
  }

  @Test
  void aSmallWriteIsSmall() {
    var delete = new Command.CloseSession(0x1234_5678_9abc_def0L);

    byte[] bytes = EntryCodec.submission(Submission.of(Submission.Author.ANYONE, delete));

    assertThat(bytes).hasSize(1 + 1 + 1 + 8);
  }

  @Test
  void everyCutAndEveryFlippedBitIsNoticed() {
    byte[] bytes = EntryCodec.batch(1, 2, 3, encoded(submissions(5, 6)));

    for (int size = 0; size < bytes.length; size++) {
      assertCorrupt(Arrays.copyOf(bytes, size));
    }
    for (int bit = 0; bit < bytes.length * 8; bit++) {
      byte[] flipped = bytes.clone();
      flipped[bit >> 3] ^= (byte) (1 << (bit & 7));
      assertCorrupt(flipped);
    }
  }

  /** Bytes that have the right checksum, as from a bug or another version. */
  @Test
  void nonsenseWithARightChecksumIsRefusedOrDecoded() {
    Seeds.each(
        40,
        seed -> {
          var random = new Random(seed);
          byte[] bytes = EntryCodec.batch(1, 2, 3, encoded(submissions(seed, 4)));
          for (int i = 0; i < 500; i++) {
            byte[] mutated = mutated(bytes, random);
            try {
              EntryCodec.decode(mutated);
            } catch (CorruptEntryException e) {
              assertThat(e).hasMessageStartingWith("Log entry of ");
            }
          }
        });
  }

  @Test
  void anIllegalPathInTheLogIsCorruption() {
    byte[] legal =
        EntryCodec.submission(
            Submission.of(Submission.Author.ANYONE, new Command.Reap(ZPath.of("/a/b"))));
    byte[] illegal = legal.clone();
    illegal[illegal.length - 1] = '/';

    byte[] bytes = EntryCodec.solo(List.of(illegal));

    assertThatThrownBy(() -> EntryCodec.decode(bytes))
        .isInstanceOf(CorruptEntryException.class)
        .hasMessageContaining("empty name");
  }

  private static void assertCorrupt(byte[] bytes) {
    assertThatThrownBy(() -> EntryCodec.decode(bytes)).isInstanceOf(CorruptEntryException.class);
  }

  /** Some bytes changed, some cut, and the checksum made right again. */
  static byte[] mutated(byte[] sealed, Random random) {
    int size = sealed.length - 4;
    byte[] body = Arrays.copyOf(sealed, random.nextInt(4) == 0 ? random.nextInt(size + 1) : size);
    for (int i = random.nextInt(4); i >= 0 && body.length > 0; i--) {
      body[random.nextInt(body.length)] =
          (byte) (random.nextBoolean() ? 0xff : random.nextInt(256));
    }
    var crc = new CRC32C();
    crc.update(body);
    byte[] out = Arrays.copyOf(body, body.length + 4);
    for (int i = 0; i < 4; i++) {
      out[body.length + i] = (byte) ((int) crc.getValue() >>> 24 - 8 * i);
    }
    return out;
  }

  private static List<Submission> submissions(long seed, int count) {
    var commands = new RandomCommands(seed);
    var submissions = new ArrayList<Submission>();
    for (int i = 0; i < count; i++) {
      submissions.add(commands.submission());
    }
    return submissions;
  }

  private static List<byte[]> encoded(List<Submission> submissions) {
    return submissions.stream().map(EntryCodec::submission).toList();
  }

  private static EntryCodec.Entry decoded(byte[] bytes) {
    try {
      return EntryCodec.decode(bytes);
    } catch (CorruptEntryException e) {
      throw new AssertionError(e);
    }
  }
}
