package io.quorate.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class RaftInvariantsTest {
  @Test
  void anAssertionThatTheLibraryOnlyLogsIsHeard() {
    var heard = new ArrayList<Throwable>();
    RaftInvariants.watch(heard::add);
    var log = LoggerFactory.getLogger("io.microraft.RaftNode");
    var broken = new AssertionError("commit index went back");

    log.error("got a failure in a task", broken);
    log.error("an ordinary failure", new IllegalStateException());

    assertThat(heard).containsExactly(broken);
  }
}
