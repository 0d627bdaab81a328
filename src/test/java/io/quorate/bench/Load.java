package io.quorate.bench;

/** A closed loop of operations: each that completes is followed by the next until the end. */
interface Load {

  /** Begins at once; what completes in the window counts, what completes before is warm-up. */
  void start(Window window);

  /** Waits for the last answers after the window. */
  Tally.Summary finish() throws InterruptedException;
}
