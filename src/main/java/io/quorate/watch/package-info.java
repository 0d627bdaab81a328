/**
 * Who wants to know what moved: armed watches, and cursors that read the history. Knows no sockets
 * and no Spring. Start with {@code WatchTable}.
 */
@NullMarked
package io.quorate.watch;

import org.jspecify.annotations.NullMarked;
