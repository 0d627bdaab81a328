/**
 * Credentials in, {@code Identity} out: the schemes world, auth, digest, ip, x509 and super. Knows no HTTP and no
 * wire type.
 */
@NullMarked
package io.quorate.auth;

import org.jspecify.annotations.NullMarked;
