package io.quorate.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.quorate.Seeds;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.apache.zookeeper.common.PathUtils;
import org.junit.jupiter.api.Test;

class ZPathTest {
  /** What trips over: separators, dots, the edges of every range that ZooKeeper refuses. */
  private static final String PIECES =
      "//////aab.._-~\0\u0001\u001f \u007f\u0080\u009f\u00a0\u00e4\ud7ff\ud800\udbff\udc00\udfff"
          + "\ue000\uf8ff\uf900\uffef\ufff0\uffff\u20ac";

  @Test
  void exactlyZooKeepersPathsAreLegal() {
    Seeds.each(
        200,
        seed -> {
          var random = new Random(seed);
          for (int i = 0; i < 1_000; i++) {
            String text = random.nextInt(8) == 0 ? "" : "/";
            for (int length = random.nextInt(7); length > 0; length--) {
              text += PIECES.charAt(random.nextInt(PIECES.length()));
            }
            assertThat(isLegal(text))
                .as(Arrays.toString(text.toCharArray()))
                .isEqualTo(theirs(text));
          }
        });
  }

  @Test
  void everyCharacterIsLegalWhereZooKeeperSaysSo() {
    for (int c = 0; c <= Character.MAX_VALUE; c++) {
      String text = "/a" + (char) c + "b";

      assertThat(isLegal(text)).as(Integer.toHexString(c)).isEqualTo(theirs(text));
    }
  }

  private static boolean isLegal(String text) {
    try {
      ZPath path = ZPath.of(text);
      assertThat(path.toString()).isEqualTo(text);
      assertThat(ZPath.ofKey(path.key())).isEqualTo(path);
      assertThat(path.isRoot() ? path : path.parent().child(path.name())).isEqualTo(path);
      return true;
    } catch (IllegalPathException e) {
      assertThat(e).hasMessageStartingWith("Invalid path");
      return false;
    }
  }

  private static boolean theirs(String text) {
    try {
      PathUtils.validatePath(text);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  @Test
  void pathsAreOrderedAsTheirBytesAre() {
    Seeds.each(
        50,
        seed -> {
          var random = new Random(seed);
          ZPath a = path(random);
          ZPath b = path(random);

          int byBytes =
              Arrays.compareUnsigned(
                  a.toString().getBytes(StandardCharsets.UTF_8),
                  b.toString().getBytes(StandardCharsets.UTF_8));

          assertThat(Integer.signum(a.compareTo(b))).isEqualTo(Integer.signum(byBytes));
        });
  }

  private static ZPath path(Random random) {
    ZPath path = ZPath.ROOT;
    for (int depth = random.nextInt(4); depth > 0; depth--) {
      path = path.child("" + "ab-\u00e4\u20ac\ud7ff\uf900\uffef".charAt(random.nextInt(8)));
    }
    return path;
  }

  @Test
  void withinIsBySegmentsNotByCharacters() {
    assertThat(ZPath.of("/a/b").isWithin(ZPath.of("/a"))).isTrue();
    assertThat(ZPath.of("/a").isWithin(ZPath.of("/a"))).isTrue();
    assertThat(ZPath.of("/ab").isWithin(ZPath.of("/a"))).isFalse();
    assertThat(ZPath.of("/a").isWithin(ZPath.of("/a/b"))).isFalse();
    assertThat(ZPath.of("/a").isWithin(ZPath.ROOT)).isTrue();
  }

  @Test
  void theMessageCannotWriteIntoATerminal() {
    assertThatThrownBy(() -> ZPath.of("/a\u001b[2J"))
        .hasMessage("Invalid path \"/a\\u001b[2J\": character U+001B at 2 is not allowed");
  }
}
