/**
 * Locks, elections, barriers, queues, counters, membership: built on {@code server} the way a
 * remote client would build them.
 */
@NullMarked
package io.quorate.recipes;

import org.jspecify.annotations.NullMarked;
