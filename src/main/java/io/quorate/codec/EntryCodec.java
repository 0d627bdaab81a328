package io.quorate.codec;

import io.quorate.bytes.ByteReader;
import io.quorate.bytes.ByteWriter;
import io.quorate.bytes.MalformedException;
import io.quorate.state.Submission;
import java.util.ArrayList;
import java.util.List;

/**
 * Bytes of log entries: a version, what kind of entry, its submissions, and a CRC32C of it all.
 *
 * <p>A submission is encoded once, by the thread that took it in; making an entry of many copies
 * them.
 */
public final class EntryCodec {
  private static final int VERSION = 1;
  private static final int BATCH = 1;
  private static final int SOLO = 2;
  private static final byte[] CONTEXT = {};

  private EntryCodec() {}

  /** What a log entry says. */
  public sealed interface Entry {
    List<Submission> submissions();

    /**
     * Operations that one member took in.
     *
     * @param boot which start of the member's process
     * @param sequence its place among the batches of that start, from 0
     */
    record Batch(int member, long boot, long sequence, List<Submission> submissions)
        implements Entry {
      public Batch {
        submissions = List.copyOf(submissions);
      }
    }

    /** The leader's own proposals and fences, which go in no lane. */
    record Solo(List<Submission> submissions) implements Entry {
      public Solo {
        submissions = List.copyOf(submissions);
      }
    }
  }

  /** One submission, to go into {@link #batch} or {@link #solo}. Any thread. */
  public static byte[] submission(Submission submission) {
    var out = new ByteWriter(256);
    CommandCodec.write(out, submission);
    return out.toArray();
  }

  /**
   * @param submissions as {@link #submission} encodes them, in the order in which they apply
   */
  public static byte[] batch(int member, long boot, long sequence, List<byte[]> submissions) {
    int lane =
        ByteWriter.sizeOfSigned(member)
            + ByteWriter.sizeOfSigned(boot)
            + ByteWriter.sizeOfSigned(sequence);
    ByteWriter out = opened(BATCH, lane, submissions);
    out.signed(member).signed(boot).signed(sequence);
    return closed(out, submissions);
  }

  /**
   * @param submissions as {@link #submission} encodes them, in the order in which they apply
   */
  public static byte[] solo(List<byte[]> submissions) {
    return closed(opened(SOLO, 0, submissions), submissions);
  }

  /** Made for exactly what it will hold: an entry may be large. */
  private static ByteWriter opened(int kind, int laneBytes, List<byte[]> submissions) {
    int size = 2 + laneBytes + ByteWriter.sizeOf(submissions.size()) + Integer.BYTES;
    for (byte[] submission : submissions) {
      int length = submission.length;
      size = Math.addExact(size, Math.addExact(ByteWriter.sizeOf(length), length));
    }
    return new ByteWriter(size).octet(VERSION).octet(kind);
  }

  private static byte[] closed(ByteWriter out, List<byte[]> submissions) {
    out.number(submissions.size());
    for (byte[] submission : submissions) {
      out.block(submission);
    }
    return out.sealed(CONTEXT);
  }

  /**
   * @throws CorruptEntryException when version, checksum or shape are not those of an entry
   */
  public static Entry decode(byte[] entry) throws CorruptEntryException {
    try {
      ByteReader in = ByteReader.unseal(CONTEXT, entry);
      int version = in.octet();
      if (version != VERSION) {
        throw new MalformedException("version " + version + " is not " + VERSION);
      }
      int kind = in.octet();
      Entry decoded =
          switch (kind) {
            case BATCH ->
                new Entry.Batch(in.signedInt(), in.signed(), in.signed(), submissions(in));
            case SOLO -> new Entry.Solo(submissions(in));
            default -> throw new MalformedException("unknown kind " + kind);
          };
      in.expectEnd();
      return decoded;
    } catch (MalformedException e) {
      throw new CorruptEntryException("Log entry of " + entry.length + " bytes: " + e.getMessage());
    }
  }

  private static List<Submission> submissions(ByteReader in) throws MalformedException {
    int count = in.count();
    var submissions = new ArrayList<Submission>(count);
    for (int i = 0; i < count; i++) {
      ByteReader part = in.part();
      submissions.add(CommandCodec.submission(part));
      part.expectEnd();
    }
    return submissions;
  }
}
