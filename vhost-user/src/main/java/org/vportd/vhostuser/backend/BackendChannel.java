package org.vportd.vhostuser.backend;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.List;
import java.util.Queue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.vportd.loop.EventLoop;
import org.vportd.loop.Watch;
import org.vportd.posix.Epoll;
import org.vportd.posix.Fd;
import org.vportd.posix.MessageSocket;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.vhostuser.protocol.BackendRequest;
import org.vportd.vhostuser.protocol.IotlbMessage;
import org.vportd.vhostuser.protocol.MessageHeader;
import org.vportd.vhostuser.protocol.VringState;

/**
 * The channel for requests of the back-end (vhost-user "Back-end communication"). It never asks for an acknowledgement: a
 * front-end that is waiting for one of ours could not give it. While the channel is full, each notice is remembered once.
 * If it breaks, it is closed, and nothing else happens.
 */
final class BackendChannel implements AutoCloseable {
    private static final int MAX_TRANSLATIONS = 2 * SessionIommu.MAX_MISSES;

    private final MessageSocket socket;
    private final Watch watch;
    private final long buffer = NativeMemory.allocate(MessageHeader.LENGTH + IotlbMessage.LENGTH);
    private final BitSet calls = new BitSet();
    private final BitSet errors = new BitSet();
    private final Queue<IotlbMessage> translations = new ArrayDeque<>();
    private boolean configChange;
    private boolean full;

    BackendChannel(EventLoop loop, Fd fd) throws PosixException {
        this.watch = loop.watch(fd, Epoll.EPOLLIN | Epoll.EPOLLOUT | Epoll.EPOLLRDHUP | Epoll.EPOLLET, this::onReady);
        this.socket = new MessageSocket(fd);
    }

    /** The socket, still owned by this object; null if it has been closed. */
    @Nullable
    Fd openFd() {
        return socket.fd().isOpen() ? socket.fd() : null;
    }

    private void onReady(int events) {
        if ((events & ~Epoll.EPOLLOUT) != 0) {
            close(); // the front-end has left, or answers what was not asked
            return;
        }
        full = false;
        flush();
    }

    /** Configuration space has changed. */
    void configChanged() {
        configChange = true;
        flush();
    }

    /** A ring without a descriptor for calls has something for the driver. */
    void call(int ring) {
        calls.set(ring);
        flush();
    }

    /** A ring without a descriptor for errors is broken. */
    void error(int ring) {
        errors.set(ring);
        flush();
    }

    /** Something about translations; left out if too many wait, since what is missing is asked for again. */
    void translation(IotlbMessage message) {
        if (translations.size() < MAX_TRANSLATIONS) {
            translations.add(message);
        }
        flush();
    }

    private void flush() {
        while (!translations.isEmpty() && send(BackendRequest.IOTLB_MSG, translations.element()::encode)) {
            translations.remove();
        }
        if (configChange && send(BackendRequest.CONFIG_CHANGE_MSG, null)) {
            configChange = false;
        }
        flush(BackendRequest.VRING_CALL, calls);
        flush(BackendRequest.VRING_ERR, errors);
    }

    private void flush(BackendRequest request, BitSet rings) {
        for (int ring = rings.nextSetBit(0); ring >= 0; ring = rings.nextSetBit(ring + 1)) {
            if (!send(request, new VringState(ring, 0)::encode)) {
                return;
            }
            rings.clear(ring);
        }
    }

    private boolean send(BackendRequest request, @Nullable Consumer<ByteBuffer> payload) {
        if (full || !socket.fd().isOpen()) {
            return false;
        }
        byte[] bytes = new byte[MessageHeader.LENGTH + request.payloadBytes()];
        ByteBuffer message = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
        MessageHeader.request(request.id(), false, request.payloadBytes()).encode(message);
        if (payload != null) {
            payload.accept(message);
        }
        NativeMemory.put(bytes, 0, buffer, bytes.length);
        try {
            long n = socket.send(buffer, bytes.length, List.of());
            full = n == Posix.WOULD_BLOCK;
            if (n == bytes.length) {
                return true;
            }
            if (!full) {
                close(); // a part of a message: the stream is out of step for good
            }
        } catch (PosixException e) {
            close();
        }
        return false;
    }

    @Override
    public void close() {
        if (socket.fd().isOpen()) {
            watch.close();
            socket.close();
            NativeMemory.free(buffer);
        }
    }
}
