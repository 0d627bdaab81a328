package io.quorate.storage;

import org.jspecify.annotations.Nullable;

/** The checkpoint cannot be opened or read; its message says which file and what to do. */
public final class CheckpointUnreadableException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public CheckpointUnreadableException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
