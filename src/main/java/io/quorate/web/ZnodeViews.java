package io.quorate.web;

import io.quorate.auth.AclView;
import io.quorate.state.Precondition.Etags;
import io.quorate.tree.Bytes;
import io.quorate.tree.ZPath;
import io.quorate.tree.Znode;
import io.quorate.tree.ZnodeTree;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/** What a znode looks like from each side: data, node, stat, acl, children, tree. */
final class ZnodeViews {
  static final String OCTETS = "application/octet-stream";
  static final int DEFAULT_PAGE = 1_000;
  static final int MAX_PAGE = 10_000;

  /** Most nodes in one subtree document. */
  static final int MAX_TREE = 100_000;

  /** Most levels in one; deeper JSON is more than most readers take. */
  static final int MAX_LEVELS = 200;

  private static final DateTimeFormatter HTTP_DATE =
      DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  private ZnodeViews() {}

  /** Says of a response what is known of the data. */
  static Response described(Response response, Znode node) {
    response
        .etag(Etags.data(node))
        .header("Quorate-Version", Integer.toString(node.version()))
        .header("Last-Modified", httpDate(Instant.ofEpochMilli(node.mtime())));
    return node.isEphemeral()
        ? response.header("Quorate-Ephemeral-Owner", Json.hex(node.ephemeralOwner()))
        : response;
  }

  static String httpDate(Instant time) {
    return HTTP_DATE.format(time);
  }

  /** The bytes; a browser neither guesses at them nor runs them. */
  static Response data(Snapshot from, Znode node) {
    return described(Response.of(200), node)
        .zxid(from.zxid())
        .header("X-Content-Type-Options", "nosniff")
        .header("Content-Security-Policy", "sandbox")
        .bytes(node.data().orElse(Bytes.EMPTY), node.contentType().orElse(OCTETS));
  }

  static Response node(Snapshot from, ZPath path, Znode node) {
    var document = new LinkedHashMap<String, Object>();
    document.put("path", path.toString());
    Json.putData(document, node);
    node.contentType().ifPresent(type -> document.put("contentType", type));
    document.put("stat", Json.stat(node.stat()));
    return Response.of(200).zxid(from.zxid()).json(document);
  }

  static Response stat(Snapshot from, Znode node) {
    return Response.of(200).zxid(from.zxid()).json(Json.stat(node.stat()));
  }

  static Response acl(Snapshot from, Znode node, Caller caller) {
    var document = new LinkedHashMap<String, Object>();
    document.put("acl", Json.acl(AclView.masked(node.acl(), caller.identities())));
    document.put("aversion", node.aversion());
    return Response.of(200).zxid(from.zxid()).etag(Etags.acl(node)).json(document);
  }

  /** A stretch of the children of one node. */
  record Page(Map<String, Object> document, @Nullable String lastName) {}

  /**
   * @param after the name that the page begins after; null for the beginning
   * @return with {@code lastName} when more follow
   */
  static Page page(
      Snapshot from,
      ZPath path,
      Znode node,
      @Nullable String after,
      int limit,
      Set<String> include,
      Caller caller) {
    ZnodeTree.Children children =
        after == null ? from.tree().children(path) : from.tree().childrenAfter(path, after);
    var names = new ArrayList<Object>();
    String last = null;
    boolean more = children.next();
    while (more && names.size() < limit) {
      last = children.name();
      names.add(include.isEmpty() ? last : child(from, path, children, include, caller));
      more = children.next();
    }
    var document = new LinkedHashMap<String, Object>();
    document.put("path", path.toString());
    document.put("zxid", Json.hex(from.zxid()));
    document.put("total", node.numChildren());
    document.put("children", names);
    return new Page(document, more ? last : null);
  }

