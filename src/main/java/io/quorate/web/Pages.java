package io.quorate.web;

import io.quorate.server.Clock;
import io.quorate.tree.ZPath;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.springframework.stereotype.Component;

/**
 * States held for those who leaf through children, so that every page shows the same moment.
 *
 * <p>A listing is held for {@link #HELD_FOR} after its last page and {@link #AT_MOST} of them at a
 * time, the one longest unused goes first; its tokens are then answered with 410. Any thread.
 */
@Component
final class Pages {
  static final Duration HELD_FOR = Duration.ofMinutes(1);
  static final int AT_MOST = 1_000;

  private static final int ID_BYTES = 12;

  private final Clock clock;
  private final SecureRandom random = new SecureRandom();

  /** By id, the longest unused first; guarded by this. */
  private final Map<String, Held> held = new LinkedHashMap<>(16, 0.75f, true);

  Pages(Clock clock) {
    this.clock = clock;
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
    return id;
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
