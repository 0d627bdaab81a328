package io.quorate.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.Seeds;
import java.util.List;
import java.util.Random;
import org.apache.zookeeper.server.auth.IPAuthenticationProvider;
import org.junit.jupiter.api.Test;

class AclTest {
  private static final Identity ANN = new Identity("digest", "ann:x");
  private static final Identity EVE = new Identity("x509", "CN=eve");

  @Test
  void everyPermissionAskedForMustStandInOneEntry() {
    var acl = new Acl(List.of(entry(Acl.READ, "digest", "ann:x"), entry(2, "x509", "CN=eve")));

    assertThat(acl.allows(Acl.READ, List.of(ANN))).isTrue();
    assertThat(acl.allows(Acl.READ | Acl.WRITE, List.of(ANN, EVE))).isFalse();
    assertThat(acl.allows(Acl.WRITE, List.of(ANN, EVE))).isTrue();
    assertThat(acl.allows(Acl.ADMIN, List.of(Identity.SUPER))).isTrue();
    assertThat(acl.allows(Acl.READ, List.of())).isFalse();
  }

  @Test
  void authStandsForEverybodyWhoShowedCredentials() {
    var acl =
        new Acl(List.of(entry(Acl.ALL, "auth", "whatever"), entry(Acl.ALL, "digest", "ann:x")));

    assertThat(acl.resolvedFor(List.of(new Identity("ip", "10.0.0.1"), ANN, EVE)))
        .containsExactly(entry(Acl.ALL, "digest", "ann:x"), entry(Acl.ALL, "x509", "CN=eve"));
    assertThat(acl.resolvedFor(List.of(new Identity("ip", "10.0.0.1")))).isEmpty();
    assertThat(acl.resolvedFor(List.of(Identity.SUPER))).isEmpty();
  }

  @Test
  void aDigestIdIsAUserAndAHash() {
    assertThat(isValid("digest", "ann:x")).isTrue();
    assertThat(isValid("digest", ":x")).isTrue();
    for (String id : List.of("", "ann", "ann:", ":", "a:b:c")) {
      assertThat(isValid("digest", id)).as(id).isFalse();
    }
  }

  @Test
  void addressesWithoutARangeStandForThemselves() {
    assertThat(IpRange.contains("10.0.0.1", "10.0.0.1")).isTrue();
    assertThat(IpRange.contains("10.0.0.1", "10.0.0.2")).isFalse();
    assertThat(IpRange.contains("0.0.0.0/0", "255.1.2.3")).isTrue();
    assertThat(IpRange.contains("0.0.0.0/0", "::1")).isFalse();
    assertThat(IpRange.contains("::/0", "fe80::1%eth0")).isTrue();
    assertThat(IpRange.contains("2001:db8::/33", "2001:db8:7fff::1")).isTrue();
    assertThat(IpRange.contains("2001:db8::/33", "2001:db8:8000::1")).isFalse();
    assertThat(IpRange.contains("::ffff:10.0.0.1", "::ffff:a00:1")).isTrue();
  }

  @Test
  void whatIsNoAddressIsRefusedBeforeItIsStored() {
    for (String text :
        List.of(
            "",
            "/",
            "1.2.3",
            "1.2.3.4.5",
            "256.1.1.1",
            "1.2.3.4/33",
            "1.2.3.4/",
            "1.2.3.4/-1",
            "1.2.3.4/1/1",
            "a.b.c.d",
            "localhost",
            "::1/129",
            ":::",
            "1::2::3",
            "12345::",
            "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8:9",
            "g::",
            "1.2.3.4::")) {
      assertThat(IpRange.isValid(text)).as(text).isFalse();
    }
    for (String text : List.of("1.2.3.4", "1.2.3.4/0", "1.2.3.4/32", "::", "::1/128", "1::")) {
      assertThat(IpRange.isValid(text)).as(text).isTrue();
    }
  }

  @Test
  void rangesOfFourNumbersAreZooKeepers() {
    var theirs = new IPAuthenticationProvider();
    Seeds.each(
        50,
        seed -> {
          var random = new Random(seed);
          for (int i = 0; i < 500; i++) {
            String range = address(random) + (random.nextBoolean() ? "" : "/" + random.nextInt(36));
            String address = address(random);

            assertThat(IpRange.isValid(range)).as(range).isEqualTo(theirs.isValid(range));
            if (theirs.isValid(range)) {
              assertThat(IpRange.contains(range, address))
                  .as(range + " " + address)
                  .isEqualTo(theirs.matches(address, range));
            }
          }
        });
  }

  private static String address(Random random) {
    var text = new StringBuilder();
    for (int i = 0; i < 4; i++) {
      text.append(i == 0 ? "" : ".").append(random.nextInt(3) == 0 ? random.nextInt(260) : 1);
    }
    return text.toString();
  }

  private static boolean isValid(String scheme, String id) {
    return !new Acl(List.of(entry(Acl.ALL, scheme, id))).resolvedFor(List.of()).isEmpty();
  }

  private static Acl.Entry entry(int perms, String scheme, String id) {
    return new Acl.Entry(perms, scheme, id);
  }
}
