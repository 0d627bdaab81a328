package io.quorate.shim;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.platform.engine.DiscoverySelector;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * Runs the classes of a list, and says what came of them. A test that passed without any member of
 * Quorate running says nothing of it, and counts as a failure; so does an exclusion that passes.
 */
public final class Runner implements TestExecutionListener {
  private final Map<String, String> exclusions;
  private final Set<String> fresh;
  private final Set<String> seen = new HashSet<>();

  /** Exclusions without which a test would fail. */
  private final Set<String> needed = new HashSet<>();

  private final List<String> failures = new ArrayList<>();
  private final List<String> excluded = new ArrayList<>();
  private int found;
  private int passed;
  private int skipped;
  private long servedBefore;
  private long beganNs;

  private Runner(Map<String, String> exclusions, Set<String> fresh) {
    this.exclusions = exclusions;
    this.fresh = fresh;
  }

  public static void main(String[] arguments) throws Exception {
    var exclusions = new TreeMap<String, String>();
    var fresh = new HashSet<String>();
    var selectors = new ArrayList<DiscoverySelector>();
    for (String line : Files.readAllLines(Path.of(arguments[0]))) {
      String text = line.strip();
      if (text.startsWith("-")) {
        int colon = text.indexOf(':');
        exclusions.put(text.substring(1, colon).strip(), text.substring(colon + 1).strip());
      } else if (text.startsWith("*")) {
        fresh.add(text.substring(1).strip());
      } else if (!text.isEmpty() && !text.startsWith("#")) {
        int method = text.indexOf('#');
        selectors.add(
            method < 0
                ? DiscoverySelectors.selectClass(text)
                : DiscoverySelectors.selectMethod(text));
      }
    }
    var runner = new Runner(exclusions, fresh);
    LauncherFactory.create()
        .execute(
            LauncherDiscoveryRequestBuilder.request()
                .selectors(selectors)
                .configurationParameter("junit.jupiter.execution.timeout.default", "300 s")
                .build(),
            runner);
    QuorateProcess.stopAll();
    System.exit(runner.report() ? 0 : 1);
  }

  private static String name(TestIdentifier test) {
    return test.getSource()
        .map(
            source ->
                source instanceof MethodSource method
                    ? simple(method.getClassName()) + "." + method.getMethodName()
                    : source.toString())
        .orElse(test.getDisplayName());
  }

  private static String simple(String className) {
    return className.substring(className.lastIndexOf('.') + 1);
  }

  @Override
  public void testPlanExecutionStarted(TestPlan plan) {
    System.err.println(plan.countTestIdentifiers(TestIdentifier::isTest) + " tests");
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
      // Some of theirs name another one, and do not name ours again.
      System.setProperty("zookeeper.serverCnxnFactory", QuorateFactory.class.getName());
      if (fresh.contains(name(test))) {
        Member.freshen();
      }
      servedBefore = Member.servedCount();
      beganNs = System.nanoTime();
    }
  }

  @Override
  public void executionFinished(TestIdentifier test, TestExecutionResult result) {
    if (!test.isTest()) {
      result
          .getThrowable()
          .ifPresent(
              e -> {
                e.printStackTrace(System.err);
                failures.add(test.getDisplayName() + " as a whole: " + e);
              });
      return;
    }
    found++;
    String name = name(test);
    seen.add(name);
    boolean asked = Member.servedCount() > servedBefore;
    String what;
    if (result.getStatus() != TestExecutionResult.Status.SUCCESSFUL) {
      what = result.getThrowable().map(String::valueOf).orElse(result.toString());
      result.getThrowable().ifPresent(e -> e.printStackTrace(System.err));
    } else {
      what = asked ? "" : "passes without a server";
    }
    if (what.isEmpty()) {
      passed++;
    } else if (exclusions.containsKey(name)) {
      excluded.add(name + ": " + exclusions.get(name));
      needed.add(name);
    } else {
      failures.add(name + ": " + what);
    }
    System.err.printf(
        "%s %s, %d ms%n",
        what.isEmpty() ? "ok    " : exclusions.containsKey(name) ? "except" : "FAILS ",
        name,
        (System.nanoTime() - beganNs) / 1_000_000);
  }

  private boolean report() {
    for (String each : exclusions.keySet()) {
      if (seen.contains(each) && !needed.contains(each)) {
        failures.add(each + ": passes, though it is excluded");
      }
    }
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
