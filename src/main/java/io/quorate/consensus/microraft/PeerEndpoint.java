package io.quorate.consensus.microraft;

import io.microraft.RaftEndpoint;
import org.jspecify.annotations.Nullable;

/**
 * A member's identity in the log: its number and the random incarnation made with its data
 * directory, so that a member which lost its disk is somebody else. The address is advice.
 */
record PeerEndpoint(int id, long incarnation, String address) implements RaftEndpoint {

  @Override
  public Object getId() {
    return toString();
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof PeerEndpoint that && id == that.id && incarnation == that.incarnation;
  }

  @Override
  public int hashCode() {
    return Long.hashCode(incarnation) * 31 + id;
  }

  @Override
  public String toString() {
    return id + "-" + Long.toHexString(incarnation);
  }
}
