package io.quorate.state;

import io.quorate.tree.Bytes;

/**
 * A session as the cluster knows it.
 *
 * @param passwordHash what a secret must hash to
 * @param timeoutMs silence that ends it
 * @param member where it was attached last
 * @param generation one more for each attachment
 */
public record Session(long id, Bytes passwordHash, int timeoutMs, int member, long generation) {}
