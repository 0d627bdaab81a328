/**
 * The port {@code CheckpointStore}: one durable image of the state, written incrementally. {@code
 * storage.mvstore} owns H2. Knows neither Raft nor Spring.
 */
@NullMarked
package io.quorate.storage;

import org.jspecify.annotations.NullMarked;
