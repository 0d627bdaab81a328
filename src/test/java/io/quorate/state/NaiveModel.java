package io.quorate.state;

import io.quorate.tree.Acl;
import io.quorate.tree.Bytes;
import io.quorate.tree.Identity;
import io.quorate.tree.Lifetime;
import io.quorate.tree.Stat;
import io.quorate.tree.ZPath;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * ZooKeeper's rules written down a second time, as plainly as can be: mutable nodes in a hash map
 * by path, everything looked up by going through all of it. What it answers is text.
 */
final class NaiveModel {
  /** A node; {@code births} is what ZooKeeper stores as cversion. */
  private static final class Node {
    byte @Nullable [] data;
    @Nullable String contentType;
    List<Acl.Entry> acl = List.of(new Acl.Entry(31, "world", "anyone"));
    Lifetime lifetime = Lifetime.PERSISTENT;
    long czxid;
    long mzxid;
    long pzxid;
    long ctime;
    long mtime;
    int version;
    int births;
    int aversion;

    Node copy() {
      var copy = new Node();
      copy.data = data;
      copy.contentType = contentType;
      copy.acl = acl;
      copy.lifetime = lifetime;
      copy.czxid = czxid;
      copy.mzxid = mzxid;
      copy.pzxid = pzxid;
      copy.ctime = ctime;
      copy.mtime = mtime;
      copy.version = version;
      copy.births = births;
      copy.aversion = aversion;
      return copy;
    }
  }

  private static final class Client {
    Bytes password = Bytes.EMPTY;
    int timeoutMs;
    int member;
    long generation;
  }

  private record Memory(String fingerprint, String answer, long timeMs) {}

  /** Thrown through one command, which then has done nothing. */
  private static final class No extends RuntimeException {
    private static final long serialVersionUID = 1L;

    No(Code code, boolean precondition) {
      super(code + (precondition ? " of a precondition" : ""));
    }

    No(Code code) {
      this(code, false);
    }

    /** One operation of several. */
    No(boolean succeeded, int index, int count, No of) {
      super("refused " + succeeded + " " + index + " of " + count + " " + of.getMessage(), of);
    }
  }

  private Map<String, Node> nodes = new HashMap<>();
  private TreeMap<Long, Client> clients = new TreeMap<>();
  private final TreeMap<Integer, List<Long>> lanes = new TreeMap<>();
  private final LinkedHashMap<String, Memory> memories = new LinkedHashMap<>();
  private Settings settings;
  private long zxid;
  private long timeMs;
  private long term;
  private List<String> events = new ArrayList<>();
  private boolean moved;
  private Submission.Author author = Submission.Author.ANYONE;

  NaiveModel(Settings settings) {
    this.settings = settings;
    for (String path : List.of("/", "/zookeeper", "/zookeeper/config", "/zookeeper/quota")) {
      var node = new Node();
      node.data = new byte[0];
      nodes.put(path, node);
    }
    node("/zookeeper/config").aversion = -1;
    node("/zookeeper/config").acl = List.of(new Acl.Entry(1, "world", "anyone"));
  }

  /** What the last command told watchers, in order. */
  List<String> events() {
    return events;
  }

  String apply(Submission submission, Stamp stamp) {
    timeMs = Math.max(timeMs, stamp.timeMs());
    events = new ArrayList<>();
    Submission.OnceKey key = submission.onceKey();
    if (key == null) {
      return run(submission);
    }
    String name = key.scope() + " " + key.key();
    Memory memory = memories.get(name);
    if (memory != null) {
      return memory.fingerprint.equals(key.fingerprint()) ? memory.answer : "KEYREUSED at " + zxid;
    }
    Settings limits = settings;
    if (memories.size() >= limits.maxKeys()) {
      Optional<Memory> oldest = memories.values().stream().findFirst();
      if (oldest.isEmpty() || timeMs - oldest.get().timeMs < limits.keyMinAgeMs()) {
        return "KEYSFULL at " + zxid;
      }
    }
    String answer = run(submission);
    while (memories.size() >= limits.maxKeys() && !memories.isEmpty()) {
      Map.Entry<String, Memory> oldest = memories.entrySet().iterator().next();
      if (timeMs - oldest.getValue().timeMs < limits.keyMinAgeMs()) {
        break;
      }
      memories.remove(oldest.getKey());
    }
    memories.put(name, new Memory(key.fingerprint(), forgetful(answer), timeMs));
    return answer;
  }

