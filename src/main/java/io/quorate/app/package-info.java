/** {@code main}, configuration, wiring, health, metrics and the system clock. Nobody imports it. */
@NullMarked
package io.quorate.app;

import org.jspecify.annotations.NullMarked;
