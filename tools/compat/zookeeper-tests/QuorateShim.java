import io.quorate.auth.Authenticator;
import io.quorate.server.Clock;
import io.quorate.state.Settings;
import io.quorate.testing.InMemoryCheckpointStore;
import io.quorate.testing.TestServer;
import io.quorate.wire.WireServer;
import java.io.File;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import net.bytebuddy.ByteBuddy;
import net.bytebuddy.dynamic.ClassFileLocator;
import net.bytebuddy.implementation.MethodDelegation;
import net.bytebuddy.implementation.bind.annotation.This;
import net.bytebuddy.matcher.ElementMatchers;
import net.bytebuddy.pool.TypePool;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * Runs tests of Apache ZooKeeper's own against a Quorate member: where their base class would start
 * a ZooKeeper server, this starts one of ours on the port that the test was given.
 *
 * <p>{@code patch DIR} writes their base class so changed; {@code run LIST} runs the classes named
 * in a file, with that directory first on the class path.
 */
public final class QuorateShim {
  private static final String BASE = "org.apache.zookeeper.test.ClientBase";
  private static final Map<String, Member> MEMBERS = new ConcurrentHashMap<>();

  private record Member(TestServer server, WireServer wire) {}

  /** What survives a restart of a test's server. */
  private static final Map<String, InMemoryCheckpointStore> DISKS = new ConcurrentHashMap<>();

  private QuorateShim() {}

  public static void main(String[] arguments) throws Exception {
    if (arguments[0].equals("patch")) {
      patch(new File(arguments[1]));
    } else {
      System.exit(run(Path.of(arguments[1])) ? 0 : 1);
    }
  }

  private static void patch(File directory) throws Exception {
    TypePool pool = TypePool.Default.ofSystemLoader();
    new ByteBuddy()
        .redefine(pool.describe(BASE).resolve(), ClassFileLocator.ForClassLoader.ofSystemLoader())
        .method(
            ElementMatchers.named("startServer").and(ElementMatchers.takesArguments(int.class)))
        .intercept(MethodDelegation.to(Start.class))
        .method(ElementMatchers.named("stopServer"))
        .intercept(MethodDelegation.to(Stop.class))
        .make()
        .saveIn(directory);
    // Theirs shows each connection as a bean, and their test kit waits for it.
    new ByteBuddy()
        .redefine(
            pool.describe("org.apache.zookeeper.test.JMXEnv").resolve(),
            ClassFileLocator.ForClassLoader.ofSystemLoader())
        .method(
            ElementMatchers.nameStartsWith("ensure").and(ElementMatchers.returns(Set.class)))
        .intercept(MethodDelegation.to(NoBeans.class))
        .make()
        .saveIn(directory);
  }

  /** In place of {@code JMXEnv.ensureAll} and the like. */
  public static final class NoBeans {
    public static Set<?> none() {
      return new java.util.HashSet<>();
    }
  }

  /** In place of {@code ClientBase.startServer(int)}. */
  public static final class Start {
    public static void start(@This Object test) throws Exception {
      String hostPort = hostPort(test);
      Settings d = Settings.DEFAULT;
      var settings =
          new Settings(
              d.maxDataBytes(),
              d.historyMaxEvents(),
              d.historyMaxBytes(),
              6_000,
              60_000,
              d.maxDeleteTree(),
              d.keyMinAgeMs(),
              d.maxKeys(),
              d.maxKeyBytes(),
              Boolean.getBoolean("zookeeper.enforceQuota"));
      TestServer server =
          TestServer.start(
              settings,
              Duration.ofSeconds(10),
              DISKS.computeIfAbsent(hostPort, h -> new InMemoryCheckpointStore()));
      var wire =
          new WireServer(
              new WireServer.Options(
                  "127.0.0.1",
                  Integer.parseInt(hostPort.substring(hostPort.lastIndexOf(':') + 1)),
                  WireServer.Options.MAX_FRAME_BYTES,
                  0,
                  Duration.ofSeconds(3),
                  Set.of("*"),
                  1,
                  "none"),
              server.coordinator(),
              server.sessions(),
              server.watches(),
              Clock.SYSTEM,
              new Authenticator(
                  Optional.ofNullable(
                      System.getProperty("zookeeper.DigestAuthenticationProvider.superDigest"))));
      wire.start();
      MEMBERS.put(hostPort, new Member(server, wire));
    }
  }

