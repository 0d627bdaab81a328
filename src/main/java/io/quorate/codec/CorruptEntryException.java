package io.quorate.codec;

/** Bytes that are no entry of ours, or no longer are. Nothing of it may be used. */
public final class CorruptEntryException extends Exception {
  private static final long serialVersionUID = 1L;

  public CorruptEntryException(String message) {
    super(message);
  }
}
