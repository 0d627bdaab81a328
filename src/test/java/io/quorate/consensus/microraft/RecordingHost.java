package io.quorate.consensus.microraft;

import io.quorate.consensus.LogConsumer;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A host whose state is the list of everything it was given. Its durable checkpoint outlives it in
 * a {@link Checkpoint}.
 */
class RecordingHost implements LogConsumer {
  /** What a host has on its disk. */
  static final class Checkpoint {
    private RestorePoint point = RestorePoint.NONE;
    private List<String> state = List.of();

    synchronized void put(long index, byte[] meta, List<String> entries) {
      point = new RestorePoint(index, meta);
      state = List.copyOf(entries);
    }

    synchronized RestorePoint point() {
      return point;
    }

    synchronized List<String> state() {
      return state;
    }
  }

  final Checkpoint disk;
  private final List<String> state = new ArrayList<>();
  private final List<Long> newTerms = new ArrayList<>();
  private long lastIndex;
  private @Nullable LongConsumer durable;
  private boolean checkpointing = true;
  private int checkpoints;
  private int installs;

  RecordingHost(Checkpoint disk) {
    this.disk = disk;
  }

  RecordingHost() {
    this(new Checkpoint());
  }

  /** Completes checkpoints at once and tells this. */
  RecordingHost tells(LongConsumer listener) {
    durable = listener;
    return this;
  }

  synchronized void checkpointing(boolean on) {
    checkpointing = on;
  }

  @Override
  public synchronized RestorePoint restorePoint() {
    state.addAll(disk.state());
    lastIndex = disk.point().index();
    return disk.point();
  }

  @Override
  public synchronized void committed(long index, long stampMs, byte[] entry) {
    advance(index);
    state.add(new String(entry, StandardCharsets.UTF_8));
  }

  @Override
  public synchronized void passed(long index) {
    advance(index);
  }

  @Override
  public synchronized void newTerm(long index, long term, int leaderId, long stampMs) {
    advance(index);
    newTerms.add(term);
  }

  private void advance(long index) {
    if (index <= lastIndex) {
      throw new AssertionError("index " + index + " after " + lastIndex);
    }
    lastIndex = index;
    notifyAll();
  }

  @Override
  public void checkpoint(long index, byte[] logMeta) {
    LongConsumer listener;
    synchronized (this) {
      if (index != lastIndex) {
        throw new AssertionError("checkpoint at " + index + " but applied is " + lastIndex);
      }
      checkpoints++;
      if (!checkpointing) {
        return;
      }
      disk.put(index, logMeta, state);
      listener = durable;
    }
    if (listener != null) {
      listener.accept(index);
    }
  }

  @Override
  public synchronized CompletionStage<Image> imageAt(long index) {
    if (index != lastIndex) {
      throw new AssertionError("image at " + index + " but applied is " + lastIndex);
    }
    List<String> copy = List.copyOf(state);
    return CompletableFuture.completedFuture(
        new Image() {
          @Override
          public void writeTo(OutputStream out) throws IOException {
            DataOutputStream data = new DataOutputStream(out);
            data.writeInt(copy.size());
            for (String entry : copy) {
              data.writeUTF(entry);
            }
            data.flush();
          }

          @Override
          public void close() {}
        });
  }

  @Override
  public void install(long index, byte[] logMeta, InputStream image) throws IOException {
    LongConsumer listener;
    synchronized (this) {
      DataInputStream in = new DataInputStream(image);
      state.clear();
      int size = in.readInt();
      for (int i = 0; i < size; i++) {
        state.add(in.readUTF());
      }
      lastIndex = index;
      installs++;
      notifyAll();
      if (!checkpointing) {
        return;
      }
      disk.put(index, logMeta, state);
      listener = durable;
    }
    if (listener != null) {
      listener.accept(index);
    }
  }

  synchronized List<String> state() {
    return List.copyOf(state);
  }

  synchronized List<Long> newTerms() {
    return List.copyOf(newTerms);
  }

  synchronized long lastIndex() {
    return lastIndex;
  }

  synchronized int checkpoints() {
    return checkpoints;
  }

  synchronized int installs() {
    return installs;
  }

  synchronized void awaitIndex(long index) throws InterruptedException {
    long deadline = System.nanoTime() + 10_000_000_000L;
    while (lastIndex < index) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("applied only " + lastIndex + " of " + index);
      }
      wait(100);
    }
  }

  @Override
  public byte[] answer(int fromMember, byte[] question) {
    return question;
  }
}
