package io.quorate.server;

import io.quorate.tree.Digest;
import org.jspecify.annotations.Nullable;

/** The digests of the tree after the last zxids. For one thread. */
final class RecentDigests {
  private final long[] zxids;
  private final @Nullable Digest[] digests;
  private int next;

  /**
   * @param count how many are kept
   */
  RecentDigests(int count) {
    zxids = new long[count];
    digests = new Digest[count];
  }

  /** What the tree is after {@code zxid}; the oldest is forgotten for it. */
  void add(long zxid, Digest digest) {
    zxids[next] = zxid;
    digests[next] = digest;
    next = (next + 1) % zxids.length;
  }

  /** The digest that was added last for {@code zxid}; null when there is none any more. */
  @Nullable Digest find(long zxid) {
    for (int back = 1; back <= zxids.length; back++) { // asked for rarely, added all the time
      int at = Math.floorMod(next - back, zxids.length);
      if (zxids[at] == zxid && digests[at] != null) {
        return digests[at];
      }
    }
    return null;
  }
}
