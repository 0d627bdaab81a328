package io.quorate.consensus;

/** What was asked for was begun, and whether it will happen is not known here. */
public final class UndecidedException extends Exception {
  private static final long serialVersionUID = 1L;

  public UndecidedException(String message) {
    super(message);
  }
}
