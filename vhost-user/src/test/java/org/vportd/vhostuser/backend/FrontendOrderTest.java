package org.vportd.vhostuser.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.vhostuser.backend.RawFrontend.EMPTY;
import static org.vportd.vhostuser.backend.RawFrontend.FEATURES;
import static org.vportd.vhostuser.backend.RawFrontend.u64;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_BACKEND_REQ;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_CONFIG;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_MQ;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_REPLY_ACK;
import static org.vportd.vhostuser.protocol.ProtocolFeature.mask;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vportd.posix.Fd;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.vhostuser.protocol.FrontendRequest;

/** The same set-up in the orders of the front-ends there are: each starts its rings, moves a chain, and stops. */
@Timeout(60)
class FrontendOrderTest {
    private BackendRig rig;
    private RawFrontend frontend;
    private TestGuest guest;

    @BeforeEach
    void open() throws Exception {
        rig = new BackendRig();
        frontend = rig.connect();
        guest = rig.guest(RecordingDevice.QUEUES);
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private void moveChains(String text) throws Exception {
        for (TestGuest.Ring ring : guest.rings) {
            String before = rig.device.text(ring.index);
            ring.write(text);
            rig.settle();
            assertEquals(before + text, rig.device.text(ring.index));
            assertEquals(1, ring.takeUsed());
            assertTrue(ring.takeCall());
        }
    }

    private Fd giveChannel(boolean needReply) throws Exception {
        Fd[] pair = Sockets.pair();
        frontend.tell(needReply, FrontendRequest.SET_BACKEND_REQ_FD, EMPTY, pair[1]);
        pair[1].close();
        return rig.own(pair[0]);
    }

    // --- QEMU

    private void connectLikeQemu() throws Exception {
        assertEquals(FEATURES, frontend.askU64(FrontendRequest.GET_FEATURES) & FEATURES);
        long protocol = frontend.askU64(FrontendRequest.GET_PROTOCOL_FEATURES);
        frontend.send(FrontendRequest.SET_PROTOCOL_FEATURES, u64(protocol));
        assertEquals(RecordingDevice.QUEUES, frontend.askU64(FrontendRequest.GET_QUEUE_NUM));
        assertEquals(SessionMemory.MAX_SLOTS, frontend.askU64(FrontendRequest.GET_MAX_MEM_SLOTS));
        giveChannel(true);
        frontend.send(FrontendRequest.SET_OWNER, EMPTY);
        frontend.askU64(FrontendRequest.GET_FEATURES);
        for (TestGuest.Ring ring : guest.rings) {
            frontend.accepted(FrontendRequest.SET_VRING_CALL, ring.withFd(), ring.call.fd());
            frontend.accepted(FrontendRequest.SET_VRING_ERR, ring.withFd(), ring.error.fd());
        }
    }

    private void startLikeQemu(boolean first) throws Exception {
        frontend.ask(FrontendRequest.GET_CONFIG, config(0, RecordingDevice.CONFIG_BYTES));
        frontend.send(FrontendRequest.SET_FEATURES, u64(FEATURES));
        frontend.askU64(FrontendRequest.GET_STATUS);
        if (first) {
            frontend.send(FrontendRequest.SET_STATUS, u64(8));
            frontend.accepted(FrontendRequest.ADD_MEM_REG, guest.region()::encodeSingle, guest.file());
        }
        for (TestGuest.Ring ring : guest.rings) {
            ring.kick.signal(); // made with 1 in it
            frontend.send(FrontendRequest.SET_VRING_NUM, ring.num());
            frontend.send(FrontendRequest.SET_VRING_BASE, ring.state(ring.driver.usedIndex()));
            frontend.send(FrontendRequest.SET_VRING_ADDR, ring.address());
            frontend.accepted(FrontendRequest.SET_VRING_KICK, ring.withFd(), ring.kick.fd());
            frontend.accepted(FrontendRequest.SET_VRING_CALL, ring.withFd(), ring.call.fd());
        }
        for (TestGuest.Ring ring : guest.rings) {
            frontend.enable(ring, true);
        }
        for (TestGuest.Ring ring : guest.rings) {
            frontend.accepted(FrontendRequest.SET_VRING_CALL, ring.withFd(), ring.call.fd());
        }
    }

    private void stopLikeQemu() throws Exception {
        for (TestGuest.Ring ring : guest.rings) {
            frontend.enable(ring, false);
        }
        for (TestGuest.Ring ring : guest.rings) {
            assertEquals(ring.driver.usedIndex(), frontend.stop(ring.index));
        }
    }

    private static Consumer<ByteBuffer> config(int offset, int size) {
        return payload -> payload.putInt(offset).putInt(size).putInt(0).put(new byte[size]);
    }

    @Test
    void shouldServeOrderOfQemu() throws Exception {
        connectLikeQemu();
        startLikeQemu(true);
        moveChains("boot ");
        stopLikeQemu();
        startLikeQemu(false); // paused and continued: the table stays as it is
        moveChains("continued ");
        stopLikeQemu();
        guest.rings.forEach(ring -> ring.driver.reset()); // rebooted
        startLikeQemu(false);
        moveChains("rebooted");
        assertEquals("boot continued rebooted", rig.device.text(5));
    }

    // --- user-mode Linux

    @Test
    void shouldServeOrderOfUserModeLinux() throws Exception {
        frontend.send(FrontendRequest.SET_OWNER, EMPTY);
        frontend.askU64(FrontendRequest.GET_FEATURES);
        frontend.askU64(FrontendRequest.GET_PROTOCOL_FEATURES);
        frontend.accepted( // asks before it is negotiated, and is answered
                FrontendRequest.SET_PROTOCOL_FEATURES,
                u64(mask(VHOST_USER_PROTOCOL_F_REPLY_ACK)
                        | mask(VHOST_USER_PROTOCOL_F_BACKEND_REQ)
                        | mask(VHOST_USER_PROTOCOL_F_CONFIG)));
        giveChannel(true);
        frontend.accepted(FrontendRequest.SET_FEATURES, u64(FEATURES));
        assertEquals(
                20,
                frontend.ask(FrontendRequest.GET_CONFIG, config(0, 8)).header().size());
        frontend.accepted(
                FrontendRequest.SET_MEM_TABLE,
                payload -> {
                    guest.table().accept(payload);
                    payload.put(new byte[32]); // always two slots: 72 bytes
                },
                guest.file());
        Fd[] calls = Sockets.pair(); // calls go through a stream socket
        rig.own(calls[0]);
        rig.own(calls[1]);
        for (TestGuest.Ring ring : guest.rings) {
            frontend.accepted(FrontendRequest.SET_VRING_CALL, ring.withFd(), calls[1]);
            frontend.accepted(FrontendRequest.SET_VRING_NUM, ring.num());
            frontend.accepted(FrontendRequest.SET_VRING_BASE, ring.state(0));
            frontend.accepted(FrontendRequest.SET_VRING_ADDR, ring.address());
        }
        for (TestGuest.Ring ring : guest.rings) {
            frontend.accepted(FrontendRequest.SET_VRING_KICK, ring.withFd(), ring.kick.fd());
            frontend.enable(ring, true);
        }
        for (TestGuest.Ring ring : guest.rings) {
            ring.write("uml");
            rig.settle();
            assertEquals("uml", rig.device.text(ring.index));
            assertEquals(Long.BYTES, received(calls[0]));
        }
        List<TestGuest.Ring> reversed = new ArrayList<>(guest.rings);
        Collections.reverse(reversed);
        for (TestGuest.Ring ring : reversed) {
            frontend.enable(ring, false);
        }
        frontend.askU64(FrontendRequest.GET_FEATURES);
        for (TestGuest.Ring ring : guest.rings) {
            ring.write("no ring any more");
        }
        rig.settle();
        for (TestGuest.Ring ring : guest.rings) {
            assertEquals("uml", rig.device.text(ring.index));
            assertEquals(1, ring.takeUsed());
        }
        frontend.close();
        rig.settle();
        assertEquals(1, rig.sessionsEnded());
    }

    /** How much has come; at most two doorbells' worth. */
    private static long received(Fd socket) throws PosixException {
        long bytes = NativeMemory.allocate(2 * Long.BYTES);
        try {
            return Sockets.receive(socket, bytes, 2 * Long.BYTES);
        } finally {
            NativeMemory.free(bytes);
        }
    }

    // --- crosvm

    @Test
    void shouldServeOrderOfCrosvm() throws Exception {
        frontend.send(FrontendRequest.SET_OWNER, EMPTY);
        frontend.askU64(FrontendRequest.GET_FEATURES);
        frontend.askU64(FrontendRequest.GET_PROTOCOL_FEATURES);
        frontend.send(
                FrontendRequest.SET_PROTOCOL_FEATURES,
                u64(mask(VHOST_USER_PROTOCOL_F_REPLY_ACK)
                        | mask(VHOST_USER_PROTOCOL_F_BACKEND_REQ)
                        | mask(VHOST_USER_PROTOCOL_F_CONFIG)
                        | mask(VHOST_USER_PROTOCOL_F_MQ)));
        giveChannel(false);
        assertEquals(RecordingDevice.QUEUES, frontend.askU64(FrontendRequest.GET_QUEUE_NUM));
        for (int round = 1; round <= 2; round++) {
            if (round == 1) {
                frontend.send(FrontendRequest.SET_FEATURES, u64(FEATURES));
            }
            frontend.send(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
            for (TestGuest.Ring ring : guest.rings) {
                frontend.send(FrontendRequest.SET_VRING_NUM, ring.num());
                frontend.send(FrontendRequest.SET_VRING_ADDR, ring.address());
                frontend.send(FrontendRequest.SET_VRING_BASE, ring.state(ring.driver.usedIndex()));
                frontend.send(FrontendRequest.SET_VRING_CALL, ring.withFd(), ring.call.fd());
                frontend.send(FrontendRequest.SET_VRING_KICK, ring.withFd(), ring.kick.fd());
                frontend.send(FrontendRequest.SET_VRING_ENABLE, ring.state(1));
            }
            moveChains("crosvm");
            for (TestGuest.Ring ring : guest.rings) {
                frontend.send(FrontendRequest.SET_VRING_ENABLE, ring.state(0));
                assertEquals(round, frontend.stop(ring.index));
            }
        }
    }

    // --- Cloud Hypervisor

    @Test
    void shouldServeOrderOfCloudHypervisor() throws Exception {
        frontend.send(FrontendRequest.SET_OWNER, EMPTY);
        frontend.askU64(FrontendRequest.GET_FEATURES);
        frontend.askU64(FrontendRequest.GET_PROTOCOL_FEATURES);
        frontend.accepted(
                FrontendRequest.SET_PROTOCOL_FEATURES,
                u64(mask(VHOST_USER_PROTOCOL_F_REPLY_ACK)
                        | mask(VHOST_USER_PROTOCOL_F_BACKEND_REQ)
                        | mask(VHOST_USER_PROTOCOL_F_CONFIG)
                        | mask(VHOST_USER_PROTOCOL_F_MQ)
                        | mask(VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS)));
        assertEquals(RecordingDevice.QUEUES, frontend.askU64(FrontendRequest.GET_QUEUE_NUM));
        for (int round = 1; round <= 2; round++) {
            frontend.accepted(FrontendRequest.SET_FEATURES, u64(FEATURES));
            frontend.accepted(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
            for (TestGuest.Ring ring : guest.rings) {
                frontend.accepted(FrontendRequest.SET_VRING_NUM, ring.num());
            }
            for (TestGuest.Ring ring : guest.rings) {
                frontend.accepted(FrontendRequest.SET_VRING_ADDR, ring.address());
                frontend.accepted(FrontendRequest.SET_VRING_BASE, ring.state(ring.driver.availIndex()));
                frontend.accepted(FrontendRequest.SET_VRING_CALL, ring.withFd(), ring.call.fd());
                frontend.accepted(FrontendRequest.SET_VRING_KICK, ring.withFd(), ring.kick.fd());
            }
            for (TestGuest.Ring ring : guest.rings) {
                frontend.enable(ring, true);
            }
            giveChannel(true); // last
            moveChains("cloud");
            for (TestGuest.Ring ring : guest.rings) {
                frontend.enable(ring, false);
                assertEquals(round, frontend.stop(ring.index));
            }
        }
    }
}