  /** Data that was read is not remembered. */
  private static String forgetful(String answer) {
    return answer.startsWith("several")
        ? answer.replaceAll("data \\[[^\\]]*\\]", "data null")
        : answer;
  }

  private String run(Submission submission) {
    Map<String, Node> nodesBefore = new HashMap<>();
    nodes.forEach((path, node) -> nodesBefore.put(path, node.copy()));
    var clientsBefore = new TreeMap<>(clients);
    author = submission.author();
    moved = false;
    zxid++;
    try {
      judgeSession();
      String answer = perform(submission.command());
      if (!moved) {
        zxid--;
      }
      return answer + " at " + zxid;
    } catch (No no) {
      nodes = nodesBefore;
      clients = clientsBefore;
      events = new ArrayList<>();
      zxid--;
      return no.getMessage() + " at " + zxid;
    }
  }

  private void judgeSession() {
    if (author.sessionId() != 0) {
      Client client = clients.get(author.sessionId());
      if (client == null) {
        throw new No(Code.SESSIONEXPIRED);
      }
      if (author.generation() != -1 && author.generation() != client.generation) {
        throw new No(Code.SESSIONMOVED);
      }
    }
  }

  private String perform(Command command) {
    switch (command) {
      case Command.Op op -> {
        return perform(op);
      }
      case Command.Multi multi -> {
        return several(true, multi.ops());
      }
      case Command.Transaction transaction -> {
        boolean holds = true;
        for (Command.Condition condition : transaction.conditions()) {
          String path = condition.path().toString();
          if (nodes.containsKey(path) && !may(1, path)) {
            throw new No(Code.NOAUTH);
          }
          try {
            judge(path, condition.precondition(), false);
          } catch (No no) {
            holds = false;
          }
        }
        return several(holds, holds ? transaction.then() : transaction.otherwise());
      }
      case Command.OpenSession open -> {
        if (open.id() == 0 || clients.containsKey(open.id())) {
          throw new No(Code.SESSIONEXISTS);
        }
        return session(open.id(), open.passwordHash(), open.timeoutMs(), open.member(), 1);
      }
      case Command.AttachSession attach -> {
        Client client = clients.get(attach.id());
        if (client == null || !client.password.equals(attach.passwordHash())) {
          throw new No(Code.SESSIONEXPIRED);
        }
        int timeoutMs = attach.timeoutMs() == 0 ? client.timeoutMs : attach.timeoutMs();
        // A timeout that is kept is not brought into a range that changed meanwhile.
        if (attach.timeoutMs() == 0) {
          var again = new Client();
          again.password = client.password;
          again.timeoutMs = timeoutMs;
          again.member = attach.member();
          again.generation = client.generation + 1;
          clients.put(attach.id(), again);
          moved = true;
          return "session " + attach.id() + " " + timeoutMs + " " + again.generation;
        }
        return session(
            attach.id(), client.password, timeoutMs, attach.member(), client.generation + 1);
      }
      case Command.CloseSession close -> {
        if (!clients.containsKey(close.id())) {
          throw new No(Code.SESSIONEXPIRED);
        }
        end(close.id());
        return "done";
      }
      case Command.ExpireSession expire -> {
        Client client = clients.get(expire.id());
        if (client != null && client.generation == expire.generation() && term == expire.term()) {
          end(expire.id());
        }
        return "done";
      }
      case Command.Reap reap -> {
        String path = reap.path().toString();
        Node node = nodes.get(path);
        if (node != null && children(path).isEmpty()) {
          boolean due =
              node.lifetime instanceof Lifetime.Container && node.births > 0
                  || node.lifetime instanceof Lifetime.Ttl ttl && timeMs > node.mtime + ttl.ttlMs();
          if (due) {
            remove(path);
          }
        }
        return "done";
      }
      case Command.Configure configure -> {
        settings = configure.settings();
        return "done";
      }
      case Command.NewTerm newTerm -> {
        term = Math.max(term, newTerm.term());
        return "done";
      }
      case Command.Fence fence -> {
        List<Long> lane = lanes.getOrDefault(fence.member(), List.of(-1L, -1L));
        if (fence.boot() > lane.get(0)
            || fence.boot() == lane.get(0) && fence.next() > lane.get(1)) {
          lanes.put(fence.member(), List.of(fence.boot(), fence.next()));
        }
        return "done";
      }
      case Command.Audit audit -> {
        return "done";
      }
    }
  }

