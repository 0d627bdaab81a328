/**
 * What the cluster agrees on: the commands, the immutable {@code State}, and {@code
 * StateMachine.apply}, the one place that decides. Pure and deterministic: no clock, no random
 * number, no thread. Start with {@code Command}.
 */
@NullMarked
package io.quorate.state;

import org.jspecify.annotations.NullMarked;
