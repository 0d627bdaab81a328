package io.quorate.web;

import io.quorate.state.State;
import io.quorate.tree.Acl;
import io.quorate.tree.Bytes;
import io.quorate.tree.Stat;
import io.quorate.tree.Znode;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The JSON shapes that several resources share. */
final class Json {
  static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private Json() {}

  static byte[] bytes(Object document) {
    return MAPPER.writeValueAsBytes(document);
  }

  static JsonNode parse(byte[] text) {
    try {
      JsonNode node = MAPPER.readTree(text);
      if (node == null || node.isMissingNode()) {
        throw Problem.badArguments("the body is empty; JSON was expected");
      }
      return node;
    } catch (JacksonException e) {
      throw Problem.badArguments("the body is not JSON: " + e.getOriginalMessage());
    }
  }

  /** As headers and documents show a zxid or a session. */
  static String hex(long number) {
    return "0x" + Long.toHexString(number);
  }

  /** A {@link Stat} under ZooKeeper's names. */
  static Map<String, Object> stat(Stat stat) {
    var document = new LinkedHashMap<String, Object>();
    document.put("czxid", stat.czxid());
    document.put("mzxid", stat.mzxid());
    document.put("ctime", stat.ctime());
    document.put("mtime", stat.mtime());
    document.put("version", stat.version());
    document.put("cversion", stat.cversion());
    document.put("aversion", stat.aversion());
    document.put("ephemeralOwner", stat.ephemeralOwner());
    document.put("dataLength", stat.dataLength());
    document.put("numChildren", stat.numChildren());
    document.put("pzxid", stat.pzxid());
    return document;
  }

  /** Puts {@code data} when the bytes are UTF-8, else {@code dataBase64}; nothing for null data. */
  static void putData(Map<String, Object> document, Znode node) {
    node.data().ifPresent(data -> putData(document, data));
  }

  static void putData(Map<String, Object> document, Bytes data) {
    Optional<String> text = text(data);
    if (text.isPresent()) {
      document.put("data", text.get());
    } else {
      document.put("dataBase64", Base64.getEncoder().encodeToString(data.toArray()));
    }
  }

  private static Optional<String> text(Bytes data) {
    try {
      ByteBuffer bytes = data.buffer();
      return Optional.of(StandardCharsets.UTF_8.newDecoder().decode(bytes).toString());
    } catch (CharacterCodingException e) {
      return Optional.empty();
    }
  }

  static List<Map<String, Object>> acl(Acl acl) {
    var entries = new ArrayList<Map<String, Object>>();
    for (Acl.Entry entry : acl.entries()) {
      var document = new LinkedHashMap<String, Object>();
      document.put("scheme", entry.scheme());
      document.put("id", entry.id());
      document.put("perms", permissions(entry.perms()));
      entries.add(document);
    }
    return entries;
  }

  private static List<String> permissions(int perms) {
    var names = new ArrayList<String>();
    for (Permission permission : Permission.values()) {
      if ((perms & permission.bit) != 0) {
        names.add(permission.text);
      }
    }
    return names;
  }

  /** What an ACL entry may grant, by the name that JSON has for it. */
  private enum Permission {
    READ("read", Acl.READ),
    WRITE("write", Acl.WRITE),
    CREATE("create", Acl.CREATE),
    DELETE("delete", Acl.DELETE),
    ADMIN("admin", Acl.ADMIN);

    final String text;
    final int bit;

    Permission(String text, int bit) {
      this.text = text;
      this.bit = bit;
    }
  }

  /** Reads a list of ACL entries, or an object that holds one under {@code acl}. */
  static Acl readAcl(JsonNode given) {
    JsonNode list = given.isObject() && given.has("acl") ? given.get("acl") : given;
    if (!list.isArray()) {
      throw Problem.badArguments(
          "an ACL is a list as [{\"scheme\":\"world\",\"id\":\"anyone\",\"perms\":[\"read\"]}]");
    }
    var entries = new ArrayList<Acl.Entry>();
    for (JsonNode entry : list) {
      String scheme = entry.path("scheme").asString("");
      String id = entry.path("id").asString(scheme.equals("world") ? "anyone" : "");
      entries.add(new Acl.Entry(readPermissions(entry.path("perms")), scheme, id));
    }
    return new Acl(entries);
  }

  private static int readPermissions(JsonNode names) {
    if (!names.isArray()) {
      throw Problem.badArguments("\"perms\" is a list of read, write, create, delete, admin");
    }
    int perms = 0;
    for (JsonNode name : names) {
      perms |= bit(name.asString(""));
    }
    return perms;
  }

  private static int bit(String name) {
    if (name.equals("all")) {
      return Acl.ALL;
    }
    for (Permission permission : Permission.values()) {
      if (permission.text.equals(name)) {
        return permission.bit;
      }
    }
    throw Problem.badArguments(
        "\"" + name + "\" is no permission: read, write, create, delete, admin or all");
  }

  /** The zxid that {@code state} stands at, with nothing else. */
  static Map<String, Object> at(State state) {
    var document = new LinkedHashMap<String, Object>();
    document.put("zxid", hex(state.zxid()));
    return document;
  }
}
