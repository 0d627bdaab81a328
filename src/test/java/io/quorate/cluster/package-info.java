/** Tests on real processes: the packaged program, killed for real. */
@NullMarked
package io.quorate.cluster;

import org.jspecify.annotations.NullMarked;
