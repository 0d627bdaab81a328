package io.quorate.state;

/** Why something was refused, under ZooKeeper's names and numbers; the last few are ours. */
public enum Code {
  RUNTIMEINCONSISTENCY(-2),
  CONNECTIONLOSS(-4),
  MARSHALLINGERROR(-5),
  UNIMPLEMENTED(-6),
  OPERATIONTIMEOUT(-7),
  BADARGUMENTS(-8),
  NONODE(-101),
  NOAUTH(-102),
  BADVERSION(-103),
  NOCHILDRENFOREPHEMERALS(-108),
  NODEEXISTS(-110),
  NOTEMPTY(-111),
  SESSIONEXPIRED(-112),
  INVALIDACL(-114),
  AUTHFAILED(-115),
  SESSIONMOVED(-118),
  NOTREADONLY(-119),
  NOWATCHER(-121),
  RECONFIGDISABLED(-123),
  QUOTAEXCEEDED(-125),
  THROTTLEDOP(-127),
  /** Larger than a limit of the cluster. ZooKeeper's clients see a bad argument. */
  TOOLARGE(-8),
  /** An idempotency key came again with another request. */
  KEYREUSED(-8),
  /** No room for another idempotency key until older ones have aged. */
  KEYSFULL(-127),
  /** The session id is taken; the opener picks another. */
  SESSIONEXISTS(-8);

  private final int number;

  Code(int number) {
    this.number = number;
  }

  /** What the ZooKeeper protocol says for it; negative. */
  public int number() {
    return number;
  }
}
