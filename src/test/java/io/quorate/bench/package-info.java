/**
 * The benchmark beside ZooKeeper and etcd that {@code tools/bench} starts. Servers are processes of
 * their own; what drives them lives here and is the same for each. Start reading at {@link
 * io.quorate.bench.Bench}.
 */
@NullMarked
package io.quorate.bench;

import org.jspecify.annotations.NullMarked;
