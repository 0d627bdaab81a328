package io.quorate.tree;

import java.time.Duration;

/** How long a znode stays when nobody deletes it. */
public sealed interface Lifetime {
  Lifetime PERSISTENT = new Persistent();
  Lifetime CONTAINER = new Container();

  /** The longest time to live, as in ZooKeeper: 2^40 - 1 ms, about 34 years. */
  long MAX_TTL_MS = (1L << 40) - 1;

  /** Until it is deleted. */
  record Persistent() implements Lifetime {}

  /** Until its session ends. */
  record Ephemeral(long sessionId) implements Lifetime {}

  /** Until its last child has gone. */
  record Container() implements Lifetime {}

  /**
   * Until it has no children and its data has not been set for {@code ttlMs}, 1..{@link
   * #MAX_TTL_MS}.
   */
  record Ttl(long ttlMs) implements Lifetime {
    public Ttl {
      if (ttlMs < 1 || ttlMs > MAX_TTL_MS) {
        throw new IllegalArgumentException(
            "ttl must be 1 ms to " + Duration.ofMillis(MAX_TTL_MS) + ", not " + ttlMs + " ms");
      }
    }
  }
}
