package io.quorate.consensus.net;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Carries frames to members, as bytes: in order, at most once, maybe not at all. TCP in production,
 * a simulated network in tests.
 */
public interface Pipes extends AutoCloseable {

  /**
   * Starts listening and connecting.
   *
   * @param received told of every frame that came whole, on any thread
   * @param lost told when the pipe to that member broke: what was sent may not have arrived
   * @param gone told when a pipe that had been up cannot be made anew because that member's machine
   *     says that nobody listens there: its process has ended
   */
  void start(Consumer<byte[]> received, Consumer<Integer> lost, Consumer<Integer> gone);

  /** Where members are. Pipes to members that are not named are closed. */
  void routes(Map<Integer, String> addresses);

  /**
   * Sends, or drops. False when it is certain that nothing was sent.
   *
   * @param frame not to be changed afterwards
   */
  boolean send(int id, ByteBuffer frame);

  /** Whether frames to this member have somewhere to go. */
  boolean isUp(int id);

  @Override
  void close();

  /** Nobody to talk to. */
  Pipes NONE =
      new Pipes() {
        @Override
        public void start(
            Consumer<byte[]> received, Consumer<Integer> lost, Consumer<Integer> gone) {}

        @Override
        public void routes(Map<Integer, String> addresses) {}

        @Override
        public boolean send(int id, ByteBuffer frame) {
          return false;
        }

        @Override
        public boolean isUp(int id) {
          return false;
        }

        @Override
        public void close() {}
      };
}
