package io.quorate.bytes;

/** Bytes that are not what they should be; each codec says it in its own words. */
public final class MalformedException extends Exception {
  private static final long serialVersionUID = 1L;

  public MalformedException(String message) {
    super(message);
  }
}
