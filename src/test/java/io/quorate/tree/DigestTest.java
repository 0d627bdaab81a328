package io.quorate.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.Seeds;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class DigestTest {
  private static final ZPath PATH = ZPath.of("/a");

  @Test
  void aReplacedNodeCountsAsIfItHadAlwaysBeenThere() {
    Seeds.each(
        20,
        seed -> {
          var random = new Random(seed);
          ZnodeTree tree = tree(node(random, random.nextInt(40)));
          for (int i = 0; i < 200; i++) {
            Znode before = tree.find(PATH);
            int length =
                before == null || random.nextBoolean() ? random.nextInt(40) : before.dataLength();
            Znode after = node(random, length);

            tree = with(tree, after);

            assertThat(tree.digest()).isEqualTo(tree(after).digest());
          }
        });
  }

  /** Members of two versions of the program compare theirs. */
  @Test
  void aDigestIsTheSameInEveryVersionOfTheProgram() {
    ZnodeTree tree = tree(node(new Random(1), 21));
    assertThat(tree.digest()).hasToString("9a6730eff79ac09b178dfad443c1ab0d");
    tree = with(tree, node(new Random(2), 21));
    assertThat(tree.digest()).hasToString("2182b000bc68321d43a710477d9dd056");
  }

  private static ZnodeTree tree(Znode node) {
    return with(ZnodeTree.EMPTY, node);
  }

  private static ZnodeTree with(ZnodeTree tree, Znode node) {
    var draft = new TreeDraft(tree);
    draft.put(PATH, node);
    return draft.tree();
  }

  private static Znode node(Random random, int length) {
    byte[] data = new byte[length];
    random.nextBytes(data);
    @Nullable Bytes content = random.nextInt(8) == 0 ? null : Bytes.wrap(data);
    return Znode.born(
        content, null, Acl.OPEN, Lifetime.PERSISTENT, random.nextLong(), random.nextLong());
  }
}
