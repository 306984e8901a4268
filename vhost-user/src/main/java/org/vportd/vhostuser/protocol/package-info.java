/**
 * The vhost-user messages: numbers, layouts, and what can be told of a message's validity from its bytes alone. No I/O, no
 * state: both ends of the protocol use this package.
 *
 * <p>Payloads are packed and in the machine's byte order, so every {@link java.nio.ByteBuffer} given to a {@code decode} or
 * {@code encode} has native order ({@link org.vportd.vhostuser.protocol.MessageHeader#newBuffer}). {@code decode} reads from
 * the position to the limit, which is the end of the payload; {@code encode} advances the position. What only makes one
 * message unacceptable is a {@link org.vportd.vhostuser.protocol.VhostUserRequestException}; what means that the stream can
 * no longer be trusted is a {@link org.vportd.vhostuser.protocol.VhostUserProtocolException}.
 *
 * <p>Everything here is a value or a constant and may be used on any thread.
 */
@NullMarked
package org.vportd.vhostuser.protocol;

import org.jspecify.annotations.NullMarked;
