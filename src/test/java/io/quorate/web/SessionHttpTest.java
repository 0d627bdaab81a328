package io.quorate.web;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.testing.InMemoryReplicator.Fate;
import io.quorate.web.Raw.Answer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Sessions, transactions and the group over HTTP. */
class SessionHttpTest {
  private static WebServer server;

  @BeforeAll
  static void start() {
    server = WebServer.start();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @AfterEach
  void heal() {
    server.replicator().setFate(Fate.COMMITTED);
    server.replicator().setQuorum(true);
  }

  private static Raw http() {
    return server.http();
  }

  private record Held(String id, String token) {
    Raw http() {
      return SessionHttpTest.http().with("Quorate-Session", token);
    }
  }

  private static Held open(String timeout) {
    Answer answer = http().post("/sessions", "{\"timeout\":\"" + timeout + "\"}");
    assertThat(answer.status()).as(answer.toString()).isEqualTo(201);
    return new Held(answer.json().path("id").asString(), answer.json().path("token").asString());
  }

  @Test
  void aSessionIsOpenedKeptReadAndClosedWithItsEphemerals() {
    Answer opened = http().post("/sessions", "{\"timeout\":\"30s\"}");
    var held =
        new Held(opened.json().path("id").asString(), opened.json().path("token").asString());
    Answer node = held.http().put("/znodes/eph?mode=ephemeral", "x");
    Answer read = http().get("/znodes/eph");
    Answer kept = held.http().send("PUT", "/sessions/" + held.id, null);
    Answer shown = held.http().get("/sessions/" + held.id);
    Answer closed = held.http().delete("/sessions/" + held.id);

    assertThat(opened.json().path("timeoutMs").asInt()).isEqualTo(30_000);
    assertThat(opened.header("Location")).isEqualTo("/sessions/" + held.id);
    assertThat(node.status()).as(node.toString()).isEqualTo(201);
    assertThat(read.header("Quorate-Ephemeral-Owner")).isEqualTo(held.id);
    assertThat(kept.status()).isEqualTo(204);
    assertThat(shown.json().path("ephemerals").toString()).isEqualTo("[\"/eph\"]");
    assertThat(shown.json().path("timeoutMs").asInt()).isEqualTo(30_000);
    assertThat(closed.status()).isEqualTo(204);
    assertThat(http().get("/znodes/eph").status()).isEqualTo(404);
    assertThat(held.http().send("PUT", "/sessions/" + held.id, null).status()).isEqualTo(410);
    assertThat(held.http().put("/znodes/eph?mode=ephemeral", "x").code())
        .isEqualTo("SESSIONEXPIRED");
  }

  @Test
  void aSessionsTokenIsAsked() {
    Held held = open("10s");
    Held other = open("10s");

    Answer missing = http().send("PUT", "/sessions/" + held.id, null);
    Answer wrong = other.http().send("PUT", "/sessions/" + held.id, null);
    Answer nonsense = http().with("Quorate-Session", "x").get("/sessions/" + held.id);
    Answer forged =
        http()
            .with("Quorate-Session", held.token.replaceAll("\\..*", ".AAAAAAAAAAAAAAAAAAAAAA"))
            .delete("/sessions/" + held.id);
    Answer write = http().with("Quorate-Session", "x").put("/znodes/w", "");

    for (Answer answer : new Answer[] {missing, wrong, nonsense, forged, write}) {
      assertThat(answer.status()).as(answer.toString()).isEqualTo(401);
      assertThat(answer.has("WWW-Authenticate")).isTrue();
    }
    assertThat(http().get("/sessions/nonsense").status()).isEqualTo(400);
  }

  @Test
  void timeoutsAreNegotiated() {
    Answer tooLong = http().post("/sessions", "{\"timeout\":\"1h\"}");
    Answer empty = http().post("/sessions", "");
    Answer wrong = http().post("/sessions", "{\"timeout\":\"soon\"}");
    Answer unknown = http().post("/sessions", "{\"timout\":\"30s\"}");

    assertThat(tooLong.json().path("timeoutMs").asInt()).isEqualTo(40_000);
    assertThat(empty.status()).isEqualTo(201);
    assertThat(wrong.status()).isEqualTo(400);
    assertThat(unknown.status()).isEqualTo(400);
  }

  @Test
  void aSilentSessionExpiresWithItsNodes() throws Exception {
    Held silent = open("1s");
    Held lively = open("1s");
    silent.http().put("/znodes/silent?mode=ephemeral", "");
    lively.http().put("/znodes/lively?mode=ephemeral", "");

    long end = System.nanoTime() + 6_000_000_000L;
    while (http().get("/znodes/silent").status() == 200 && System.nanoTime() < end) {
      assertThat(lively.http().send("PUT", "/sessions/" + lively.id, null).status()).isEqualTo(204);
      Thread.sleep(100);
    }

    assertThat(http().get("/znodes/silent").status()).isEqualTo(404);
    assertThat(http().get("/znodes/lively").status()).isEqualTo(200);
    assertThat(silent.http().send("PUT", "/sessions/" + silent.id, null).status()).isEqualTo(410);
  }

  // Transactions

  @Test
  void aTransactionTakesOneZxid() {
    Answer answer =
        http()
            .post(
                "/txn",
                """
                {"if":[{"path":"/tx","exists":false}],
                 "then":[{"create":"/tx","data":"one"},
                         {"create":"/tx/q-","sequential":true,"dataBase64":"/wA="},
                         {"set":"/tx","data":"two","version":0},
                         {"check":"/tx","version":1},
                         {"get":"/tx"},
                         {"create":"/tx/gone"},
                         {"delete":"/tx/gone"}],
                 "else":[{"get":"/tx"}]}
                """);

    JsonNode body = answer.json();
    assertThat(answer.status()).as(answer.toString()).isEqualTo(200);
    assertThat(body.path("succeeded").asBoolean()).isTrue();
    assertThat(body.path("zxid").asString()).isEqualTo(answer.header("Quorate-Zxid"));
    assertThat(body.path("results").size()).isEqualTo(7);
    JsonNode sequential = body.path("results").path(1);
    assertThat(sequential.path("op").asString()).isEqualTo("create");
    assertThat(sequential.path("path").asString()).isEqualTo("/tx/q-0000000000");
    assertThat(sequential.path("zxid")).isEqualTo(body.path("zxid"));
    assertThat(body.path("results").path(4).path("data").asString()).isEqualTo("two");
    assertThat(body.path("results").path(4).path("stat").path("version").asInt()).isEqualTo(1);
    assertThat(http().get("/znodes/tx?view=children").json().path("children").toString())
        .isEqualTo("[\"q-0000000000\"]");
  }

  @Test
  void theOtherBranchIsNoFailure() {
    http().put("/znodes/else", "here");

    Answer answer =
        http()
            .post(
                "/txn",
                "{\"if\":[{\"path\":\"/else\",\"version\":9}],\"then\":[],"
                    + "\"else\":[{\"get\":\"/else\"}]}");

    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.json().path("succeeded").asBoolean()).isFalse();
    assertThat(answer.json().path("results").path(0).path("data").asString()).isEqualTo("here");
  }

