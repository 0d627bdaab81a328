package io.quorate.state;

import io.quorate.tree.Bytes;
import io.quorate.tree.IllegalPathException;
import io.quorate.tree.TreeDraft;
import io.quorate.tree.ZPath;
import io.quorate.tree.Znode;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the nodes below {@code /zookeeper/quota} say: for a quota on {@code /a}, {@code
 * /zookeeper/quota/a/zookeeper_limits} holds the limits and {@code zookeeper_stats} beside it what
 * is there now.
 *
 * <p>Source: ZooKeeper's {@code Quotas}, {@code StatsTrack} and {@code DataTree}. As there, the
 * root and ZooKeeper's own nodes have no quota, and counting changes neither version nor zxid.
 */
final class Quota {
  static final ZPath ROOT = ZPath.of("/zookeeper/quota");
  private static final ZPath ZOOKEEPER = ZPath.of("/zookeeper");
  private static final String LIMITS = "zookeeper_limits";
  private static final String STATS = "zookeeper_stats";

  private Quota() {}

  /** Numbers by name, as limits and counts are written; what is not there is -1. */
  record Numbers(TreeMap<String, Long> byName) {
    static Numbers read(Znode node) {
      var byName = new TreeMap<String, Long>();
      String text =
          node.data()
              .map(data -> StandardCharsets.UTF_8.decode(data.buffer()).toString())
              .orElse("");
      for (String pair : text.split("[,;]+", -1)) {
        String[] parts = pair.split("=", -1);
        if (parts.length > 1 && !parts[1].isEmpty()) {
          try {
            byName.put(parts[0], Long.parseLong(parts[1]));
          } catch (NumberFormatException e) {
            byName.put(parts[0], -1L);
          }
        }
      }
      return new Numbers(byName);
    }

    long get(String name) {
      Long value = byName.get(name);
      return value == null ? -1 : value;
    }

    /** Old readers stop at the second {@code =} and so see only the two numbers they know. */
    Bytes write() {
      var text = new StringBuilder();
      text.append("count=").append(get("count")).append(",bytes=").append(get("bytes"));
      char before = '=';
      for (Map.Entry<String, Long> each : byName.entrySet()) {
        if (!each.getKey().equals("count") && !each.getKey().equals("bytes")) {
          text.append(before == '=' ? "=;" : ";");
          before = ';';
          text.append(each.getKey()).append('=').append(each.getValue());
        }
      }
      return Bytes.utf8(text.toString());
    }
  }

  /** Whether there is a quota anywhere. */
  static boolean any(TreeDraft tree) {
    Znode root = tree.find(ROOT);
    return root != null && root.numChildren() > 0;
  }

  /** The nearest path at or above {@code path} that has a quota; null when none has. */
  static @Nullable ZPath limited(TreeDraft tree, ZPath path) {
    if (path.isWithin(ZOOKEEPER)) {
      return null;
    }
    for (ZPath at = path; !at.isRoot(); at = at.parent()) {
      ZPath limits = node(at, LIMITS);
      if (limits != null && tree.contains(limits)) {
        return at;
      }
    }
    return null;
  }

  /** Whether {@code count} nodes and {@code bytes} more are too much for a hard limit. */
  static boolean isExceeded(TreeDraft tree, ZPath limited, long count, long bytes) {
    Znode limitsNode = find(tree, limited, LIMITS);
    Znode statsNode = find(tree, limited, STATS);
    if (limitsNode == null || statsNode == null) {
      return false;
    }
    Numbers limits = Numbers.read(limitsNode);
    Numbers stats = Numbers.read(statsNode);
    long maxCount = limits.get("countHardLimit");
    long maxBytes = limits.get("byteHardLimit");
    return count != 0 && maxCount > -1 && stats.get("count") + count > maxCount
        || bytes != 0 && maxBytes > -1 && stats.get("bytes") + bytes > maxBytes;
  }

  /** Where the counts of a quota on {@code limited} stand. */
  static @Nullable ZPath stats(ZPath limited) {
    return node(limited, STATS);
  }

  /** The path whose counts {@code created} is to hold; null when it holds none. */
  static @Nullable ZPath countedBy(ZPath created) {
    if (!created.name().equals(STATS) || !created.isWithin(ROOT)) {
      return null;
    }
    String path = created.parent().toString().substring(ROOT.toString().length());
    return path.isEmpty() ? null : ZPath.of(path);
  }

  /** {@code stats} with so much more. */
  static Bytes plus(Znode stats, long count, long bytes) {
    Numbers numbers = Numbers.read(stats);
    numbers.byName.put("count", numbers.get("count") + count);
    numbers.byName.put("bytes", numbers.get("bytes") + bytes);
    return numbers.write();
  }

  /** What is at {@code path} and below. */
  static Bytes tally(TreeDraft tree, ZPath path) {
    long[] sums = new long[2];
    Znode top = tree.find(path);
    if (top != null) {
      sums[0] = 1;
      sums[1] = top.dataLength();
      tree.forEachBelow(
          path,
          (below, node) -> {
            sums[0]++;
            sums[1] += node.dataLength();
          });
    }
    return Bytes.utf8("count=" + sums[0] + ",bytes=" + sums[1]);
  }

  private static @Nullable Znode find(TreeDraft tree, ZPath limited, String name) {
    ZPath path = node(limited, name);
    return path == null ? null : tree.find(path);
  }

  private static @Nullable ZPath node(ZPath limited, String name) {
    try {
      return ZPath.of(ROOT + limited.toString() + "/" + name);
    } catch (IllegalPathException e) {
      return null;
    }
  }
}
