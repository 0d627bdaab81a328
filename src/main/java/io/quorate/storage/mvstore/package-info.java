/** H2's MVStore as the {@code CheckpointStore}; the only package that knows H2. */
@NullMarked
package io.quorate.storage.mvstore;

import org.jspecify.annotations.NullMarked;