  @Test
  void aTransactionThatFailsChangesNothing() {
    String etag = http().put("/znodes/fails", "here").header("ETag").replace("\"", "");

    Answer answer =
        http()
            .post(
                "/txn",
                "{\"if\":[{\"path\":\"/fails\",\"etag\":\""
                    + etag
                    + "\"}],\"then\":[{\"set\":\"/fails\",\"data\":\"x\"},"
                    + "{\"delete\":\"/absent\"},{\"check\":\"/fails\",\"version\":1}]}");

    assertThat(answer.status()).isEqualTo(409);
    assertThat(answer.code()).isEqualTo("NONODE");
    assertThat(answer.outcome()).isEqualTo("not-applied");
    assertThat(answer.json().path("results").path(0).path("code").asString()).isEqualTo("OK");
    assertThat(answer.json().path("results").path(1).path("op").asString()).isEqualTo("delete");
    assertThat(answer.json().path("results").path(1).path("path").asString()).isEqualTo("/absent");
    assertThat(answer.json().path("results").path(1).path("code").asString()).isEqualTo("NONODE");
    assertThat(answer.json().path("results").path(2).path("code").asString())
        .isEqualTo("RUNTIMEINCONSISTENCY");
    assertThat(http().get("/znodes/fails").text()).isEqualTo("here");
  }

