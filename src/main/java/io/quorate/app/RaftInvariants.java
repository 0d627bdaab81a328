package io.quorate.app;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxy;
import ch.qos.logback.core.AppenderBase;
import java.util.function.Consumer;
import org.slf4j.LoggerFactory;

/**
 * Hears what the Raft library only logs: an invariant of its own that does not hold. It would go
 * on; a member must not.
 */
final class RaftInvariants extends AppenderBase<ILoggingEvent> {
  private final Consumer<Throwable> broken;

  private RaftInvariants(Consumer<Throwable> broken) {
    this.broken = broken;
  }

  /** Calls {@code broken} with every assertion that fails inside the library, on its thread. */
  static void watch(Consumer<Throwable> broken) {
    if (LoggerFactory.getLogger("io.microraft") instanceof Logger logger) {
      var watcher = new RaftInvariants(broken);
      watcher.setContext(logger.getLoggerContext());
      watcher.start();
      logger.addAppender(watcher);
    }
  }

  @Override
  protected void append(ILoggingEvent event) {
    if (event.getLevel().isGreaterOrEqual(Level.ERROR)
        && event.getThrowableProxy() instanceof ThrowableProxy proxy
        && proxy.getThrowable() instanceof AssertionError error
        && !hasLeft(error)) {
      broken.accept(error);
    }
  }

  /** A member that has left is told of entries behind that; it has ended and applies none. */
  private static boolean hasLeft(AssertionError error) {
    return String.valueOf(error.getMessage()).endsWith("on termination.");
  }
}
