package io.quorate.tree;

import java.util.HexFormat;

/**
 * A sum of the hashes of everything in a tree, modulo 2^64 in each half: what one change adds or
 * takes away is known without looking at the rest. Two members with the same digest hold the same
 * tree.
 */
public record Digest(long high, long low) {
  public static final Digest ZERO = new Digest(0, 0);

  Digest plus(byte[] key, Znode node) {
    Hash128 hash = hash(key, node);
    return new Digest(high + hash.high(), low + hash.low());
  }

  Digest minus(byte[] key, Znode node) {
    Hash128 hash = hash(key, node);
    return new Digest(high - hash.high(), low - hash.low());
  }

  private static Hash128 hash(byte[] key, Znode node) {
    var hash = new Hash128().add(key);
    node.hashInto(hash);
    return hash;
  }

  @Override
  public String toString() {
    return HexFormat.of().toHexDigits(high) + HexFormat.of().toHexDigits(low);
  }
}
