package io.quorate.cluster;

import org.jspecify.annotations.Nullable;

/**
 * One operation on one register, as its client saw it.
 *
 * @param invokedNs when it was sent
 * @param returnedNs when the answer came; {@link #NEVER} when none did and it may have happened or
 *     not, at any time since
 * @param value what was written; what a read returned (null for an absent node); null for a delete
 * @param expected what a compare-and-set compared with
 * @param succeeded whether a compare-and-set said that it took place
 */
record Operation(
    int client,
    long invokedNs,
    long returnedNs,
    Kind kind,
    @Nullable String value,
    @Nullable String expected,
    boolean succeeded) {
  static final long NEVER = Long.MAX_VALUE;

  enum Kind {
    READ,
    WRITE,
    COMPARE_AND_SET
  }

  boolean isPending() {
    return returnedNs == NEVER;
  }
}
