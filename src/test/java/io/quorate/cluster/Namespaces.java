package io.quorate.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Hosts on this machine: one network namespace each, joined by a bridge, with links that can be
 * cut.
 *
 * <p>Needs root and iproute2. Everything has this process's number in its name and is removed at
 * the end.
 */
final class Namespaces implements AutoCloseable {
  private static final String SUBNET = "10.77.";

  /** A packet must fit. */
  private static final String BURST_BYTES = "2000";

  private final int count;
  private final int net;
  private final String bridge;
  private final List<String> created = new ArrayList<>();

  private Namespaces(int count, long pid) {
    this.count = count;
    this.net = (int) (pid % 250) + 1;
    this.bridge = "qb" + pid;
  }

  /** Makes hosts 1 to {@code count}. */
  static Namespaces create(int count) {
    var namespaces = new Namespaces(count, ProcessHandle.current().pid());
    try {
      namespaces.build();
      return namespaces;
    } catch (RuntimeException e) {
      namespaces.close();
      throw e;
    }
  }

  private void build() {
    ip("link", "add", bridge, "type", "bridge");
    ip("addr", "add", SUBNET + net + ".254/24", "dev", bridge);
    ip("link", "set", bridge, "up");
    for (int host = 1; host <= count; host++) {
      String name = name(host);
      ip("netns", "add", name);
      created.add(name);
      ip("link", "add", link(host), "type", "veth", "peer", "name", "eth0", "netns", name);
      ip("link", "set", link(host), "master", bridge, "up");
      ip("-n", name, "addr", "add", address(host) + "/24", "dev", "eth0");
      ip("-n", name, "link", "set", "eth0", "up");
      ip("-n", name, "link", "set", "lo", "up");
    }
  }

  private String name(int host) {
    return bridge + "n" + host;
  }

  private String link(int host) {
    return bridge + "v" + host;
  }

  String address(int host) {
    return SUBNET + net + "." + host;
  }

  /** What a command line begins with to run on {@code host}. */
  List<String> prefix(int host) {
    return List.of("ip", "netns", "exec", name(host));
  }

  /** Nothing goes from {@code from} to {@code to}; the other direction is not touched. */
  void block(int from, int to) {
    ip("-n", name(from), "route", "replace", "blackhole", address(to) + "/32");
    ip("-n", name(from), "route", "flush", "cache");
  }

  void unblock(int from, int to) {
    run(false, "ip", "-n", name(from), "route", "del", "blackhole", address(to) + "/32");
    ip("-n", name(from), "route", "flush", "cache");
  }

  /** Between the members; clients still reach every one. */
  void healAll() {
    for (int from = 1; from <= count; from++) {
      for (int to = 1; to <= count; to++) {
        if (from != to) {
          unblock(from, to);
        }
      }
      run(false, "tc", "-n", name(from), "qdisc", "del", "dev", "eth0", "root");
    }
  }

  /** Cuts {@code host} off from the other members, both ways. */
  void isolate(int host) {
    for (int other = 1; other <= count; other++) {
      if (other != host) {
        block(host, other);
        block(other, host);
      }
    }
  }

  /** Delays what {@code host} sends; false when this kernel cannot. */
  boolean delay(int host, int delayMs) {
    return queue(host, "netem", "delay", delayMs + "ms");
  }

  /**
   * Lets no more than {@code kilobits} a second leave {@code host}. What is more waits, up to
   * {@code mostMs}, and is lost beyond that; false when this kernel cannot.
   */
  boolean narrow(int host, int kilobits, int mostMs) {
    return queue(
        host, "tbf", "rate", kilobits + "kbit", "burst", BURST_BYTES, "latency", mostMs + "ms");
  }

  private boolean queue(int host, String... discipline) {
    var command =
        new ArrayList<>(List.of("tc", "-n", name(host), "qdisc", "replace", "dev", "eth0", "root"));
    command.addAll(List.of(discipline));
    return run(false, command.toArray(new String[0]));
  }

  private static void ip(String... arguments) {
    var command = new ArrayList<>(List.of("ip"));
    command.addAll(List.of(arguments));
    run(true, command.toArray(new String[0]));
  }

  private static boolean run(boolean must, String... command) {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String output = new String(process.getInputStream().readAllBytes());
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
      if (process.exitValue() != 0 && must) {
        throw new IllegalStateException(String.join(" ", command) + ": " + output);
      }
      return process.exitValue() == 0;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    for (String name : created) {
      run(false, "ip", "netns", "del", name);
    }
    run(false, "ip", "link", "del", bridge);
  }
}
