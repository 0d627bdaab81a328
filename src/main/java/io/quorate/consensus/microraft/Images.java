package io.quorate.consensus.microraft;

import io.microraft.model.log.SnapshotChunk;
import io.microraft.model.message.InstallSnapshotRequest;
import io.quorate.consensus.LogConsumer;
import io.quorate.consensus.log.Disk;
import io.quorate.consensus.log.SmallFile;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Images of the state on their way to a peer that has fallen behind the log, and the ones that came
 * from a peer. Owned by the strand.
 *
 * <p>Both are files, never bytes in heap. An image is made only when a peer asks for it. A received
 * one stays until a checkpoint at or above its index is durable, because the log has a hole where
 * it stands; the small file beside it, written last, says that it is whole.
 */
final class Images {
  private static final Logger LOG = LoggerFactory.getLogger(Images.class);
  private static final String RECEIVED = "image-";
  private static final String META = ".meta";
  private static final String INCOMING = "incoming";
  private static final String OUTGOING = "outgoing";
  private static final int PIECE_BYTES = 256 * 1024;
  private static final int WINDOW_BYTES = 4 * PIECE_BYTES;
  private static final long STALLED_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
  private static final long GIVEN_UP_NANOS = TimeUnit.SECONDS.toNanos(30);

  private final Disk disk;
  private final Strand strand;
  private final Executor background;
  private final BiConsumer<PeerEndpoint, Frame> send;
  private final Consumer<Throwable> failed;
  private final Map<PeerEndpoint, Transfer> transfers = new HashMap<>();
  private @Nullable Outgoing outgoing;
  private @Nullable Incoming incoming;
  private long outgoingNumber;

  /** The operation of a chunk that came from a peer: the image is in a file. */
  record Received(long index) {}

  /** A whole image found or received. */
  record Stored(long index, SnapshotMeta meta) {}

  private static final class Outgoing {
    final long index;
    final String name;
    boolean ready;
    boolean offered;
    long total;
    long usedNanos;
    Disk.@Nullable DiskFile file;

    Outgoing(long index, String name) {
      this.index = index;
      this.name = name;
    }
  }

  private static final class Transfer {
    InstallSnapshotRequest request;
    long taken;
    long sent;
    long movedNanos;
    long takenNanos;

    Transfer(InstallSnapshotRequest request, long nowNanos) {
      this.request = request;
      this.movedNanos = nowNanos;
      this.takenNanos = nowNanos;
    }
  }

  private static final class Incoming {
    final long index;
    final long total;
    final PeerEndpoint from;
    final Disk.DiskFile file;
    long offset;

    Incoming(PeerEndpoint from, long index, long total, Disk.DiskFile file) {
      this.from = from;
      this.index = index;
      this.total = total;
      this.file = file;
    }
  }

  Images(
      Disk disk,
      Strand strand,
      Executor background,
      BiConsumer<PeerEndpoint, Frame> send,
      Consumer<Throwable> failed) {
    this.disk = disk;
    this.strand = strand;
    this.background = background;
    this.send = send;
    this.failed = failed;
  }

  // ---- on disk

  /** The newest whole image above {@code index}; everything else that lies about is removed. */
  @Nullable Stored recover(long index) throws IOException {
    @Nullable Stored newest = null;
    for (String name : disk.list()) {
      if (name.startsWith(RECEIVED) && name.endsWith(META)) {
        Stored stored = readMeta(name);
        if (stored.index() > index && (newest == null || stored.index() > newest.index())) {
          newest = stored;
        }
      }
    }
    long keep = newest == null ? -1 : newest.index();
    for (String name : disk.list()) {
      boolean received =
          name.startsWith(RECEIVED) && !name.equals(nameOf(keep)) && !name.equals(metaOf(keep));
      if (received || name.startsWith(INCOMING) || name.startsWith(OUTGOING)) {
        disk.delete(name);
      }
    }
    return newest;
  }

