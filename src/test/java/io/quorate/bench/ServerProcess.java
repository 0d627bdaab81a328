package io.quorate.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** One server: how it is started, and what the kernel says it used. */
final class ServerProcess {
  private static final double TICKS_PER_SECOND = 100; // USER_HZ, what /proc counts in

  private final Process process;

  private ServerProcess(Process process) {
    this.process = process;
  }

  static ServerProcess start(
      List<String> command, Map<String, String> environment, Path directory, Path pids)
      throws IOException {
    Files.createDirectories(directory);
    var builder =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(directory.resolve("output").toFile()));
    builder.environment().putAll(environment);
    var process = builder.start();
    Files.writeString(
        pids, process.pid() + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
    return new ServerProcess(process);
  }

  long pid() {
    return process.pid();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  /** SIGTERM, and SIGKILL for one that still runs after 20 s. */
  void stop() throws InterruptedException {
    process.destroy();
    if (!process.waitFor(20, TimeUnit.SECONDS)) {
      kill();
    }
  }

  Usage usage() throws IOException {
    Path proc = Path.of("/proc", Long.toString(process.pid()));
    String stat = Files.readString(proc.resolve("stat"));
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    double cpuSeconds =
        (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS_PER_SECOND;
    return new Usage(
        cpuSeconds,
        number(proc.resolve("status"), "VmRSS:") / 1024.0,
        number(proc.resolve("io"), "write_bytes:") / 1024.0 / 1024.0);
  }

  private static long number(Path file, String name) throws IOException {
    for (String line : Files.readAllLines(file)) {
      if (line.startsWith(name)) {
        return Long.parseLong(line.substring(name.length()).replaceAll("\\D", ""));
      }
    }
    throw new NoSuchFileException(file + " has no " + name);
  }

  /** Since the start of the process, but for the memory, which is now's. */
  record Usage(double cpuSeconds, double rssMb, double writtenMb) {}
}
