package io.quorate;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import com.google.googlejavaformat.java.ImportOrderer;
import com.google.googlejavaformat.java.JavaFormatterOptions;
import com.google.googlejavaformat.java.RemoveUnusedImports;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Every source looks as google-java-format writes it. {@code tools/format} makes it so; {@code
 * -Dformat.under=} looks at one directory only.
 */
class FormatTest {
  private static final Formatter FORMATTER = new Formatter();

  @Test
  void everySourceIsFormatted() throws Exception {
    boolean fix = "fix".equals(System.getProperty("format"));
    var crooked = new ArrayList<Path>();

    for (Path source : sources(Path.of(System.getProperty("format.under", "src")))) {
      String before = Files.readString(source);
      String after = formatted(before);
      if (!after.equals(before)) {
        if (fix) {
          Files.writeString(source, after);
        } else {
          crooked.add(source);
        }
      }
    }

    assertThat(crooked).as("not formatted; tools/format does it").isEmpty();
  }

  private static String formatted(String source) throws FormatterException {
    String ordered =
        ImportOrderer.reorderImports(
            RemoveUnusedImports.removeUnusedImports(source), JavaFormatterOptions.Style.GOOGLE);
    return FORMATTER.formatSource(ordered);
  }

  private static List<Path> sources(Path top) throws IOException {
    try (Stream<Path> files = Files.walk(top)) {
      return files.filter(file -> file.toString().endsWith(".java")).sorted().toList();
    }
  }
}
