package io.quorate.web;

import io.quorate.server.Reply;
import io.quorate.state.Command;
import io.quorate.state.Outcome;
import io.quorate.state.Precondition;
import io.quorate.tree.Acl;
import io.quorate.tree.Bytes;
import io.quorate.tree.Lifetime;
import io.quorate.tree.Stat;
import io.quorate.tree.ZPath;
import jakarta.servlet.http.HttpServletRequest;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** PUT, POST and DELETE of a znode. */
@Component
final class ZnodeWrites {
  private static final int MAX_TYPE_LENGTH = 128;
  private static final int MAX_ACL_BYTES = 64 * 1024;

  private final Gate gate;

  ZnodeWrites(Gate gate) {
    this.gate = gate;
  }

  /** Create or replace. */
  CompletableFuture<Response> put(HttpServletRequest request, Target target) {
    if (target.word("view", "data", List.of("data", "acl")).equals("acl")) {
      return putAcl(request, target);
    }
    ZPath path = target.znode();
    Precondition precondition = Conditions.ofWrite(request, target);
    Made made = made(target);
    String type = contentType(request);
    byte[] body = gate.body(request, gate.maxDataBytes());
    return gate.write(
        request,
        target,
        body,
        session ->
            new Command.Put(
                path,
                Bytes.copyOf(body),
                type,
                precondition,
                Acl.OPEN,
                made.lifetime(session),
                made.parents),
        ZnodeWrites::written);
  }

  private CompletableFuture<Response> putAcl(HttpServletRequest request, Target target) {
    ZPath path = target.znode();
    Precondition precondition = Conditions.ofWrite(request, target);
    requireJson(request);
    byte[] body = gate.body(request, MAX_ACL_BYTES);
    Acl acl = Json.readAcl(Json.parse(body));
    return gate.write(
        request,
        target,
        body,
        session -> new Command.SetAcl(path, acl, precondition),
        reply -> {
          Outcome.Updated updated = (Outcome.Updated) reply.outcome();
          Stat stat = updated.stat();
          return Response.of(200)
              .etag("a" + stat.aversion() + "-" + Json.hex(stat.czxid()))
              .json(document(reply, updated.path(), stat));
        });
  }

  /** A body that must be JSON, or does not say what it is. */
  static void requireJson(HttpServletRequest request) {
    String type = request.getContentType();
    if (type != null
        && !type.toLowerCase(Locale.ROOT).startsWith("application/json")
        && !isForm(type)) {
      throw new Problem(415, "MARSHALLINGERROR", "the body is application/json, not " + type);
    }
  }

  /** Create a child. */
  CompletableFuture<Response> post(HttpServletRequest request, Target target) {
    ZPath parent = target.znode();
    String given = target.option("name");
    boolean sequential = target.flag("sequential");
    String name = given == null ? "" : given;
    if (name.isEmpty() && !sequential) {
      throw Problem.badArguments("?name= may be empty with sequential=true only");
    }
    if (!name.isEmpty()) {
      parent.child(sequential ? name + "0" : name);
    }
    Made made = made(target);
    String type = contentType(request);
    byte[] body = gate.body(request, gate.maxDataBytes());
    return gate.write(
        request,
        target,
        body,
        session ->
            new Command.Create(
                parent,
                name,
                sequential ? Command.Naming.SEQUENTIAL : Command.Naming.EXACT,
                Bytes.copyOf(body),
                type,
                Acl.OPEN,
                made.lifetime(session),
                made.parents),
        ZnodeWrites::written);
  }

  CompletableFuture<Response> delete(HttpServletRequest request, Target target) {
    ZPath path = target.znode();
    Precondition precondition = Conditions.ofWrite(request, target);
    boolean recursive = target.flag("recursive");
    byte[] body = gate.body(request, gate.maxDataBytes());
    return gate.write(
        request,
        target,
        body,
        session ->
            recursive
                ? new Command.DeleteTree(path, precondition)
                : new Command.Delete(path, precondition),
        reply -> Response.of(204));
  }

