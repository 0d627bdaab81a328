package io.quorate.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

class MemberConfigurationTest {
  private static MemberConfiguration with(String... keysAndValues) {
    Map<String, String> given = new HashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      given.put(keysAndValues[i], keysAndValues[i + 1]);
    }
    return MemberConfiguration.from(
        new Binder(new MapConfigurationPropertySource(given))
            .bindOrCreate("quorate", QuorateProperties.class));
  }

  @Test
  void nothingSaidIsAGroupOfOne() {
    MemberConfiguration configuration = with();

    assertThat(configuration.id()).isEqualTo(1);
    assertThat(configuration.members()).isEmpty();
    assertThat(configuration.zookeeperPort()).isEqualTo(2181);
    assertThat(configuration.settings().maxDataBytes()).isEqualTo(1 << 20);
    assertThat(configuration.settings().historyMaxEvents()).isEqualTo(100_000);
    assertThat(configuration.settings().historyMaxBytes()).isEqualTo(64L << 20);
    assertThat(configuration.settings().minSessionTimeoutMs()).isEqualTo(4_000);
    assertThat(configuration.settings().maxSessionTimeoutMs()).isEqualTo(40_000);
  }

  @Test
  void aStarIsEveryFourLetterWordAndEachMayBeNamed() {
    String named = "ruok,srst,crst,dirs,wchc,wchp,wchs";

    assertThat(with("quorate.zookeeper.four-letter-words", "*").fourLetterWords())
        .hasSize(15)
        .containsAll(List.of(named.split(",")));
    assertThat(with("quorate.zookeeper.four-letter-words", named).fourLetterWords()).hasSize(7);
  }

  @Test
  void membersAreNumbersAndAddresses() {
    MemberConfiguration configuration =
        with("quorate.id", "2", "quorate.members", "1@a:9641, 2@b:9642,3@[::1]:9643");

    assertThat(configuration.members()).hasSize(3);
    assertThat(configuration.members().get(2).address()).isEqualTo("[::1]:9643");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "quorate.id | 0",
        "quorate.id | 255",
        "quorate.id | one",
        "quorate.tick-time | banana",
        "quorate.tick-time | 1ms",
        "quorate.election-timeout | 3s",
        "quorate.max-data-size | 1 elephant",
        "quorate.max-data-size | 65GB",
        "quorate.history.retention | 64MB",
        "quorate.zookeeper.port | 65536",
        "quorate.zookeeper.port | -2",
        "quorate.zookeeper.four-letter-words | ruok,kill",
        "quorate.zookeeper.handshake-timeout | 1ms",
        "quorate.zookeeper.enforce-quota | perhaps",
        "quorate.members | 1@a",
        "quorate.members | 2@a:9641,3@b:9641",
        "quorate.members | 1@a:9641,1@b:9641",
        "quorate.members | 1@a:9641,2@a:9641",
        "quorate.observers | 2@a:9641",
        "quorate.super-digest | super",
        "quorate.super-digest | super:c2VjcmV0",
        "quorate.allowed-origins | console.example",
        "quorate.allowed-origins | https://console.example/",
        "quorate.log.segment-size | 1B",
        "quorate.tls.key | /nowhere/key.pem",
      })
  void aWrongKeyIsNamedWithWhatItCanBe(String key, String value) {
    assertThatThrownBy(() -> with(key, value))
        .isInstanceOfSatisfying(
            WrongConfigurationException.class,
            wrong -> {
              assertThat(wrong).hasMessageContaining(key.replaceFirst("tls.key$", "tls"));
              assertThat(wrong.action()).contains("Set quorate.");
            });
  }

  @Test
  void theSuperUsersDigestIsNotRepeated() {
    assertThatThrownBy(() -> with("quorate.super-digest", "super:hush"))
        .isInstanceOf(WrongConfigurationException.class)
        .hasMessageNotContaining("hush");
  }
}
