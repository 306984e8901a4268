/**
 * Protocols that are spoken over the connection of a chardev: telnet, WebSocket, TLS. Each is a {@link
 * org.vportd.chardev.ByteStream} that owns the stream beneath it, so they stack; {@link
 * org.vportd.chardev.layer.StreamProtocols} does that. Loop thread only.
 */
@NullMarked
package org.vportd.chardev.layer;

import org.jspecify.annotations.NullMarked;
