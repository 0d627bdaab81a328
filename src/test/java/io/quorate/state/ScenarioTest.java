package io.quorate.state;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.tree.Acl;
import io.quorate.tree.Bytes;
import io.quorate.tree.Identity;
import io.quorate.tree.Lifetime;
import io.quorate.tree.Stat;
import io.quorate.tree.ZPath;
import io.quorate.tree.Znode;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Plays the stories in {@code src/test/resources/scenarios}; their {@code README} says how they are
 * written.
 */
class ScenarioTest {
  @TestFactory
  Stream<DynamicTest> stories() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("src/test/resources/scenarios"))) {
      List<Path> stories = files.filter(file -> file.toString().endsWith(".txt")).sorted().toList();
      return stories.stream()
          .map(file -> DynamicTest.dynamicTest(file.getFileName().toString(), () -> play(file)));
    }
  }

  private static void play(Path file) throws IOException {
    var story = new Story();
    int number = 0;
    for (String line : Files.readAllLines(file)) {
      number++;
      String said = line.replaceFirst("(^|\\s)#.*", "").strip();
      if (!said.isEmpty()) {
        try {
          story.line(said);
        } catch (AssertionError | RuntimeException e) {
          throw new AssertionError(file + ":" + number + ": " + said + "\n" + e, e);
        }
      }
    }
  }

  /** One story as far as it has been told. */
  private static final class Story {
    private State state = State.initial(Settings.DEFAULT);
    private Submission.Author author = Submission.Author.ANYONE;
    private Submission.@Nullable OnceKey key;
    private long timeMs;

    void line(String said) {
      List<String> words = List.of(said.split("\\s+"));
      switch (words.get(0)) {
        case "at" -> timeMs = Long.parseLong(words.get(1));
        case "who" -> author = author(words);
        case "key" -> key = new Submission.OnceKey(words.get(1), words.get(2), words.get(3));
        case "stat" -> checkStat(words);
        case "children" -> assertThat(children(words.get(1))).isEqualTo(rest(words, 2));
        case "data" -> assertThat(data(words.get(1))).isEqualTo(words.get(2));
        case "acl" -> assertThat(node(words.get(1)).acl()).isEqualTo(acl(words.get(2)));
        case "zxid" -> assertThat(state.zxid()).isEqualTo(Long.parseLong(words.get(1)));
        case "ephemerals" ->
            assertThat(state.ephemeralsOf(Long.parseLong(words.get(1))))
                .extracting(ZPath::toString)
                .isEqualTo(rest(words, 2));
        default -> perform(said);
      }
    }

    private void perform(String said) {
      int arrow = said.indexOf("->");
      String asked = (arrow < 0 ? said : said.substring(0, arrow)).strip();
      String expected = arrow < 0 ? "ok" : said.substring(arrow + 2).strip();

      StateMachine.Applied applied =
          StateMachine.apply(state, new Submission(author, key, command(asked)), new Stamp(timeMs));

      key = null;
      state = applied.state();
      assertThat(words(applied.answer().outcome(), expected)).isEqualTo(expected);
    }

    /** In as many words as were expected: {@code ok} is any success. */
    private static String words(Outcome outcome, String expected) {
      return switch (outcome) {
        case Outcome.Rejected no -> no.code().name();
        case Outcome.SeveralRejected no -> no.rejection().code() + " at " + no.failedIndex();
        case Outcome.Several several when expected.equals("else") ->
            several.succeeded() ? "then" : "else";
        case Outcome.Several several when expected.equals("then") ->
            several.succeeded() ? "then" : "else";
        case Outcome other when expected.equals("ok") -> "ok";
        case Outcome.Created created -> "created " + created.path();
        case Outcome.Deleted deleted -> "deleted " + deleted.count();
        case Outcome.InSession session ->
            "timeout " + session.timeoutMs() + " generation " + session.generation();
        case Outcome.Several several ->
            String.join("; ", several.results().stream().map(each -> words(each, "")).toList());
        case Outcome.Updated updated -> "updated to " + updated.stat().version();
        case Outcome.Found found -> "found " + text(found.data());
        case Outcome.Checked checked -> "checked";
        case Outcome.Done done -> "done";
      };
    }

    private Command command(String asked) {
      List<String> words = List.of(asked.split("\\s+"));
      var options = options(words);
      return switch (words.get(0)) {
        case "multi" -> new Command.Multi(ops(asked.substring(5)));
        case "if" -> {
          String[] parts = asked.substring(2).split("\\bthen\\b|\\belse\\b", -1);
          yield new Command.Transaction(conditions(parts[0]), ops(parts[1]), ops(parts[2]));
        }
        case "open" ->
            new Command.OpenSession(
                Long.parseLong(words.get(1)),
                Bytes.utf8(options.getOrDefault("secret", "")),
                number(options, "timeout", 10_000),
                1);
        case "attach" ->
            new Command.AttachSession(
                Long.parseLong(words.get(1)),
                Bytes.utf8(options.getOrDefault("secret", "")),
                number(options, "timeout", 0),
                2);
        case "close" -> new Command.CloseSession(Long.parseLong(words.get(1)));
        case "expire" ->
            new Command.ExpireSession(
                Long.parseLong(words.get(1)),
                number(options, "generation", 1),
                number(options, "term", 0));
        case "reap" -> new Command.Reap(ZPath.of(words.get(1)));
        case "configure" -> new Command.Configure(settings(options));
        default -> op(words);
      };
    }

    private List<Command.Op> ops(String text) {
      var ops = new ArrayList<Command.Op>();
      for (String each : text.strip().split("\\s*;\\s*")) {
        if (!each.isEmpty()) {
          ops.add(op(List.of(each.split("\\s+"))));
        }
      }
      return ops;
    }

    private static List<Command.Condition> conditions(String text) {
      var conditions = new ArrayList<Command.Condition>();
      for (String each : text.strip().split("\\s*;\\s*")) {
        List<String> words = List.of(each.split("\\s+"));
        conditions.add(
            new Command.Condition(ZPath.of(words.get(0)), precondition(words, options(words))));
      }
      return conditions;
    }

    private Command.Op op(List<String> words) {
      TreeMap<String, String> options = options(words);
      Precondition precondition = precondition(words, options);
      String path = words.get(1);
      Bytes data = data(options);
      String type = options.get("type");
      Acl acl = acl(options.getOrDefault("acl", "31:world:anyone"));
      Command.Parents parents =
          words.contains("parents") ? Command.Parents.CREATED : Command.Parents.REQUIRED;
      return switch (words.get(0)) {
        case "create" -> {
          int slash = path.lastIndexOf('/');
          yield new Command.Create(
              ZPath.of(slash == 0 ? "/" : path.substring(0, slash)),
              path.substring(slash + 1),
              words.contains("sequential") ? Command.Naming.SEQUENTIAL : Command.Naming.EXACT,
              data,
              type,
              acl,
              lifetime(words, options),
              parents);
        }
        case "put" ->
            new Command.Put(
                ZPath.of(path),
                data == null ? Bytes.EMPTY : data,
                type,
                precondition,
                acl,
                lifetime(words, options),
                parents);
        case "set" -> new Command.SetData(ZPath.of(path), data, type, precondition);
        case "delete" -> new Command.Delete(ZPath.of(path), precondition);
        case "deletetree" -> new Command.DeleteTree(ZPath.of(path), precondition);
        case "setacl" -> new Command.SetAcl(ZPath.of(path), acl, precondition);
        case "check" -> new Command.Check(ZPath.of(path), number(options, "version", -1));
        case "read" -> new Command.Read(ZPath.of(path));
        default -> throw new IllegalArgumentException("nobody knows \"" + words.get(0) + "\"");
      };
    }

    private Lifetime lifetime(List<String> words, TreeMap<String, String> options) {
      if (options.containsKey("ttl")) {
        return new Lifetime.Ttl(number(options, "ttl", 0));
      }
      return words.contains("ephemeral")
          ? new Lifetime.Ephemeral(author.sessionId())
          : words.contains("container") ? Lifetime.CONTAINER : Lifetime.PERSISTENT;
    }

    private static Precondition precondition(List<String> words, TreeMap<String, String> options) {
      if (options.containsKey("version")) {
        return new Precondition.Version(number(options, "version", 0));
      }
      if (options.containsKey("etag")) {
        return new Precondition.OneOf(List.of(options.getOrDefault("etag", "").split(",")));
      }
      return words.contains("absent")
          ? Precondition.ABSENT
          : words.contains("present") ? Precondition.PRESENT : Precondition.NONE;
    }

    private static Settings settings(TreeMap<String, String> options) {
      Settings usual = Settings.DEFAULT;
      return new Settings(
          number(options, "maxDataBytes", usual.maxDataBytes()),
          usual.historyMaxEvents(),
          usual.historyMaxBytes(),
          number(options, "minSessionTimeoutMs", usual.minSessionTimeoutMs()),
          number(options, "maxSessionTimeoutMs", usual.maxSessionTimeoutMs()),
          number(options, "maxDeleteTree", usual.maxDeleteTree()),
          number(options, "keyMinAgeMs", (int) usual.keyMinAgeMs()),
          number(options, "maxKeys", usual.maxKeys()),
          usual.maxKeyBytes(),
          false);
    }

    /** {@code perms:scheme:id}, separated by commas. */
    private static Acl acl(String text) {
      var entries = new ArrayList<Acl.Entry>();
      for (String each : text.split(",")) {
        String[] parts = each.split(":", 3);
        if (parts.length == 3) {
          entries.add(new Acl.Entry(Integer.parseInt(parts[0]), parts[1], parts[2]));
        }
      }
      return new Acl(entries);
    }

    private static Submission.Author author(List<String> words) {
      TreeMap<String, String> options = options(words);
      var identities = new ArrayList<Identity>();
      for (String word : rest(words, 1)) {
        int colon = word.indexOf(':');
        if (word.equals("super")) {
          identities.add(Identity.SUPER);
        } else if (colon > 0) {
          identities.add(new Identity(word.substring(0, colon), word.substring(colon + 1)));
        }
      }
      return new Submission.Author(
          number(options, "session", 0), number(options, "generation", -1), identities);
    }

    private void checkStat(List<String> words) {
      Znode node = state.find(ZPath.of(words.get(1)));
      if (words.get(2).equals("gone")) {
        assertThat(node).isNull();
        return;
      }
      var actual = new ArrayList<String>();
      for (String name : options(words).keySet()) {
        actual.add(name + "=" + field(node(words.get(1)).stat(), name));
      }
      assertThat(String.join(" ", actual))
          .isEqualTo(String.join(" ", rest(words, 2).stream().sorted().toList()));
    }

    private static Object field(Stat stat, String name) {
      for (RecordComponent component : Stat.class.getRecordComponents()) {
        if (component.getName().equals(name)) {
          try {
            return component.getAccessor().invoke(stat);
          } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
          }
        }
      }
      throw new IllegalArgumentException("a Stat has no " + name);
    }

    private Znode node(String path) {
      Znode node = state.find(ZPath.of(path));
      assertThat(node).as(path).isNotNull();
      return java.util.Objects.requireNonNull(node);
    }

    private List<String> children(String path) {
      var names = new ArrayList<String>();
      for (var child = state.tree().children(ZPath.of(path)); child.next(); ) {
        names.add(child.name());
      }
      return names;
    }

    private String data(String path) {
      return text(node(path).data().orElse(null));
    }

    private static String text(@Nullable Bytes data) {
      return data == null
          ? "null"
          : "\"" + new String(data.toArray(), java.nio.charset.StandardCharsets.UTF_8) + "\"";
    }

    private static @Nullable Bytes data(TreeMap<String, String> options) {
      String text = options.get("data");
      return text == null || text.equals("null") ? null : Bytes.utf8(text.replace("\"", ""));
    }

    private static TreeMap<String, String> options(List<String> words) {
      var options = new TreeMap<String, String>();
      for (String word : words) {
        int equals = word.indexOf('=');
        if (equals > 0) {
          options.put(word.substring(0, equals), word.substring(equals + 1));
        }
      }
      return options;
    }

    private static int number(TreeMap<String, String> options, String name, int otherwise) {
      String text = options.get(name);
      return text == null ? otherwise : Integer.parseInt(text);
    }

    private static List<String> rest(List<String> words, int from) {
      return Arrays.asList(words.toArray(String[]::new)).subList(from, words.size());
    }
  }
}
