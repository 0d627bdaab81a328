package io.quorate.consensus.microraft;

/** What the log carries for us; membership changes are MicroRaft's own. */
sealed interface Operation {

  /** The host's bytes with the leader's clock, milliseconds since 1970. */
  record Entry(long stampMs, byte[] bytes) implements Operation {}

  /** The first entry of a leader. */
  record NewTerm(int leaderId, long stampMs) implements Operation {}

  /** Asked, never logged: is anyone newer than we are? */
  enum Barrier implements Operation {
    BARRIER
  }
}
