package io.quorate.server;

import io.quorate.consensus.Replicator;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What every member says of itself: twice a second each tells the leader, and hears in return what
 * the others said. Not logged; it is for people and consoles to look at.
 *
 * <p>Guarded by itself.
 */
final class Roster {
  static final long PERIOD_MS = 500;
  private static final long FRESH_MS = 3_000;

  private final Clock clock;
  private final Map<Integer, Heard> heard = new TreeMap<>();
  private int httpPort = -1;
  private int zookeeperPort = -1;
  private boolean asking;

  Roster(Clock clock) {
    this.clock = clock;
  }

  /**
   * What a member said of itself.
   *
   * @param applied log index that it has applied
   * @param committed log index that it knows to be committed
   * @param httpPort where its HTTP door is; -1 when it has not said
   * @param zookeeperPort where its ZooKeeper door is; -1 when it has none
   * @param diskRoom whether its disk has room for what grows data
   */
  record Row(
      int id,
      long term,
      long applied,
      long committed,
      int httpPort,
      int zookeeperPort,
      boolean diskRoom) {}

  private record Heard(Row row, long atMs) {}

  /** Where this member's own doors are. */
  synchronized void announce(int http, int zookeeper) {
    httpPort = http;
    zookeeperPort = zookeeper;
  }

  synchronized int httpPort() {
    return httpPort;
  }

  synchronized int zookeeperPort() {
    return zookeeperPort;
  }

  /** What {@code id} said within the last seconds. */
  synchronized Optional<Row> fresh(int id) {
    Heard row = heard.get(id);
    return row == null || clock.monotonicMs() - row.atMs > FRESH_MS
        ? Optional.empty()
        : Optional.of(row.row);
  }

  /** Whether so many voters lately said that their disks are full that the rest is no quorum. */
  boolean quorumShortOfRoom(Replicator replicator) {
    int voters = 0;
    int full = 0;
    for (Replicator.Progress progress : replicator.group().progress()) {
      if (progress.member().role() == Replicator.Role.VOTER) {
        voters++;
        full += fresh(progress.member().id()).filter(row -> !row.diskRoom).isPresent() ? 1 : 0;
      }
    }
    return full > 0 && voters - full < voters / 2 + 1;
  }

  /** Tells the leader about this member and takes over what it knows of the others. */
  void exchange(Replicator replicator, byte kind, int id, long applied) {
    byte[] question;
    synchronized (this) {
      if (asking) {
        return;
      }
      asking = true;
      var own =
          new Row(
              id,
              replicator.leadership().term(),
              applied,
              replicator.group().commitIndex(),
              httpPort,
              zookeeperPort,
              replicator.headroom().enough());
      question = encode(kind, List.of(own), 0);
    }
    replicator
        .askLeader(question)
        .whenComplete(
            (answer, failure) -> {
              synchronized (this) {
                asking = false;
                if (answer != null) {
                  long timeMs = take(answer);
                  if (!replicator.leadership().localLeader()) {
                    clock.hear(timeMs);
                  }
                }
              }
            });
  }

  /** On the leader: takes a member's row and tells all that are fresh. */
  synchronized byte[] answer(byte kind, byte[] question) {
    take(question);
    return encode(
        kind,
        heard.keySet().stream().map(this::fresh).flatMap(Optional::stream).toList(),
        clock.wallMs());
  }

  /** What time the sender says it is. */
  private long take(byte[] message) {
    try (var in = new DataInputStream(new ByteArrayInputStream(message))) {
      in.readByte();
      int count = in.readUnsignedByte();
      for (int i = 0; i < count; i++) {
        var row =
            new Row(
                in.readInt(),
                in.readLong(),
                in.readLong(),
                in.readLong(),
                in.readInt(),
                in.readInt(),
                in.readBoolean());
        heard.put(row.id, new Heard(row, clock.monotonicMs()));
      }
      return in.readLong();
    } catch (IOException e) {
      throw new UncheckedIOException("a member's report cannot be read", e);
    }
  }

  private static byte[] encode(byte kind, Collection<Row> rows, long timeMs) {
    var bytes = new ByteArrayOutputStream();
    try (var out = new DataOutputStream(bytes)) {
      out.writeByte(kind);
      out.writeByte(rows.size());
      for (Row row : rows) {
        out.writeInt(row.id);
        out.writeLong(row.term);
        out.writeLong(row.applied);
        out.writeLong(row.committed);
        out.writeInt(row.httpPort);
        out.writeInt(row.zookeeperPort);
        out.writeBoolean(row.diskRoom);
      }
      out.writeLong(timeMs);
    } catch (IOException e) {
      throw new UncheckedIOException("memory does not fail", e);
    }
    return bytes.toByteArray();
  }
}
