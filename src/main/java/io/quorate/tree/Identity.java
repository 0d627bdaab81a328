package io.quorate.tree;

/**
 * Somebody, as one authentication scheme knows them: {@code digest} with {@code
 * user:base64(sha1(user:password))}, {@code ip} with an address, {@code x509} with a subject, or
 * {@code super}, who may do anything.
 */
public record Identity(String scheme, String id) {
  public static final Identity SUPER = new Identity("super", "");
}
