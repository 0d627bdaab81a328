package io.quorate.browser;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.testing.MemberProcess;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/** The console in a real browser, while other clients work on the same tree. */
class ConsoleIT {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final Duration LONG = Duration.ofSeconds(90);

  @TempDir static Path dir;
  private static MemberProcess member;
  private static Chromium browser;

  private final HttpClient client = HttpClient.newHttpClient();

  @BeforeAll
  static void start() throws Exception {
    browser = Chromium.start(dir);
    member = startMember(MemberProcess.freePort());
  }

  private static MemberProcess startMember(int port) throws InterruptedException {
    return MemberProcess.start(dir.resolve("data"), port, List.of()).awaitReady();
  }

  @AfterAll
  static void end() {
    Optional.ofNullable(member).ifPresent(MemberProcess::close);
    Optional.ofNullable(browser).ifPresent(Chromium::close);
  }

  @BeforeEach
  void desktop() {
    browser.screen(1440, 900, false, false);
  }

  @AfterEach
  void nothingWasComplainedAbout() {
    assertThat(browser.complaints()).isEmpty();
  }

  @Test
  void theTreeShowsNodesAndTheirValues() throws Exception {
    put("/shop", "{\"name\":\"shop\",\"serial\":12345678901234567890}");
    put("/shop/colour", "blue");

    open("/shop");
    browser.click(twist("/shop"));
    browser.await(row("/shop/colour"));

    assertThat(browser.text("document.querySelector('.value').textContent"))
        .isEqualTo("{\n  \"name\": \"shop\",\n  \"serial\": 12345678901234567890\n}");
    assertThat(browser.text("document.querySelector('#members').textContent")).contains("leader");
    assertThat(browser.text("document.querySelector('.acl').textContent")).contains("anyone");
    assertThat(browser.text("document.querySelector('.stat').textContent")).contains("mzxid");
    browser.click(row("/shop/colour", ""));
    browser.await("document.querySelector('.value')?.textContent === 'blue'");
    assertThat(browser.text("location.hash")).isEqualTo("#/shop/colour");
  }

  @Test
  void whatOthersChangeAppearsByItself() throws Exception {
    put("/live", "");
    put("/live/lamp", "off");
    open("/live/lamp");
    browser.await("document.querySelector('#connection').textContent === 'live'");
    browser.run("window.sameDocument = true;");

    put("/live/lamp", "on");
    browser.await("document.querySelector('.value').textContent === 'on'");
    put("/live/second", "");
    browser.await(row("/live/second"));
    delete("/live/second");
    browser.await("!(" + row("/live/second") + ")");

    browser.await("document.querySelectorAll('#feed .event').length >= 3");
    assertThat(
            browser.text(
                "[...document.querySelectorAll('#feed .event:not(.remark)')]"
                    + ".map((e) => e.classList[1] + ' ' + e.dataset.path).reverse().join(', ')"))
        .isEqualTo("changed /live/lamp, created /live/second, deleted /live/second");
    assertThat(browser.run("return window.sameDocument;").asBoolean()).isTrue();
  }

  @Test
  void aNodeThatIsNotThereAppearsWhenItIsCreated() throws Exception {
    open("/expected");
    browser.await("document.querySelector('.absent h1')?.textContent === 'Nothing here'");
    browser.await("document.querySelector('#connection').textContent === 'live'");

    put("/expected", "at last");

    browser.await("document.querySelector('.value')?.textContent === 'at last'");
  }

  @Test
  void anEditIsWrittenOverWhatWasSeen() throws Exception {
    put("/note", "draft");
    open("/note");

    write("final");
    browser.click("#save");

    browser.await("document.querySelector('pre.value')?.textContent === 'final'");
    assertThat(get("/note")).isEqualTo("final");
  }

  @Test
  void anEditOverSomethingNewerShowsBoth() throws Exception {
    put("/contested", "one\ntwo\nthree");
    open("/contested");
    write("one\nmine\nthree");

    put("/contested", "one\ntheirs\nthree");
    browser.click("#save");
    browser.await("document.querySelector('.conflict')?.textContent.includes('refused')");

    assertThat(browser.text("document.querySelector('.theirs .differs').textContent"))
        .isEqualTo("theirs\n");
    assertThat(browser.text("document.querySelector('.yours .differs').textContent"))
        .isEqualTo("mine\n");
    assertThat(get("/contested")).isEqualTo("one\ntheirs\nthree");
    browser.screenshot(Path.of("target/console-conflict.png"));
    browser.click("#overwrite");
    browser.await("document.querySelector('pre.value')?.textContent.includes('mine')");
    assertThat(get("/contested")).isEqualTo("one\nmine\nthree");
  }