  private Stored readMeta(String name) throws IOException {
    byte[] bytes =
        new SmallFile(disk, name)
            .read()
            .orElseThrow(() -> new IOException(disk.describe(name) + " vanished"));
    DataInputStream in = Codec.input(bytes);
    long index = in.readLong();
    byte[] meta = new byte[in.readInt()];
    in.readFully(meta);
    return new Stored(index, SnapshotMeta.decode(meta));
  }

  /** Keeps a received image; it is whole and durable when this returns. */
  void keep(SnapshotChunk chunk) throws IOException {
    Incoming done = incoming;
    if (done == null || done.index != chunk.getIndex() || done.offset != done.total) {
      throw new IOException("the image at " + chunk.getIndex() + " has not come whole");
    }
    incoming = null;
    done.file.close();
    disk.rename(INCOMING, nameOf(done.index));
    SnapshotMeta meta = new SnapshotMeta(chunk.getTerm(), chunk.getGroupMembersView());
    byte[] encoded = meta.encode();
    new SmallFile(disk, metaOf(done.index))
        .write(
            Codec.bytes(
                out -> {
                  out.writeLong(done.index);
                  out.writeInt(encoded.length);
                  out.write(encoded);
                }));
  }

  /** Reads a kept image. */
  InputStream open(long index) throws IOException {
    return new FileInput(disk.open(nameOf(index)));
  }

  /** Removes images that a durable checkpoint covers. */
  void covered(long index) throws IOException {
    boolean gone = false;
    for (String name : disk.list()) {
      if (name.startsWith(RECEIVED) && !name.endsWith(META)) {
        long at = Long.parseLong(name, RECEIVED.length(), name.length(), 10);
        if (at <= index) {
          // The meta first: alone it would promise a file that is gone.
          disk.delete(metaOf(at));
          disk.syncDirectory();
          disk.delete(name);
          gone = true;
        }
      }
    }
    if (gone) {
      disk.syncDirectory();
    }
  }

  private static String nameOf(long index) {
    return RECEIVED + "%016d".formatted(index);
  }

  private static String metaOf(long index) {
    return nameOf(index) + META;
  }

  // ---- to a peer

  /** Whether an image of this index is there or being made. */
  boolean has(long index) {
    Outgoing out = outgoing;
    return out != null && out.index == index;
  }

  /**
   * Whether one is on its way to a peer, or was made for a peer that has yet to come back for it:
   * it asks at every heartbeat, for the newest snapshot there is.
   */
  boolean serving() {
    return !transfers.isEmpty() || (outgoing != null && !outgoing.offered);
  }

  /** Writes the host's image into a file, in the background; replaces an older one. */
  void make(long index, LogConsumer consumer) {
    dropOutgoing();
    Outgoing out = new Outgoing(index, OUTGOING + "-" + outgoingNumber++);
    outgoing = out;
    consumer
        .imageAt(index)
        .whenComplete(
            (image, failure) -> {
              if (image == null) {
                LOG.warn("The host made no image at {}", index, failure);
                strand.execute(() -> abandon(out));
              } else {
                background.execute(() -> write(out, image));
              }
            });
  }

  private void write(Outgoing out, LogConsumer.Image image) {
    try (image;
        FileOutput file = new FileOutput(disk.create(out.name))) {
      image.writeTo(file);
      file.flush();
      long total = file.position;
      strand.execute(() -> ready(out, total));
    } catch (IOException | RuntimeException e) {
      // No room for an image is no reason to stop: the peer asks again.
      LOG.warn("Could not write the image at {} for a peer", out.index, e);
      strand.execute(() -> abandon(out));
    }
  }

  private void ready(Outgoing out, long total) {
    try {
      if (outgoing != out) {
        disk.delete(out.name);
        return;
      }
      out.file = disk.open(out.name);
      out.total = total;
      out.ready = true;
      out.usedNanos = strand.nanoTime();
    } catch (IOException e) {
      LOG.warn("Could not read the image at {} back", out.index, e);
      abandon(out);
      return;
    }
    for (PeerEndpoint peer : transfers.keySet()) {
      pump(peer);
    }
  }

