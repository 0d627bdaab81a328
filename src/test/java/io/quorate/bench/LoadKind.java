package io.quorate.bench;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The loads, what each is called on the command line, and its usual widths. */
enum LoadKind {
  ZK_SET(List.of(1, 16, 64, 256, 1024), List.of(1, 64, 256)),
  ZK_SET_1K(List.of(64, 256), List.of(256)),
  ZK_CREATE(List.of(1, 64, 256), List.of(1, 64, 256)),
  ZK_GET(List.of(1, 64, 256), List.of(64)),
  ZK_EXISTS(List.of(1, 64, 256), List.of(64)),
  ZK_MIX(List.of(1, 64, 256), List.of(64)),
  HTTP_PUT(List.of(1, 16, 64, 256), List.of(64, 256)),
  HTTP_GET(List.of(1, 16, 64, 256), List.of(64)),
  WATCH_ZK(List.of(1_000, 10_000), List.of(1_000)),
  WATCH_HTTP(List.of(1_000, 10_000), null),
  START(List.of(), List.of()),
  LEADER_KILL(List.of(), List.of()),
  IDLE(List.of(), null),
  RESTART(List.of(), null),
  RESTART_AT_REST(List.of(), null),
  RESTART_KILLED(List.of(), null),
  HEAP(List.of(), null),
  STEADY(List.of(64), null);

  private final List<Integer> widths;
  private final @Nullable List<Integer> quickWidths;

  LoadKind(List<Integer> widths, @Nullable List<Integer> quickWidths) {
    this.widths = widths;
    this.quickWidths = quickWidths;
  }

  boolean restarts() {
    return this == RESTART || this == RESTART_AT_REST || this == RESTART_KILLED;
  }

  String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  List<Integer> widths(boolean quick) {
    return quick && quickWidths != null ? quickWidths : widths;
  }

  static List<String> names() {
    return Arrays.stream(values()).map(LoadKind::label).toList();
  }

  /** Those short enough for the quick form. */
  static List<String> quickNames() {
    return Arrays.stream(values())
        .filter(kind -> kind.quickWidths != null)
        .map(LoadKind::label)
        .toList();
  }

  static LoadKind named(String label) {
    for (LoadKind kind : values()) {
      if (kind.label().equals(label)) {
        return kind;
      }
    }
    throw new IllegalArgumentException("no load " + label + "; there are " + names());
  }
}
