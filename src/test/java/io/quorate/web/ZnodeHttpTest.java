package io.quorate.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.quorate.testing.InMemoryReplicator.Fate;
import io.quorate.web.Raw.Answer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Znodes over HTTP, through a raw socket: what is sent is what arrives. */
class ZnodeHttpTest {
  private static WebServer server;
  private static int count;

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
    server.replicator().setDiskRoom(true);
  }

  private static Raw http() {
    return server.http();
  }

  /** A name that no other test uses. */
  private static String fresh() {
    return "/znodes/t" + count++;
  }

  private static String path(String target) {
    return target.substring("/znodes".length());
  }

  @Test
  void eachRequestIsMeasured() {
    Queue<String> measured = server.bean(WebServer.Times.class).answered;
    measured.clear();
    String target = fresh();
    http().put(target, "one");
    http().get(target);
    http().get(target + "/missing");
    http().send("PATCH", target, new byte[0]);

    await()
        .untilAsserted(() -> assertThat(measured).containsExactly("PUT 201", "GET 200", "GET 404"));
  }

  // Data

  @Test
  void bytesComeBackAsTheyWereSent() {
    String target = fresh();
    byte[] body = new byte[256];
    for (int i = 0; i < 256; i++) {
      body[i] = (byte) i;
    }

    Answer created = http().send("PUT", target, body);
    Answer read = http().with("Accept", "application/json").get(target);

    assertThat(created.status()).as(created.toString()).isEqualTo(201);
    assertThat(created.header("Location")).isEqualTo(target);
    assertThat(created.header("ETag")).isEqualTo('"' + created.header("Quorate-Zxid") + '"');
    assertThat(created.json().path("stat").path("version").asInt()).isZero();
    assertThat(read.status()).isEqualTo(200);
    assertThat(read.body()).isEqualTo(body);
    assertThat(read.header("Content-Type")).isEqualTo("application/octet-stream");
    assertThat(read.header("Content-Length")).isEqualTo("256");
    assertThat(read.header("X-Content-Type-Options")).isEqualTo("nosniff");
    assertThat(read.header("Content-Security-Policy")).isEqualTo("sandbox");
    assertThat(read.header("Quorate-Version")).isEqualTo("0");
    assertThat(read.header("Quorate-Zxid")).matches("0x[0-9a-f]+");
    assertThat(read.header("Last-Modified")).matches("\\w{3}, \\d{2} \\w{3} \\d{4} [\\d:]{8} GMT");
    assertThat(read.has("Quorate-Ephemeral-Owner")).isFalse();
    assertThat(read.header("ETag")).isEqualTo(created.header("ETag"));
  }

  @Test
  void aSecondPutReplacesAndSays200() {
    String target = fresh();
    http().put(target, "one");

    Answer replaced = http().put(target, "two");

    assertThat(replaced.status()).isEqualTo(200);
    assertThat(replaced.has("Location")).isFalse();
    assertThat(replaced.header("Quorate-Version")).isEqualTo("1");
    assertThat(http().get(target).text()).isEqualTo("two");
  }

  @Test
  void headShowsTheSameHeadersAndNoBody() {
    String target = fresh();
    http().with("Content-Type", "text/plain").put(target, "hello");

    Answer head = http().head(target);
    Answer get = http().get(target);

    assertThat(head.status()).isEqualTo(200);
    assertThat(head.header("Content-Length")).isEqualTo("5");
    for (String name : List.of("ETag", "Content-Type", "Quorate-Version", "Last-Modified")) {
      assertThat(head.header(name)).as(name).isEqualTo(get.header(name));
    }
    assertThat(http().head("/znodes/absent").status()).isEqualTo(404);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "text/plain; charset=utf-8",
        "application/json",
        "TEXT/HTML",
        "text/x;charset=no-such-one",
        "image/svg+xml",
        "nonsense"
      })
  void aContentTypeIsKeptToTheLetter(String type) {
    String target = fresh();

    http().with("Content-Type", type).put(target, "x");

    assertThat(http().get(target).header("Content-Type")).isEqualTo(type);
    assertThat(http().get(target + "?view=node").json().path("contentType").asString())
        .isEqualTo(type);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=UTF-8",
        "multipart/form-data; boundary=x"
      })
  void aFormIsBytesLikeAnyOther(String type) {
    String target = fresh();
    String body = "a=1&path=/other&view=stat&_method=DELETE";

    Answer put = http().with("Content-Type", type).put(target, body);
    Answer posted = http().with("Content-Type", type).post(target + "?name=child", body);

    assertThat(put.status()).isEqualTo(201);
    assertThat(posted.status()).isEqualTo(201);
    assertThat(http().get(target).text()).isEqualTo(body);
    assertThat(http().get(target + "/child").text()).isEqualTo(body);
    assertThat(http().get(target).header("Content-Type")).isEqualTo("application/octet-stream");
  }

  @Test
  void aContentTypeOfMoreThan128CharactersIs415() {
    Answer answer = http().with("Content-Type", "a/" + "b".repeat(127)).put(fresh(), "x");

    assertThat(answer.status()).isEqualTo(415);
    assertThat(http().with("Content-Type", "a/" + "b".repeat(126)).put(fresh(), "x").status())
        .isEqualTo(201);
  }

  @Test
  void aWriteWithoutContentTypeClearsTheOldOne() {
    String target = fresh();
    http().with("Content-Type", "text/plain").put(target, "x");

    http().put(target, "y");

    assertThat(http().get(target).header("Content-Type")).isEqualTo("application/octet-stream");
  }

  // Names

  @ParameterizedTest
  @CsvSource({
    "a%20b, /a b",
    "a+b, /a+b",
    "a%2Bb, /a+b",
    "a;b=c, /a;b=c",
    "100%25, /100%",
    "q%3F, /q?",
    "h%23, /h#",
    "back%5Cslash, /back\\slash",
    "back\\raw, /back\\raw",
    "%D0%BF%D1%80%D0%B8, /при",
    "%E6%97%A5%E6%9C%AC, /日本",
    "x%2Fy, /x/y",
    "brace{}[], /brace{}[]",
    "amp&eq=, /amp&eq=",
    "..., /..."
  })
  void everyLegalNameWorks(String raw, String name) {
    http().put("/znodes/x", "");

    Answer put = http().put("/znodes/" + raw, "v:" + name);
    Answer read = http().get("/znodes/" + raw);
    Answer node = http().get("/znodes/" + raw + "?view=node");
    String encoded = Target.encode(name);
    Answer byQuery = http().get("/znodes?path=" + encoded);

    assertThat(put.status()).as(put.toString()).isIn(200, 201);
    if (put.status() == 201) {
      assertThat(put.header("Location")).isEqualTo("/znodes" + encoded);
    }
    assertThat(read.text()).isEqualTo("v:" + name);
    assertThat(node.json().path("path").asString()).isEqualTo(name);
    assertThat(byQuery.text()).isEqualTo("v:" + name);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/znodes//a",
        "/znodes/a/",
        "/znodes/a//b",
        "/znodes/./a",
        "/znodes/a/../b",
        "/znodes/a/%2E%2E/b",
        "/znodes/a%2F",
        "/znodes/a%01",
        "/znodes/a%00",
        "/znodes/%F0%9F%98%80",
        "/znodes/%EE%80%80",
        "/znodes/%ff",
        "/znodes/%zz",
        "/znodes/a%2",
        "/znodes?path=",
        "/znodes?path=a",
        "/znodes?path=/a/",
        "/znodes/a?path=/a",
        "/znodes/a?view=nothing",
        "/znodes/a?vieuw=stat",
        "/znodes/a?view=stat&view=acl",
        "/znodes/a?consistency=none",
        "/znodes/a?at=zero"
      })
  void whatIsNoRequestIs400(String target) {
    http().put("/znodes/a", "");

    Answer answer = http().get(target);

    if (target.equals("/znodes?path=")) {
      assertThat(answer.status()).isEqualTo(200);
      return;
    }
    assertThat(answer.status()).as(answer.toString()).isEqualTo(400);
    assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
    assertThat(answer.code()).isEqualTo("BADARGUMENTS");
    assertThat(answer.outcome()).isEqualTo("not-applied");
  }

  @ParameterizedTest
  @ValueSource(strings = {"/znodes", "/znodes/", "/znodes?path=/", "/znodes/?path=/"})
  void theRootHasSeveralNames(String target) {
    Answer answer = http().get(target + (target.contains("?") ? "&" : "?") + "view=node");

    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.json().path("path").asString()).isEqualTo("/");
  }

  // Views

  @Test
  void nodeShowsTextOrBase64() {
    String target = fresh();
    http().put(target, "grüß");
    JsonNode text = http().get(target + "?view=node").json();
    http().send("PUT", target, new byte[] {(byte) 0xff, 0});
    JsonNode bytes = http().get(target + "?view=node").json();

    assertThat(text.path("data").asString()).isEqualTo("grüß");
    assertThat(text.has("dataBase64")).isFalse();
    assertThat(bytes.path("dataBase64").asString()).isEqualTo("/wA=");
    assertThat(bytes.has("data")).isFalse();
    assertThat(bytes.path("stat").path("dataLength").asInt()).isEqualTo(2);
  }

  @Test
  void statHasZooKeepersNames() {
    String target = fresh();
    http().put(target, "abc");

    Answer answer = http().get(target + "?view=stat");

    assertThat(answer.json().propertyNames())
        .containsExactlyInAnyOrder(
            "czxid",
            "mzxid",
            "ctime",
            "mtime",
            "version",
            "cversion",
            "aversion",
            "ephemeralOwner",
            "dataLength",
            "numChildren",
            "pzxid");
    assertThat(answer.has("ETag")).isFalse();
  }

  @Test
  void childrenComeInPagesOfOneMoment() {
    String target = fresh();
    http().put(target, "");
    for (int i = 0; i < 7; i++) {
      http().put(target + "/c" + i, "d" + i);
    }

    Answer first = http().get(target + "?view=children&limit=3");
    http().put(target + "/c3a", "");
    http().delete(target + "/c5");
    Answer second = http().get(next(first));
    Answer third = http().get(next(second));
    Answer newest = http().get(target + "?view=children&after=c3&limit=2");

    assertThat(names(first)).containsExactly("c0", "c1", "c2");
    assertThat(first.json().path("total").asInt()).isEqualTo(7);
    assertThat(names(second)).containsExactly("c3", "c4", "c5");
    assertThat(names(third)).containsExactly("c6");
    assertThat(third.json().has("next")).isFalse();
    assertThat(third.has("Link")).isFalse();
    assertThat(second.json().path("zxid")).isEqualTo(first.json().path("zxid"));
    assertThat(third.header("Quorate-Zxid")).isEqualTo(first.header("Quorate-Zxid"));
    assertThat(first.json().path("zxid").asString()).isEqualTo(first.header("Quorate-Zxid"));
    assertThat(names(newest)).containsExactly("c3a", "c4");
    assertThat(first.header("ETag"))
        .isEqualTo(
            "\"0x"
                + Long.toHexString(
                    Long.parseLong(first.json().path("zxid").asString().substring(2), 16))
                + '"');
    assertThat(first.json().path("next").asString())
        .isEqualTo(next(first).substring(next(first).indexOf("page=") + 5));
  }

  @Test
  void aPageThatIsNoLongerHeldIs410() {
    String target = fresh();
    http().put(target, "");
    http().put(target + "/a", "");
    http().put(target + "/b", "");
    Answer first = http().get(target + "?view=children&limit=1");

    server.advance(Pages.HELD_FOR.plusSeconds(1));
    Answer late = http().get(next(first));

    assertThat(late.status()).isEqualTo(410);
    assertThat(late.code()).isEqualTo("GONE");
    assertThat(http().get(target + "?view=children&page=nonsense").status()).isEqualTo(410);
  }

  @Test
  void childrenMayBringStatAndData() {
    String target = fresh();
    http().put(target, "");
    http().put(target + "/a", "one");

    Answer answer = http().get(target + "?view=children&include=stat,data");

    JsonNode child = answer.json().path("children").path(0);
    assertThat(child.path("name").asString()).isEqualTo("a");
    assertThat(child.path("data").asString()).isEqualTo("one");
    assertThat(child.path("stat").path("version").asInt()).isZero();
    assertThat(answer.has("ETag")).isFalse();
    assertThat(http().get(target + "?view=children&include=all").status()).isEqualTo(400);
    assertThat(http().get(target + "?view=children&limit=0").status()).isEqualTo(400);
  }

  @Test
  void theSubtreeIsOneDocument() {
    String target = fresh();
    http().put(target, "top");
    http().put(target + "/a", "1");
    http().put(target + "/a/b", "2");

    Answer whole = http().get(target + "?view=tree");
    Answer shallow = http().get(target + "?view=tree&depth=1");

    JsonNode a = whole.json().path("children").path(0);
    assertThat(whole.json().path("path").asString()).isEqualTo(path(target));
    assertThat(whole.json().path("zxid").asString()).isEqualTo(whole.header("Quorate-Zxid"));
    assertThat(whole.json().path("data").asString()).isEqualTo("top");
    assertThat(a.path("name").asString()).isEqualTo("a");
    assertThat(a.path("children").path(0).path("data").asString()).isEqualTo("2");
    assertThat(shallow.json().path("children").path(0).has("children")).isFalse();
  }

  @Test
  void aTreeThatIsTooDeepIs413() {
    String target = fresh();
    for (int levels : List.of(80, 160, 200)) {
      Answer put = http().put(target + "/x".repeat(levels) + "?parents=true", "");
      assertThat(put.status()).as(put.toString()).isEqualTo(201);
    }
    Answer deep = http().get(target + "?view=tree");
    Answer last = http().put(target + "/x".repeat(201) + "?parents=true", "");
    assertThat(last.status()).as(last.toString()).isEqualTo(201);
    Answer deeper = http().get(target + "?view=tree");
    Answer shallow = http().get(target + "?view=tree&depth=3");

    assertThat(deep.status()).isEqualTo(200);
    assertThat(deep.text()).endsWith("}");
    assertThat(deeper.status()).isEqualTo(413);
    assertThat(deeper.json().path("limit").asInt()).isEqualTo(200);
    assertThat(shallow.status()).isEqualTo(200);
  }

  // Conditions

  @Test
  void anUnchangedNodeIs304() {
    String target = fresh();
    String etag = http().put(target, "x").header("ETag");

    Answer same = http().with("If-None-Match", etag).get(target);
    Answer oneOfMany = http().with("If-None-Match", "\"0xffff\", W/" + etag).get(target);
    Answer other = http().with("If-None-Match", "\"0xffff\"").get(target);

    assertThat(same.status()).isEqualTo(304);
    assertThat(same.header("ETag")).isEqualTo(etag);
    assertThat(same.has("Quorate-Zxid")).isTrue();
    assertThat(oneOfMany.status()).isEqualTo(304);
    assertThat(other.status()).isEqualTo(200);
    assertThat(http().with("If-None-Match", "0x1").get(target).status()).isEqualTo(400);
  }

  @Test
  void absenceHasATagToo() {
    Answer answer = http().get("/znodes/absent");

    assertThat(answer.status()).isEqualTo(404);
    assertThat(answer.header("ETag")).isEqualTo("\"0x0\"");
    assertThat(answer.code()).isEqualTo("NONODE");
    assertThat(answer.json().path("path").asString()).isEqualTo("/absent");
    assertThat(answer.json().path("status").asInt()).isEqualTo(404);
    assertThat(answer.json().has("title")).isTrue();
    assertThat(answer.json().has("type")).isTrue();
    assertThat(answer.json().path("instance").asString()).isEqualTo("/znodes/absent");
    assertThat(answer.has("Quorate-Zxid")).isTrue();
  }

  @Test
  void createOnlyAndReplaceOnly() {
    String target = fresh();
    Answer created = http().with("If-None-Match", "*").put(target, "1");
    String etag = created.header("ETag");

    Answer again = http().with("If-None-Match", "*").put(target, "2");
    Answer replaced = http().with("If-Match", etag).put(target, "3");
    Answer stale = http().with("If-Match", etag).put(target, "4");
    Answer weak = http().with("If-Match", "W/" + replaced.header("ETag")).put(target, "4");
    Answer absent = http().with("If-Match", etag).put("/znodes/absent", "5");
    Answer any = http().with("If-Match", "*").put("/znodes/absent", "5");

    assertThat(created.status()).isEqualTo(201);
    assertThat(again.status()).isEqualTo(412);
    assertThat(again.code()).isEqualTo("NODEEXISTS");
    assertThat(replaced.status()).isEqualTo(200);
    assertThat(stale.status()).isEqualTo(412);
    assertThat(stale.code()).isEqualTo("BADVERSION");
    assertThat(weak.status()).isEqualTo(412);
    assertThat(absent.status()).isEqualTo(412);
    assertThat(absent.code()).isEqualTo("NONODE");
    assertThat(any.status()).isEqualTo(412);
    assertThat(http().get(target).text()).isEqualTo("3");
  }

  @Test
  void versionsAreZooKeepers() {
    String target = fresh();
    http().put(target, "0");

    Answer right = http().put(target + "?version=0", "1");
    Answer wrong = http().put(target + "?version=0", "2");
    Answer absent = http().put("/znodes/absent?version=0", "2");
    Answer both = http().with("If-Match", "*").put(target + "?version=1", "2");

    assertThat(right.status()).isEqualTo(200);
    assertThat(wrong.status()).isEqualTo(412);
    assertThat(wrong.code()).isEqualTo("BADVERSION");
    assertThat(absent.status()).isEqualTo(404);
    assertThat(absent.code()).isEqualTo("NONODE");
    assertThat(both.status()).isEqualTo(400);
  }

  @Test
  void aRejectionTakesNoZxid() {
    String target = fresh();
    String zxid = http().put(target, "0").header("Quorate-Zxid");

    Answer rejected = http().with("If-None-Match", "*").put(target, "2");

    assertThat(rejected.header("Quorate-Zxid")).isEqualTo(zxid);
  }

  // Creating

  @Test
  void parentsAreMadeWhenAsked() {
    String target = fresh();

    Answer without = http().put(target + "/a/b", "x");
    Answer with = http().put(target + "/a/b?parents=true", "x");

    assertThat(without.status()).isEqualTo(404);
    assertThat(without.json().path("path").asString()).isEqualTo(path(target) + "/a");
    assertThat(with.status()).isEqualTo(201);
    assertThat(http().get(target).status()).isEqualTo(200);
  }

  @Test
  void postCreatesAChild() {
    String target = fresh();
    http().put(target, "");

    Answer created = http().post(target + "?name=a%20b", "x");
    Answer again = http().post(target + "?name=a%20b", "x");
    Answer nameless = http().post(target, "x");
    Answer slash = http().post(target + "?name=a%2Fb", "x");
    Answer orphan = http().post("/znodes/absent?name=a", "x");

    assertThat(created.status()).isEqualTo(201);
    assertThat(created.header("Location")).isEqualTo(target + "/a%20b");
    assertThat(again.status()).isEqualTo(409);
    assertThat(again.code()).isEqualTo("NODEEXISTS");
    assertThat(nameless.status()).isEqualTo(400);
    assertThat(slash.status()).isEqualTo(400);
    assertThat(orphan.status()).isEqualTo(404);
  }

  @Test
  void sequentialNamesHaveTenDigits() {
    String target = fresh();
    http().put(target, "");

    Answer first = http().post(target + "?name=n-&sequential=true", "");
    Answer second = http().post(target + "?name=&sequential", "");

    assertThat(first.header("Location")).isEqualTo(target + "/n-0000000000");
    assertThat(second.header("Location")).isEqualTo(target + "/0000000001");
    assertThat(second.json().path("path").asString()).isEqualTo(path(target) + "/0000000001");
  }

  @ParameterizedTest
  @CsvSource({
    "mode=container, 201",
    "mode=persistent, 201",
    "ttl=30s, 201",
    "ttl=PT1H, 201",
    "ttl=30s&mode=container, 400",
    "ttl=0s, 400",
    "ttl=soon, 400",
    "mode=sometimes, 400",
    "mode=ephemeral, 401",
    "sequential=true, 400"
  })
  void waysToLive(String query, int status) {
    assertThat(http().put(fresh() + "?" + query, "").status()).isEqualTo(status);
  }

  // Deleting

  @Test
  void deleteJudgesConditionsAndChildren() {
    String target = fresh();
    String etag = http().put(target, "").header("ETag");
    http().put(target + "/a", "");

    Answer full = http().delete(target);
    Answer stale = http().with("If-Match", "\"0xfff\"").delete(target + "/a");
    Answer wrong = http().delete(target + "/a?version=7");
    Answer child = http().delete(target + "/a?version=0");
    Answer node = http().with("If-Match", etag).delete(target);
    Answer absent = http().delete(target);

    assertThat(full.status()).isEqualTo(409);
    assertThat(full.code()).isEqualTo("NOTEMPTY");
    assertThat(stale.status()).isEqualTo(412);
    assertThat(wrong.status()).isEqualTo(412);
    assertThat(child.status()).isEqualTo(204);
    assertThat(child.body()).isEmpty();
    assertThat(child.has("Quorate-Zxid")).isTrue();
    assertThat(node.status()).isEqualTo(204);
    assertThat(absent.status()).isEqualTo(404);
    assertThat(http().delete("/znodes").status()).isEqualTo(400);
  }

  @Test
  void aSubtreeGoesInOneZxidOrNotAtAll() {
    String target = fresh();
    http().put(target, "");
    for (int i = 0; i < 10; i++) {
      http().put(target + "/" + i + "/x?parents=true", "");
    }
    String big = fresh();
    http().put(big, "");
    for (int i = 0; i < 50; i++) {
      http().put(big + "/" + i, "");
    }

    Answer gone = http().delete(target + "?recursive=true");
    Answer refused = http().delete(big + "?recursive=true");

    assertThat(gone.status()).isEqualTo(204);
    assertThat(http().get(target).status()).isEqualTo(404);
    assertThat(refused.status()).isEqualTo(413);
    assertThat(refused.json().path("limit").asInt()).isEqualTo(50);
    assertThat(refused.outcome()).isEqualTo("not-applied");
    assertThat(http().get(big + "?view=stat").json().path("numChildren").asInt()).isEqualTo(50);
  }

  // Limits

  @Test
  void aBodyOverTheLimitIs413() {
    byte[] most = new byte[1024 * 1024];
    byte[] more = new byte[1024 * 1024 + 1];

    Answer fits = http().send("PUT", fresh(), most);
    Answer refused = http().send("PUT", fresh(), more);
    Answer chunked = http().with("Transfer-Encoding", "chunked").send("PUT", fresh(), chunk(more));

    assertThat(fits.status()).isEqualTo(201);
    assertThat(refused.status()).isEqualTo(413);
    assertThat(refused.json().path("limit").asInt()).isEqualTo(1024 * 1024);
    assertThat(refused.code()).isEqualTo("TOOLARGE");
    assertThat(chunked.status()).isEqualTo(413);
  }

  private static byte[] chunk(byte[] body) {
    byte[] head = (Integer.toHexString(body.length) + "\r\n").getBytes(StandardCharsets.US_ASCII);
    byte[] tail = "\r\n0\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    byte[] all = new byte[head.length + body.length + tail.length];
    System.arraycopy(head, 0, all, 0, head.length);
    System.arraycopy(body, 0, all, head.length, body.length);
    System.arraycopy(tail, 0, all, head.length + body.length, tail.length);
    return all;
  }

  // Who asks

  @Test
  void theAclDecidesAndItsDigestsAreMasked() {
    String target = fresh();
    http().put(target, "secret");
    String acl =
        "[{\"scheme\":\"digest\",\"id\":\"joe:"
            + WebServer.digest("joe:pw")
            + "\",\"perms\":[\"read\",\"write\",\"admin\"]},"
            + "{\"scheme\":\"digest\",\"id\":\"ann:"
            + WebServer.digest("ann:пароль")
            + "\",\"perms\":[\"read\"]}]";

    Answer set = http().put(target + "?view=acl&version=0", acl);
    Answer nobody = http().get(target);
    Answer wrong = http().as("joe:wrong").get(target);
    Answer joe = http().as("joe:pw").get(target);
    Answer ann = http().as("ann:пароль").get(target + "?view=acl");
    Answer annWrites = http().as("ann:пароль").put(target, "x");
    Answer admin = http().as("joe:pw").get(target + "?view=acl");
    Answer root = http().as("admin:secret").get(target);

    assertThat(set.status()).as(set.toString()).isEqualTo(200);
    assertThat(set.header("ETag")).startsWith("\"a1-0x");
    assertThat(nobody.status()).isEqualTo(401);
    assertThat(nobody.header("WWW-Authenticate")).startsWith("Basic ");
    assertThat(nobody.code()).isEqualTo("NOAUTH");
    assertThat(http().head(target).status()).isEqualTo(401);
    assertThat(http().get(target + "?view=stat").status()).isEqualTo(200);
    assertThat(wrong.status()).isEqualTo(403);
    assertThat(joe.text()).isEqualTo("secret");
    assertThat(ann.json().path("acl").path(0).path("id").asString()).isEqualTo("joe:x");
    assertThat(ann.json().path("aversion").asInt()).isEqualTo(1);
    assertThat(annWrites.status()).isEqualTo(403);
    assertThat(annWrites.outcome()).isEqualTo("not-applied");
    assertThat(admin.json().path("acl").path(0).path("id").asString())
        .isEqualTo("joe:" + WebServer.digest("joe:pw"));
    assertThat(admin.json().path("acl").path(0).path("perms").toString())
        .isEqualTo("[\"read\",\"write\",\"admin\"]");
    assertThat(admin.header("ETag")).isEqualTo(set.header("ETag"));
    assertThat(root.text()).isEqualTo("secret");
    assertThat(http().with("Authorization", "Bearer x").get(target).status()).isEqualTo(401);
  }

  @Test
  void anAclIsConditionalByItsOwnVersion() {
    String target = fresh();
    http().put(target, "");
    String open = "[{\"scheme\":\"world\",\"id\":\"anyone\",\"perms\":[\"all\"]}]";
    String etag = http().get(target + "?view=acl").header("ETag");

    assertThat(http().put(target + "?view=acl&version=3", open).status()).isEqualTo(412);
    assertThat(http().with("If-Match", etag).put(target + "?view=acl", open).status())
        .isEqualTo(200);
    assertThat(http().with("If-Match", etag).put(target + "?view=acl", open).status())
        .isEqualTo(412);
    assertThat(http().put(target + "?view=acl", "[]").code()).isEqualTo("INVALIDACL");
    assertThat(http().put(target + "?view=acl", "{nonsense").status()).isEqualTo(400);
    assertThat(http().put(target + "?view=acl", "{\"acl\":" + open + "}").status()).isEqualTo(200);
    assertThat(http().with("Content-Type", "text/xml").put(target + "?view=acl", open).status())
        .isEqualTo(415);
  }

  @Test
  void authInAnAclIsWhoeverSetsIt() {
    String target = fresh();
    http().put(target, "x");

    Answer set =
        http()
            .as("joe:pw")
            .put(target + "?view=acl", "[{\"scheme\":\"auth\",\"perms\":[\"all\"]}]");

    assertThat(set.status()).isEqualTo(200);
    assertThat(http().as("joe:pw").get(target).status()).isEqualTo(200);
    assertThat(http().get(target).status()).isEqualTo(401);
    assertThat(
            http().put(fresh() + "?view=acl", "[{\"scheme\":\"auth\",\"perms\":[\"all\"]}]").code())
        .isEqualTo("INVALIDACL");
  }

  // Once and only once

  @Test
  void aRepeatedKeyGetsTheFirstAnswer() {
    String target = fresh();
    http().put(target, "");

    Answer first = http().with("Idempotency-Key", "k1").post(target + "?name=a", "x");
    Answer again = http().with("Idempotency-Key", "k1").post(target + "?name=a", "x");
    Answer other = http().with("Idempotency-Key", "k1").post(target + "?name=a", "y");
    Answer somebodyElse =
        http().as("joe:pw").with("Idempotency-Key", "k1").post(target + "?name=a", "x");

    assertThat(first.status()).isEqualTo(201);
    assertThat(again.status()).isEqualTo(201);
    assertThat(again.header("Location")).isEqualTo(first.header("Location"));
    assertThat(again.header("Quorate-Zxid")).isEqualTo(first.header("Quorate-Zxid"));
    assertThat(again.json()).isEqualTo(first.json());
    assertThat(other.status()).isEqualTo(422);
    assertThat(somebodyElse.status()).isEqualTo(409);
  }

  @Test
  void rejectionsAreRememberedToo() {
    String target = fresh();

    Answer first = http().with("Idempotency-Key", "k2").delete(target);
    http().put(target, "");
    Answer again = http().with("Idempotency-Key", "k2").delete(target);

    assertThat(first.status()).isEqualTo(404);
    assertThat(again.status()).isEqualTo(404);
    assertThat(http().get(target).status()).isEqualTo(200);
    assertThat(http().with("Idempotency-Key", "x".repeat(257)).delete(target).status())
        .isEqualTo(400);
  }

  @Test
  void keysThatFindNoRoomAreRefusedRatherThanOthersForgotten() {
    Answer refused;
    try (WebServer full = WebServer.start()) {
      refused = full.http().get("/znodes");
      for (int i = 0; i < 101 && refused.status() != 429; i++) {
        refused = full.http().with("Idempotency-Key", "k" + i).put("/znodes/a", "" + i);
      }
    }

    assertThat(refused.status()).isEqualTo(429);
    assertThat(refused.has("Retry-After")).isTrue();
    assertThat(refused.outcome()).isEqualTo("not-applied");
  }

  // History

  @Test
  void anOldStateCanBeRead() {
    String target = fresh();
    String first = http().put(target, "one").header("Quorate-Zxid");
    http().put(target + "/a", "");
    String second = http().put(target, "two").header("Quorate-Zxid");

    Answer old = http().get(target + "?at=" + first);
    Answer diff = http().get("/diff?path=" + path(target) + "&from=" + first + "&to=" + second);

    assertThat(old.text()).isEqualTo("one");
    assertThat(old.header("Quorate-Zxid")).isEqualTo(first);
    assertThat(names(http().get(target + "?view=children&at=" + first))).isEmpty();
    assertThat(names(http().get(target + "?view=children&at=" + second))).containsExactly("a");
    assertThat(diff.status()).as(diff.toString()).isEqualTo(200);
    assertThat(diff.json().path("changes").path(0).path("change").asString()).isEqualTo("changed");
    assertThat(diff.json().path("changes").path(0).path("before").path("data").asString())
        .isEqualTo("one");
    assertThat(diff.json().path("changes").path(1).path("change").asString()).isEqualTo("created");
    assertThat(http().get(target + "?at=0xffffff").status()).isEqualTo(400);
    assertThat(http().get("/diff?path=/&from=0x5&to=0x1").status()).isEqualTo(400);
    assertThat(http().get("/diff?path=/").status()).isEqualTo(400);
  }

  @Test
  void whatHistoryNoLongerHoldsIs410() {
    var short10 =
        new io.quorate.state.Settings(
            1024, 10, 1L << 20, 1_000, 40_000, 50, 600_000, 100, 32L << 20, false);
    try (WebServer forgetful = WebServer.start(short10)) {
      for (int i = 0; i < 30; i++) {
        forgetful.http().put("/znodes/a", "" + i);
      }

      Answer old = forgetful.http().get("/znodes/a?at=0x2");
      Answer diff = forgetful.http().get("/diff?from=0x2");
      Answer big = forgetful.http().send("PUT", "/znodes/a", new byte[1025]);

      assertThat(old.status()).isEqualTo(410);
      assertThat(old.json().path("oldest").asString()).startsWith("0x");
      assertThat(diff.status()).isEqualTo(410);
      assertThat(big.status()).isEqualTo(413);
      assertThat(big.json().path("limit").asInt()).isEqualTo(1024);
    }
  }

  // Consistency

  @Test
  void readsSayHowNewTheyMustBe() {
    String target = fresh();
    String zxid = http().put(target, "x").header("Quorate-Zxid");
    server.replicator().setQuorum(false);

    Answer linearizable = http().get(target);
    Answer local = http().get(target + "?consistency=local");
    Answer session = http().with("Quorate-Min-Zxid", zxid).get(target + "?consistency=session");
    Answer future =
        http().with("Quorate-Min-Zxid", "0xffffff").get(target + "?consistency=session");

    assertThat(linearizable.status()).isEqualTo(503);
    assertThat(linearizable.outcome()).isEqualTo("not-applied");
    assertThat(linearizable.has("Retry-After")).isTrue();
    assertThat(local.text()).isEqualTo("x");
    assertThat(session.text()).isEqualTo("x");
    assertThat(future.status()).isEqualTo(503);
  }

  // Long poll

  @Test
  void aLongPollEndsWithTheChange() throws Exception {
    String target = fresh();
    String etag = http().put(target, "old").header("ETag");
    var poll =
        CompletableFuture.supplyAsync(
            () -> http().with("If-None-Match", etag).with("Prefer", "wait=90").get(target));
    Thread.sleep(200);
    assertThat(poll.isDone()).isFalse();

    http().put(target, "new");

    assertThat(poll.get().status()).isEqualTo(200);
    assertThat(poll.get().text()).isEqualTo("new");
    assertThat(poll.get().header("Preference-Applied")).isEqualTo("wait=60");
  }

  @Test
  void aLongPollThatSeesNothingIs304() {
    String target = fresh();
    String etag = http().put(target, "old").header("ETag");

    Answer same = http().with("If-None-Match", etag).with("Prefer", "wait=1").get(target);
    Answer absent =
        http().with("If-None-Match", "\"0x0\"").with("Prefer", "wait=1").get("/znodes/absent");
    Answer known = http().with("If-None-Match", "\"0x0\"").with("Prefer", "wait=9").get(target);

    assertThat(same.status()).isEqualTo(304);
    assertThat(same.header("ETag")).isEqualTo(etag);
    assertThat(same.header("Preference-Applied")).isEqualTo("wait=1");
    assertThat(absent.status()).isEqualTo(304);
    assertThat(absent.header("ETag")).isEqualTo("\"0x0\"");
    assertThat(known.status()).isEqualTo(200);
  }

  @Test
  void aLongPollWaitsForCreationAndSeesDeletion() throws Exception {
    String target = fresh();
    var creation =
        CompletableFuture.supplyAsync(
            () -> http().with("If-None-Match", "\"0x0\"").with("Prefer", "wait=30").get(target));
    Thread.sleep(100);
    String etag = http().put(target, "born").header("ETag");
    var deletion =
        CompletableFuture.supplyAsync(
            () -> http().with("If-None-Match", etag).with("Prefer", "wait=30").get(target));
    Thread.sleep(100);
    http().delete(target);

    assertThat(creation.get().status()).isEqualTo(200);
    assertThat(creation.get().text()).isEqualTo("born");
    assertThat(deletion.get().status()).isEqualTo(404);
  }

  @Test
  void aLongPollOverChildrenAndAcl() throws Exception {
    String target = fresh();
    http().put(target, "");
    String children = http().get(target + "?view=children").header("ETag");
    String acl = http().get(target + "?view=acl").header("ETag");
    var child =
        CompletableFuture.supplyAsync(
            () ->
                http()
                    .with("If-None-Match", children)
                    .with("Prefer", "wait=30")
                    .get(target + "?view=children"));
    var rights =
        CompletableFuture.supplyAsync(
            () ->
                http()
                    .with("If-None-Match", acl)
                    .with("Prefer", "wait=30")
                    .get(target + "?view=acl"));
    Thread.sleep(100);
    http().put(target, "data is not a child");
    http().put(target + "/a", "");
    http()
        .put(
            target + "?view=acl", "[{\"scheme\":\"world\",\"id\":\"anyone\",\"perms\":[\"all\"]}]");

    assertThat(names(child.get())).containsExactly("a");
    assertThat(rights.get().json().path("aversion").asInt()).isEqualTo(1);
  }

  // What goes wrong elsewhere

  @Test
  void aWriteThatNobodyTookIs503() {
    server.replicator().setFate(Fate.REFUSED);

    Answer answer = http().put(fresh(), "x");

    assertThat(answer.status()).isEqualTo(503);
    assertThat(answer.outcome()).isEqualTo("not-applied");
    assertThat(answer.has("Retry-After")).isTrue();
  }

  @Test
  void aWriteWhoseFateIsOpenIs504() {
    String target = fresh();
    server.replicator().setFate(Fate.LOST_UNSAID);

    Answer answer = http().put(target, "x");

    assertThat(answer.status()).isEqualTo(504);
    assertThat(answer.outcome()).isEqualTo("unknown");
  }

  @Test
  void aFullDiskRefusesGrowthOnly() {
    String target = fresh();
    http().put(target, "x");
    server.replicator().setDiskRoom(false);

    Answer put = http().put(target, "y");
    Answer deleted = http().delete(target);

    assertThat(put.status()).isEqualTo(507);
    assertThat(put.outcome()).isEqualTo("not-applied");
    assertThat(deleted.status()).isEqualTo(204);
  }

  @ParameterizedTest
  @CsvSource({
    "GET, /nowhere, 404",
    "GET, /znodesx/a, 404",
    "PATCH, /znodes/a, 405",
    "DELETE, /cluster, 405",
    "GET, /txn, 405",
    "GET, /%, 400",
    "GET, /znodes/../../../etc, 400",
    "BREW, /znodes/a, 405"
  })
  void everythingElseIsAProblemDocumentToo(String method, String target, int status) {
    Answer answer = http().send(method, target, null);

    assertThat(answer.status()).as(answer.toString()).isEqualTo(status);
    assertThat(answer.header("Content-Type")).startsWith("application/problem+json");
    assertThat(answer.json().path("status").asInt()).isEqualTo(status);
    assertThat(answer.code()).isNotEmpty();
    assertThat(answer.outcome()).isEqualTo("not-applied");
    assertThat(answer.has("Quorate-Zxid") || status == 400).isTrue();
    if (status == 405) {
      assertThat(answer.header("Allow")).isNotEmpty();
    }
  }

  private static List<String> names(Answer answer) {
    var names = new ArrayList<String>();
    for (JsonNode child : answer.json().path("children")) {
      names.add(child.asString());
    }
    return names;
  }

  private static String next(Answer answer) {
    String link = answer.header("Link");
    assertThat(link).matches("<.*>; rel=\"next\"");
    return link.substring(1, link.indexOf('>'));
  }
}
