/** What tests of several packages share. */
@NullMarked
package io.quorate.testing;

import org.jspecify.annotations.NullMarked;
