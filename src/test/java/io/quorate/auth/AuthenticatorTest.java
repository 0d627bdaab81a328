package io.quorate.auth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quorate.tree.Acl;
import io.quorate.tree.Identity;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.zookeeper.server.auth.DigestAuthenticationProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AuthenticatorTest {
  private static final Authenticator PLAIN = new Authenticator(Optional.empty());

  @ParameterizedTest
  @ValueSource(strings = {"ann:secret", "ann:a:b", "ann:", ":x", "ann", "", "jürg:pässwörd"})
  void aDigestIsWhatZooKeeperMakesOfIt(String userAndPassword) throws Exception {
    String theirs = DigestAuthenticationProvider.generateDigest(userAndPassword);

    assertThat(PLAIN.digest(userAndPassword.getBytes(StandardCharsets.UTF_8)))
        .containsExactly(new Identity("digest", theirs));
  }

  @Test
  void basicCredentialsAreTheSameSomebodyAsOnTheWire() {
    assertThat(PLAIN.basic("jürg", "a:b"))
        .isEqualTo(PLAIN.digest("jürg:a:b".getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void onlyTheConfiguredPasswordMakesOneSuper() {
    var authenticator = new Authenticator(Optional.of(DigestScheme.id("root:right")));

    assertThat(authenticator.basic("root", "right"))
        .containsExactly(Identity.SUPER, new Identity("digest", DigestScheme.id("root:right")));
    assertThat(authenticator.basic("root", "wrong")).doesNotContain(Identity.SUPER);
    assertThat(PLAIN.basic("root", "right")).doesNotContain(Identity.SUPER);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "root", "root:right", ":kZ9NzSEtrVEoKGt4Yyk1oKBf5Wg="})
  void aSuperDigestOfAnotherFormIsRefusedAtOnce(String text) {
    assertThatThrownBy(() -> new Authenticator(Optional.of(text)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("user:base64(sha1(user:password))");
  }

  @Test
  void passwordHashesAreShownOnlyToThoseWithAdmin() {
    var ann = new Identity("digest", DigestScheme.id("ann:x"));
    var acl =
        new Acl(
            List.of(
                new Acl.Entry(Acl.READ, "world", "anyone"),
                new Acl.Entry(Acl.ALL, "digest", ann.id())));

    assertThat(AclView.masked(acl, List.of()).entries())
        .containsExactly(
            new Acl.Entry(Acl.READ, "world", "anyone"), new Acl.Entry(Acl.ALL, "digest", "ann:x"));
    assertThat(AclView.masked(acl, List.of(ann))).isSameAs(acl);
    assertThat(AclView.masked(acl, List.of(Identity.SUPER))).isSameAs(acl);
  }

  @Test
  void adminWithoutReadStillShowsTheAcl() {
    var acl = new Acl(List.of(new Acl.Entry(Acl.ADMIN, "ip", "10.0.0.1")));

    assertThat(AclView.isVisible(acl, PLAIN.ip("10.0.0.1"))).isTrue();
    assertThat(AclView.isVisible(acl, PLAIN.ip("10.0.0.2"))).isFalse();
  }

  @Test
  void aTokenComesBackAsItWas() {
    for (long id : new long[] {1, Long.MAX_VALUE, -1, 0x7fL << 56}) {
      SessionSecret secret = SessionSecret.random(new Random(id));

      SessionSecret.Token token =
          SessionSecret.Token.parse(secret.tokenFor(id).text()).orElseThrow();

      assertThat(token.sessionId()).isEqualTo(id);
      assertThat(token.secret().hash()).isEqualTo(secret.hash());
    }
  }

  @Test
  void whatIsNoTokenIsNone() {
    String secret = "AAAAAAAAAAAAAAAAAAAAAA";

    assertThat(
            Stream.of(
                    "",
                    ".",
                    "1",
                    "1.",
                    "." + secret,
                    "1." + secret + "A",
                    "+1." + secret,
                    "-1." + secret,
                    "x." + secret,
                    "12345678123456781." + secret,
                    "1.." + secret,
                    "1." + secret.substring(4) + "!!!!",
                    "1.AAAA")
                .filter(text -> SessionSecret.Token.parse(text).isPresent()))
        .isEmpty();
    assertThat(SessionSecret.Token.parse("1." + secret)).isPresent();
  }

  @Test
  void aSecretIsNotPrinted() {
    SessionSecret.Token token = SessionSecret.random(new Random(1)).tokenFor(1);

    assertThat(token + " " + token.secret())
        .isEqualTo("a token for session 0x1 a session's secret");
  }
}
