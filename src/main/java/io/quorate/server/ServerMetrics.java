package io.quorate.server;

import io.quorate.state.Command;
import io.quorate.state.Outcome;
import io.quorate.state.State;

/** Told what the server does; called on its hot path, so an implementation only counts. */
public interface ServerMetrics {
  ServerMetrics NONE =
      new ServerMetrics() {
        @Override
        public void command(Command command, Outcome outcome) {}

        @Override
        public void answered(Command command, long nanos) {}

        @Override
        public void applied(State state) {}

        @Override
        public void checkpointed(long nanos) {}
      };

  /** One command was judged, on this member's Applier. */
  void command(Command command, Outcome outcome);

  /** A write that this member took was answered, {@code nanos} after it was taken. */
  void answered(Command command, long nanos);

  /** One more entry of the log is applied. */
  void applied(State state);

  /** A durable checkpoint was finished. */
  void checkpointed(long nanos);
}
