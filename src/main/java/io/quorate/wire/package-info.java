/**
 * The ZooKeeper client protocol on Netty: jute codec, pipeline, four-letter words. Knows neither
 * Spring nor {@code web}.
 */
@NullMarked
package io.quorate.wire;

import org.jspecify.annotations.NullMarked;
