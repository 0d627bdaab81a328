package io.quorate.consensus.net;

import io.netty.channel.SelectStrategy;
import io.netty.util.IntSupplier;

/**
 * Lets a loop that has nothing to do offer its processor to others a few times, and look again each
 * time, before it sleeps. One for each loop, on its thread.
 *
 * <p>A member's threads mostly wait for each other. Where more of them want to run than there are
 * processors, what a loop waits for has often come by the time it runs again; to sleep and to be
 * woken would have cost more than the work. Where nobody else wants to run, all of it takes a few
 * microseconds.
 */
public final class YieldingSelect implements SelectStrategy {
  static final int YIELDS = 4;

  private int left = YIELDS;
  private boolean hurried;

  /**
   * Written by its loop alone: Netty's handler may go on sleeping after a wake-up that came late,
   * for a task that has run already.
   */
  private volatile boolean asleep;

  /** It sleeps no more; on its loop. */
  void awake() {
    if (asleep) {
      asleep = false;
    }
  }

  /** Whether the loop has to be woken for what it was given before; from any thread. */
  boolean isAsleep() {
    return asleep;
  }

  /** Whether to sleep at once: who sleeps runs sooner, once woken, than who stood back. */
  void hurry(boolean on) {
    hurried = on;
  }

  @Override
  public int calculateStrategy(IntSupplier selectNow, boolean hasTasks) throws Exception {
    if (hasTasks) {
      left = YIELDS;
      return selectNow.get();
    }
    if (left == 0 || hurried) {
      left = YIELDS;
      asleep = true;
      return SELECT;
    }
    left--;
    Thread.yield();
    int ready = selectNow.get();
    if (ready == 0) {
      return CONTINUE; // and look for tasks
    }
    left = YIELDS;
    return ready;
  }
}
