package io.quorate.app;

import io.quorate.codec.CorruptCheckpointException;
import io.quorate.storage.CheckpointUnreadableException;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Turns a start that cannot succeed into what is wrong and what to do. */
public final class StartFailureAnalyzer extends AbstractFailureAnalyzer<RuntimeException> {
  @Override
  protected org.springframework.boot.diagnostics.@org.jspecify.annotations.Nullable FailureAnalysis
      analyze(Throwable root, RuntimeException cause) {
    for (Throwable at = root; at != null; at = at.getCause()) {
      if (at instanceof WrongConfigurationException wrong) {
        return new FailureAnalysis(String.valueOf(wrong.getMessage()), wrong.action(), wrong);
      }
      if (at instanceof CannotStartException cannot) {
        return new FailureAnalysis(String.valueOf(cannot.getMessage()), cannot.action(), cannot);
      }
      if (at instanceof CorruptCheckpointException corrupt) {
        return new FailureAnalysis(
            String.valueOf(corrupt.getMessage()),
            "Restore the data directory from a copy, or rebuild this member from its peers.",
            corrupt);
      }
      if (at instanceof CheckpointUnreadableException unreadable) {
        return new FailureAnalysis(String.valueOf(unreadable.getMessage()), null, unreadable);
      }
    }
    return null;
  }
}
