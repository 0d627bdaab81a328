package io.quorate.state;

import io.quorate.tree.TreeDraft;
import io.quorate.tree.ZPath;
import io.quorate.tree.ZooVector;
import org.jspecify.annotations.Nullable;

/** A {@link State} while commands are applied to it, one after the other. For one thread. */
final class StateDraft {
  long zxid;
  long timeMs;
  long term;
  final TreeDraft tree;
  ZooVector<Long, Session> sessions;
  ZooVector<State.OwnedPath, ZPath> ephemerals;
  ZooVector<ZPath, ZPath> reapable;
  ZooVector<Integer, State.Lane> lanes;
  Answers answers;
  History history;
  Settings settings;
  private @Nullable Boolean quotas;

  StateDraft(State from) {
    zxid = from.zxid();
    timeMs = from.timeMs();
    term = from.term();
    tree = new TreeDraft(from.tree());
    sessions = from.sessions();
    ephemerals = from.ephemerals();
    reapable = from.reapable();
    lanes = from.lanes();
    answers = from.answers();
    history = from.history();
    settings = from.settings();
  }

  /**
   * See {@link Quota#any}; looked up once, until {@link #changed} says that it may be otherwise.
   */
  boolean hasQuotas() {
    if (quotas == null) {
      quotas = Quota.any(tree);
    }
    return quotas;
  }

  /** A node came or went at {@code path}, or its coming or going was taken back. */
  void changed(ZPath path) {
    if (path.isWithin(Quota.ROOT)) {
      quotas = null;
    }
  }

  /** What the draft holds by now. */
  State state() {
    return new State(
        zxid,
        timeMs,
        term,
        tree.tree(),
        sessions,
        ephemerals,
        reapable,
        lanes,
        answers,
        history,
        settings);
  }
}
