package io.quorate.server;

import io.quorate.codec.CheckpointCodec;
import io.quorate.codec.CorruptCheckpointException;
import io.quorate.consensus.LogConsumer.RestorePoint;
import io.quorate.state.Settings;
import io.quorate.state.State;
import io.quorate.storage.CheckpointStore;

/**
 * The state of the newest checkpoint, and the place in the log that it was saved at.
 *
 * @param current whether the next save may write only what has changed since
 */
public record Restored(State state, RestorePoint point, boolean current) {

  /**
   * Reads it, which takes a second or two for a million znodes.
   *
   * @throws CorruptCheckpointException when the image is not what was written
   */
  public static Restored from(CheckpointStore store) throws CorruptCheckpointException {
    CheckpointStore.Meta meta = store.latest().orElse(null);
    if (meta == null) {
      return new Restored(State.initial(Settings.DEFAULT), RestorePoint.NONE, false);
    }
    return new Restored(
        CheckpointCodec.read(meta.header(), store::read),
        new RestorePoint(meta.index(), meta.logMeta()),
        CheckpointCodec.isCurrent(meta.header()));
  }
}
