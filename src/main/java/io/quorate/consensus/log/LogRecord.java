package io.quorate.consensus.log;

/**
 * One live entry of the log: its place, its term and bytes that mean nothing here.
 *
 * @param place what {@link SegmentLog#read} finds it by
 */
public record LogRecord(long index, int term, long place, byte[] payload) {}
