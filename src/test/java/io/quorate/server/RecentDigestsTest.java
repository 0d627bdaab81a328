package io.quorate.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.tree.Digest;
import org.junit.jupiter.api.Test;

class RecentDigestsTest {
  private final RecentDigests recent = new RecentDigests(3);

  @Test
  void nothingIsKnownOfWhatWasNeverAdded() {
    assertThat(recent.find(0)).isNull();
    recent.add(5, digest(5));
    assertThat(recent.find(0)).isNull();
    assertThat(recent.find(4)).isNull();
  }

  @Test
  void theLastOnesAreKept() {
    for (long zxid = 1; zxid <= 7; zxid++) {
      recent.add(zxid, digest(zxid));
    }

    assertThat(recent.find(4)).isNull();
    assertThat(recent.find(5)).isEqualTo(digest(5));
    assertThat(recent.find(6)).isEqualTo(digest(6));
    assertThat(recent.find(7)).isEqualTo(digest(7));
  }

  @Test
  void ofTwoForTheSameZxidTheLastIsFound() {
    recent.add(1, digest(1));
    recent.add(1, digest(2));

    assertThat(recent.find(1)).isEqualTo(digest(2));
  }

  private static Digest digest(long low) {
    return new Digest(0, low);
  }
}