  @Test
  void aTransactionIsReadExactly() {
    for (String body :
        new String[] {
          "",
          "[]",
          "{}",
          "{\"then\":[{\"creat\":\"/a\"}]}",
          "{\"then\":[{\"create\":\"/a\",\"verison\":1}]}",
          "{\"then\":[{\"create\":\"a\"}]}",
          "{\"then\":[{\"create\":\"/\"}]}",
          "{\"then\":[{\"set\":\"/a\",\"data\":1}]}",
          "{\"then\":[{\"set\":\"/a\",\"data\":\"\",\"version\":\"1\"}]}",
          "{\"then\":[{\"create\":\"/a\",\"data\":\"\",\"dataBase64\":\"\"}]}",
          "{\"if\":[{\"path\":\"/a\"}],\"then\":[]}",
          "{\"then\":[]} x"
        }) {
      Answer answer = http().post("/txn", body);
      assertThat(answer.status()).as(body + " " + answer).isEqualTo(400);
      assertThat(answer.code()).isEqualTo("BADARGUMENTS");
    }
    assertThat(http().with("Content-Type", "text/xml").post("/txn", "{\"then\":[]}").status())
        .isEqualTo(415);
  }

  @Test
  void aTransactionMayBeRepeatedUnderItsKey() {
    String body = "{\"then\":[{\"create\":\"/once-\",\"sequential\":true}]}";

    Answer first = http().with("Idempotency-Key", "t").post("/txn", body);
    Answer again = http().with("Idempotency-Key", "t").post("/txn", body);

    assertThat(again.json()).isEqualTo(first.json());
    assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
  }

  @Test
  void aTransactionMakesNodesOfEveryKind() {
    Held held = open("30s");

    Answer answer =
        held.http()
            .post(
                "/txn",
                "{\"then\":[{\"create\":\"/kinds\",\"mode\":\"container\"},"
                    + "{\"create\":\"/kinds/e\",\"mode\":\"ephemeral\"},"
                    + "{\"create\":\"/kinds/t\",\"ttl\":\"PT1H\"},"
                    + "{\"create\":\"/kinds/a\",\"acl\":[{\"scheme\":\"world\","
                    + "\"perms\":[\"read\"]}]}]}");

    assertThat(answer.status()).as(answer.toString()).isEqualTo(200);
    assertThat(http().put("/znodes/kinds/a", "x").status()).isEqualTo(401);
    assertThat(http().head("/znodes/kinds/e").header("Quorate-Ephemeral-Owner")).isEqualTo(held.id);
    assertThat(http().put("/znodes/kinds/e/child", "").code()).isEqualTo("NOCHILDRENFOREPHEMERALS");
  }

  // The group

  @Test
  void theGroupIsShown() {
    Answer answer = http().get("/cluster");

    JsonNode member = answer.json().path("members").path(0);
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.json().path("clusterId").asString()).isEqualTo("test");
    assertThat(member.path("id").asInt()).isEqualTo(1);
    assertThat(member.path("role").asString()).isEqualTo("leader");
    assertThat(member.path("health").asString()).isEqualTo("ok");
    assertThat(member.path("lag").asInt()).isZero();
    assertThat(member.path("addresses").path("http").asString())
        .isEqualTo("localhost:" + server.port);
  }

  @Test
  void changesOfTheGroupAreRead() {
    assertThat(http().post("/cluster/leader", "{\"id\":2}").status()).isEqualTo(501);
    assertThat(http().post("/cluster/leader", "{}").status()).isEqualTo(400);
    assertThat(http().post("/cluster/members", "{\"id\":2,\"address\":\"nowhere\"}").status())
        .isEqualTo(400);
    assertThat(http().delete("/cluster/members/9").status()).isEqualTo(404);
  }

  @Test
  void withASuperUserTheGroupIsThatUsersToChange() {
    try (var guarded =
        WebServer.start(WebServer.SETTINGS, "--quorate.super-digest=" + WebServer.SUPER)) {
      assertThat(guarded.http().get("/cluster").status()).isEqualTo(200);
      for (String who : new String[] {"", "ann:pw", "admin:secret"}) {
        Raw http = who.isEmpty() ? guarded.http() : guarded.http().as(who);
        int refused = who.isEmpty() ? 401 : 403;
        boolean allowed = who.startsWith("admin");

        Answer lead = http.post("/cluster/leader", "{\"id\":2}");
        Answer add = http.post("/cluster/members", "{\"id\":2,\"address\":\"nowhere\"}");
        Answer remove = http.delete("/cluster/members/9");

        assertThat(lead.status()).as(who).isEqualTo(allowed ? 501 : refused);
        assertThat(add.status()).as(who).isEqualTo(allowed ? 400 : refused);
        assertThat(remove.status()).as(who).isEqualTo(allowed ? 404 : refused);
      }
    }
  }
}