  @Test
  void bytesAreShownAndWrittenAsHex() throws Exception {
    put("/bytes", "");
    open("/bytes");
    browser.click("#edit");
    browser.click("[data-form=hex]");

    fill("#draft", "ff 00 0a");
    browser.click("#save");

    browser.await(
        "document.querySelector('.hex-line')?.textContent.startsWith('000000  ff 00 0a')");
  }

  @Test
  void childrenAreCreatedAndSubtreesDeleted() throws Exception {
    put("/made", "");
    open("/made");
    browser.click("#create");
    fill("#new-name", "by hand 100%");
    fill("#new-value", "yes");
    browser.click("#new-create");
    browser.await("document.querySelector('.value')?.textContent === 'yes'");
    assertThat(get("/made/by hand 100%")).isEqualTo("yes");
    browser.click(row("/made", ""));
    browser.await("document.querySelector('#node').dataset.path === '/made'");

    browser.click("#delete");
    browser.await("document.querySelector('#delete-now').disabled");
    assertThat(browser.text("document.querySelector('dialog').innerText"))
        .contains("It has 1 child")
        .doesNotContain("false", "null", "undefined");
    browser.click("#delete-sure");
    browser.click("#delete-now");

    browser.await("!(" + row("/made") + ")");
    assertThat(status("/made")).isEqualTo(404);
  }

  @Test
  void anEphemeralChildGoesWithThePage() throws Exception {
    put("/here", "");
    open("/here");
    browser.click("#create");
    fill("#new-name", "console");
    browser.click("input[value=ephemeral]");
    browser.click("#new-create");
    browser.await("document.querySelector('.badge.ephemeral')");
    assertThat(status("/here/console")).isEqualTo(200);

    browser.open(URI.create("about:blank#gone"));
    open("/here");
    browser.click(twist("/here"));

    browser.await("!(" + row("/here/console") + ")", LONG);
    assertThat(status("/here/console")).isEqualTo(404);
  }

  @Test
  void oddNamesAreNamesLikeAnyOther() throws Exception {
    List<String> names =
        List.of("100%", "a;b", "a+b", "%2F", "two words", "what?#now", "設定", "<b>bold", "it's");
    put("/odd", "");
    for (String name : names) {
      put("/odd/" + name, "value of " + name);
    }
    open("/odd");
    browser.click(twist("/odd"));

    for (String name : names) {
      browser.await(row("/odd/" + name));
      browser.click(row("/odd/" + name, ""));
      browser.await(
          "document.querySelector('.value')?.textContent === " + quoted("value of " + name));
      assertThat(browser.text("document.querySelector('h1').textContent")).isEqualTo(name);
    }
    open("/odd/what?#now");
    browser.await("document.querySelector('.value')?.textContent === 'value of what?#now'");
    write("written");
    browser.click("#save");
    browser.await("document.querySelector('pre.value')?.textContent === 'written'");
    assertThat(get("/odd/what?#now")).isEqualTo("written");
  }

  @Test
  void dataIsNeverTakenForMarkup() throws Exception {
    String evil = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>";
    put("/evil", evil);
    put("/evil/<img src=x onerror=window.hacked=1>", "{\"<b>\":\"<img src=x>\"}");

    open("/evil");
    browser.await("document.querySelector('.value')?.textContent === " + quoted(evil));
    browser.click(twist("/evil"));
    browser.click(row("/evil/<img src=x onerror=window.hacked=1>", ""));
    browser.await("document.querySelector('h1').textContent.startsWith('<img')");

    assertThat(browser.text("document.images.length")).isEqualTo("1");
    assertThat(browser.text("window.hacked")).isEqualTo("undefined");
  }

