package io.quorate.codec;

/** Bytes that are no checkpoint of ours, or no longer are. Nothing of it may be used. */
public final class CorruptCheckpointException extends Exception {
  private static final long serialVersionUID = 1L;

  public CorruptCheckpointException(String message) {
    super(message);
  }
}
