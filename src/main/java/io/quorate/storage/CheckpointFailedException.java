package io.quorate.storage;

/** A checkpoint could not be written. The previous one is intact; trying again later is fine. */
public final class CheckpointFailedException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public CheckpointFailedException(String message, Throwable cause) {
    super(message, cause);
  }
}