  private String several(boolean succeeded, List<Command.Op> ops) {
    var results = new ArrayList<String>();
    for (Command.Op op : ops) {
      try {
        results.add(perform(op));
      } catch (No no) {
        throw new No(succeeded, results.size(), ops.size(), no);
      }
    }
    return "several " + succeeded + " " + results;
  }

  private String session(long id, Bytes password, int timeoutMs, int member, long generation) {
    var client = new Client();
    client.password = password;
    client.timeoutMs =
        Math.max(
            settings.minSessionTimeoutMs(), Math.min(settings.maxSessionTimeoutMs(), timeoutMs));
    client.member = member;
    client.generation = generation;
    clients.put(id, client);
    moved = true;
    return "session " + id + " " + client.timeoutMs + " " + generation;
  }

  private void end(long id) {
    for (String path : new TreeSet<>(nodes.keySet())) {
      if (node(path).lifetime instanceof Lifetime.Ephemeral e && e.sessionId() == id) {
        remove(path);
      }
    }
    clients.remove(id);
    moved = true;
  }

  private String perform(Command.Op op) {
    switch (op) {
      case Command.Create c -> {
        return create(
            c.parent().toString(),
            c.name(),
            c.naming(),
            c.data(),
            c.contentType(),
            c.acl(),
            c.lifetime(),
            c.parents());
      }
      case Command.Put put -> {
        String path = put.path().toString();
        boolean mayCreate =
            put.precondition() instanceof Precondition.None
                || put.precondition() instanceof Precondition.Absent;
        if (!nodes.containsKey(path) && mayCreate) {
          return create(
              parent(path),
              path.substring(path.lastIndexOf('/') + 1),
              Command.Naming.EXACT,
              put.data(),
              put.contentType(),
              put.acl(),
              put.lifetime(),
              put.parents());
        }
        exists(path, put.precondition());
        return set(path, put.data(), put.contentType(), put.precondition());
      }
      case Command.SetData s -> {
        return set(s.path().toString(), s.data(), s.contentType(), s.precondition());
      }
      case Command.Delete delete -> {
        String path = delete.path().toString();
        judgeDelete(path, delete.precondition());
        if (!children(path).isEmpty()) {
          throw new No(Code.NOTEMPTY);
        }
        remove(path);
        return "deleted " + path + " 1";
      }
      case Command.DeleteTree delete -> {
        String path = delete.path().toString();
        if (path.equals("/")) {
          throw new No(Code.BADARGUMENTS);
        }
        judgeDelete(path, delete.precondition());
        var doomed = new TreeSet<String>();
        for (String each : nodes.keySet()) {
          if (each.equals(path) || each.startsWith(path + "/")) {
            doomed.add(each);
          }
        }
        if (doomed.size() > settings.maxDeleteTree()) {
          throw new No(Code.TOOLARGE);
        }
        for (String each : doomed) {
          if (!children(each).isEmpty() && !may(8, each)) {
            throw new No(Code.NOAUTH);
          }
        }
        for (String each : doomed.descendingSet()) {
          if (!each.equals(path)) {
            events.add("DELETED " + each + " v" + node(each).version);
            nodes.remove(each);
          }
        }
        remove(path);
        return "deleted " + path + " " + doomed.size();
      }
      case Command.SetAcl setAcl -> {
        String path = setAcl.path().toString();
        List<Acl.Entry> acl = fixed(setAcl.acl().entries());
        exists(path, setAcl.precondition());
        if (!may(16, path)) {
          throw new No(Code.NOAUTH);
        }
        judge(path, setAcl.precondition(), true);
        Node node = node(path);
        node.acl = acl;
        node.aversion++;
        moved = true;
        return "updated " + path + " " + stat(path);
      }
      case Command.Check check -> {
        String path = check.path().toString();
        exists(path, Precondition.NONE);
        if (!may(1, path)) {
          throw new No(Code.NOAUTH);
        }
        judge(path, new Precondition.Version(check.version()), false);
        return "checked " + path;
      }
      case Command.Read read -> {
        String path = read.path().toString();
        exists(path, Precondition.NONE);
        if (!may(1, path)) {
          throw new No(Code.NOAUTH);
        }
        Node node = node(path);
        return "found " + path + " " + content(node.data, node.contentType) + " " + stat(path);
      }
    }
  }

