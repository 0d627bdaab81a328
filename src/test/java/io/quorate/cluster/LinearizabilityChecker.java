package io.quorate.cluster;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Whether the operations on one register can have happened one after another, each at some moment
 * between its call and its return.
 *
 * <p>Source: Wing and Gong, "Testing and Verifying Concurrent Objects", 1993, with Lowe's memory of
 * configurations seen ("Testing for linearizability", 2017): a configuration is the set of
 * operations that have happened and the value that they left.
 */
final class LinearizabilityChecker {
  private static final int MAX_CONFIGURATIONS = 5_000_000;

  private final List<Operation> operations;
  private final Set<Configuration> seen = new HashSet<>();

  private LinearizabilityChecker(List<Operation> operations) {
    this.operations = operations;
  }

  private record Configuration(BitSet happened, @Nullable String value) {}

  /** A call or a return, in a list in the order of time; calls know their return. */
  private static final class Event {
    final int operation;
    final @Nullable Event itsReturn;
    @Nullable Event previous;
    @Nullable Event next;

    Event(int operation, @Nullable Event itsReturn) {
      this.operation = operation;
      this.itsReturn = itsReturn;
    }

    void unlink() {
      if (previous != null) {
        previous.next = next;
      }
      if (next != null) {
        next.previous = previous;
      }
    }

    void relink() {
      if (previous != null) {
        previous.next = this;
      }
      if (next != null) {
        next.previous = this;
      }
    }
  }

  private record Choice(Event call, @Nullable String valueBefore) {}

  /**
   * @param initial the value before the first operation; null for an absent node
   * @return whether some order explains every answer
   * @throws IllegalStateException when the search grew too large to decide
   */
  static boolean isLinearizable(List<Operation> operations, @Nullable String initial) {
    return new LinearizabilityChecker(operations).search(initial);
  }

  private boolean search(@Nullable String initial) {
    Event head = timeline();
    long mustHappen = operations.stream().filter(operation -> !operation.isPending()).count();
    var happened = new BitSet(operations.size());
    var choices = new ArrayList<Choice>();
    String value = initial;
    long finished = 0;
    Event at = head.next;
    while (finished < mustHappen) {
      if (at != null && at.itsReturn != null) {
        Operation operation = operations.get(at.operation);
        if (explains(operation, value)) {
          String after = after(operation, value);
          happened.set(at.operation);
          if (seen.add(new Configuration((BitSet) happened.clone(), after))) {
            if (seen.size() > MAX_CONFIGURATIONS) {
              throw new IllegalStateException("too many configurations to decide");
            }
            choices.add(new Choice(at, value));
            value = after;
            at.unlink();
            at.itsReturn.unlink();
            finished += operation.isPending() ? 0 : 1;
            at = head.next;
            continue;
          }
          happened.clear(at.operation);
        }
        at = at.next;
        continue;
      }
      // A return of something that has not happened, or the end: the last choice was wrong.
      if (choices.isEmpty()) {
        return false;
      }
      Choice wrong = choices.removeLast();
      Event call = wrong.call;
      happened.clear(call.operation);
      value = wrong.valueBefore;
      finished -= operations.get(call.operation).isPending() ? 0 : 1;
      Objects.requireNonNull(call.itsReturn).relink();
      call.relink();
      at = call.next;
    }
    return true;
  }

  private Event timeline() {
    record Dated(long timeNs, boolean isReturn, Event event) {}

    var dated = new ArrayList<Dated>();
    for (int i = 0; i < operations.size(); i++) {
      Operation operation = operations.get(i);
      var itsReturn = new Event(i, null);
      dated.add(new Dated(operation.invokedNs(), false, new Event(i, itsReturn)));
      dated.add(new Dated(operation.returnedNs(), true, itsReturn));
    }
    // At the same instant calls come first: that only allows more orders, never fewer.
    dated.sort(Comparator.comparingLong(Dated::timeNs).thenComparing(Dated::isReturn));
    var head = new Event(-1, null);
    Event last = head;
    for (Dated each : dated) {
      last.next = each.event;
      each.event.previous = last;
      last = each.event;
    }
    return head;
  }

  private static boolean explains(Operation operation, @Nullable String value) {
    return switch (operation.kind()) {
      case READ -> operation.isPending() || Objects.equals(operation.value(), value);
      case WRITE -> true;
      case COMPARE_AND_SET ->
          operation.isPending()
              || operation.succeeded() == Objects.equals(operation.expected(), value);
    };
  }

  private static @Nullable String after(Operation operation, @Nullable String value) {
    return switch (operation.kind()) {
      case READ -> value;
      case WRITE -> operation.value();
      case COMPARE_AND_SET ->
          Objects.equals(operation.expected(), value) ? operation.value() : value;
    };
  }
}
