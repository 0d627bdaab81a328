package io.quorate.server;

/** The request had no effect and never will have; the reason says whether to try again. */
public final class NotAppliedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Why nothing was applied. */
  public enum Reason {
    /** No majority answered in time. Try again, here or at another member. */
    NO_QUORUM,
    /** More is waiting than this member takes. Try again later. */
    OVERLOADED,
    /** The disk is short of room for anything that grows data. */
    DISK_FULL,
    /** This member is stopping. Ask another. */
    STOPPING,
    /** This member's tree is not the cluster's: it answers nothing from it. Ask another. */
    DIVERGED
  }

  private final Reason reason;

  public NotAppliedException(Reason reason, String message) {
    super(message, null, false, false);
    this.reason = reason;
  }

  public Reason reason() {
    return reason;
  }
}
