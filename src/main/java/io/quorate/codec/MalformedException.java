package io.quorate.codec;

/** Bytes that are not what they should be; each codec says it in its own words. */
final class MalformedException extends Exception {
  private static final long serialVersionUID = 1L;

  MalformedException(String message) {
    super(message);
  }
}
