/**
 * The port {@code Replicator} over MicroRaft, and the only place that knows MicroRaft. Its traps
 * are numbered in {@code docs}; each is mended here, at the boundary. Open {@link
 * io.quorate.consensus.microraft.MicroRaftReplicator} first.
 */
@NullMarked
package io.quorate.consensus.microraft;

import org.jspecify.annotations.NullMarked;
