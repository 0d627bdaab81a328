package io.quorate.tree;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import java.util.Objects;
import java.util.Random;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.server.DataTree;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * The question: how much live heap does a znode cost beside its data, here and in ZooKeeper's own
 * tree? Started by {@code tools/heap-per-znode}.
 */
final class HeapPerZnode {
  private static final int DATA_BYTES = 100;
  private static final int CHILDREN_PER_PARENT = 1_000;
  private static final long TIME_MS = 1_800_000_000_000L;

  private HeapPerZnode() {}

  public static void main(String[] arguments) throws Exception {
    ((Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME)).setLevel(Level.WARN);
    int count = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 1_000_000;
    System.out.printf(
        Locale.ROOT,
        "%,d znodes, %d bytes of data, %,d per parent, %s%n",
        count,
        DATA_BYTES,
        CHILDREN_PER_PARENT,
        System.getProperty("java.vm.version"));
    for (String order : new String[] {"in order", "shuffled"}) {
      int[] numbers = numbers(count, order.equals("shuffled"));
      double zookeeper = measure(count, () -> zooKeeper(numbers));
      double ours = measure(count, () -> ours(numbers));
      System.out.printf(
          Locale.ROOT,
          "created %s: ZooKeeper DataTree %.0f, ours %.0f bytes per znode beside its data, %.0f"
              + " %%%n",
          order,
          zookeeper,
          ours,
          100 * ours / zookeeper);
    }
  }

  private static Object zooKeeper(int[] numbers) throws Exception {
    var tree = new DataTree();
    long zxid = 1;
    for (int parent = 0; parent < parents(numbers.length); parent++) {
      tree.createNode(
          parentPath(parent), null, ZooDefs.Ids.OPEN_ACL_UNSAFE, 0, -1, zxid++, TIME_MS);
    }
    for (int number : numbers) {
      tree.createNode(
          path(number), new byte[DATA_BYTES], ZooDefs.Ids.OPEN_ACL_UNSAFE, 0, -1, zxid++, TIME_MS);
    }
    return tree;
  }

  private static Object ours(int[] numbers) {
    long zxid = 1;
    var tree = new TreeDraft(ZnodeTree.EMPTY);
    tree.put(ZPath.ROOT, znode(null, 0));
    for (int parent = 0; parent < parents(numbers.length); parent++) {
      create(tree, ZPath.of(parentPath(parent)), znode(null, zxid++));
    }
    for (int number : numbers) {
      create(tree, ZPath.of(path(number)), znode(new byte[DATA_BYTES], zxid++));
    }
    return tree.tree();
  }

  private static void create(TreeDraft tree, ZPath path, Znode node) {
    ZPath parent = path.parent();
    tree.create(path, node, parent, Objects.requireNonNull(tree.find(parent)));
    tree.tree(); // as between two commands
  }

  private static Znode znode(byte @Nullable [] data, long zxid) {
    Bytes bytes = data == null ? null : Bytes.wrap(data);
    return Znode.born(bytes, null, Acl.OPEN, Lifetime.PERSISTENT, zxid, TIME_MS);
  }

  private static int parents(int count) {
    return (count + CHILDREN_PER_PARENT - 1) / CHILDREN_PER_PARENT;
  }

  private static String parentPath(int parent) {
    return "/service-%04d".formatted(parent);
  }

  private static String path(int number) {
    return parentPath(number / CHILDREN_PER_PARENT)
        + "/node-%06d".formatted(number % CHILDREN_PER_PARENT);
  }

  private static int[] numbers(int count, boolean shuffled) {
    int[] numbers = new int[count];
    var random = new Random(4711);
    for (int i = 0; i < count; i++) {
      int j = shuffled ? random.nextInt(i + 1) : i;
      numbers[i] = numbers[j];
      numbers[j] = i;
    }
    return numbers;
  }

  private interface Builder {
    Object build() throws Exception;
  }

  private static double measure(int count, Builder builder) throws Exception {
    long before = liveBytes();
    Object tree = builder.build();
    long after = liveBytes();
    if (tree.hashCode() == 0) {
      System.out.println(); // the tree is alive until here
    }
    return (after - before) / (double) count - DATA_BYTES;
  }

  private static long liveBytes() throws InterruptedException {
    long bytes = Long.MAX_VALUE;
    for (int i = 0; i < 4; i++) {
      System.gc();
      Thread.sleep(100); // reference handlers run beside the collector
      bytes = Math.min(bytes, ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
    }
    return bytes;
  }
}
