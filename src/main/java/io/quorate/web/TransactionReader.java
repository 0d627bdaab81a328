package io.quorate.web;

import io.quorate.state.Command;
import io.quorate.state.Precondition;
import io.quorate.tree.Acl;
import io.quorate.tree.Bytes;
import io.quorate.tree.IllegalPathException;
import io.quorate.tree.Lifetime;
import io.quorate.tree.ZPath;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads the body of {@code POST /txn}. Every member that is not known is refused. */
final class TransactionReader {
  private static final int MAX_OPERATIONS = 10_000;

  /** Each may bring back a whole payload, and the answer is put together in memory. */
  private static final int MAX_READS = 100;

  private static final Set<String> TOP = Set.of("if", "then", "else");
  private static final Set<String> CONDITION = Set.of("path", "exists", "version", "etag");
  private static final Set<String> CREATE =
      Set.of(
          "create",
          "data",
          "dataBase64",
          "contentType",
          "mode",
          "ttl",
          "sequential",
          "acl",
          "parents");
  private static final Set<String> SET =
      Set.of("set", "data", "dataBase64", "contentType", "version", "etag");
  private static final Set<String> DELETE = Set.of("delete", "version", "etag", "recursive");
  private static final Set<String> CHECK = Set.of("check", "version");
  private static final Set<String> GET = Set.of("get");

  private final long session;

  /**
   * @param session that ephemeral nodes will belong to, or 0
   */
  TransactionReader(long session) {
    this.session = session;
  }

  Command.Transaction read(JsonNode body) {
    requireObject(body, "a transaction");
    requireKnown(body, TOP);
    var conditions = new ArrayList<Command.Condition>();
    for (JsonNode condition : list(body, "if")) {
      conditions.add(condition(condition));
    }
    if (!body.has("then") && !body.has("else")) {
      throw Problem.badArguments("a transaction has \"then\", \"else\" or both");
    }
    return new Command.Transaction(conditions, operations(body, "then"), operations(body, "else"));
  }

  private static List<JsonNode> list(JsonNode body, String name) {
    JsonNode list = body.path(name);
    if (list.isMissingNode() || list.isNull()) {
      return List.of();
    }
    if (!list.isArray()) {
      throw Problem.badArguments("\"" + name + "\" is a list");
    }
    var nodes = new ArrayList<JsonNode>();
    list.forEach(nodes::add);
    return nodes;
  }

  private Command.Condition condition(JsonNode given) {
    requireObject(given, "a condition");
    requireKnown(given, CONDITION);
    ZPath path = path(given, "path");
    if ((given.has("exists") ? 1 : 0) + (given.has("version") ? 1 : 0) + (given.has("etag") ? 1 : 0)
        != 1) {
      throw Problem.badArguments(
          "a condition has a path and one of \"exists\", \"version\", \"etag\"");
    }
    Precondition precondition =
        given.has("exists")
            ? flag(given, "exists") ? Precondition.PRESENT : Precondition.ABSENT
            : precondition(given);
    return new Command.Condition(path, precondition);
  }

  private List<Command.Op> operations(JsonNode body, String branch) {
    var operations = new ArrayList<Command.Op>();
    for (JsonNode operation : list(body, branch)) {
      requireObject(operation, "an operation");
      operations.add(operation(operation));
    }
    if (operations.size() > MAX_OPERATIONS) {
      throw Problem.tooLarge(
          "a transaction has at most " + MAX_OPERATIONS + " operations in a branch",
          MAX_OPERATIONS);
    }
    long reads = operations.stream().filter(Command.Read.class::isInstance).count();
    if (reads > MAX_READS) {
      throw Problem.tooLarge(
          "a transaction reads at most " + MAX_READS + " nodes in a branch", MAX_READS);
    }
    return operations;
  }

  private Command.Op operation(JsonNode given) {
    if (given.has("create")) {
      requireKnown(given, CREATE);
      return create(given);
    }
    if (given.has("set")) {
      requireKnown(given, SET);
      Bytes data = data(given);
      return new Command.SetData(path(given, "set"), data, contentType(given), precondition(given));
    }
    if (given.has("delete")) {
      requireKnown(given, DELETE);
      ZPath path = path(given, "delete");
      return flag(given, "recursive")
          ? new Command.DeleteTree(path, precondition(given))
          : new Command.Delete(path, precondition(given));
    }
    if (given.has("check")) {
      requireKnown(given, CHECK);
      return new Command.Check(path(given, "check"), version(given));
    }
    if (given.has("get")) {
      requireKnown(given, GET);
      return new Command.Read(path(given, "get"));
    }
    throw Problem.badArguments("an operation is one of create, set, delete, check, get");
  }

