/**
 * Credentials become identities: the schemes world, auth, digest, ip, x509 and super, and the
 * secrets of sessions. Refuses to know HTTP and the wire protocol. Start with {@code
 * Authenticator}.
 */
@NullMarked
package io.quorate.auth;

import org.jspecify.annotations.NullMarked;
