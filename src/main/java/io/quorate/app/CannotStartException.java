package io.quorate.app;

/** The data directory, a port or the disk does not allow a start. */
final class CannotStartException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String action;

  CannotStartException(String message, String action, Throwable cause) {
    super(message, cause);
    this.action = action;
  }

  String action() {
    return action;
  }
}
