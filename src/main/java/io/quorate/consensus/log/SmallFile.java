package io.quorate.consensus.log;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.zip.CRC32C;

/** A few bytes that are replaced whole: written aside, fsynced, renamed, directory fsynced. */
public final class SmallFile {
  private static final int MAGIC = 0x51534d31; // "QSM1"
  private static final int HEADER_BYTES = 12;

  private final Disk disk;
  private final String name;

  public SmallFile(Disk disk, String name) {
    this.disk = disk;
    this.name = name;
  }

  /** The newest durable content; empty when it was never written. */
  public Optional<byte[]> read() throws IOException {
    if (!disk.list().contains(name)) {
      return Optional.empty();
    }
    try (Disk.DiskFile file = disk.open(name)) {
      ByteBuffer bytes = ByteBuffer.allocate((int) Math.min(file.size(), 1 << 20));
      file.read(bytes, 0);
      bytes.flip();
      if (bytes.remaining() >= HEADER_BYTES && bytes.getInt() == MAGIC) {
        int crc = bytes.getInt();
        int length = bytes.getInt();
        if (length >= 0 && length <= bytes.remaining()) {
          byte[] content = new byte[length];
          bytes.get(content);
          if (crcOf(content) == crc) {
            return Optional.of(content);
          }
        }
      }
      throw new CorruptLogException(
          disk.describe(name)
              + " is damaged, and this member can no longer know what it promised. Remove this"
              + " member's data directory and let it be rebuilt from its peers, or restore a"
              + " backup.");
    }
  }

  public void write(byte[] content) throws IOException {
    String aside = name + ".tmp";
    try (Disk.DiskFile file = disk.create(aside)) {
      ByteBuffer bytes = ByteBuffer.allocate(HEADER_BYTES + content.length);
      bytes.putInt(MAGIC).putInt(crcOf(content)).putInt(content.length).put(content).flip();
      file.write(bytes, 0);
      file.force();
    }
    disk.rename(aside, name);
    disk.syncDirectory();
  }

  private static int crcOf(byte[] content) {
    CRC32C crc = new CRC32C();
    crc.update(content);
    return (int) crc.getValue();
  }
}
