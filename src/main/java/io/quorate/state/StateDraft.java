package io.quorate.state;

import io.quorate.tree.TreeDraft;
import io.quorate.tree.ZPath;
import io.quorate.tree.ZooVector;

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