  private Command.Create create(JsonNode given) {
    boolean sequential = flag(given, "sequential");
    String text = text(given, "create", "");
    ZPath parent;
    String name;
    if (sequential && text.endsWith("/")) {
      parent = text.length() == 1 ? ZPath.ROOT : parse(text.substring(0, text.length() - 1));
      name = "";
    } else {
      ZPath path = parse(text);
      parent = path.parent();
      name = path.name();
      if (path.isRoot()) {
        throw Problem.badArguments("the root is there already").with("path", "/");
      }
    }
    String mode = text(given, "mode", "persistent");
    if (!ZnodeWrites.MODES.contains(mode)) {
      throw Problem.badArguments(
          "\"mode\" is one of " + String.join(", ", ZnodeWrites.MODES) + ", not \"" + mode + "\"");
    }
    String ttl = text(given, "ttl", "");
    Lifetime lifetime =
        ZnodeWrites.lifetime(mode, ttl.isEmpty() ? null : Target.duration("ttl", ttl), session);
    return new Command.Create(
        parent,
        name,
        sequential ? Command.Naming.SEQUENTIAL : Command.Naming.EXACT,
        data(given),
        contentType(given),
        given.has("acl") ? Json.readAcl(given.get("acl")) : Acl.OPEN,
        lifetime,
        flag(given, "parents") ? Command.Parents.CREATED : Command.Parents.REQUIRED);
  }

  private static ZPath path(JsonNode given, String name) {
    return parse(text(given, name, ""));
  }

  private static ZPath parse(String text) {
    try {
      return ZPath.of(text);
    } catch (IllegalPathException e) {
      throw Problem.badArguments(String.valueOf(e.getMessage())).with("path", text);
    }
  }

  private static Precondition precondition(JsonNode given) {
    if (given.has("version") && given.has("etag")) {
      throw Problem.badArguments("one of \"version\" and \"etag\" is enough");
    }
    if (given.has("etag")) {
      String etag = text(given, "etag", "");
      boolean quoted = etag.length() > 1 && etag.startsWith("\"") && etag.endsWith("\"");
      return new Precondition.OneOf(List.of(quoted ? etag.substring(1, etag.length() - 1) : etag));
    }
    return given.has("version") ? new Precondition.Version(version(given)) : Precondition.NONE;
  }

  private static int version(JsonNode given) {
    JsonNode version = given.path("version");
    if (!version.isIntegralNumber() || !version.canConvertToInt()) {
      throw Problem.badArguments("\"version\" is a number; -1 is any");
    }
    return version.intValue();
  }

  private static Bytes data(JsonNode given) {
    if (given.has("data") && given.has("dataBase64")) {
      throw Problem.badArguments("one of \"data\" and \"dataBase64\" is enough");
    }
    if (given.has("dataBase64")) {
      try {
        return Bytes.wrap(Base64.getDecoder().decode(text(given, "dataBase64", "")));
      } catch (IllegalArgumentException e) {
        throw Problem.badArguments("\"dataBase64\" is not Base64");
      }
    }
    return Bytes.utf8(text(given, "data", ""));
  }

  private static @Nullable String contentType(JsonNode given) {
    String type = text(given, "contentType", "");
    if (type.isEmpty() || ZnodeWrites.isForm(type)) {
      return null;
    }
    if (!ZnodeWrites.isStorableType(type)) {
      throw Problem.badArguments("\"contentType\" has at most 128 ASCII characters");
    }
    return type;
  }

  private static String text(JsonNode given, String name, String otherwise) {
    JsonNode value = given.path(name);
    if (value.isMissingNode() || value.isNull()) {
      return otherwise;
    }
    if (!value.isString()) {
      throw Problem.badArguments("\"" + name + "\" is a string");
    }
    return value.stringValue();
  }

  private static boolean flag(JsonNode given, String name) {
    JsonNode value = given.path(name);
    if (value.isMissingNode() || value.isNull()) {
      return false;
    }
    if (!value.isBoolean()) {
      throw Problem.badArguments("\"" + name + "\" is true or false");
    }
    return value.booleanValue();
  }

  private static void requireObject(JsonNode given, String what) {
    if (!given.isObject()) {
      throw Problem.badArguments(what + " is a JSON object");
    }
  }

  private static void requireKnown(JsonNode given, Set<String> known) {
    for (String name : given.propertyNames()) {
      if (!known.contains(name)) {
        throw Problem.badArguments(
            "there is no \""
                + name
                + "\" here; there are "
                + String.join(", ", known.stream().sorted().toList()));
      }
    }
  }
}
