package io.quorate.state;

import java.util.Optional;

/**
 * The place of an event in the order of all events, {@code 0x<zxid>.<n>}.
 *
 * @param n its number within the zxid; {@link #WHOLE} stands after every event of the zxid
 */
public record Position(long zxid, int n) implements Comparable<Position> {
  public static final int WHOLE = Integer.MAX_VALUE;

  /** After everything that {@code zxid} did. */
  public static Position after(long zxid) {
    return new Position(zxid, WHOLE);
  }

  /**
   * Reads {@code 0x<zxid>.<n>} or {@code 0x<zxid>}, a zxid seen whole; empty when it is neither.
   */
  public static Optional<Position> parse(String text) {
    if (!text.startsWith("0x")) {
      return Optional.empty();
    }
    int dot = text.indexOf('.');
    try {
      long zxid = Long.parseLong(text, 2, dot < 0 ? text.length() : dot, 16);
      int n = dot < 0 ? WHOLE : Integer.parseInt(text, dot + 1, text.length(), 10);
      return zxid < 0 || n < 0 ? Optional.empty() : Optional.of(new Position(zxid, n));
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  @Override
  public int compareTo(Position other) {
    int byZxid = Long.compare(zxid, other.zxid);
    return byZxid != 0 ? byZxid : Integer.compare(n, other.n);
  }

  @Override
  public String toString() {
    return "0x" + Long.toHexString(zxid) + (n == WHOLE ? "" : "." + n);
  }
}
