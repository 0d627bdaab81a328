package io.quorate.watch;

import io.quorate.state.HistoryEntry;
import io.quorate.state.State;
import io.quorate.state.TreeEvent;
import io.quorate.tree.ZPath;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.ObjIntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Who wants to be told about which path, and the state that everybody has been told up to.
 *
 * <p>One lock guards all of it. Whoever arms a watch reads the fired state, subscribes and puts its
 * reply into its outbox in one {@link #atomically} step; {@link #fire} takes the same lock, moves
 * the fired state on and puts the events. So nothing falls between, and an event never overtakes
 * the reply that armed it.
 */
public final class WatchTable {
  private final Map<ZPath, List<Subscription>> exact = new HashMap<>();
  private final Map<ZPath, List<Subscription>> below = new HashMap<>();
  private State fired;
  private long count;

  public WatchTable(State state) {
    this.fired = state;
  }

  /** How far down a subscription looks. */
  public enum Scope {
    /** Created, changed and deleted of the node, and the coming and going of its children. */
    NODE,
    /** The same, and created, changed and deleted of its children. */
    CHILDREN,
    /** Created, changed and deleted of the node and of everything below. */
    SUBTREE;

    /** Whether one who looks from {@code watched} is told of {@code event}. */
    public boolean concerns(ZPath watched, TreeEvent event) {
      ZPath path = event.path();
      if (event.kind() == TreeEvent.Kind.CHILDREN) {
        return this != SUBTREE && path.equals(watched);
      }
      return switch (this) {
        case NODE -> path.equals(watched);
        case CHILDREN -> path.equals(watched) || !path.isRoot() && path.parent().equals(watched);
        case SUBTREE -> path.isWithin(watched);
      };
    }
  }

  /** Somebody who is told. */
  public interface Subscriber {
    /**
     * An event, in log order. Called under the table's lock, on the Applier's thread: only put it
     * into a queue. May cancel subscriptions.
     *
     * @param after the state after the whole entry that the event belongs to
     */
    void event(TreeEvent event, State after);

    /** The state was replaced as a whole; what happened since {@code before} is only in history. */
    void replaced(State before, State after);
  }

  /** One subscriber's interest in one path. */
  public final class Subscription {
    private final ZPath path;
    private final Scope scope;
    private final Subscriber subscriber;
    private boolean cancelled;

    // Where it stands in the lists of its path.
    private int exactAt;
    private int belowAt;

    private Subscription(ZPath path, Scope scope, Subscriber subscriber) {
      this.path = path;
      this.scope = scope;
      this.subscriber = subscriber;
    }

    public ZPath path() {
      return path;
    }

    /** Ends it; nothing is told afterwards. Cancelling twice does nothing. */
    public void cancel() {
      synchronized (WatchTable.this) {
        if (!cancelled) {
          cancelled = true;
          count--;
          remove(exact, path, exactAt, (moved, at) -> moved.exactAt = at);
          if (scope != Scope.NODE) {
            remove(below, path, belowAt, (moved, at) -> moved.belowAt = at);
          }
        }
      }
    }
  }

  /**
   * Runs {@code step} with the fired state while nothing can be fired. It must not block; it may
   * subscribe and cancel.
   */
  public synchronized <T> T atomically(Function<State, T> step) {
    return step.apply(fired);
  }

  /** The state that everybody has been told up to. */
  public synchronized State fired() {
    return fired;
  }

  public synchronized Subscription subscribe(ZPath path, Scope scope, Subscriber subscriber) {
    var subscription = new Subscription(path, scope, subscriber);
    subscription.exactAt = add(exact, subscription);
    if (scope != Scope.NODE) {
      subscription.belowAt = add(below, subscription);
    }
    count++;
    return subscription;
  }

  private static int add(Map<ZPath, List<Subscription>> index, Subscription subscription) {
    List<Subscription> list = index.computeIfAbsent(subscription.path, path -> new ArrayList<>(1));
    list.add(subscription);
    return list.size() - 1;
  }

  /** How many subscriptions there are. */
  public synchronized long count() {
    return count;
  }

  /** Tells everybody what {@code changes} did; {@code after} is the state that they led to. */
  public synchronized void fire(State after, List<HistoryEntry> changes) {
    fired = after;
    if (count == 0) {
      return;
    }
    for (HistoryEntry entry : changes) {
      for (TreeEvent event : entry.events()) {
        tell(event, after);
      }
    }
  }

  /** Another state took the place of the fired one. */
  public synchronized void replace(State after) {
    State before = fired;
    fired = after;
    var subscribers = new java.util.LinkedHashSet<Subscriber>();
    exact.values().forEach(list -> list.forEach(each -> subscribers.add(each.subscriber)));
    for (Subscriber subscriber : subscribers) {
      subscriber.replaced(before, after);
    }
  }

  private void tell(TreeEvent event, State after) {
    ZPath path = event.path();
    boolean children = event.kind() == TreeEvent.Kind.CHILDREN;
    tell(exact.get(path), event, after, children ? Reach.OF_CHILDREN : Reach.SELF);
    if (children || below.isEmpty() || path.isRoot()) {
      return;
    }
    ZPath ancestor = path.parent();
    tell(below.get(ancestor), event, after, Reach.CHILD);
    while (!ancestor.isRoot()) {
      ancestor = ancestor.parent();
      tell(below.get(ancestor), event, after, Reach.DESCENDANT);
    }
  }

  /** How an event's node stands to a subscribed path. */
  private enum Reach {
    SELF,
    OF_CHILDREN,
    CHILD,
    DESCENDANT;

    boolean concerns(Scope scope) {
      return switch (this) {
        case SELF -> true;
        case OF_CHILDREN -> scope != Scope.SUBTREE;
        case CHILD -> scope != Scope.NODE;
        case DESCENDANT -> scope == Scope.SUBTREE;
      };
    }
  }

  private static void tell(
      @Nullable List<Subscription> subscriptions, TreeEvent event, State after, Reach reach) {
    if (subscriptions == null) {
      return;
    }
    // Over a copy: being told may end or begin a subscription.
    for (Subscription each : List.copyOf(subscriptions)) {
      if (!each.cancelled && reach.concerns(each.scope)) {
        each.subscriber.event(event, after);
      }
    }
  }

  /** The last one takes the place: of ten thousand on one path each may end without a search. */
  private static void remove(
      Map<ZPath, List<Subscription>> index,
      ZPath path,
      int at,
      ObjIntConsumer<Subscription> moved) {
    List<Subscription> list = index.get(path);
    if (list == null) {
      return;
    }
    Subscription last = list.removeLast();
    if (list.isEmpty()) {
      index.remove(path);
    } else if (at < list.size()) {
      list.set(at, last);
      moved.accept(last, at);
    }
  }

  /** Paths watched and how often, for those who show them. */
  public synchronized Map<ZPath, Integer> byPath() {
    var counts = new java.util.TreeMap<ZPath, Integer>(Comparator.naturalOrder());
    exact.forEach((path, list) -> counts.put(path, list.size()));
    return counts;
  }
}
