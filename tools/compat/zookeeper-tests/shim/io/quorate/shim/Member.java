package io.quorate.shim;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import org.apache.zookeeper.server.NIOServerCnxnFactory;

/**
 * The member that a test finds on its port. Starting a program takes its time, so one process
 * serves test after test: what the one before left is deleted, as the test would start on an empty
 * directory. A test that starts its server again on the same directory gets a process that was
 * killed and started again. Other settings, and classes that are marked so, get a new process.
 */
final class Member {
  /** Guarded by the class, as all of this. */
  private static Member kept;

  private static long servedCount;
  private static boolean fresh;

  private final QuorateProcess process;
  private final List<String> options;
  private File served;

  private Member(QuorateProcess process, List<String> options) {
    this.process = process;
    this.options = options;
  }

  /** How often a test got a member, since the first. */
  static synchronized long servedCount() {
    return servedCount;
  }

  static synchronized void served() {
    servedCount++;
  }

  /** The next start is to be a new process. */
  static synchronized void freshen() {
    fresh = true;
  }

  /** The port of a member that holds what {@code directory} holds: nothing, when it is new. */
  static synchronized int serve(File directory, int connectionsPerAddress, int tickMs)
      throws IOException, InterruptedException {
    servedCount++;
    List<String> options = options(connectionsPerAddress, tickMs);
    if (kept != null && directory.equals(kept.served)) {
      // The same test starts its server again, perhaps with other settings.
      kept.process.stop();
      kept = new Member(new QuorateProcess(kept.process.directory(), options), options);
    } else if (kept == null || fresh || !options.equals(kept.options) || !kept.empty()) {
      if (kept != null) {
        kept.process.stop();
      }
      kept =
          new Member(
              new QuorateProcess(Files.createTempDirectory("member").toFile(), options), options);
    }
    kept.process.launch();
    kept.process.awaitAnswer();
    fresh = false;
    kept.served = directory;
    return kept.process.port();
  }

  private static List<String> options(int connectionsPerAddress, int tickMs) {
    var options = new ArrayList<String>();
    options.add("--quorate.tick-time=" + tickMs + "ms");
    options.add(
        "--quorate.zookeeper.max-connections-per-address=" + Math.max(0, connectionsPerAddress));
    pass(options, "zookeeper.4lw.commands.whitelist", "--quorate.zookeeper.four-letter-words=", "");
    pass(options, "zookeeper.enforceQuota", "--quorate.zookeeper.enforce-quota=", "");
    pass(
        options,
        NIOServerCnxnFactory.ZOOKEEPER_NIO_SESSIONLESS_CNXN_TIMEOUT,
        "--quorate.zookeeper.handshake-timeout=",
        "ms");
    options.add(
        "--quorate.super-digest="
            + System.getProperty(
                "zookeeper.DigestAuthenticationProvider.superDigest", Emptying.SUPER));
    return options;
  }

  private static void pass(List<String> options, String theirs, String ours, String unit) {
    String value = System.getProperty(theirs);
    if (value != null) {
      options.add(ours + value + unit);
    }
  }

  private boolean empty() throws IOException, InterruptedException {
    return options.contains("--quorate.super-digest=" + Emptying.SUPER)
        && Emptying.done(process.port());
  }
}
