package io.quorate.testing;

import io.quorate.storage.CheckpointStore;
import java.util.function.Consumer;

/** Saves of which is known beforehand what goes with them. */
public final class Saves {
  private Saves() {}

  public static void save(
      CheckpointStore store,
      CheckpointStore.Meta meta,
      CheckpointStore.Base base,
      Consumer<CheckpointStore.Edit> changes) {
    store.save(
        base,
        edit -> {
          changes.accept(edit);
          return meta;
        });
  }
}
