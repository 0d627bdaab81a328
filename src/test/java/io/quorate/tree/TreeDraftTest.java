package io.quorate.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.quorate.Seeds;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TreeDraftTest {
  /** Few paths, so that one batch meets the same ones again, and many, so that the tree is deep. */
  @ParameterizedTest
  @ValueSource(ints = {12, 400, 20_000})
  void itAgreesWithAMap(int pathCount) {
    Seeds.each(3, seed -> agreesWithAMap(pathCount, new Random(seed)));
  }

  private static void agreesWithAMap(int pathCount, Random random) {
    var model = new TreeMap<ZPath, Znode>();
    ZnodeTree tree = ZnodeTree.EMPTY;

    for (int round = 0; round < 400; round++) {
      var before = new TreeMap<>(model);
      var draft = new TreeDraft(tree);
      ZPath[] shared = {path(random, pathCount), path(random, pathCount)};
      int changes = random.nextInt(8) == 0 ? 100 : random.nextInt(12);
      for (int i = 0; i < changes; i++) {
        // The very same path as before, or one that is only equal.
        ZPath path = random.nextInt(3) == 0 ? shared[i % 2] : path(random, pathCount);
        assertThat(draft.find(path)).isSameAs(model.get(path));
        switch (random.nextInt(5)) {
          case 0 -> {
            draft.without(path);
            model.remove(path);
          }
          case 1 -> draft.tree();
          default -> put(draft, model, path, node(random));
        }
        assertThat(draft.find(ZPath.of(path.toString()))).isSameAs(model.get(path));
        assertThat(draft.find(path)).isSameAs(model.get(path));
      }
      if (random.nextInt(5) == 0) {
        draft.goBackTo(tree);
        model = before;
      }
      tree = draft.tree();
      assertSame(tree, model);
    }
  }

  @Test
  void whatIsChangedThroughAnEqualPathIsSeen() {
    ZPath one = ZPath.of("/a");
    ZPath other = ZPath.of("/a");
    Znode first = node(new Random(1));
    Znode second = node(new Random(2));
    var draft = new TreeDraft(ZnodeTree.EMPTY);

    assertThat(draft.find(one)).isNull();
    draft.put(other, first);
    assertThat(draft.find(one)).isSameAs(first);
    draft.put(one, first, second);

    assertThat(draft.tree().find(other)).isSameAs(second);
    assertThat(draft.tree().size()).isEqualTo(1);
  }

  private static void put(
      TreeDraft draft, TreeMap<ZPath, Znode> model, ZPath path, @Nullable Znode node) {
    draft.put(path, draft.find(path), node);
    model.put(path, node);
  }

  private static void assertSame(ZnodeTree tree, TreeMap<ZPath, Znode> model) {
    assertThat(tree.size()).isEqualTo(model.size());
    var seen = new TreeMap<ZPath, Znode>();
    tree.forEach(seen::put);
    assertThat(seen.equals(model)).isTrue();
    Digest digest = Digest.ZERO;
    long weight = 0;
    for (var entry : model.entrySet()) {
      digest = digest.plus(entry.getKey().key(), entry.getValue());
      weight += entry.getKey().key().length + entry.getValue().weightBytes();
    }
    assertThat(tree.digest()).isEqualTo(digest);
    assertThat(tree.weightBytes()).isEqualTo(weight);
  }

  private static ZPath path(Random random, int count) {
    int number = random.nextInt(count);
    return ZPath.of("/" + "parent".repeat(number % 3) + "p/n" + number);
  }

  private static Znode node(Random random) {
    byte[] data = Integer.toString(random.nextInt()).getBytes(StandardCharsets.UTF_8);
    return Znode.born(
        Bytes.wrap(data), null, Acl.OPEN, Lifetime.PERSISTENT, random.nextLong(1, 1_000), 1);
  }
}
