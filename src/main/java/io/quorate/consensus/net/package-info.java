/**
 * Bytes between members: {@code Pipes}, and Netty behind it. Refuses to know what the bytes mean.
 */
@NullMarked
package io.quorate.consensus.net;

import org.jspecify.annotations.NullMarked;
