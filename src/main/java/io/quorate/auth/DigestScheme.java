package io.quorate.auth;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;

/**
 * The {@code digest} scheme: {@code user:password} is known as {@code
 * user:base64(sha1(user:password))}.
 *
 * <p>SHA-1 without salt is weak; it is what every ACL in the field holds.
 *
 * <p>Source: ZooKeeper's {@code DigestAuthenticationProvider.generateDigest}.
 */
public final class DigestScheme {
  private DigestScheme() {}

  /** What stands in ACLs for somebody who knows {@code user:password}. */
  public static String id(String userAndPassword) {
    byte[] hash = hash("SHA-1").digest(userAndPassword.getBytes(StandardCharsets.UTF_8));
    int colon = userAndPassword.indexOf(':');
    String user = colon < 0 ? userAndPassword : userAndPassword.substring(0, colon);
    return user + ":" + Base64.getEncoder().encodeToString(hash);
  }

  static MessageDigest hash(String algorithm) {
    try {
      return MessageDigest.getInstance(algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has " + algorithm, e);
    }
  }
}
