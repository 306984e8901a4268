/**
 * Stream sockets as chardevs: UNIX, TCP and inherited ones, as server or client.
 *
 * <p>{@link org.vportd.chardev.socket.SocketChardev} is the state machine; it is given connections by a listener or a
 * connector, which know nothing of chardevs, and speaks to its peer through a {@link org.vportd.chardev.ByteStream}, on
 * which protocols may be stacked. Loop thread only.
 */
@NullMarked
package org.vportd.chardev.socket;

import org.jspecify.annotations.NullMarked;
