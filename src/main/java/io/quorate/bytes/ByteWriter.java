package io.quorate.bytes;

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
public final class ByteWriter {
  private byte[] buffer;
  private int size;

  public ByteWriter(int expectedBytes) {
    this(new byte[Math.max(16, expectedBytes)], 0);
  }

  private ByteWriter(byte[] buffer, int size) {
    this.buffer = buffer;
    this.size = size;
  }

  /**
   * Goes on after the first {@code size} bytes of {@code buffer}, which count as written. What does
   * not fit is written elsewhere, with all that was written before: see {@link #isIn}.
   */
  public static ByteWriter after(byte[] buffer, int size) {
    return new ByteWriter(buffer, size);
  }

  /** Whether all that was written is in {@code given}. */
  public boolean isIn(byte[] given) {
    return buffer == given;
  }

  public ByteWriter octet(int value) {
    room(1);
    buffer[size++] = (byte) value;
    return this;
  }

  /** A number that is rarely negative; when it is, it takes ten bytes. */
  public ByteWriter number(long value) {
    if ((value & ~0x7fL) == 0) { // most are
      return octet((int) value);
    }
    room(sizeOf(value));
    long rest = value;
    while ((rest & ~0x7fL) != 0) {
      buffer[size++] = (byte) (rest | 0x80);
      rest >>>= 7;
    }
    buffer[size++] = (byte) rest;
    return this;
  }

  public ByteWriter signed(long value) {
    return number(zigzag(value));
  }

  /** Eight bytes, the greatest first: for numbers that use all their bits. */
  public ByteWriter fixed(long value) {
    room(8);
    for (int shift = 56; shift >= 0; shift -= 8) {
      buffer[size++] = (byte) (value >>> shift);
    }
    return this;
  }

  /** Length, then UTF-8. */
  public ByteWriter text(String value) {
    return block(value.getBytes(StandardCharsets.UTF_8));
  }

  public ByteWriter block(byte[] value) {
    number(value.length);
    return raw(value);
  }

  public ByteWriter raw(byte[] value) {
    return raw(value, 0, value.length);
  }

  public ByteWriter raw(byte[] value, int from, int to) {
    room(to - from);
    System.arraycopy(value, from, buffer, size, to - from);
    size += to - from;
    return this;
  }

  /** Null is not the same as no bytes. */
  public ByteWriter bytes(@Nullable Bytes value) {
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

  public ByteWriter optionalText(@Nullable String value) {
    return value == null ? octet(0) : octet(1).text(value);
  }

  public int size() {
    return size;
  }

  /** Puts what was written into {@code target}, from {@code at} on. */
  public void copyTo(byte[] target, int at) {
    System.arraycopy(buffer, 0, target, at, size);
  }

  public byte[] toArray() {
    return Arrays.copyOf(buffer, size);
  }

  /** How many bytes {@link #number} takes for it. */
  public static int sizeOf(long number) {
    return (Long.SIZE - Long.numberOfLeadingZeros(number | 1) + 6) / 7;
  }

  /** How many bytes {@link #signed} takes for it. */
  public static int sizeOfSigned(long value) {
    return sizeOf(zigzag(value));
  }

  private static long zigzag(long value) {
    return value << 1 ^ value >> 63;
  }

  /**
   * What was written, and the CRC32C of {@code context} and it in the last four bytes. If that is
   * what was expected, nothing is copied: so nothing may be written afterwards.
   */
  public byte[] sealed(byte[] context) {
    var crc = new CRC32C();
    crc.update(context);
    crc.update(buffer, 0, size);
    int sum = (int) crc.getValue();
    int end = size + Integer.BYTES;
    byte[] out = buffer.length == end ? buffer : Arrays.copyOf(buffer, end);
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
