/** The ZooKeeper protocol, tried with ZooKeeper's own clients and beside its own server. */
@NullMarked
package io.quorate.wire;

import org.jspecify.annotations.NullMarked;
