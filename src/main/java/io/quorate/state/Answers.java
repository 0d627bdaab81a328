package io.quorate.state;

import io.quorate.tree.ZooVector;
import java.util.Comparator;
import java.util.Optional;

/**
 * What keyed requests were answered, so that a repeated one gets the first answer; immutable.
 *
 * <p>A key leaves when it is older than {@link Settings#keyMinAgeMs()} and room is needed. While
 * all keys are younger and there is no room, no further key is taken.
 */
public final class Answers {
  public static final Answers NONE =
      new Answers(
          ZooVector.empty(Comparator.<String>naturalOrder()),
          ZooVector.empty(Comparator.<Long>naturalOrder()),
          0,
          0);

  private final ZooVector<String, Kept> byKey;
  private final ZooVector<Long, Kept> byAge;
  private final long nextOrdinal;
  private final long weightBytes;

  private Answers(
      ZooVector<String, Kept> byKey,
      ZooVector<Long, Kept> byAge,
      long nextOrdinal,
      long weightBytes) {
    this.byKey = byKey;
    this.byAge = byAge;
    this.nextOrdinal = nextOrdinal;
    this.weightBytes = weightBytes;
  }

  /**
   * One answer.
   *
   * @param ordinal its place in the order of arrival
   * @param timeMs log time of the answer
   */
  public record Kept(long ordinal, long timeMs, Submission.OnceKey key, Answer answer) {
    long weightBytes() {
      return 256
          + key.scope().length()
          + key.key().length()
          + key.fingerprint().length()
          + weightBytes(answer.outcome());
    }

    /** A path may be a megabyte long, and a refusal quotes it. */
    private static long weightBytes(Outcome outcome) {
      return switch (outcome) {
        case Outcome.Rejected no ->
            no.detail().length() + (no.path() == null ? 0 : no.path().toString().length());
        case Outcome.Created created -> 80 + created.path().toString().length();
        case Outcome.Updated updated -> 80 + updated.path().toString().length();
        case Outcome.Deleted deleted -> deleted.path().toString().length();
        case Outcome.Checked checked -> checked.path().toString().length();
        case Outcome.Found found -> 80 + found.path().toString().length();
        case Outcome.Several several -> {
          long sum = 0;
          for (Outcome each : several.results()) {
            sum += 80 + weightBytes(each);
          }
          yield sum;
        }
        case Outcome.SeveralRejected no -> 40 + weightBytes(no.rejection());
        case Outcome.InSession session -> 0;
        case Outcome.Done done -> 0;
      };
    }
  }

  public int size() {
    return byKey.size();
  }

  public long weightBytes() {
    return weightBytes;
  }

  /** All answers, oldest first. */
  public ZooVector<Long, Kept> byAge() {
    return byAge;
  }

  public Optional<Kept> find(Submission.OnceKey key) {
    return Optional.ofNullable(byKey.get(name(key)));
  }

  /** Whether one more key has room at log time {@code nowMs}. */
  boolean hasRoom(Settings settings, long nowMs) {
    if (size() < settings.maxKeys() && weightBytes < settings.maxKeyBytes()) {
      return true;
    }
    ZooVector.Entry<Long, Kept> oldest = byAge.first();
    return oldest != null && nowMs - oldest.value().timeMs() >= settings.keyMinAgeMs();
  }

  /** With one more answer; the oldest leave where room is needed and they are old enough. */
  Answers with(Submission.OnceKey key, Answer answer, Settings settings, long nowMs) {
    Answers roomy = this;
    while (roomy.size() >= settings.maxKeys() || roomy.weightBytes >= settings.maxKeyBytes()) {
      ZooVector.Entry<Long, Kept> oldest = roomy.byAge.first();
      if (oldest == null || nowMs - oldest.value().timeMs() < settings.keyMinAgeMs()) {
        break;
      }
      roomy = roomy.without(oldest.value());
    }
    return roomy.restored(new Kept(roomy.nextOrdinal, nowMs, key, answer));
  }

  /** As loaded from a checkpoint, in order of arrival. */
  public Answers restored(Kept kept) {
    return new Answers(
        byKey.put(name(kept.key()), kept),
        byAge.put(kept.ordinal(), kept),
        kept.ordinal() + 1,
        weightBytes + kept.weightBytes());
  }

  private Answers without(Kept kept) {
    return new Answers(
        byKey.remove(name(kept.key())),
        byAge.remove(kept.ordinal()),
        nextOrdinal,
        weightBytes - kept.weightBytes());
  }

  private static String name(Submission.OnceKey key) {
    return key.scope() + '\0' + key.key();
  }
}
