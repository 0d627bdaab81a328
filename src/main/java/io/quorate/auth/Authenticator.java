package io.quorate.auth;

import io.quorate.tree.Identity;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.Optional;

/**
 * Turns what a client showed into who it is. As in ZooKeeper, {@code digest} refuses nobody: a
 * wrong password makes an identity that no ACL names. Any thread.
 */
public final class Authenticator {
  private final Optional<String> superDigest;

  /**
   * @param superDigest {@code user:base64(sha1(user:password))} of the one who may do anything
   * @throws IllegalArgumentException when it has another form
   */
  public Authenticator(Optional<String> superDigest) {
    superDigest.ifPresent(Authenticator::requireDigest);
    this.superDigest = superDigest;
  }

  private static void requireDigest(String text) {
    if (!text.matches("[^:]+:[A-Za-z0-9+/]{27}=")) {
      throw new IllegalArgumentException(
          "a super digest has the form user:base64(sha1(user:password)), 28 characters of Base64");
    }
  }

  /** HTTP's {@code Authorization: Basic}; the same as {@link #digest} of {@code user:password}. */
  public List<Identity> basic(String user, String password) {
    return of(user + ":" + password);
  }

  /**
   * The wire protocol's {@code addauth digest}.
   *
   * @param userAndPassword {@code user:password} in UTF-8
   */
  public List<Identity> digest(byte[] userAndPassword) {
    return of(new String(userAndPassword, StandardCharsets.UTF_8));
  }

  private List<Identity> of(String userAndPassword) {
    String id = DigestScheme.id(userAndPassword);
    var identity = new Identity("digest", id);
    return isSuper(id) ? List.of(Identity.SUPER, identity) : List.of(identity);
  }

  /** Takes the same time whatever the difference, so that it cannot be felt out. */
  private boolean isSuper(String id) {
    return superDigest.isPresent()
        && MessageDigest.isEqual(
            superDigest.get().getBytes(StandardCharsets.UTF_8),
            id.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * @param address of the client as the socket knows it, in digits
   */
  public List<Identity> ip(String address) {
    return List.of(new Identity("ip", address));
  }

  /**
   * @param subject of a verified client certificate, as RFC 2253 writes it
   */
  public List<Identity> x509(String subject) {
    return List.of(new Identity("x509", subject));
  }
}
