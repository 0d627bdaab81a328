package io.quorate;

import java.util.function.LongConsumer;

/**
 * Seeds for randomised tests. {@code -Dquorate.seed=} runs that one alone; {@code -Dquorate.seeds=}
 * says how many else.
 */
public final class Seeds {
  private Seeds() {}

  /** Runs {@code test} with each seed; a failure names its seed. */
  public static void each(int count, LongConsumer test) {
    Long only = Long.getLong("quorate.seed");
    int runs = only == null ? Integer.getInteger("quorate.seeds", count) : 1;
    for (int i = 0; i < runs; i++) {
      long seed = only == null ? i : only;
      try {
        test.accept(seed);
      } catch (Throwable e) {
        throw new AssertionError(
            "With seed " + seed + ", -Dquorate.seed=" + seed + " repeats it: " + e.getMessage(), e);
      }
    }
  }
}
