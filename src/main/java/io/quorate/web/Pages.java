package io.quorate.web;

import io.quorate.server.Clock;
import io.quorate.server.Coordinator;
import io.quorate.state.History;
import io.quorate.state.State;
import io.quorate.tree.ZPath;
import io.quorate.tree.ZnodeTree;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.stereotype.Component;

/**
 * States held for those who leaf through children, so that every page shows the same moment.
 *
 * <p>A listing is held for {@link #HELD_FOR} after its last page and {@link #AT_MOST} of them at a
 * time; together they keep no more alive than {@code maxWeightBytes}, by estimate. The one longest
 * unused goes first; its tokens are then answered with 410. Any thread.
 */
@Component
final class Pages {
  static final Duration HELD_FOR = Duration.ofMinutes(1);
  static final int AT_MOST = 1_000;

  private static final int ID_BYTES = 12;
  private static final int PART_OF_HEAP = 8;
  private static final long SWEEP_MS = 1_000;

  /** What a write copies of the tree, and a znode takes beside its data: both rather much. */
  private static final long COPIED_BYTES = 2_048;

  private static final long ZNODE_BYTES = 256;

  private final Clock clock;
  private final Coordinator coordinator;
  private final Executor nextSweep;
  private final long maxWeightBytes;
  private final SecureRandom random = new SecureRandom();

  // Guarded by this.

  /** By id, the longest unused first. */
  private final Map<String, Held> held = new LinkedHashMap<>(16, 0.75f, true);

  private boolean sweeping;

  @Autowired
  Pages(Clock clock, Coordinator coordinator, WebThreads threads) {
    this(clock, coordinator, threads, Runtime.getRuntime().maxMemory() / PART_OF_HEAP);
  }

  Pages(Clock clock, Coordinator coordinator, Executor threads, long maxWeightBytes) {
    this.clock = clock;
    this.coordinator = coordinator;
    this.nextSweep = CompletableFuture.delayedExecutor(SWEEP_MS, TimeUnit.MILLISECONDS, threads);
    this.maxWeightBytes = maxWeightBytes;
  }

  private static final class Held {
    final Snapshot snapshot;
    final ZPath path;
    long deadlineMs;

    Held(Snapshot snapshot, ZPath path) {
      this.snapshot = snapshot;
      this.path = path;
    }
  }

  /**
   * Where to go on.
   *
   * @param id of the listing, or of one to be
   * @param snapshot that all its pages are of
   * @param after last name of the page before
   */
  record Place(String id, Snapshot snapshot, String after) {}

  /** Holds {@code snapshot}; what is returned names it in tokens. */
  synchronized String hold(Snapshot snapshot, ZPath path) {
    long now = clock.monotonicMs();
    forget(now);
    byte[] bytes = new byte[ID_BYTES];
    random.nextBytes(bytes);
    String id = HexFormat.of().formatHex(bytes);
    var listing = new Held(snapshot, path);
    listing.deadlineMs = now + HELD_FOR.toMillis();
    held.put(id, listing);
    if (!sweeping) {
      sweeping = true;
      nextSweep.execute(this::sweep);
    }
    return id;
  }

  /** Lets go without being asked, for as long as there is anything to let go. */
  private synchronized void sweep() {
    forget(clock.monotonicMs());
    State newest = coordinator.state();
    while (!held.isEmpty() && weightBytes(newest) > maxWeightBytes) {
      Iterator<Held> oldest = held.values().iterator();
      oldest.next();
      oldest.remove();
    }
    sweeping = !held.isEmpty();
    if (sweeping) {
      nextSweep.execute(this::sweep);
    }
  }

  /**
   * What only the held states keep alive: of each what was written until the next one, and no more
   * than all of it. A write weighs what the history says of the last ones.
   */
  private long weightBytes(State newest) {
    var trees = new TreeMap<Long, ZnodeTree>();
    held.values().forEach(each -> trees.put(each.snapshot.zxid(), each.snapshot.tree()));
    History history = newest.history();
    long perWrite =
        COPIED_BYTES
            + (history.changeCount() == 0 ? 0 : history.weightBytes() / history.changeCount());
    long weight = 0;
    for (Map.Entry<Long, ZnodeTree> each : trees.entrySet()) {
      Long next = trees.higherKey(each.getKey());
      long writes = (next == null ? newest.zxid() : next) - each.getKey();
      ZnodeTree tree = each.getValue();
      weight += Math.min(writes * perWrite, tree.weightBytes() + tree.size() * ZNODE_BYTES);
    }
    return weight;
  }

  synchronized int heldCount() {
    return held.size();
  }

  static String token(String id, String after) {
    return id
        + "."
        + Base64.getUrlEncoder()
            .withoutPadding()
            .encodeToString(after.getBytes(StandardCharsets.UTF_8));
  }

  /** The place that {@code token} names, held for another while. */
  synchronized Place find(String token, ZPath path) {
    long now = clock.monotonicMs();
    forget(now);
    int dot = token.indexOf('.');
    Held listing = dot < 0 ? null : held.get(token.substring(0, dot));
    if (listing == null) {
      throw Problem.gone("this listing is no longer held: begin again, or go on with ?after=");
    }
    if (!listing.path.equals(path)) {
      throw Problem.badArguments("this page is of " + listing.path);
    }
    String after;
    try {
      after =
          new String(
              Base64.getUrlDecoder().decode(token.substring(dot + 1)), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw Problem.badArguments("this is no page token");
    }
    listing.deadlineMs = now + HELD_FOR.toMillis();
    return new Place(token.substring(0, dot), listing.snapshot, after);
  }

  /** Everything used has the same time left, so the order of use is the order of deadlines. */
  private void forget(long now) {
    Iterator<Held> oldest = held.values().iterator();
    while (oldest.hasNext()) {
      boolean over = oldest.next().deadlineMs <= now;
      if (!over && held.size() < AT_MOST) {
        return;
      }
      oldest.remove();
    }
  }
}
