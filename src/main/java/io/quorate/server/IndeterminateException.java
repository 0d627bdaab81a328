package io.quorate.server;

/**
 * The write was handed to replication and no answer came: it may or may not be applied. Read to
 * find out, or repeat it with an idempotency key.
 */
public final class IndeterminateException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public IndeterminateException(String message) {
    super(message, null, false, false);
  }
}
