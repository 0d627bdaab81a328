package io.quorate.state;

/**
 * Limits that decide outcomes, the same on every member; changed by {@link Command.Configure}.
 *
 * @param maxDataBytes largest payload of a znode
 * @param historyMaxEvents how many changes are kept for watches and old versions
 * @param historyMaxBytes and how many bytes of them
 * @param minSessionTimeoutMs what session timeouts are brought up to
 * @param maxSessionTimeoutMs and down to
 * @param maxDeleteTree most nodes that one recursive delete removes
 * @param keyMinAgeMs how long an idempotency key is kept at least, log time
 * @param maxKeys how many idempotency keys are kept at most
 * @param maxKeyBytes and how many bytes of them with their answers
 * @param quotaEnforced whether a quota refuses writes or only counts
 * @param revision how often they were set in the log; 0 in a state that is yet to be founded,
 *     {@link #FOUNDING} in a command that founds it
 */
public record Settings(
    int maxDataBytes,
    int historyMaxEvents,
    long historyMaxBytes,
    int minSessionTimeoutMs,
    int maxSessionTimeoutMs,
    int maxDeleteTree,
    long keyMinAgeMs,
    int maxKeys,
    long maxKeyBytes,
    boolean quotaEnforced,
    int revision) {
  /** The revision of settings that count only when there are none yet. */
  public static final int FOUNDING = -1;

  public static final Settings DEFAULT =
      new Settings(
          1024 * 1024,
          100_000,
          64L << 20,
          4_000,
          40_000,
          100_000,
          600_000,
          100_000,
          32L << 20,
          false);

  /** Settings of revision 0. */
  public Settings(
      int maxDataBytes,
      int historyMaxEvents,
      long historyMaxBytes,
      int minSessionTimeoutMs,
      int maxSessionTimeoutMs,
      int maxDeleteTree,
      long keyMinAgeMs,
      int maxKeys,
      long maxKeyBytes,
      boolean quotaEnforced) {
    this(
        maxDataBytes,
        historyMaxEvents,
        historyMaxBytes,
        minSessionTimeoutMs,
        maxSessionTimeoutMs,
        maxDeleteTree,
        keyMinAgeMs,
        maxKeys,
        maxKeyBytes,
        quotaEnforced,
        0);
  }

  /** The same limits under another revision. */
  public Settings withRevision(int newRevision) {
    return new Settings(
        maxDataBytes,
        historyMaxEvents,
        historyMaxBytes,
        minSessionTimeoutMs,
        maxSessionTimeoutMs,
        maxDeleteTree,
        keyMinAgeMs,
        maxKeys,
        maxKeyBytes,
        quotaEnforced,
        newRevision);
  }
}
