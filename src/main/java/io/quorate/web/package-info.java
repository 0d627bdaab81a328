/**
 * REST, WebSocket, server-sent events and problem details. Turns requests into commands and
 * outcomes into status codes; decides nothing. Start with {@code ZnodeController}.
 */
@NullMarked
package io.quorate.web;

import org.jspecify.annotations.NullMarked;
