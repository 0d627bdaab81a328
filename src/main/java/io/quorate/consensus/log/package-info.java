/**
 * The log on disk: records in preallocated segments, a small file that is replaced whole, the room
 * that is left. Refuses to know what a record means and which library wrote it. Open {@link
 * io.quorate.consensus.log.SegmentLog} first.
 */
@NullMarked
package io.quorate.consensus.log;

import org.jspecify.annotations.NullMarked;
