/**
 * Versioned, checksummed bytes of commands and checkpoints. Refuses to know JSON, Netty and the
 * Raft library. Start with {@code EntryCodec}.
 */
@NullMarked
package io.quorate.codec;

import org.jspecify.annotations.NullMarked;
