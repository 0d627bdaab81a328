/**
 * The durable image on H2's MVStore. Knows neither Raft nor Spring nor what the bytes mean. Start
 * with {@code MvCheckpointStore}.
 */
@NullMarked
package io.quorate.storage.mvstore;

import org.jspecify.annotations.NullMarked;
