package io.quorate.consensus.log;

import java.io.IOException;

/** What is on disk contradicts itself; the message names the file, the place and what to do. */
public final class CorruptLogException extends IOException {
  private static final long serialVersionUID = 1L;

  public CorruptLogException(String message) {
    super(message);
  }
}
