/**
 * Bytes of numbers, texts and what a tree is made of. The history in memory and everything in
 * {@code codec} is written with it. Start with {@code ByteWriter}.
 */
@NullMarked
package io.quorate.bytes;

import org.jspecify.annotations.NullMarked;
