package io.quorate.wire;

/** The bytes of a request are not what its type says. Its frame is whole, so the next is sound. */
final class MalformedRequestException extends Exception {
  private static final long serialVersionUID = 1L;

  MalformedRequestException(String message) {
    super(message, null, false, false);
  }
}
