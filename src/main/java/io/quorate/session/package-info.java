/**
 * Who has been silent for too long. {@code SessionClock} is told "heard from" and "now" and answers
 * "overdue"; it reads no clock and starts no thread.
 */
@NullMarked
package io.quorate.session;

import org.jspecify.annotations.NullMarked;
