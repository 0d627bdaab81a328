@NullMarked
package io.quorate.web;

import org.jspecify.annotations.NullMarked;
