package io.quorate.state;

/**
 * What the leader put on an entry.
 *
 * @param timeMs its clock, milliseconds since 1970; log time is the largest seen
 */
public record Stamp(long timeMs) {}
