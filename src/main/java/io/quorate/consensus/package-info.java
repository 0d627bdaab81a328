/**
 * The port {@code Replicator}: orders opaque bytes among members and says which are on a quorum's
 * disks. Refuses to know what the bytes mean. One sub-package owns the Raft library.
 */
@NullMarked
package io.quorate.consensus;

import org.jspecify.annotations.NullMarked;