  private static Map<String, Object> child(
      Snapshot from,
      ZPath parent,
      ZnodeTree.Children children,
      Set<String> include,
      Caller caller) {
    var document = new LinkedHashMap<String, Object>();
    String name = children.name();
    Znode node = children.node();
    document.put("name", name);
    if (include.contains("data")) {
      putDataIfReadable(document, from, parent.child(name), node, caller);
    }
    if (include.contains("stat")) {
      document.put("stat", Json.stat(node.stat()));
    }
    return document;
  }

  private static void putDataIfReadable(
      Map<String, Object> document, Snapshot from, ZPath path, Znode node, Caller caller) {
    if (from.mayRead(caller, path, node)) {
      Json.putData(document, node);
      node.contentType().ifPresent(type -> document.put("contentType", type));
    } else {
      document.put("code", "NOAUTH");
    }
  }

  /**
   * The subtree as one document, written as it is walked. What may not be read says so and shows
   * neither data nor children.
   *
   * @param depth how many levels below {@code top}
   */
  static Response tree(Snapshot from, ZPath top, Znode node, int depth, Caller caller) {
    if (count(from.tree(), top, depth) > MAX_TREE) {
      throw Problem.tooLarge(
              "the subtree has more than "
                  + MAX_TREE
                  + " nodes: ask with a smaller depth, or for pages of children",
              MAX_TREE)
          .with("path", top.toString());
    }
    if (levels(from.tree(), top, depth) > MAX_LEVELS) {
      throw Problem.tooLarge(
              "the subtree has more than " + MAX_LEVELS + " levels: ask with a smaller depth",
              MAX_LEVELS)
          .with("path", top.toString());
    }
    return Response.of(200).zxid(from.zxid()).stream(
        "application/json",
        out -> {
          try (JsonGenerator json = Json.MAPPER.createGenerator(out)) {
            json.writeStartObject();
            json.writeStringProperty("path", top.toString());
            json.writeStringProperty("zxid", Json.hex(from.zxid()));
            writeTree(json, from, top, node, depth, caller);
            json.writeEndObject();
          }
        });
  }

  /** Levels below {@code top}, of those that are asked for. */
  private static int levels(ZnodeTree tree, ZPath top, int depth) {
    if (depth <= MAX_LEVELS) {
      return depth;
    }
    var deepest =
        new Object() {
          long slashes;
        };
    tree.forEachBelow(
        top, (path, node) -> deepest.slashes = Math.max(deepest.slashes, slashes(path.toString())));
    return (int) (deepest.slashes - (top.isRoot() ? 0 : slashes(top.toString())));
  }

  private static long slashes(String path) {
    return path.chars().filter(c -> c == '/').count();
  }

  private static int count(ZnodeTree tree, ZPath top, int depth) {
    if (depth == Integer.MAX_VALUE) {
      return 1 + tree.countBelow(top, MAX_TREE);
    }
    int count = 1;
    List<ZPath> level = List.of(top);
    for (int d = 0; d < depth && !level.isEmpty(); d++) {
      var below = new ArrayList<ZPath>();
      for (ZPath path : level) {
        ZnodeTree.Children children = tree.children(path);
        while (children.next()) {
          if (++count > MAX_TREE) {
            return count;
          }
          if (children.node().numChildren() > 0) {
            below.add(path.child(children.name()));
          }
        }
      }
      level = below;
    }
    return count;
  }

  private static void writeTree(
      JsonGenerator json, Snapshot from, ZPath path, Znode node, int depth, Caller caller) {
    json.writeStringProperty("name", path.name());
    var content = new LinkedHashMap<String, Object>();
    putDataIfReadable(content, from, path, node, caller);
    content.forEach((name, value) -> json.writeStringProperty(name, (String) value));
    json.writePOJOProperty("stat", Json.stat(node.stat()));
    if (depth > 0 && !content.containsKey("code")) {
      json.writeArrayPropertyStart("children");
      ZnodeTree.Children children = from.tree().children(path);
      while (children.next()) {
        json.writeStartObject();
        writeTree(json, from, path.child(children.name()), children.node(), depth - 1, caller);
        json.writeEndObject();
      }
      json.writeEndArray();
    }
  }
}
