package io.quorate.tree;

/** A text that is no znode path. The message says what is wrong with it and where. */
public final class IllegalPathException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  public IllegalPathException(String path, String reason) {
    super("Invalid path \"" + printable(path) + "\": " + reason);
  }

  /** Control characters would let a path write into somebody's terminal or log. */
  private static String printable(String path) {
    var out = new StringBuilder(path.length());
    for (int i = 0; i < path.length() && out.length() < 256; i++) {
      char c = path.charAt(i);
      if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c >= 0xd800 && c < 0xf900 || c >= 0xfff0) {
        out.append("\\u").append(Character.forDigit(c >> 12 & 15, 16));
        out.append(Character.forDigit(c >> 8 & 15, 16)).append(Character.forDigit(c >> 4 & 15, 16));
        out.append(Character.forDigit(c & 15, 16));
      } else {
        out.append(c);
      }
    }
    return out.toString();
  }
}
