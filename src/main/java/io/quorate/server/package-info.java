/**
 * The one door: {@code Coordinator} takes commands and reads, batches them, and answers from what
 * this member has applied. Knows no protocol and no vendor.
 */
@NullMarked
package io.quorate.server;

import org.jspecify.annotations.NullMarked;
