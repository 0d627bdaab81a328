package io.quorate.auth;

import io.quorate.tree.Bytes;
import java.util.Base64;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * What proves that somebody may act for a session: the password of the wire protocol, the token of
 * HTTP. The cluster keeps only its hash.
 */
public final class SessionSecret {
  /** As the wire protocol has it. */
  public static final int SIZE = 16;

  private final byte[] secret;

  private SessionSecret(byte[] secret) {
    this.secret = secret;
  }

  /**
   * A new one.
   *
   * @param random one whose numbers nobody can guess: a {@code SecureRandom}
   */
  public static SessionSecret random(RandomGenerator random) {
    byte[] secret = new byte[SIZE];
    random.nextBytes(secret);
    return new SessionSecret(secret);
  }

  /** What a client says is the secret, of any length. */
  public static SessionSecret of(byte[] secret) {
    return new SessionSecret(secret.clone());
  }

  public byte[] toArray() {
    return secret.clone();
  }

  /**
   * SHA-256, kept in {@code Session.passwordHash}. One round is enough: 16 random bytes cannot be
   * tried out.
   */
  public Bytes hash() {
    return Bytes.wrap(DigestScheme.hash("SHA-256").digest(secret));
  }

  /** What an HTTP client puts into {@code Quorate-Session}. */
  public Token tokenFor(long sessionId) {
    return new Token(sessionId, this);
  }

  /** Never the secret itself: this may end up in a log. */
  @Override
  public String toString() {
    return "a session's secret";
  }

  /** A session and its secret, {@code <session id in hex>.<secret in base64url>}. */
  public record Token(long sessionId, SessionSecret secret) {

    /** Reads what {@link #text} wrote; empty when it is no token. */
    public static Optional<Token> parse(String text) {
      int dot = text.indexOf('.');
      if (dot < 1 || dot > 16 || text.charAt(0) == '+' || text.charAt(0) == '-') {
        return Optional.empty();
      }
      try {
        long id = Long.parseUnsignedLong(text, 0, dot, 16);
        byte[] secret = Base64.getUrlDecoder().decode(text.substring(dot + 1));
        return secret.length == SIZE
            ? Optional.of(new Token(id, new SessionSecret(secret)))
            : Optional.empty();
      } catch (IllegalArgumentException e) {
        return Optional.empty();
      }
    }

    public String text() {
      return Long.toHexString(sessionId)
          + "."
          + Base64.getUrlEncoder().withoutPadding().encodeToString(secret.secret);
    }

    @Override
    public String toString() {
      return "a token for session 0x" + Long.toHexString(sessionId);
    }
  }
}
