package io.quorate.consensus.log;

/** One live entry of the log: its place, its term and bytes that mean nothing here. */
public record LogRecord(long index, int term, byte[] payload) {}
