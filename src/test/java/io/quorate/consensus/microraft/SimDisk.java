package io.quorate.consensus.microraft;

import io.quorate.consensus.log.Disk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.LongConsumer;

/**
 * A disk that forgets: at a crash, what was not forced survives in random pieces, and directory
 * changes that were not synced survive up to a random one.
 */
final class SimDisk implements Disk {
  private static final int SECTOR_BYTES = 512;

  private final Map<String, Node> names = new TreeMap<>();
  private final List<Change> unsynced = new ArrayList<>();
  private final LongConsumer takesNanos;
  private final Random random;
  private final Map<String, Node> durableNames = new TreeMap<>();
  private int steps;
  private int lostAtStep;
  private boolean failing;
  private int slownessMs;

  private interface Change {
    void apply(Map<String, Node> names);
  }

  private static final class Node {
    byte[] current = new byte[0];
    byte[] durable = new byte[0];
    final List<long[]> dirty = new ArrayList<>();
  }

  /**
   * @param takesNanos told how long an fsync took
   */
  SimDisk(Random random, LongConsumer takesNanos) {
    this.random = random;
    this.takesNanos = takesNanos;
  }

  /** Loses power: what is left is what the next life finds. */
  void crash() {
    int kept = unsynced.isEmpty() ? 0 : random.nextInt(unsynced.size() + 1);
    for (Change change : unsynced.subList(0, kept)) {
      change.apply(durableNames);
    }
    unsynced.clear();
    names.clear();
    names.putAll(durableNames);
    for (Node node : names.values()) {
      byte[] left = node.durable.clone();
      for (long[] range : node.dirty) {
        left = tear(node, left, range);
      }
      node.current = left;
      node.durable = left.clone();
      node.dirty.clear();
    }
  }

  private byte[] tear(Node node, byte[] before, long[] range) {
    byte[] left = before;
    int luck = random.nextInt(3);
    for (long at = range[0]; at < range[1]; ) {
      long sectorEnd = Math.min(range[1], (at / SECTOR_BYTES + 1) * SECTOR_BYTES);
      boolean survives = luck == 0 || (luck == 1 && random.nextBoolean());
      if (survives) {
        if (left.length < sectorEnd) {
          left = Arrays.copyOf(left, (int) sectorEnd);
        }
        int count = (int) Math.min(sectorEnd, node.current.length) - (int) at;
        if (count > 0) {
          System.arraycopy(node.current, (int) at, left, (int) at, count);
        }
      }
      at = sectorEnd;
    }
    return left;
  }

  /** What would be left if the power went now and nothing unforced survived. */
  SimDisk durableCopy() {
    SimDisk copy = new SimDisk(new Random(0), nanos -> {});
    for (Map.Entry<String, Node> entry : durableNames.entrySet()) {
      Node node = new Node();
      node.current = entry.getValue().durable.clone();
      node.durable = node.current.clone();
      copy.names.put(entry.getKey(), node);
      copy.durableNames.put(entry.getKey(), node);
    }
    return copy;
  }

  /** From now on every fsync takes up to that much longer. */
  void beSlow(int mostMs) {
    slownessMs = mostMs;
  }

  /** From now on every fsync fails. */
  void failForces() {
    failing = true;
  }

  /** Loses power at the given step from now on, counted from 1; 0 is never. */
  void loseAtStep(int step) {
    steps = 0;
    lostAtStep = step;
  }

  /** How many writes, forces and directory changes there have been. */
  int steps() {
    return steps;
  }

  private void check() throws IOException {
    steps++;
    if (lostAtStep != 0 && steps >= lostAtStep) {
      throw new IOException("the power is gone");
    }
  }

  @Override
  public List<String> list() {
    return List.copyOf(names.keySet());
  }

  @Override
  public DiskFile open(String name) throws IOException {
    return new File(node(name), false);
  }

  @Override
  public DiskFile openToAppend(String name) throws IOException {
    return new File(node(name), true);
  }

  private Node node(String name) throws IOException {
    Node node = names.get(name);
    if (node == null) {
      throw new NoSuchFileException(name);
    }
    return node;
  }

  @Override
  public DiskFile create(String name) throws IOException {
    check();
    Node node = new Node();
    change(map -> map.put(name, node));
    return new File(node, false);
  }

  @Override
  public void rename(String from, String to) throws IOException {
    check();
    if (!names.containsKey(from)) {
      throw new NoSuchFileException(from);
    }
    change(
        map -> {
          Node node = map.remove(from);
          if (node != null) {
            map.put(to, node);
          }
        });
  }

  @Override
  public void delete(String name) throws IOException {
    check();
    change(map -> map.remove(name));
  }

  private void change(Change change) {
    change.apply(names);
    unsynced.add(change);
  }

  @Override
  public void syncDirectory() throws IOException {
    check();
    takesNanos.accept(50_000 + random.nextInt(200_000));
    unsynced.forEach(change -> change.apply(durableNames));
    unsynced.clear();
  }

  @Override
  public long usableBytes() {
    return 1L << 40;
  }

  @Override
  public String describe(String name) {
    return "simulated/" + name;
  }

  private final class File implements DiskFile {
    private final Node node;
    private final boolean wholeBlocks;

    File(Node node, boolean wholeBlocks) {
      this.node = node;
      this.wholeBlocks = wholeBlocks;
    }

    @Override
    public long size() {
      return node.current.length;
    }

    @Override
    public int read(ByteBuffer into, long position) {
      int count = (int) Math.min(into.remaining(), node.current.length - position);
      if (count <= 0) {
        return 0;
      }
      into.put(node.current, (int) position, count);
      return count;
    }

    @Override
    public void write(ByteBuffer from, long position) throws IOException {
      check();
      int count = from.remaining();
      if (position + count > node.current.length) {
        node.current = Arrays.copyOf(node.current, (int) position + count);
      }
      from.get(node.current, (int) position, count);
      int end = (int) position + count;
      if (wholeBlocks) {
        int blockEnd = Math.min(node.current.length, (end + BLOCK_BYTES - 1) & -BLOCK_BYTES);
        Arrays.fill(node.current, end, blockEnd, (byte) 0);
        end = blockEnd;
      }
      node.dirty.add(new long[] {position, end});
    }

    @Override
    public void force() throws IOException {
      check();
      if (failing) {
        throw new IOException("Input/output error");
      }
      takesNanos.accept(
          random.nextInt(200) == 0
              ? random.nextInt(300_000_000)
              : 50_000 + random.nextInt(300_000) + slownessMs * (long) random.nextInt(1_000_000));
      if (node.durable.length != node.current.length) {
        node.durable = node.current.clone();
      } else {
        for (long[] range : node.dirty) {
          System.arraycopy(
              node.current,
              (int) range[0],
              node.durable,
              (int) range[0],
              (int) (range[1] - range[0]));
        }
      }
      node.dirty.clear();
    }

    @Override
    public void close() {}
  }
}
