/** The console as people see it: in a real browser, against the packaged program. */
@NullMarked
package io.quorate.browser;

import org.jspecify.annotations.NullMarked;