  private String create(
      String parent,
      String name,
      Command.Naming naming,
      @Nullable Bytes data,
      @Nullable String contentType,
      Acl acl,
      Lifetime lifetime,
      Command.Parents parents) {
    if (data != null && data.size() > settings.maxDataBytes()) {
      throw new No(Code.TOOLARGE);
    }
    if (lifetime instanceof Lifetime.Ephemeral e
        && (author.sessionId() == 0 || e.sessionId() != author.sessionId())) {
      throw new No(Code.BADARGUMENTS);
    }
    List<Acl.Entry> fixed = fixed(acl.entries());
    if (parents == Command.Parents.CREATED && !nodes.containsKey(parent)) {
      create(
          parent(parent),
          parent.substring(parent.lastIndexOf('/') + 1),
          Command.Naming.EXACT,
          Bytes.EMPTY,
          null,
          Acl.OPEN,
          Lifetime.PERSISTENT,
          Command.Parents.CREATED);
    }
    exists(parent, Precondition.NONE);
    if (!may(4, parent)) {
      throw new No(Code.NOAUTH);
    }
    Node above = node(parent);
    String full =
        naming == Command.Naming.SEQUENTIAL
            ? name + ("0000000000" + above.births).substring(("" + above.births).length())
            : name;
    if (full.contains("/") || full.equals(".") || full.equals("..")) {
      throw new No(Code.BADARGUMENTS);
    }
    String path = (parent.equals("/") ? "" : parent) + "/" + full;
    if (full.isEmpty() && !parent.equals("/")) {
      throw new No(Code.BADARGUMENTS);
    }
    if (nodes.containsKey(path)) {
      throw new No(Code.NODEEXISTS);
    }
    if (above.lifetime instanceof Lifetime.Ephemeral) {
      throw new No(Code.NOCHILDRENFOREPHEMERALS);
    }
    var node = new Node();
    node.data = data == null ? null : data.toArray();
    node.contentType = contentType;
    node.acl = fixed;
    node.lifetime = lifetime;
    node.czxid = zxid;
    node.mzxid = zxid;
    node.pzxid = zxid;
    node.ctime = timeMs;
    node.mtime = timeMs;
    nodes.put(path, node);
    above.births++;
    above.pzxid = zxid;
    moved = true;
    events.add("CREATED " + path + " v0");
    events.add("CHILDREN " + parent + " v" + cversion(parent));
    return "created " + path + " " + stat(path);
  }

  private String set(
      String path, @Nullable Bytes data, @Nullable String contentType, Precondition precondition) {
    if (data != null && data.size() > settings.maxDataBytes()) {
      throw new No(Code.TOOLARGE);
    }
    exists(path, precondition);
    if (!may(2, path)) {
      throw new No(Code.NOAUTH);
    }
    judge(path, precondition, false);
    Node node = node(path);
    node.data = data == null ? null : data.toArray();
    node.contentType = contentType;
    node.version++;
    node.mzxid = zxid;
    node.mtime = timeMs;
    moved = true;
    events.add("CHANGED " + path + " v" + node.version);
    return "updated " + path + " " + stat(path);
  }

  private void judgeDelete(String path, Precondition precondition) {
    if (path.equals("/")
        || path.equals("/zookeeper")
        || path.equals("/zookeeper/config")
        || path.equals("/zookeeper/quota")) {
      throw new No(Code.BADARGUMENTS);
    }
    exists(parent(path), precondition);
    if (!may(8, parent(path))) {
      throw new No(Code.NOAUTH);
    }
    exists(path, precondition);
    judge(path, precondition, false);
  }

