package io.quorate.codec;

import io.quorate.tree.Bytes;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Bytes being put together; grows as needed. For one thread.
 *
 * <p>Numbers are little-endian base 128, seven bits a byte, as in protocol buffers; signed ones are
 * zigzagged first, so that small numbers of either sign stay short.
 */
final class ByteWriter {
  private byte[] buffer;
  private int size;

  ByteWriter(int expectedBytes) {
    buffer = new byte[Math.max(16, expectedBytes)];
  }

  ByteWriter octet(int value) {
    room(1);
    buffer[size++] = (byte) value;
    return this;
  }

  /** A number that is rarely negative; when it is, it takes ten bytes. */
  ByteWriter number(long value) {
    room(10);
    long rest = value;
    while ((rest & ~0x7fL) != 0) {
      buffer[size++] = (byte) (rest | 0x80);
      rest >>>= 7;
    }
    buffer[size++] = (byte) rest;
    return this;
  }

  ByteWriter signed(long value) {
    return number(value << 1 ^ value >> 63);
  }

  /** Eight bytes, the greatest first: for numbers that use all their bits. */
  ByteWriter fixed(long value) {
    room(8);
    for (int shift = 56; shift >= 0; shift -= 8) {
      buffer[size++] = (byte) (value >>> shift);
    }
    return this;
  }

  /** Length, then UTF-8. */
  ByteWriter text(String value) {
    return block(value.getBytes(StandardCharsets.UTF_8));
  }

  ByteWriter block(byte[] value) {
    number(value.length);
    return raw(value);
  }

  ByteWriter raw(byte[] value) {
    room(value.length);
    System.arraycopy(value, 0, buffer, size, value.length);
    size += value.length;
    return this;
  }

  /** Null is not the same as no bytes. */
  ByteWriter bytes(@Nullable Bytes value) {
    if (value == null) {
      return octet(0);
    }
    number(value.size() + 1L);
    room(value.size());
    ByteBuffer from = value.buffer();
    from.get(buffer, size, value.size());
    size += value.size();
    return this;
  }

  ByteWriter optionalText(@Nullable String value) {
    return value == null ? octet(0) : octet(1).text(value);
  }

  byte[] toArray() {
    return Arrays.copyOf(buffer, size);
  }

  /** What was written, and the CRC32C of {@code context} and it in the last four bytes. */
  byte[] sealed(byte[] context) {
    var crc = new CRC32C();
    crc.update(context);
    crc.update(buffer, 0, size);
    int sum = (int) crc.getValue();
    byte[] out = Arrays.copyOf(buffer, size + Integer.BYTES);
    for (int i = 0; i < Integer.BYTES; i++) {
      out[size + i] = (byte) (sum >>> 24 - 8 * i);
    }
    return out;
  }

  private void room(int more) {
    if (buffer.length - size < more) {
      buffer = Arrays.copyOf(buffer, Math.max(buffer.length * 2, Math.addExact(size, more)));
    }
  }
}
