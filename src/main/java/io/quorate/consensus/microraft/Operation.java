package io.quorate.consensus.microraft;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What the log carries for us; membership changes are MicroRaft's own. */
sealed interface Operation {

  /**
   * The host's bytes with the leader's clock, in the form in which the log and peers get them: they
   * are not copied for each. MicroRaft keeps entries in memory for as long as the log does; what is
   * long applied is let go and read from the log when a slow peer needs it. On the strand.
   */
  final class Entry implements Operation {
    static final int HEADER_BYTES = 9;

    /** The first byte of the encoded form. */
    static final int KIND = 1;

    private final int size;
    private byte @Nullable [] encoded;
    private @Nullable Log log;
    private long index;
    private long place;

    /** Where it can be read again. */
    interface Log {
      byte[] read(long place, long index);
    }

    /** As the log or a peer has it. */
    Entry(byte[] encoded) {
      this.encoded = encoded;
      this.size = encoded.length;
    }

    /**
     * @param stampMs milliseconds since 1970
     */
    Entry(long stampMs, byte[] bytes) {
      this(new byte[HEADER_BYTES + bytes.length]);
      byte[] out = encoded();
      out[0] = KIND;
      ByteBuffer.wrap(out).putLong(1, stampMs);
      System.arraycopy(bytes, 0, out, HEADER_BYTES, bytes.length);
    }

    void standsIn(Log log, long place, long index) {
      this.log = log;
      this.place = place;
      this.index = index;
    }

    void letGo() {
      if (log != null) {
        encoded = null;
      }
    }

    int size() {
      return size;
    }

    /** Not to be changed. */
    byte[] encoded() {
      if (encoded != null) {
        return encoded;
      }
      if (log == null) {
        throw new IllegalStateException("let go without being in the log");
      }
      return log.read(place, index);
    }

    static long stampMs(byte[] encoded) {
      return ByteBuffer.wrap(encoded).getLong(1);
    }

    /** The host's bytes. */
    static byte[] bytes(byte[] encoded) {
      return Arrays.copyOfRange(encoded, HEADER_BYTES, encoded.length);
    }
  }

  /** The first entry of a leader. */
  record NewTerm(int leaderId, long stampMs) implements Operation {}

  /** Asked, never logged: is anyone newer than we are? */
  enum Barrier implements Operation {
    BARRIER
  }
}