  private void remove(String path) {
    String parent = parent(path);
    int version = node(path).version;
    nodes.remove(path);
    node(parent).pzxid = zxid;
    moved = true;
    events.add("DELETED " + path + " v" + version);
    events.add("CHILDREN " + parent + " v" + cversion(parent));
  }

  /** NONODE, as a failed precondition when one was set that asks for something of the node. */
  private void exists(String path, Precondition precondition) {
    if (!nodes.containsKey(path)) {
      throw new No(
          Code.NONODE,
          precondition instanceof Precondition.OneOf
              || precondition instanceof Precondition.Present);
    }
  }

  private void judge(String path, Precondition precondition, boolean acl) {
    Node node = nodes.get(path);
    switch (precondition) {
      case Precondition.None none -> {}
      case Precondition.Absent absent -> {
        if (node != null) {
          throw new No(Code.NODEEXISTS, true);
        }
      }
      case Precondition.Present present -> exists(path, precondition);
      case Precondition.OneOf oneOf -> {
        exists(path, precondition);
        Node there = node(path);
        String etag =
            acl
                ? String.format("a%d-0x%x", there.aversion, there.czxid)
                : String.format("0x%x", there.mzxid);
        if (!oneOf.etags().contains(etag)) {
          throw new No(Code.BADVERSION, true);
        }
      }
      case Precondition.Version version -> {
        exists(path, precondition);
        int actual = acl ? node(path).aversion : node(path).version;
        if (version.version() != -1 && version.version() != actual) {
          throw new No(Code.BADVERSION, true);
        }
      }
    }
  }

  private boolean may(int perm, String path) {
    for (Identity who : author.identities()) {
      if (who.scheme().equals("super")) {
        return true;
      }
    }
    for (Acl.Entry entry : node(path).acl) {
      if ((entry.perms() & perm) == 0) {
        continue;
      }
      if (entry.scheme().equals("world")) {
        return true;
      }
      for (Identity who : author.identities()) {
        boolean named =
            entry.scheme().equals(who.scheme())
                && (entry.id().equals(who.id())
                    || entry.id().equals("10.0.0.0/8") && who.id().startsWith("10."));
        if (named) {
          return true;
        }
      }
    }
    return false;
  }

  private List<Acl.Entry> fixed(List<Acl.Entry> entries) {
    var fixed = new LinkedHashSet<Acl.Entry>();
    for (Acl.Entry entry : entries) {
      if (entry.perms() < 0 || entry.perms() > 31) {
        throw new No(Code.INVALIDACL);
      }
      if (entry.scheme().equals("auth")) {
        boolean found = false;
        for (Identity who : author.identities()) {
          if (who.scheme().equals("digest") || who.scheme().equals("x509")) {
            fixed.add(new Acl.Entry(entry.perms(), who.scheme(), who.id()));
            found = true;
          }
        }
        if (!found) {
          throw new No(Code.INVALIDACL);
        }
      } else if (entry.scheme().equals("world") && !entry.id().equals("anyone")) {
        throw new No(Code.INVALIDACL);
      } else {
        fixed.add(entry);
      }
    }
    if (fixed.isEmpty()) {
      throw new No(Code.INVALIDACL);
    }
    return List.copyOf(fixed);
  }

  private Node node(String path) {
    return Objects.requireNonNull(nodes.get(path), path);
  }

  private static String parent(String path) {
    int slash = path.lastIndexOf('/');
    return slash == 0 ? "/" : path.substring(0, slash);
  }

  private List<String> children(String path) {
    var children = new ArrayList<String>();
    for (String each : nodes.keySet()) {
      if (!each.equals("/") && parent(each).equals(path)) {
        children.add(each);
      }
    }
    return children;
  }

  private int cversion(String path) {
    return node(path).births * 2 - children(path).size();
  }

  private Stat stat(String path) {
    Node node = node(path);
    return new Stat(
        node.czxid,
        node.mzxid,
        node.ctime,
        node.mtime,
        node.version,
        cversion(path),
        node.aversion,
        node.lifetime instanceof Lifetime.Ephemeral e ? e.sessionId() : 0,
        node.data == null ? 0 : node.data.length,
        children(path).size(),
        node.pzxid);
  }

