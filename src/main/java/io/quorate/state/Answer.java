package io.quorate.state;

/**
 * An outcome and the state it speaks of.
 *
 * @param zxid the zxid that the command took, or for one that took none the newest before it
 */
public record Answer(Outcome outcome, long zxid) {}