  /** How a node comes to be, when the request creates it. */
  private record Made(String mode, @Nullable Duration ttl, Command.Parents parents) {
    Lifetime lifetime(long session) {
      return ZnodeWrites.lifetime(mode, ttl, session);
    }
  }

  private static Made made(Target target) {
    String ttl = target.option("ttl");
    var made =
        new Made(
            target.word("mode", "persistent", MODES),
            ttl == null ? null : Target.duration("ttl", ttl),
            target.flag("parents") ? Command.Parents.CREATED : Command.Parents.REQUIRED);
    // Refused before the body is read; the session does not matter for it.
    made.lifetime(1);
    return made;
  }

  static final List<String> MODES = List.of("persistent", "ephemeral", "container");

  /**
   * @param mode one of {@link #MODES}
   * @param session the session that the request acts for, or 0
   */
  static Lifetime lifetime(String mode, @Nullable Duration ttl, long session) {
    if (ttl != null) {
      if (!mode.equals("persistent")) {
        throw Problem.badArguments("only a persistent node has a ttl");
      }
      long ttlMs = ttl.toMillis();
      if (ttlMs < 1 || ttlMs > Lifetime.MAX_TTL_MS) {
        throw Problem.badArguments("a ttl is 1 ms to " + Lifetime.MAX_TTL_MS + " ms");
      }
      return new Lifetime.Ttl(ttlMs);
    }
    return switch (mode) {
      case "ephemeral" -> {
        if (session == 0) {
          throw Problems.unproved("an ephemeral node needs a session, named by Quorate-Session");
        }
        yield new Lifetime.Ephemeral(session);
      }
      case "container" -> Lifetime.CONTAINER;
      default -> Lifetime.PERSISTENT;
    };
  }

  /** What is kept of the Content-Type: nothing of a form's, which is only curl's habit. */
  private static @Nullable String contentType(HttpServletRequest request) {
    String type = request.getContentType();
    if (type == null || type.isBlank() || isForm(type)) {
      return null;
    }
    if (!isStorableType(type)) {
      throw new Problem(
              415,
              "BADARGUMENTS",
              "a Content-Type has at most " + MAX_TYPE_LENGTH + " ASCII characters")
          .with("limit", MAX_TYPE_LENGTH);
    }
    return type;
  }

  static boolean isStorableType(String type) {
    return type.length() <= MAX_TYPE_LENGTH && type.chars().allMatch(c -> c >= ' ' && c < 0x7f);
  }

  static boolean isForm(String type) {
    String lower = type.toLowerCase(Locale.ROOT);
    return lower.startsWith("application/x-www-form-urlencoded") || lower.startsWith("multipart/");
  }

  private static Response written(Reply reply) {
    return switch (reply.outcome()) {
      case Outcome.Created created ->
          described(
              Response.of(201).header("Location", Target.location(created.path())),
              reply,
              created.path(),
              created.stat());
      case Outcome.Updated updated ->
          described(Response.of(200), reply, updated.path(), updated.stat());
      default -> throw new IllegalStateException("a write came to " + reply.outcome());
    };
  }

  private static Response described(Response response, Reply reply, ZPath path, Stat stat) {
    response
        .etag(Json.hex(stat.mzxid()))
        .header("Quorate-Version", Integer.toString(stat.version()))
        .header("Last-Modified", ZnodeViews.httpDate(Instant.ofEpochMilli(stat.mtime())));
    if (stat.ephemeralOwner() != 0) {
      response.header("Quorate-Ephemeral-Owner", Json.hex(stat.ephemeralOwner()));
    }
    return response.json(document(reply, path, stat));
  }

  private static LinkedHashMap<String, Object> document(Reply reply, ZPath path, Stat stat) {
    var document = new LinkedHashMap<String, Object>();
    document.put("path", path.toString());
    document.put("zxid", Json.hex(reply.zxid()));
    document.put("stat", Json.stat(stat));
    return document;
  }
}
