package io.quorate.tree;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Addresses as ACLs write them, {@code address} or {@code address/bits}, read without asking a name
 * service.
 *
 * <p>Source: ZooKeeper's {@code IPAuthenticationProvider}.
 */
final class IpRange {
  private IpRange() {}

  static boolean isValid(String range) {
    int slash = range.indexOf('/');
    byte[] address = parse(slash < 0 ? range : range.substring(0, slash));
    return address != null && (slash < 0 || bits(range, slash, address) >= 0);
  }

  static boolean contains(String range, String address) {
    int slash = range.indexOf('/');
    byte[] wanted = parse(slash < 0 ? range : range.substring(0, slash));
    byte[] actual = parse(address);
    if (wanted == null || actual == null || wanted.length != actual.length) {
      return false;
    }
    int bits = slash < 0 ? wanted.length * 8 : bits(range, slash, wanted);
    if (bits < 0) {
      return false;
    }
    for (int i = 0; i < bits; i++) {
      int mask = 0x80 >> (i & 7);
      if ((wanted[i >> 3] & mask) != (actual[i >> 3] & mask)) {
        return false;
      }
    }
    return true;
  }

  private static int bits(String range, int slash, byte[] address) {
    int bits = decimal(range.substring(slash + 1), 3);
    return bits <= address.length * 8 ? bits : -1;
  }

  private static int decimal(String text, int digits) {
    if (text.isEmpty() || text.length() > digits) {
      return -1;
    }
    int value = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < '0' || c > '9') {
        return -1;
      }
      value = value * 10 + (c - '0');
    }
    return value;
  }

  private static byte @Nullable [] parse(String address) {
    return address.indexOf(':') >= 0 ? parseV6(address) : parseV4(address);
  }

  private static byte @Nullable [] parseV4(String address) {
    String[] parts = address.split("\\.", -1);
    if (parts.length != 4) {
      return null;
    }
    byte[] out = new byte[4];
    for (int i = 0; i < 4; i++) {
      int value = decimal(parts[i], 3);
      if (value < 0 || value > 255) {
        return null;
      }
      out[i] = (byte) value;
    }
    return out;
  }

  private static byte @Nullable [] parseV6(String address) {
    int zone = address.indexOf('%');
    String text = zone < 0 ? address : address.substring(0, zone);
    int gap = text.indexOf("::");
    byte[] head = gap < 0 ? groups(text, true) : groups(text.substring(0, gap), false);
    byte[] tail = gap < 0 ? new byte[0] : groups(text.substring(gap + 2), true);
    if (head == null || tail == null) {
      return null;
    }
    if (gap < 0 ? head.length != 16 : head.length + tail.length > 14) {
      return null;
    }
    byte[] out = Arrays.copyOf(head, 16);
    System.arraycopy(tail, 0, out, 16 - tail.length, tail.length);
    return out;
  }

  /** Groups of four hex digits; the very last two of an address may be a dotted quad. */
  private static byte @Nullable [] groups(String text, boolean mayEndDotted) {
    if (text.isEmpty()) {
      return new byte[0];
    }
    String[] parts = text.split(":", -1);
    byte[] out = new byte[parts.length * 2 + 2];
    int size = 0;
    for (int i = 0; i < parts.length; i++) {
      if (mayEndDotted && i == parts.length - 1 && parts[i].indexOf('.') > 0) {
        byte[] v4 = parseV4(parts[i]);
        if (v4 == null) {
          return null;
        }
        System.arraycopy(v4, 0, out, size, 4);
        size += 4;
      } else {
        int value = hex(parts[i]);
        if (value < 0) {
          return null;
        }
        out[size++] = (byte) (value >> 8);
        out[size++] = (byte) value;
      }
    }
    return Arrays.copyOf(out, size);
  }

  private static int hex(String text) {
    if (text.isEmpty() || text.length() > 4) {
      return -1;
    }
    int value = 0;
    for (int i = 0; i < text.length(); i++) {
      int digit = Character.digit(text.charAt(i), 16);
      if (digit < 0 || text.charAt(i) > 'f') {
        return -1;
      }
      value = value << 4 | digit;
    }
    return value;
  }
}
