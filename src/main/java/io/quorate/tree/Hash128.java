package io.quorate.tree;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * A 128-bit hash of a sequence of numbers, bytes and texts: two lanes of multiply and rotate with a
 * final avalanche. Not secret and not for secrets: it tells accidents, not attackers.
 *
 * <p>Owned by one thread while it is being filled.
 */
final class Hash128 {
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private long a = 0x9e3779b97f4a7c15L;
  private long b = 0xc2b2ae3d27d4eb4fL;

  Hash128 add(long value) {
    a = Long.rotateLeft(a ^ value * 0x87c37b91114253d5L, 31) * 0x4cf5ad432745937fL;
    b = Long.rotateLeft(b + value * 0x9fb21c651e98df25L, 27) * 0xff51afd7ed558ccdL + a;
    return this;
  }

  Hash128 add(byte[] bytes) {
    int i = 0;
    for (; i + 8 <= bytes.length; i += 8) {
      add((long) LONGS.get(bytes, i));
    }
    long tail = bytes.length & 7;
    for (; i < bytes.length; i++) {
      tail = tail << 8 | bytes[i] & 0xff;
    }
    return add(tail);
  }

  Hash128 add(String text) {
    for (int i = 0; i < text.length(); i++) {
      add(text.charAt(i));
    }
    return add(text.length());
  }

  long high() {
    return avalanche(a ^ Long.rotateLeft(b, 17));
  }

  long low() {
    return avalanche(b + Long.rotateLeft(a, 41));
  }

  private static long avalanche(long x) {
    x = (x ^ x >>> 33) * 0xff51afd7ed558ccdL;
    x = (x ^ x >>> 29) * 0xc4ceb9fe1a85ec53L;
    return x ^ x >>> 32;
  }
}
