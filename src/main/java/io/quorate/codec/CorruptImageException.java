package io.quorate.codec;

import java.io.IOException;

/** A stream that is no image of ours, or was cut or damaged on its way. Ask for it again. */
public final class CorruptImageException extends IOException {
  private static final long serialVersionUID = 1L;

  public CorruptImageException(String message) {
    super(message);
  }
}
