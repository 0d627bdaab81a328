package io.quorate.app;

/** A key of the configuration has a value that cannot be used. */
final class WrongConfigurationException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String action;

  WrongConfigurationException(String key, String value, String accepted) {
    super("The configuration key " + key + " is \"" + value + "\", which it cannot be.");
    this.action = "Set " + key + " to " + accepted + ".";
  }

  String action() {
    return action;
  }
}
