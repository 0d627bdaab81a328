package io.quorate.server;

/** How new the state must be that a read is answered from. */
public sealed interface Consistency {
  Consistency LINEARIZABLE = new Linearizable();
  Consistency LOCAL = new Local();

  /** Everything that was acknowledged anywhere before the read began. */
  record Linearizable() implements Consistency {}

  /** At least {@code minZxid}. */
  record Session(long minZxid) implements Consistency {}

  /** Whatever this member has. */
  record Local() implements Consistency {}
}
