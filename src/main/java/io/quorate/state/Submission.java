package io.quorate.state;

import io.quorate.tree.Identity;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A command and who gave it.
 *
 * @param onceKey the client's promise that the same key is the same request; null without
 */
public record Submission(Author author, @Nullable OnceKey onceKey, Command command) {

  public static Submission of(Author author, Command command) {
    return new Submission(author, null, command);
  }

  /**
   * Who speaks.
   *
   * @param sessionId the session acted for, or 0
   * @param generation that the session must still have, or {@link #ANY_GENERATION}
   * @param identities everything that authenticated; {@code world} need not be said
   */
  public record Author(long sessionId, long generation, List<Identity> identities) {
    public static final long ANY_GENERATION = -1;

    /** Nobody in particular. */
    public static final Author ANYONE = new Author(0, ANY_GENERATION, List.of());

    /** The cluster itself: the leader's own proposals. */
    public static final Author CLUSTER = new Author(0, ANY_GENERATION, List.of(Identity.SUPER));

    public Author {
      identities = List.copyOf(identities);
    }
  }

  /**
   * An idempotency key.
   *
   * @param scope whose key it is
   * @param key at most 256 characters
   * @param fingerprint of everything that makes the request what it is
   */
  public record OnceKey(String scope, String key, String fingerprint) {}
}
