package io.quorate.bytes;

import io.quorate.tree.Bytes;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Takes apart what {@link ByteWriter} put together. Believes no length: nothing is allocated that
 * the bytes still to come could not fill. For one thread.
 */
public final class ByteReader {
  private final byte[] buffer;
  private final int end;
  private int at;

  private ByteReader(byte[] buffer, int end) {
    this.buffer = buffer;
    this.end = end;
  }

  /** Over {@code buffer} from {@code from} to before {@code end}, which nobody changes. */
  public static ByteReader over(byte[] buffer, int from, int end) {
    var reader = new ByteReader(buffer, end);
    reader.at = from;
    return reader;
  }

  /** Over what {@link ByteWriter#sealed} made with the same context, without the checksum. */
  public static ByteReader unseal(byte[] context, byte[] sealed) throws MalformedException {
    int size = sealed.length - Integer.BYTES;
    if (size < 0) {
      throw new MalformedException("too short for a checksum: " + sealed.length + " bytes");
    }
    var crc = new CRC32C();
    crc.update(context);
    crc.update(sealed, 0, size);
    int stored = 0;
    for (int i = size; i < sealed.length; i++) {
      stored = stored << 8 | sealed[i] & 0xff;
    }
    if (stored != (int) crc.getValue()) {
      throw new MalformedException("checksum does not match its " + size + " bytes");
    }
    return new ByteReader(sealed, size);
  }

  public int octet() throws MalformedException {
    need(1);
    return buffer[at++] & 0xff;
  }

  public boolean flag() throws MalformedException {
    int value = octet();
    if (value > 1) {
      throw new MalformedException("neither yes nor no: " + value);
    }
    return value == 1;
  }

  public long number() throws MalformedException {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      byte next = (byte) octet();
      value |= (next & 0x7fL) << shift;
      if (next >= 0) {
        return value;
      }
    }
    throw new MalformedException("a number without end at byte " + at);
  }

  public long signed() throws MalformedException {
    long value = number();
    return value >>> 1 ^ -(value & 1);
  }

  public int signedInt() throws MalformedException {
    return narrow(signed());
  }

  /** 0 and up. */
  public int natural() throws MalformedException {
    int value = narrow(number());
    if (value < 0) {
      throw new MalformedException("negative: " + value);
    }
    return value;
  }

  private static int narrow(long value) throws MalformedException {
    if (value != (int) value) {
      throw new MalformedException("out of range: " + value);
    }
    return (int) value;
  }

  public long fixed() throws MalformedException {
    need(8);
    long value = 0;
    for (int i = 0; i < 8; i++) {
      value = value << 8 | buffer[at++] & 0xff;
    }
    return value;
  }

  /** How many of something follow, each at least one byte. */
  public int count() throws MalformedException {
    int count = natural();
    need(count);
    return count;
  }

  public String text() throws MalformedException {
    int size = count();
    var text = new String(buffer, at, size, StandardCharsets.UTF_8);
    at += size;
    return text;
  }

  public byte[] block() throws MalformedException {
    return take(count());
  }

  public @Nullable Bytes bytes() throws MalformedException {
    int sizePlusOne = natural();
    return sizePlusOne == 0 ? null : Bytes.wrap(take(sizePlusOne - 1));
  }

  public @Nullable String optionalText() throws MalformedException {
    return flag() ? text() : null;
  }

  /** A reader over the next {@code count()} bytes, which this one then has passed. */
  public ByteReader part() throws MalformedException {
    int size = count();
    ByteReader part = over(buffer, at, at + size);
    at += size;
    return part;
  }

  /** Everything that is left. */
  public byte[] rest() throws MalformedException {
    return take(end - at);
  }

  public void expectEnd() throws MalformedException {
    if (at != end) {
      throw new MalformedException((end - at) + " bytes more than expected");
    }
  }

  private byte[] take(int size) throws MalformedException {
    need(size);
    byte[] out = Arrays.copyOfRange(buffer, at, at + size);
    at += size;
    return out;
  }

  private void need(int bytes) throws MalformedException {
    if (end - at < bytes) {
      throw new MalformedException((bytes - (end - at)) + " bytes are missing");
    }
  }
}
