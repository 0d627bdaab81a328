package io.quorate.web;

import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import java.util.Map;

/**
 * The JSON documents as OpenAPI describes them. Only for the description: what is sent is put
 * together where it is known, member by member.
 */
final class ApiShapes {
  private ApiShapes() {}

  @Schema(name = "Stat", description = "What is known of a znode, under ZooKeeper's names.")
  record Stat(
      long czxid,
      long mzxid,
      long ctime,
      long mtime,
      int version,
      int cversion,
      int aversion,
      long ephemeralOwner,
      int dataLength,
      int numChildren,
      long pzxid) {}

  @Schema(name = "Node")
  record Node(
      String path,
      @Schema(description = "When the bytes are UTF-8.") String data,
      @Schema(description = "When they are not.") String dataBase64,
      String contentType,
      Stat stat) {}

  @Schema(name = "Written", description = "What a write came to.")
  record Written(String path, @Schema(example = "0x2a") String zxid, Stat stat) {}

  @Schema(name = "AclEntry")
  record AclEntry(
      @Schema(allowableValues = {"world", "auth", "digest", "ip", "x509"}) String scheme,
      String id,
      @Schema(example = "[\"read\",\"write\"]") List<String> perms) {}

  @Schema(name = "Acl")
  record AclDocument(List<AclEntry> acl, int aversion) {}

  @Schema(name = "Children")
  record Children(
      String path,
      @Schema(example = "0x2a") String zxid,
      int total,
      @Schema(description = "Names; objects with name, stat and data when include asks for it.")
          List<Object> children,
      @Schema(description = "Pass it as page; absent at the end.") String next) {}

  @Schema(name = "Tree", description = "A subtree; its root has path and zxid too.")
  record Tree(
      String path,
      String zxid,
      String name,
      String data,
      String dataBase64,
      Stat stat,
      List<Map<String, Object>> children) {}

  @Schema(name = "Condition", description = "A path and one of the others.")
  record Condition(String path, boolean exists, int version, String etag) {}

  @Schema(name = "Transaction")
  record Transaction(
      @Schema(name = "if") List<Condition> conditions,
      @Schema(description = "Objects with one of create, set, delete, check, get.")
          List<Map<String, Object>> then,
      @Schema(name = "else") List<Map<String, Object>> otherwise) {}

  @Schema(name = "TransactionResult")
  record TransactionResult(
      String op,
      String path,
      String zxid,
      Stat stat,
      String data,
      @Schema(description = "When the transaction failed; OK before what failed.") String code) {}

  @Schema(name = "TransactionAnswer")
  record TransactionAnswer(String zxid, boolean succeeded, List<TransactionResult> results) {}

  @Schema(name = "SessionRequest")
  record SessionRequest(@Schema(example = "30s") String timeout) {}

  @Schema(name = "OpenedSession")
  record OpenedSession(
      @Schema(example = "0x100019e2f3a40001") String id,
      @Schema(description = "A secret: goes into Quorate-Session.") String token,
      int timeoutMs) {}

  @Schema(name = "Session")
  record SessionDocument(String id, int timeoutMs, List<String> ephemerals) {}

  @Schema(name = "Side")
  record Side(String data, String dataBase64, Stat stat) {}

  @Schema(name = "Difference")
  record Difference(
      String path,
      @Schema(allowableValues = {"created", "changed", "recreated", "deleted", "acl", "children"})
          String change,
      Side before,
      Side after) {}

  @Schema(name = "Diff")
  record Diff(String path, String from, String to, List<Difference> changes) {}

  @Schema(name = "Addresses")
  record Addresses(String http, String zookeeper, String replication) {}

  @Schema(name = "Member")
  record Member(
      int id,
      @Schema(allowableValues = {"leader", "follower", "observer"}) String role,
      long term,
      long applied,
      long committed,
      long lag,
      Addresses addresses,
      String health) {}

  @Schema(name = "Cluster")
  record ClusterDocument(String clusterId, List<Member> members) {}

  @Schema(name = "NewMember")
  record NewMember(
      int id,
      @Schema(example = "host3:9641") String address,
      @Schema(allowableValues = {"voter", "observer"}) String role) {}

  @Schema(name = "Leader")
  record Leader(@Schema(example = "2") int id) {}

  @Schema(name = "Problem", description = "RFC 9457, with code, path and outcome.")
  record ProblemDocument(
      String type,
      String title,
      int status,
      String detail,
      String instance,
      @Schema(description = "ZooKeeper's name where there is one.", example = "NONODE") String code,
      String path,
      @Schema(
              description =
                  "unknown only when a write was handed to replication and no answer came",
              allowableValues = {"not-applied", "unknown"})
          String outcome) {}
}