  @Test
  void aHundredThousandChildrenOpenAndScroll() throws Exception {
    put("/many", "");
    for (int start = 0; start < 100_000; start += 5_000) {
      var operations = new ArrayList<Map<String, Object>>();
      for (int i = start; i < start + 5_000; i++) {
        operations.add(Map.of("create", "/many/n%06d".formatted(i), "data", ""));
      }
      assertThat(post("/txn", Map.of("then", operations))).isEqualTo(200);
    }
    open("/many");
    long began = System.nanoTime();

    browser.click(twist("/many"));
    browser.await(row("/many/n000000"), LONG);
    Duration opened = Duration.ofNanos(System.nanoTime() - began);
    browser.run(
        """
        const tree = document.querySelector('#tree');
        tree.scrollTop = 50000 * tree.querySelector('.row').offsetHeight;""");
    browser.await(row("/many/n050000"), LONG);
    browser.run("document.querySelector('#tree').scrollTop = 1e9;");
    browser.await(row("/many/n099999"), LONG);
    Duration scrolled = Duration.ofNanos(System.nanoTime() - began);

    System.out.println("100 000 children: opened " + opened + ", at the end " + scrolled);
    assertThat(opened).isLessThan(Duration.ofSeconds(10));
    assertThat(scrolled).isLessThan(Duration.ofSeconds(30));
    assertThat(browser.run("return document.querySelectorAll('.row').length;").asInt())
        .isLessThan(120);
    put("/many/n099998x", "");
    browser.await(row("/many/n099998x"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"json", "text", "hex"})
  void aMegabyteIsShownAtOnceAndAllOfItWhenAsked(String kind) throws Exception {
    var value = new StringBuilder(kind.equals("json") ? "[" : kind.equals("text") ? "" : "\u0001");
    while (value.length() < 1_000_000) {
      value.append("{\"name\":\"entry \\\"").append(value.length()).append("\\\"\",\"on\":true},");
    }
    value.append(kind.equals("json") ? "0]" : "");
    put("/large", "");
    put("/large/" + kind, value.toString());
    open("/large");
    browser.await("document.querySelector('.value')");
    long began = System.nanoTime();

    browser.run("location.hash = '#/large/" + kind + "';");
    browser.await("document.querySelector('h1')?.textContent === '" + kind + "'");
    browser.await("document.querySelector('.value')?.textContent.includes('name')");
    browser.run("await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));");
    Duration shown = Duration.ofNanos(System.nanoTime() - began);
    browser.screenshot(Path.of("target", "console-large-" + kind + ".png"));

    System.out.println("1 MB of " + kind + ": shown after " + shown);
    assertThat(shown).isLessThan(Duration.ofSeconds(5));
    if (!kind.equals("hex")) {
      assertThat(browser.run("return document.querySelector('.value').textContent.length;").asInt())
          .isLessThan(200_000);
      began = System.nanoTime();
      browser.click("#show-all");
      browser.await(
          "document.querySelector('.value').textContent.length >= 1_000_000"
              + " && !document.querySelector('#show-all')",
          LONG);
      browser.run("await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));");
      Duration all = Duration.ofNanos(System.nanoTime() - began);
      System.out.println("all of it after " + all);
      assertThat(all).isLessThan(Duration.ofSeconds(20));
    }
  }

  @Test
  void whatOthersMayNotReadIsShownAndWatchedAfterSigningIn() throws Exception {
    put("/private", "hidden");
    assertThat(
            send(asAnn(request("/private", "?view=acl"))
                    .PUT(
                        HttpRequest.BodyPublishers.ofString(
                            "[{\"scheme\":\"auth\",\"perms\":[\"all\"]}]")))
                .statusCode())
        .isEqualTo(200);
    open("/private");
    browser.await("document.querySelector('.absent h1')?.textContent === 'Not for everyone'");

    browser.click("#credentials");
    fill("#user", "ann");
    fill("#password", "päss:word");
    browser.click("dialog button[type=submit]");
    browser.await("document.querySelector('.value')?.textContent === 'hidden'");
    browser.await("document.querySelector('#connection').textContent === 'live'");
    send(asAnn(request("/private", "")).PUT(HttpRequest.BodyPublishers.ofString("seen")));

    browser.await("document.querySelector('.value').textContent === 'seen'");
    assertThat(browser.text("JSON.stringify([localStorage.length, sessionStorage.length])"))
        .isEqualTo("[0,0]");
  }

  @Test
  void anAccessListIsSetOverTheOneThatWasSeen() throws Exception {
    put("/guarded", "");
    open("/guarded");
    browser.click("#access");
    browser.click(".entry-perms input[value=delete]");
    browser.click("#access-set");

    browser.await("document.querySelector('.acl .perm.off')?.textContent === 'delete'");
    assertThat(send(request("/guarded", "?view=acl")).body())
        .contains("\"perms\":[\"read\",\"write\",\"create\",\"admin\"]", "\"aversion\":1");
  }

  private static HttpRequest.Builder asAnn(HttpRequest.Builder request) {
    return request.header(
        "Authorization",
        "Basic " + Base64.getEncoder().encodeToString("ann:päss:word".getBytes(UTF_8)));
  }

  @Test
  void theKeyboardIsEnough() throws Exception {
    put("/keys", "");
    put("/keys/a", "first");
    put("/keys/b", "second");
    open("/keys");
    browser.await("document.querySelector('#node').dataset.path === '/keys'");
    browser.run("document.querySelector('#tree').focus();");

    browser.press("ArrowRight");
    browser.await(row("/keys/b"));
    browser.press("ArrowDown");
    browser.press("ArrowDown");
    browser.await("document.querySelector('.value')?.textContent === 'second'");
    browser.press("F2");
    browser.await("document.activeElement.id === 'draft'");
    browser.type("the ");
    browser.run(
        """
        document.activeElement.dispatchEvent(
          new KeyboardEvent('keydown', {key: 'Enter', ctrlKey: true, bubbles: true}));""");

    browser.await("document.querySelector('pre.value')?.textContent === 'the second'");
    assertThat(get("/keys/b")).isEqualTo("the second");
  }

  @Test
  void anInterruptedWatchGoesOnWhereItWas() throws Exception {
    put("/steady", "");
    put("/steady/before", "");
    open("/steady");
    browser.click(twist("/steady"));
    browser.await(row("/steady/before"));
    browser.await("document.querySelector('#connection').textContent === 'live'");
    int port = member.httpPort();

    member.kill();
    browser.await("document.querySelector('#connection').dataset.state === 'lost'");
    member = startMember(port);
    put("/steady/meanwhile", "");
    delete("/steady/before");

    browser.await(row("/steady/meanwhile"), LONG);
    browser.await("!(" + row("/steady/before") + ")");
    browser.await("document.querySelector('#connection').textContent === 'live'");
  }

  @Test
  void itIsReadableEverywhere() throws Exception {
    put("/atlas", "{\"scale\":1000,\"title\":\"Atlas\",\"sheets\":[\"north\",\"south\"]}");
    for (String name : List.of("north", "south", "legend")) {
      put("/atlas/" + name, name);
    }
    open("/atlas");
    browser.click(twist("/atlas"));
    browser.await(row("/atlas/south"));
    browser.await("document.querySelector('#connection').textContent === 'live'");
    put("/atlas/legend", "new");
    put("/atlas/index", "");
    browser.await(row("/atlas/index"));
    browser.await("document.querySelectorAll('#feed .event').length >= 2");
    browser.await("document.querySelector('#feed').getAnimations({subtree: true}).length === 0");

    browser.screenshot(Path.of("target/console.png"));
    browser.screen(390, 844, true, true);
    browser.click(".tabs [data-pane=node]");
    browser.screenshot(Path.of("target/console-phone.png"));

    assertThat(browser.run("return document.documentElement.scrollWidth;").asInt())
        .isLessThanOrEqualTo(390);
  }

  // The console

  private void open(String path) {
    browser.open(member.uri("/#" + encoded(path)));
    browser.await(row("/"));
  }

  /** Replaces the text of the editor, as typing does. */
  private static void write(String text) {
    browser.click("#edit");
    fill("#draft", text);
  }

  private static void fill(String selector, String text) {
    browser.await("document.querySelector('" + selector + "')");
    browser.run(
        "const field = document.querySelector('" + selector + "'); field.focus(); field.select();");
    browser.type(text);
  }

  /** Whether the tree shows {@code path}, as an expression. */
  private static String row(String path) {
    return "document.querySelector(" + quoted(row(path, "")) + ") !== null";
  }

  private static String row(String path, String part) {
    return ".row[data-path=" + quoted(path) + "]" + part;
  }

  private static String twist(String path) {
    return row(path, " .twist");
  }

  private static String quoted(String text) {
    return JSON.writeValueAsString(text);
  }

  // Another client

  private static String encoded(String path) {
    var out = new StringBuilder();
    for (String segment : path.split("/")) {
      if (!segment.isEmpty()) {
        out.append('/').append(URLEncoder.encode(segment, UTF_8).replace("+", "%20"));
      }
    }
    return out.toString();
  }

  private void put(String path, String value) throws IOException, InterruptedException {
    assertThat(send(request(path).PUT(HttpRequest.BodyPublishers.ofString(value))).statusCode())
        .isIn(200, 201);
  }

  private void delete(String path) throws IOException, InterruptedException {
    assertThat(send(request(path).DELETE()).statusCode()).isEqualTo(204);
  }

  private String get(String path) throws IOException, InterruptedException {
    return send(request(path)).body();
  }

  private int status(String path) throws IOException, InterruptedException {
    return send(request(path)).statusCode();
  }

  private int post(String resource, Map<String, ?> document)
      throws IOException, InterruptedException {
    return send(HttpRequest.newBuilder(member.uri(resource))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(document))))
        .statusCode();
  }

  private HttpRequest.Builder request(String path) {
    return request(path, "");
  }

  private HttpRequest.Builder request(String path, String query) {
    return HttpRequest.newBuilder(member.uri("/znodes" + encoded(path) + query));
  }

  private HttpResponse<String> send(HttpRequest.Builder request)
      throws IOException, InterruptedException {
    return client.send(
        request.timeout(Duration.ofSeconds(30)).build(), HttpResponse.BodyHandlers.ofString());
  }
}