  private void abandon(Outgoing out) {
    if (outgoing == out) {
      dropOutgoing();
    }
  }

  /** Forgets the image and whoever waits for it. */
  void dropOutgoing() {
    transfers.clear();
    Outgoing out = outgoing;
    outgoing = null;
    if (out == null) {
      return;
    }
    try {
      if (out.file != null) {
        out.file.close();
      }
      if (out.ready) {
        disk.delete(out.name);
      }
    } catch (IOException e) {
      LOG.warn("Could not remove {}", disk.describe(out.name), e);
    }
  }

  /** A peer wants the image that {@link #has} this index: begins to send it, or goes on. */
  void offer(PeerEndpoint peer, InstallSnapshotRequest request) {
    if (outgoing != null) {
      outgoing.offered = true;
    }
    Transfer transfer = transfers.get(peer);
    if (transfer == null || transfer.request.getSnapshotIndex() != request.getSnapshotIndex()) {
      transfers.put(peer, new Transfer(request, strand.nanoTime()));
      pump(peer);
    } else {
      transfer.request = request;
    }
  }

  private void pump(PeerEndpoint peer) {
    Outgoing out = outgoing;
    Transfer transfer = transfers.get(peer);
    if (out == null || transfer == null || !out.ready || out.file == null) {
      return;
    }
    try {
      boolean first = transfer.sent == 0;
      while (first
          || (transfer.sent < out.total && transfer.sent - transfer.taken < WINDOW_BYTES)) {
        first = false;
        int size = (int) Math.min(PIECE_BYTES, out.total - transfer.sent);
        ByteBuffer piece = ByteBuffer.allocate(size);
        out.file.read(piece, transfer.sent);
        send.accept(peer, new Frame.ImagePiece(out.index, out.total, transfer.sent, piece.array()));
        transfer.sent += size;
        if (out.total == 0) {
          return;
        }
      }
    } catch (IOException e) {
      LOG.warn("Could not read the image at {}", out.index, e);
      abandon(out);
    }
  }

  void taken(PeerEndpoint peer, Frame.ImageTaken taken) {
    Outgoing out = outgoing;
    Transfer transfer = transfers.get(peer);
    if (out == null || transfer == null || taken.index() != out.index || !out.ready) {
      return;
    }
    transfer.movedNanos = strand.nanoTime();
    transfer.takenNanos = transfer.movedNanos;
    out.usedNanos = transfer.movedNanos;
    transfer.taken = Math.max(transfer.taken, taken.offset());
    transfer.sent = Math.max(transfer.sent, transfer.taken);
    if (transfer.taken >= out.total) {
      transfers.remove(peer);
      send.accept(peer, new Frame.Raft(transfer.request, 0));
    } else {
      pump(peer);
    }
  }

  /** Sends again what seems lost; lets go of peers that went away and of an image nobody wants. */
  void tick(long nowNanos) {
    transfers.values().removeIf(t -> nowNanos - t.takenNanos >= GIVEN_UP_NANOS);
    Outgoing out = outgoing;
    if (out != null
        && out.ready
        && transfers.isEmpty()
        && nowNanos - out.usedNanos >= GIVEN_UP_NANOS) {
      dropOutgoing();
    }
    for (Map.Entry<PeerEndpoint, Transfer> entry : transfers.entrySet()) {
      Transfer transfer = entry.getValue();
      if (nowNanos - transfer.movedNanos >= STALLED_NANOS) {
        transfer.movedNanos = nowNanos;
        transfer.sent = transfer.taken;
        pumpFrom(entry.getKey(), transfer);
      }
    }
  }

  private void pumpFrom(PeerEndpoint peer, Transfer transfer) {
    if (transfer.sent == 0 || transfer.sent - transfer.taken < WINDOW_BYTES) {
      pump(peer);
    }
  }

