package io.quorate.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The packaged program in a process of its own, with its output in a file. Ends only what it
 * started.
 */
public final class MemberProcess implements AutoCloseable {
  private static final Duration START_LIMIT = Duration.ofSeconds(120);

  private final Process process;
  private final String host;
  private final int httpPort;
  private final Path output;
  private final HttpClient client =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();

  private MemberProcess(Process process, String host, int httpPort, Path output) {
    this.process = process;
    this.host = host;
    this.httpPort = httpPort;
    this.output = output;
  }

  /**
   * Starts it on {@code dataDir} and on a port of its own; returns at once. Options that begin with
   * {@code -X} are the JVM's.
   */
  public static MemberProcess start(Path dataDir, int httpPort, List<String> options) {
    return start(List.of(), "127.0.0.1", dataDir, httpPort, options);
  }

  /**
   * The same on another address of this machine.
   *
   * @param prefix what the command line begins with, for example to enter a network namespace; it
   *     must become the program, not its parent
   */
  public static MemberProcess start(
      List<String> prefix, String host, Path dataDir, int httpPort, List<String> options) {
    return start(prefix, host, dataDir, httpPort, options, Map.of());
  }

  /** The same with more variables in its environment. */
  public static MemberProcess start(
      List<String> prefix,
      String host,
      Path dataDir,
      int httpPort,
      List<String> options,
      Map<String, String> environment) {
    try {
      Path output = dataDir.resolveSibling(dataDir.getFileName() + ".out");
      var command = new ArrayList<String>(prefix);
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.add("-Xmx512m");
      options.stream().filter(MemberProcess::isForJvm).forEach(command::add);
      command.add("-jar");
      command.add(jar().toString());
      command.add("--server.port=" + httpPort);
      command.add("--server.address=" + host);
      command.add("--quorate.data-dir=" + dataDir);
      if (options.stream().noneMatch(option -> option.startsWith("--quorate.zookeeper.port"))) {
        command.add("--quorate.zookeeper.port=-1");
      }
      options.stream().filter(option -> !isForJvm(option)).forEach(command::add);
      ProcessBuilder builder =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(output.toFile()));
      builder.environment().putAll(environment);
      Process process = builder.start();
      return new MemberProcess(process, host, httpPort, output);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean isForJvm(String option) {
    return option.startsWith("-X");
  }

  private static Path jar() {
    Path jar = Path.of(System.getProperty("quorate.jar", "target/quorate.jar")).toAbsolutePath();
    if (!Files.isRegularFile(jar)) {
      throw new IllegalStateException(jar + " is missing: package the project first");
    }
    return jar;
  }

  /** A port that was free a moment ago. */
  public static int freePort() {
    try (var socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public URI uri(String pathAndQuery) {
    return URI.create("http://" + host + ":" + httpPort + pathAndQuery);
  }

  public int httpPort() {
    return httpPort;
  }

  public long pid() {
    return process.pid();
  }

  public boolean isAlive() {
    return process.isAlive();
  }

  /** Waits until it says that it is ready. */
  public MemberProcess awaitReady() throws InterruptedException {
    long deadline = System.nanoTime() + START_LIMIT.toNanos();
    HttpRequest request =
        HttpRequest.newBuilder(uri("/actuator/health/readiness"))
            .timeout(Duration.ofSeconds(2))
            .build();
    while (System.nanoTime() < deadline && process.isAlive()) {
      try {
        if (client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == 200) {
          return this;
        }
      } catch (IOException e) {
        // Not listening yet.
      }
      TimeUnit.MILLISECONDS.sleep(50);
    }
    throw new IllegalStateException("not ready; its output was:\n" + output());
  }

  public String output() {
    try {
      return Files.readString(output);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** SIGKILL. */
  public void kill() throws InterruptedException {
    process.destroyForcibly();
    process.waitFor();
  }

  /** SIGSTOP: it stands still with everything open. */
  public void pause() {
    signal("STOP");
  }

  /** SIGCONT. */
  public void resume() {
    signal("CONT");
  }

  private void signal(String name) {
    try {
      new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** SIGTERM; returns the exit code. */
  public int terminate(Duration limit) throws InterruptedException {
    process.destroy();
    if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
      throw new IllegalStateException("still running " + limit + " after SIGTERM");
    }
    return process.exitValue();
  }

  /** Waits for it to end by itself; returns the exit code. */
  public int awaitExit(Duration limit) throws InterruptedException {
    if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
      throw new IllegalStateException("still running after " + limit + ":\n" + output());
    }
    return process.exitValue();
  }

  @Override
  public void close() {
    process.destroyForcibly();
    try {
      process.waitFor(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
