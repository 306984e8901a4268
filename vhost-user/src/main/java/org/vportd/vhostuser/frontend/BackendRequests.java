package org.vportd.vhostuser.frontend;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.Fd;
import org.vportd.posix.Sockets;
import org.vportd.vhostuser.protocol.BackendRequest;
import org.vportd.vhostuser.protocol.FrontendRequest;
import org.vportd.vhostuser.protocol.IotlbMessage;
import org.vportd.vhostuser.protocol.MessageHeader;
import org.vportd.vhostuser.protocol.U64;
import org.vportd.vhostuser.protocol.VhostUserRequestException;
import org.vportd.vhostuser.protocol.VringState;

/**
 * What the back-end asks of the front-end, on a channel of its own: calls and errors of rings, changes of configuration space,
 * translations of addresses (vhost-user "Back-end message types").
 */
public final class BackendRequests {
    private static final int MAX_QUEUES = 256;

    private final VhostUserFrontend frontend;
    private final BitSet called = new BitSet();
    private final BitSet broken = new BitSet();
    private @Nullable FrontendStream channel;

    BackendRequests(VhostUserFrontend frontend) {
        this.frontend = frontend;
    }

    /** Makes a channel and gives the back-end its end of it; the one there was before is closed. */
    void open() throws IOException {
        Fd[] pair = Sockets.pair();
        FrontendStream made =
                new FrontendStream(pair[0], frontend.options().timeout().toNanos());
        try (Fd given = pair[1]) {
            close();
            channel = made;
            frontend.messages().send(FrontendRequest.SET_BACKEND_REQ_FD, payload -> {}, List.of(given));
        }
    }

    /** The channel, or null. */
    @Nullable
    Fd channel() {
        return channel == null ? null : channel.fd();
    }

    /** Carries out the requests that have come; answers how many. */
    public int take() throws IOException {
        FrontendStream from = channel;
        int taken = 0;
        while (from != null && from.isReadable()) {
            ByteBuffer message;
            try {
                message = from.receive();
            } catch (IOException e) {
                close(); // a channel that breaks takes nothing else with it
                break;
            }
            MessageHeader header = MessageHeader.decode(message);
            boolean known = carryOut(BackendRequest.of(header.request()), message);
            if (header.needsReply()) {
                ByteBuffer answer = MessageHeader.newBuffer();
                MessageHeader.reply(header.request(), U64.LENGTH).encode(answer);
                (known ? U64.OK : U64.REFUSED).encode(answer);
                from.send(answer.flip(), List.of());
            }
            taken++;
        }
        return taken;
    }

    /** Carries a request out; false if it is not one for us. */
    private boolean carryOut(@Nullable BackendRequest request, ByteBuffer payload) throws IOException {
        if (request == BackendRequest.CONFIG_CHANGE_MSG) {
            return true; // nothing here depends on what was read before
        }
        FrontendIommu answering = frontend.iommu();
        if (request == BackendRequest.IOTLB_MSG && answering != null) {
            try {
                answering.answer(IotlbMessage.decode(payload));
                return true;
            } catch (VhostUserRequestException e) {
                throw new FrontendException("request of the back-end is malformed: " + e.getMessage());
            }
        }
        if (request != BackendRequest.VRING_CALL && request != BackendRequest.VRING_ERR) {
            return false;
        }
        try {
            int ring = VringState.decode(payload).index();
            if (!frontend.isInband() || ring < 0 || ring >= MAX_QUEUES) {
                return false;
            }
            (request == BackendRequest.VRING_CALL ? called : broken).set(ring);
            return true;
        } catch (VhostUserRequestException e) {
            return false;
        }
    }

    /** Takes the calls that have come as messages; answers whether there was one for a ring since the last time. */
    boolean takeCall(int ring) throws IOException {
        if (!called.get(ring)) {
            take();
        }
        boolean was = called.get(ring);
        called.clear(ring);
        return was;
    }

    /** Whether the back-end has said by a message that a ring is broken. */
    public boolean isBroken(int ring) {
        return broken.get(ring);
    }

    void close() {
        if (channel != null) {
            channel.close();
            channel = null;
        }
    }
}
