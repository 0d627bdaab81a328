package io.quorate.tree;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * The absolute path of a znode; one that exists has been validated.
 *
 * <p>Order: by the UTF-8 bytes, which for legal paths is the order of their characters.
 *
 * <p>Source of the rules: ZooKeeper's {@code PathUtils.validatePath}.
 */
public final class ZPath implements Comparable<ZPath> {
  public static final ZPath ROOT = new ZPath("/");

  private final String text;

  /** Made when first asked for; whoever makes it makes the same. */
  private volatile byte @Nullable [] key;

  private ZPath(String text) {
    this.text = text;
  }

  /**
   * @throws IllegalPathException when {@code text} is not absolute, ends in a slash, or has an
   *     empty, {@code .} or {@code ..} segment or a character that ZooKeeper refuses
   */
  public static ZPath of(String text) {
    if (text.equals("/")) {
      return ROOT;
    }
    if (text.isEmpty()) {
      throw new IllegalPathException(text, "a path is at least \"/\"");
    }
    if (text.charAt(0) != '/') {
      throw new IllegalPathException(text, "a path starts with \"/\"");
    }
    checkSegments(text, 1);
    return new ZPath(text);
  }

  /** The path that a key of {@link ZnodeTree} stands for. */
  static ZPath ofKey(byte[] key) {
    if (key.length == 0) {
      return ROOT;
    }
    int split = 0;
    while (key[split] != 0) {
      split++;
    }
    if (split == 1) {
      return new ZPath("/" + new String(key, 2, key.length - 2, StandardCharsets.UTF_8));
    }
    byte[] path = key.clone();
    path[split] = '/';
    return new ZPath(new String(path, StandardCharsets.UTF_8));
  }

  private static void checkSegments(String text, int from) {
    int start = from;
    int length = text.length();
    for (int i = from; i <= length; i++) {
      char c = i == length ? '/' : text.charAt(i);
      if (c > '/' && c < 0x7f) {
        continue; // letters and digits, nearly always
      }
      if (c == '/') {
        checkSegment(text, start, i);
        start = i + 1;
      } else {
        checkCharacter(text, i);
      }
    }
  }

  private static void checkSegment(String text, int start, int end) {
    if (start == end) {
      throw new IllegalPathException(text, "empty name at character " + start);
    }
    if (text.charAt(start) == '.' && end == start + 1) {
      throw new IllegalPathException(text, "\".\" is not a name, at character " + start);
    }
    if (text.startsWith("..", start) && end == start + 2) {
      throw new IllegalPathException(text, "\"..\" is not a name, at character " + start);
    }
  }

  private static void checkCharacter(String text, int at) {
    char c = text.charAt(at);
    if (c <= 0x1f || (c >= 0x7f && c <= 0x9f) || (c >= 0xd800 && c <= 0xf8ff) || (c >= 0xfff0)) {
      throw new IllegalPathException(
          text,
          "character U+"
              + HexFormat.of().withUpperCase().toHexDigits(c)
              + " at "
              + at
              + " is not allowed");
    }
  }

  public boolean isRoot() {
    return text.length() == 1;
  }

  /** How many segments it has; 0 for the root. */
  public int depth() {
    int slashes = 0;
    for (int at = isRoot() ? -1 : 0; at >= 0; at = text.indexOf('/', at + 1)) {
      slashes++;
    }
    return slashes;
  }

  /** The path above; the root is its own parent. */
  public ZPath parent() {
    int slash = text.lastIndexOf('/');
    return slash == 0 ? ROOT : new ZPath(text.substring(0, slash));
  }

  /** The last segment; empty for the root. */
  public String name() {
    return text.substring(text.lastIndexOf('/') + 1);
  }

  /**
   * @throws IllegalPathException when {@code name} is not one legal segment
   */
  public ZPath child(String name) {
    if (name.indexOf('/') >= 0) {
      throw new IllegalPathException(name, "a name holds no \"/\"");
    }
    if (isRoot() && name.isEmpty()) {
      return ROOT;
    }
    String below = isRoot() ? "/" + name : text + "/" + name;
    // What is above was looked at before.
    checkSegments(below, below.length() - name.length());
    return new ZPath(below);
  }

  /** Whether this is {@code ancestor} or lies below it. */
  public boolean isWithin(ZPath ancestor) {
    return ancestor.isRoot()
        || text.startsWith(ancestor.text)
            && (text.length() == ancestor.text.length()
                || text.charAt(ancestor.text.length()) == '/');
  }

  /**
   * The key under which {@link ZnodeTree} keeps it: the parent's path, a zero byte, the name; empty
   * for the root.
   *
   * <p>Zero is in no path and sorts before everything, so the children of one parent are one range
   * in the order of their names, and everything further below is one more range.
   *
   * @return the same array each time: nobody changes it
   */
  public byte[] key() {
    byte[] made = key;
    if (made == null) {
      made = makeKey();
      key = made;
    }
    return made;
  }

  private byte[] makeKey() {
    if (isRoot()) {
      return new byte[0];
    }
    int slash = text.lastIndexOf('/');
    if (slash == 0) {
      return ("/\0" + text.substring(1)).getBytes(StandardCharsets.UTF_8);
    }
    byte[] key = text.getBytes(StandardCharsets.UTF_8);
    int split = key.length - 1;
    while (key[split] != '/') {
      split--;
    }
    key[split] = 0;
    return key;
  }

  @Override
  public int compareTo(ZPath other) {
    return text.compareTo(other.text);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ZPath path && path.text.equals(text);
  }

  @Override
  public int hashCode() {
    return text.hashCode();
  }

  @Override
  public String toString() {
    return text;
  }
}
