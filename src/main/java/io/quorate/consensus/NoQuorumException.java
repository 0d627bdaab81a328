package io.quorate.consensus;

/** No majority confirmed in time. Nothing was applied; asking again later may help. */
public final class NoQuorumException extends Exception {
  private static final long serialVersionUID = 1L;

  public NoQuorumException(String message) {
    super(message);
  }
}