  /** In place of {@code ClientBase.stopServer()}. */
  public static final class Stop {
    public static void stop(@This Object test) throws Exception {
      Member member = MEMBERS.remove(hostPort(test));
      if (member != null) {
        member.wire.close();
        member.server.replicator.checkpointNow();
        Thread.sleep(200); // the port is free and the checkpoint there
        member.server.close();
      }
    }
  }

  private static String hostPort(Object test) throws ReflectiveOperationException {
    for (Class<?> type = test.getClass(); ; type = type.getSuperclass()) {
      if (type.getName().equals(BASE)) {
        Field field = type.getDeclaredField("hostPort");
        field.setAccessible(true);
        String[] parts = ((String) field.get(test)).split("/")[0].split(":");
        return "127.0.0.1:" + parts[parts.length - 1];
      }
    }
  }

  private static boolean run(Path list) throws Exception {
    var exclusions = new TreeMap<String, String>();
    var selectors = new ArrayList<org.junit.platform.engine.DiscoverySelector>();
    for (String line : Files.readAllLines(list)) {
      String text = line.strip();
      if (text.startsWith("-")) {
        int colon = text.indexOf(':');
        exclusions.put(text.substring(1, colon).strip(), text.substring(colon + 1).strip());
      } else if (!text.isEmpty() && !text.startsWith("#")) {
        selectors.add(DiscoverySelectors.selectClass(text));
      }
    }
    var results = new Results(exclusions);
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(selectors)
            .configurationParameter("junit.jupiter.execution.timeout.default", "60 s")
            .build();
    Launcher launcher = LauncherFactory.create();
    launcher.execute(request, results);
    return results.report();
  }

  private static final class Results implements TestExecutionListener {
    private final Map<String, String> exclusions;
    private final List<String> failures = new ArrayList<>();
    private final List<String> excluded = new ArrayList<>();
    private int found;
    private int passed;
    private int skipped;

    Results(Map<String, String> exclusions) {
      this.exclusions = exclusions;
    }

    private static String name(TestIdentifier test) {
      return test.getSource()
          .map(
              source ->
                  source instanceof org.junit.platform.engine.support.descriptor.MethodSource m
                      ? m.getClassName().replaceAll(".*\\.", "") + "." + m.getMethodName()
                      : source.toString())
          .orElse(test.getDisplayName());
    }

    @Override
    public void executionSkipped(TestIdentifier test, String reason) {
      if (test.isTest()) {
        found++;
        skipped++;
      }
    }

    @Override
    public void executionStarted(TestIdentifier test) {
      if (test.isTest()) {
        System.err.println(name(test));
      }
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
      if (!test.isTest()) {
        result
            .getThrowable()
            .ifPresent(e -> failures.add(test.getDisplayName() + " as a whole: " + e));
        return;
      }
      found++;
      String name = name(test);
      if (result.getStatus() == TestExecutionResult.Status.SUCCESSFUL) {
        passed++;
      } else if (exclusions.containsKey(name)) {
        excluded.add(name + ": " + exclusions.get(name));
      } else {
        failures.add(name + ": " + result.getThrowable().map(String::valueOf).orElse(""));
      }
    }

    boolean report() {
      excluded.forEach(each -> System.out.println("excluded " + each));
      failures.forEach(each -> System.out.println("FAILS    " + each.lines().findFirst().orElse("")));
      System.out.println(
          found
              + " tests of ZooKeeper found, "
              + passed
              + " passed, "
              + skipped
              + " skipped by themselves, "
              + excluded.size()
              + " excluded for the reasons given, "
              + failures.size()
              + " failed");
      return failures.isEmpty();
    }
  }
}
