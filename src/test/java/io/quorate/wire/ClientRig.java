package io.quorate.wire;

import java.io.IOException;
import org.apache.zookeeper.ZooKeeper;

/**
 * Something that stock clients are tried against, empty at the start: a member in this process, or
 * members that run already and whose addresses the property {@code quorate.compat.zookeeper} gives.
 */
interface ClientRig extends AutoCloseable {
  /** What a client is told. */
  String address();

  /** A connected client that is closed with the rig. */
  ZooKeeper client() throws IOException, InterruptedException;

  /** Closes a client's connection; its session goes on. */
  void cut(ZooKeeper client) throws IOException;

  /** What shorter session timeouts are brought up to. */
  int minTimeoutMs();

  /** What longer session timeouts are brought down to. */
  int maxTimeoutMs();

  @Override
  void close() throws InterruptedException;

  static ClientRig start() throws Exception {
    String running = System.getProperty("quorate.compat.zookeeper", "");
    return running.isEmpty() ? WireRig.start() : RunningMembers.at(running);
  }

  /** One whose quotas refuse. Members that run already are to be configured so. */
  static ClientRig startEnforcingQuota() throws Exception {
    String running = System.getProperty("quorate.compat.zookeeper", "");
    return running.isEmpty()
        ? WireRig.start(WireRig.settings(400, 40_000, true), 0)
        : RunningMembers.at(running);
  }
}
