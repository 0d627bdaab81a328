package io.quorate.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;

/** Who is measured, and how one of its members is started with its own defaults and fsync on. */
enum Contestant {
  QUORATE {
    @Override
    Launch launch(Member member, List<Member> all, BenchOptions options) {
      var command =
          new ArrayList<>(
              List.of(
                  options.home().resolve("tools/quorate").toString(),
                  "--server.address=127.0.0.1",
                  "--server.port=" + member.httpPort(),
                  "--quorate.id=" + member.id(),
                  "--quorate.zookeeper.port=" + member.zooKeeperPort(),
                  // so that one address may hold 10 000 sessions
                  "--quorate.zookeeper.max-connections-per-address=0",
                  "--quorate.data-dir=" + member.directory().resolve("data")));
      if (all.size() > 1) {
        command.add(
            "--quorate.members="
                + joined(all, other -> other.id() + "@127.0.0.1:" + other.peerPort()));
      }
      command.addAll(options.quorateArguments());
      return new Launch(
          command,
          Map.of(
              "JAVA_HOME",
              options.javaHome().toString(),
              "QUORATE_JAVA_OPTIONS",
              "-Xmx" + options.heap() + " " + options.quorateJavaOptions()));
    }
  },

  ZOOKEEPER {
    @Override
    Launch launch(Member member, List<Member> all, BenchOptions options) throws IOException {
      Path directory = member.directory();
      var lines =
          new ArrayList<>(
              List.of(
                  // the values of its own zoo_sample.cfg
                  "tickTime=2000",
                  "initLimit=10",
                  "syncLimit=5",
                  "dataDir=" + directory.resolve("data"),
                  "clientPort=" + member.zooKeeperPort(),
                  "clientPortAddress=127.0.0.1",
                  // so that one address may hold 10 000 sessions, and we may ask who leads
                  "maxClientCnxns=0",
                  "4lw.commands.whitelist=srvr,ruok",
                  "admin.enableServer=false"));
      Files.createDirectories(directory.resolve("data"));
      if (all.size() > 1) {
        for (Member other : all) {
          lines.add(
              "server.%d=127.0.0.1:%d:%d"
                  .formatted(other.id(), other.peerPort(), other.electionPort()));
        }
        Files.writeString(directory.resolve("data/myid"), member.id() + "\n");
      }
      Files.write(directory.resolve("zoo.cfg"), lines);
      Files.writeString(
          directory.resolve("logback.xml"),
          """
          <configuration>
            <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
              <encoder><pattern>%d [%t] %-5p %c{1} %m%n</pattern></encoder>
            </appender>
            <root level="INFO"><appender-ref ref="out"/></root>
          </configuration>
          """);
      var command =
          new ArrayList<>(
              List.of(options.javaHome().resolve("bin/java").toString(), "-Xmx" + options.heap()));
      if (!options.zooKeeperJavaOptions().isEmpty()) {
        command.addAll(List.of(options.zooKeeperJavaOptions().split(" ")));
      }
      command.addAll(
          List.of(
              "-Dlogback.configurationFile=" + directory.resolve("logback.xml"),
              "-cp",
              options.zooKeeperClasspath(),
              "org.apache.zookeeper.server.quorum.QuorumPeerMain",
              directory.resolve("zoo.cfg").toString()));
      return new Launch(command, Map.of());
    }
  },

  ETCD {
    @Override
    Launch launch(Member member, List<Member> all, BenchOptions options) {
      String client = "http://127.0.0.1:" + member.httpPort();
      String peer = "http://127.0.0.1:" + member.peerPort();
      return new Launch(
          List.of(
              "etcd",
              "--name=m" + member.id(),
              "--data-dir=" + member.directory().resolve("data"),
              "--listen-client-urls=" + client,
              "--advertise-client-urls=" + client,
              "--listen-peer-urls=" + peer,
              "--initial-advertise-peer-urls=" + peer,
              "--initial-cluster-state=new",
              "--initial-cluster="
                  + joined(
                      all, other -> "m" + other.id() + "=http://127.0.0.1:" + other.peerPort())),
          Map.of());
    }
  };

  abstract Launch launch(Member member, List<Member> all, BenchOptions options) throws IOException;

  boolean speaksZooKeeper() {
    return this != ETCD;
  }

  boolean speaksHttp() {
    return this != ZOOKEEPER;
  }

  String label() {
    return switch (this) {
      case QUORATE -> "Quorate";
      case ZOOKEEPER -> "ZooKeeper";
      case ETCD -> "etcd";
    };
  }

  String fileName() {
    return name().toLowerCase(Locale.ROOT);
  }

  private static String joined(List<Member> all, Function<Member, String> form) {
    return String.join(",", all.stream().map(form).toList());
  }

  record Launch(List<String> command, Map<String, String> environment) {}

  /** A place for a server: its number from 1, its directory, its ports on loopback. */
  record Member(
      int id, Path directory, int zooKeeperPort, int httpPort, int peerPort, int electionPort) {}
}
