package io.quorate.consensus;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.concurrent.CompletionStage;

/**
 * The host of the log: takes what is committed, in order, and keeps the state's durable image.
 *
 * <p>All methods but {@link #answer} and {@link Image#writeTo} are called on the replicator's one
 * thread; {@link #committed} may block when the host's queue is full, which slows admission down.
 */
public interface LogConsumer {

  /** The newest durable checkpoint, or {@link RestorePoint#NONE}. Called once, before anything. */
  RestorePoint restorePoint();

  /**
   * One committed entry.
   *
   * @param index its place in the log, strictly increasing, with gaps where the log holds entries
   *     of its own
   * @param stampMs the leader's clock when it was proposed, milliseconds since 1970
   * @param entry the bytes that were proposed
   */
  void committed(long index, long stampMs, byte[] entry);

  /** An entry of the log's own (membership) at {@code index}: nothing to apply, but it counts. */
  void passed(long index);

  /**
   * A new leader's first entry was committed at {@code index}.
   *
   * @param leaderId the member that leads since then
   */
  void newTerm(long index, long term, int leaderId, long stampMs);

  /**
   * Start a durable checkpoint of the state at exactly {@code index}, carrying {@code logMeta} in
   * the same commit; afterwards call {@link Replicator#checkpointDurable}. Returns at once.
   */
  void checkpoint(long index, byte[] logMeta);

  /**
   * An image of the state at exactly {@code index}, for a peer. The stage completes when the host
   * has applied that index; nothing is encoded until {@link Image#writeTo}.
   */
  CompletionStage<Image> imageAt(long index);

  /**
   * Replaces the state with an image received from a peer. Returns when the host has it in memory;
   * a checkpoint with {@code logMeta} is then started as by {@link #checkpoint}.
   */
  void install(long index, byte[] logMeta, InputStream image) throws IOException;

  /**
   * Answers a member's {@link Replicator#askLeader} while this member leads. Called on any thread,
   * several at once; must not block.
   */
  byte[] answer(int fromMember, byte[] question);

  /** Encodes a state that was handed over by reference. */
  interface Image extends AutoCloseable {
    /** Writes the whole image; called on any thread, at most a few at a time. */
    void writeTo(OutputStream out) throws IOException;

    /** Lets the state go. */
    @Override
    void close();
  }

  /**
   * Where a durable checkpoint stands.
   *
   * @param index log index that it covers; 0 when there is none
   * @param logMeta what was handed to {@link #checkpoint} with it
   */
  record RestorePoint(long index, byte[] logMeta) {
    public static final RestorePoint NONE = new RestorePoint(0, new byte[0]);
  }
}
