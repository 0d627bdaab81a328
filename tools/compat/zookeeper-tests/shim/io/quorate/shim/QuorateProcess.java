package io.quorate.shim;

import java.io.File;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The packaged program. It is ended with SIGKILL: what was acknowledged is on disk, and whoever
 * starts it again on the same directory finds it.
 */
public final class QuorateProcess {
  private static final long START_LIMIT_MS = 90_000;
  private static final List<QuorateProcess> RUNNING = new ArrayList<>();

  private final File directory;
  private final List<String> options;
  private final int port;
  private Process process;

  /** One that is not running yet, with a port of its own. */
  QuorateProcess(File directory, List<String> options) throws IOException {
    this.directory = directory;
    this.options = options;
    this.port = freePort();
  }

  static int freePort() throws IOException {
    try (var socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  /** Starts it, unless it runs, and returns at once. */
  void launch() throws IOException {
    if (isAlive()) {
      return;
    }
    var command = new ArrayList<String>();
    command.add(System.getProperty("quorate.java"));
    command.addAll(Arrays.asList(System.getProperty("quorate.jvm").split(" ")));
    command.addAll(List.of("-jar", System.getProperty("quorate.jar")));
    command.addAll(List.of("--server.port=0", "--server.address=127.0.0.1"));
    command.add("--quorate.data-dir=" + new File(directory, "data"));
    command.add("--quorate.zookeeper.port=" + port);
    command.addAll(options);
    process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(new File(directory, "quorate.log")))
            .start();
    synchronized (RUNNING) {
      RUNNING.add(this);
    }
  }

  /** Waits until it serves. */
  public void awaitAnswer() throws IOException, InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(START_LIMIT_MS);
    while (!answers()) {
      if (!process.isAlive() || System.nanoTime() > deadline) {
        stop();
        throw new IOException("no member came up in " + directory + " with " + options);
      }
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }

  /** Not before somebody leads; what a test lets be asked always has this one. */
  private boolean answers() {
    try {
      return ask("stat").startsWith("Zookeeper version");
    } catch (IOException e) {
      return false;
    }
  }

  /** What it says to one of the four-letter words. */
  public String ask(String word) throws IOException {
    try (var socket = new Socket("127.0.0.1", port)) {
      socket.setSoTimeout(2_000);
      socket.getOutputStream().write(word.getBytes(StandardCharsets.US_ASCII));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  File directory() {
    return directory;
  }

  public int port() {
    return port;
  }

  public boolean isAlive() {
    return process != null && process.isAlive();
  }

  /** SIGKILL. */
  public void stop() {
    if (process == null) {
      return;
    }
    process.destroyForcibly();
    try {
      process.waitFor(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    synchronized (RUNNING) {
      RUNNING.remove(this);
    }
  }

  static void stopAll() {
    List<QuorateProcess> left;
    synchronized (RUNNING) {
      left = List.copyOf(RUNNING);
    }
    left.forEach(QuorateProcess::stop);
  }
}
