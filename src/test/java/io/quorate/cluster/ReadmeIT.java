package io.quorate.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.testing.MemberProcess;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs the README's console session word for word, in one shell, against the packaged program. */
class ReadmeIT {
  private static final Pattern BLOCK = Pattern.compile("(?s)```console\\n(.*?)```");
  private static final String MARK = "---end of step---";

  /** A command, which may go on over indented lines, and what it must print. */
  private record Step(String command, String expected) {}

  @Test
  void theConsoleSessionIsTrue(@TempDir Path dir) throws Exception {
    List<Step> steps = steps(Files.readString(Path.of("README.md")));
    assertThat(steps).isNotEmpty();
    int port = MemberProcess.freePort();
    try (MemberProcess member =
        MemberProcess.start(dir.resolve("data"), port, List.of()).awaitReady()) {
      var script = new StringBuilder();
      for (Step step : steps) {
        script.append(step.command.replace("localhost:8080", "127.0.0.1:" + member.httpPort()));
        script.append("\necho '").append(MARK).append("'\n");
      }
      Path file = Files.writeString(dir.resolve("session.sh"), script);
      Process shell = new ProcessBuilder("bash", file.toString()).redirectErrorStream(true).start();
      String output = new String(shell.getInputStream().readAllBytes());
      assertThat(shell.waitFor(60, TimeUnit.SECONDS)).isTrue();

      String[] printed = output.split(Pattern.quote(MARK) + "\\n", -1);
      for (int i = 0; i < steps.size(); i++) {
        assertThat(printed[i]).as(steps.get(i).command).isEqualTo(steps.get(i).expected);
      }
    }
  }

  private static List<Step> steps(String readme) {
    var steps = new ArrayList<Step>();
    Matcher blocks = BLOCK.matcher(readme);
    while (blocks.find()) {
      String command = "";
      var expected = new StringBuilder();
      for (String line : blocks.group(1).split("\\n")) {
        if (line.startsWith("$ ")) {
          if (!command.isEmpty()) {
            steps.add(new Step(command, expected.toString()));
            expected.setLength(0);
          }
          command = line.substring(2);
        } else if (line.startsWith("    ")) {
          command += "\n" + line;
        } else {
          expected.append(line).append('\n');
        }
      }
      steps.add(new Step(command, expected.toString()));
    }
    return steps;
  }
}