  // ---- from a peer

  /** Whether the image of this index has come whole. */
  boolean whole(long index) {
    Incoming in = incoming;
    return in != null && in.index == index && in.offset == in.total;
  }

  /** Whether an image is on its way from this peer. */
  boolean comesFrom(PeerEndpoint peer) {
    Incoming in = incoming;
    return in != null && in.from.equals(peer);
  }

  void piece(PeerEndpoint leader, Frame.ImagePiece piece) {
    try {
      Incoming in = incoming;
      if (in == null
          || in.index != piece.index()
          || in.total != piece.total()
          || !in.from.equals(leader)) {
        if (piece.offset() != 0) {
          return;
        }
        dropIncoming();
        in = new Incoming(leader, piece.index(), piece.total(), disk.create(INCOMING));
        incoming = in;
      }
      if (piece.offset() == in.offset && in.offset + piece.bytes().length <= in.total) {
        in.file.write(ByteBuffer.wrap(piece.bytes()), piece.offset());
        in.offset += piece.bytes().length;
        if (in.offset == in.total) {
          in.file.force();
        }
      }
      send.accept(leader, new Frame.ImageTaken(in.index, in.offset));
    } catch (IOException e) {
      // Nothing of it has been promised to anyone; but a disk that fails is not to be trusted.
      if (String.valueOf(e.getMessage()).contains("No space left")) {
        LOG.warn("No room for the image at {} from a peer", piece.index(), e);
        dropIncoming();
      } else {
        failed.accept(e);
      }
    }
  }

  /** A new leader sends its own image from the beginning; the same one goes on. */
  void follow(PeerEndpoint leader) {
    if (incoming != null && !comesFrom(leader)) {
      dropIncoming();
    }
  }

  /** Forgets what has come so far. */
  void dropIncoming() {
    Incoming in = incoming;
    incoming = null;
    if (in != null) {
      try {
        in.file.close();
        disk.delete(INCOMING);
      } catch (IOException e) {
        LOG.warn("Could not remove {}", disk.describe(INCOMING), e);
      }
    }
  }

  void close() {
    dropOutgoing();
    dropIncoming();
  }

  private static final class FileOutput extends OutputStream {
    private final Disk.DiskFile file;
    private final ByteBuffer buffer = ByteBuffer.allocate(PIECE_BYTES);
    private long position;

    FileOutput(Disk.DiskFile file) {
      this.file = file;
    }

    @Override
    public void write(int b) throws IOException {
      if (!buffer.hasRemaining()) {
        flush();
      }
      buffer.put((byte) b);
    }

    @Override
    public void write(byte[] bytes, int from, int count) throws IOException {
      if (count > buffer.remaining()) {
        flush();
      }
      if (count > buffer.remaining()) {
        file.write(ByteBuffer.wrap(bytes, from, count), position);
        position += count;
      } else {
        buffer.put(bytes, from, count);
      }
    }

    @Override
    public void flush() throws IOException {
      buffer.flip();
      int count = buffer.remaining();
      file.write(buffer, position);
      position += count;
      buffer.clear();
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }

  private static final class FileInput extends InputStream {
    private final Disk.DiskFile file;
    private final ByteBuffer buffer = ByteBuffer.allocate(PIECE_BYTES).flip();
    private long position;

    FileInput(Disk.DiskFile file) {
      this.file = file;
    }

    @Override
    public int read() throws IOException {
      return fill() ? buffer.get() & 0xff : -1;
    }

    @Override
    public int read(byte[] into, int from, int count) throws IOException {
      if (count == 0) {
        return 0;
      }
      if (!fill()) {
        return -1;
      }
      int size = Math.min(count, buffer.remaining());
      buffer.get(into, from, size);
      return size;
    }

    private boolean fill() throws IOException {
      if (!buffer.hasRemaining()) {
        buffer.clear();
        position += file.read(buffer, position);
        buffer.flip();
      }
      return buffer.hasRemaining();
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }
}
