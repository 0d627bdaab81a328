/**
 * The znodes: paths, their data and statistics, and {@link io.quorate.tree.ZooVector}, the
 * persistent ordered tree that keeps them. Knows no thread, no clock, no I/O. Start with {@code
 * ZnodeTree}.
 */
@NullMarked
package io.quorate.tree;

import org.jspecify.annotations.NullMarked;
