/**
 * Stream sockets as chardevs: UNIX, TCP, vsock and passed ones, as server or client.
 *
 * <p>{@link org.vportd.chardev.socket.SocketChardev} is the state machine; it is given connections by a listener or a
 * connector, which know nothing of chardevs, and speaks to its peer through a {@link org.vportd.chardev.ByteStream}, on
 * which the protocols of {@link org.vportd.chardev.layer.StreamProtocols} are stacked. Loop thread only.
 */
@NullMarked
package org.vportd.chardev.socket;

import org.jspecify.annotations.NullMarked;
