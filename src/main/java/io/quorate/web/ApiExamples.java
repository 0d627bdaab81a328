package io.quorate.web;

/** Examples of OpenAPI's description that stand in more than one place. */
final class ApiExamples {
  static final String JSON = "application/json";

  private static final String STAT =
      "{\"czxid\":41,\"mzxid\":42,\"ctime\":1767225600000,\"mtime\":1767225660000,\"version\":1,"
          + "\"cversion\":0,\"aversion\":0,\"ephemeralOwner\":0,\"dataLength\":5,"
          + "\"numChildren\":0,\"pzxid\":41}";

  static final String WRITTEN =
      "{\"path\":\"/app/config\",\"zxid\":\"0x2a\",\"stat\":" + STAT + "}";

  static final String NODE =
      "{\"path\":\"/app/config\",\"data\":\"hello\",\"contentType\":\"text/plain\",\"stat\":"
          + STAT
          + "}";

  static final String CHILDREN =
      "{\"path\":\"/app\",\"zxid\":\"0x2a\",\"total\":3,\"children\":[\"config\",\"lock\"],"
          + "\"next\":\"5f0c8a9b1d2e3f4a5b6c7d8e.bG9jaw\"}";

  static final String TREE =
      "{\"path\":\"/app\",\"zxid\":\"0x2a\",\"name\":\"app\",\"data\":\"\",\"stat\":"
          + STAT
          + ",\"children\":[{\"name\":\"config\",\"data\":\"hello\",\"stat\":"
          + STAT
          + ",\"children\":[]}]}";

  static final String ACL =
      "{\"acl\":[{\"scheme\":\"world\",\"id\":\"anyone\",\"perms\":[\"read\"]}],\"aversion\":1}";

  static final String TRANSACTION =
      "{\"if\":[{\"path\":\"/app/config\",\"exists\":false}],"
          + "\"then\":[{\"create\":\"/app\",\"data\":\"\"},"
          + "{\"create\":\"/app/config\",\"data\":\"hello\"}],"
          + "\"else\":[{\"get\":\"/app/config\"}]}";

  static final String TRANSACTION_ANSWER =
      "{\"zxid\":\"0x2a\",\"succeeded\":false,\"results\":[{\"op\":\"get\","
          + "\"path\":\"/app/config\",\"zxid\":\"0x2a\",\"stat\":"
          + STAT
          + ",\"data\":\"hello\"}]}";

  static final String TRANSACTION_FAILED =
      "{\"type\":\"about:blank\",\"title\":\"Conflict\",\"status\":409,"
          + "\"detail\":\"operation 1 of the transaction: /app exists\",\"code\":\"NODEEXISTS\","
          + "\"path\":\"/app\",\"zxid\":\"0x2a\",\"succeeded\":true,\"failed\":1,"
          + "\"results\":[{\"op\":\"check\",\"path\":\"/\",\"code\":\"OK\"},"
          + "{\"op\":\"create\",\"path\":\"/app\",\"code\":\"NODEEXISTS\"}],"
          + "\"outcome\":\"not-applied\"}";

  static final String OPENED =
      "{\"id\":\"0x100019e2f3a40001\",\"token\":\"100019e2f3a40001.c2l4dGVlbiBieXRlcyE\","
          + "\"timeoutMs\":30000}";

  static final String SESSION =
      "{\"id\":\"0x100019e2f3a40001\",\"timeoutMs\":30000,\"ephemerals\":[\"/app/lock\"]}";

  static final String DIFF =
      "{\"path\":\"/app\",\"from\":\"0x29\",\"to\":\"0x2a\",\"changes\":[{\"path\":"
          + "\"/app/config\",\"change\":\"created\",\"after\":{\"data\":\"hello\",\"stat\":"
          + STAT
          + "}}]}";

  static final String CLUSTER =
      "{\"clusterId\":\"456f32a2-80f1-a30e-6321-887f668ac8de\",\"members\":[{\"id\":1,"
          + "\"role\":\"leader\",\"term\":3,\"applied\":120,\"committed\":120,\"lag\":0,"
          + "\"addresses\":{\"http\":\"host1:8080\",\"zookeeper\":\"host1:2181\","
          + "\"replication\":\"host1:9641\"},\"health\":\"ok\"}]}";

  static final String EVENTS =
      "event: changed\nid: 0x2a.0\ndata: {\"event\":\"changed\",\"path\":\"/app/config\","
          + "\"zxid\":\"0x2a\",\"pos\":\"0x2a.0\",\"version\":1,\"etag\":\"0x2a\"}\n\n"
          + "event: bookmark\nid: 0x2a\ndata: {\"pos\":\"0x2a\"}\n\n";

  private ApiExamples() {}
}