  private static String content(byte @Nullable [] data, @Nullable String contentType) {
    return "data " + Arrays.toString(data) + " type " + contentType;
  }

  /** Everything it holds, one line each. */
  List<String> describe() {
    var lines = new ArrayList<String>();
    lines.add("zxid " + zxid + " time " + timeMs + " term " + term);
    for (String path : new TreeSet<>(nodes.keySet())) {
      Node node = node(path);
      lines.add(
          String.join(
              " ",
              path,
              stat(path).toString(),
              node.acl.toString(),
              node.lifetime.toString(),
              content(node.data, node.contentType),
              new TreeSet<>(children(path)).toString()));
    }
    clients.forEach(
        (id, client) ->
            lines.add(
                "session "
                    + id
                    + " "
                    + client.timeoutMs
                    + " at "
                    + client.member
                    + " for the time "
                    + client.generation));
    lanes.forEach((member, lane) -> lines.add("lane " + member + " " + lane));
    lines.add("keys " + memories.keySet());
    return lines;
  }

  /** The same of the real thing. */
  static List<String> describe(State state) {
    var lines = new ArrayList<String>();
    lines.add("zxid " + state.zxid() + " time " + state.timeMs() + " term " + state.term());
    var byPath = new TreeMap<String, String>();
    state
        .tree()
        .forEach(
            (path, node) -> {
              var children = new ArrayList<String>();
              for (var each = state.tree().children(path); each.next(); ) {
                ZPath child = path.child(each.name());
                if (state.find(child) == each.node()) {
                  children.add(child.toString());
                }
              }
              byPath.put(
                  path.toString(),
                  String.join(
                      " ",
                      path.toString(),
                      node.stat().toString(),
                      node.acl().entries().toString(),
                      node.lifetime().toString(),
                      content(
                          node.data().map(Bytes::toArray).orElse(null),
                          node.contentType().orElse(null)),
                      children.toString()));
            });
    lines.addAll(byPath.values());
    for (var each = state.sessions().cursor(); each.next(); ) {
      Session session = each.value();
      lines.add(
          "session "
              + session.id()
              + " "
              + session.timeoutMs()
              + " at "
              + session.member()
              + " for the time "
              + session.generation());
    }
    for (var each = state.lanes().cursor(); each.next(); ) {
      lines.add("lane " + each.key() + " " + List.of(each.value().boot(), each.value().next()));
    }
    var keys = new ArrayList<String>();
    for (var each = state.answers().byAge().cursor(); each.next(); ) {
      keys.add(each.value().key().scope() + " " + each.value().key().key());
    }
    lines.add("keys " + keys);
    return lines;
  }

  /** An answer of the real thing in the model's words. */
  static String words(Answer answer) {
    return words(answer.outcome()) + " at " + answer.zxid();
  }

  private static String words(Outcome outcome) {
    return switch (outcome) {
      case Outcome.Rejected no -> no.code() + (no.precondition() ? " of a precondition" : "");
      case Outcome.Created created -> "created " + created.path() + " " + created.stat();
      case Outcome.Updated updated -> "updated " + updated.path() + " " + updated.stat();
      case Outcome.Deleted deleted -> "deleted " + deleted.path() + " " + deleted.count();
      case Outcome.Checked checked -> "checked " + checked.path();
      case Outcome.Found found ->
          "found "
              + found.path()
              + " "
              + content(
                  Optional.ofNullable(found.data()).map(Bytes::toArray).orElse(null),
                  found.contentType())
              + " "
              + found.stat();
      case Outcome.Several several ->
          "several "
              + several.succeeded()
              + " "
              + several.results().stream().map(NaiveModel::words).toList();
      case Outcome.SeveralRejected no ->
          "refused "
              + no.succeeded()
              + " "
              + no.failedIndex()
              + " of "
              + no.count()
              + " "
              + words(no.rejection());
      case Outcome.InSession session ->
          "session " + session.id() + " " + session.timeoutMs() + " " + session.generation();
      case Outcome.Done done -> "done";
    };
  }
}
