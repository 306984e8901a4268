package org.vportd.vhostuser.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.vhostuser.backend.RawFrontend.EMPTY;
import static org.vportd.vhostuser.backend.RawFrontend.FEATURES;
import static org.vportd.vhostuser.backend.RawFrontend.message;
import static org.vportd.vhostuser.backend.RawFrontend.u64;
import static org.vportd.vhostuser.backend.RawFrontend.zeros;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_REPLY_ACK;
import static org.vportd.vhostuser.protocol.ProtocolFeature.mask;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.loop.LoopTask;
import org.vportd.posix.EventFd;
import org.vportd.posix.PosixException;
import org.vportd.vhostuser.protocol.FrontendRequest;
import org.vportd.vhostuser.protocol.MessageHeader;
import org.vportd.vhostuser.protocol.VringState;

/** Streams of bytes that are no streams of messages, and messages that are none for us. */
@Timeout(60)
class MessageFramingSecurityTest {
    private static final int PATIENCE_S = 30;

    private BackendRig rig;

    @BeforeEach
    void open() throws Exception {
        rig = new BackendRig();
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private static byte[] header(int request, int flags, int size) {
        ByteBuffer header = ByteBuffer.allocate(MessageHeader.LENGTH).order(ByteOrder.nativeOrder());
        new MessageHeader(request, flags, size).encode(header);
        return header.array();
    }

    private void sendWithDescriptor(RawFrontend frontend, byte[] bytes) throws PosixException {
        try (EventFd event = EventFd.open(0)) {
            frontend.sendBytes(bytes, event.fd());
        }
    }

    @DisplayName("SEC-01")
    @ParameterizedTest
    @ValueSource(ints = {1, 11})
    void shouldEndWhenFrontendLeavesWithinHeader(int length) throws Exception {
        RawFrontend frontend = rig.connect();
        sendWithDescriptor(frontend, new byte[length]);
        assertEquals(0, rig.sessionsEnded());
        frontend.close();
        rig.settle();
        assertEquals(1, rig.sessionsEnded());
    }

    @DisplayName("SEC-02")
    @ParameterizedTest
    @ValueSource(ints = {-1, Integer.MIN_VALUE, Integer.MAX_VALUE, MessageHeader.MAX_PAYLOAD_BYTES + 1})
    void shouldEndWhenPayloadIsSaidToBeTooLong(int size) throws Exception {
        RawFrontend frontend = rig.connect();
        sendWithDescriptor(frontend, header(FrontendRequest.SET_FEATURES.id(), 1, size));
        frontend.assertEnded();
    }

    @DisplayName("SEC-02: the longest payload there can be is read")
    @Test
    void shouldRefuseWhenLongestPayloadHasWrongSize() throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        frontend.refused(FrontendRequest.SET_FEATURES, zeros(MessageHeader.MAX_PAYLOAD_BYTES));
    }

    @DisplayName("SEC-03")
    @Test
    void shouldEndWhenFrontendLeavesWithinPayload() throws Exception {
        RawFrontend frontend = rig.connect();
        byte[] whole = message(FrontendRequest.ADD_MEM_REG, false, zeros(40));
        sendWithDescriptor(frontend, Arrays.copyOf(whole, whole.length - 1));
        frontend.close();
        rig.settle();
        assertEquals(1, rig.sessionsEnded());
    }

    @DisplayName("SEC-04")
    @Test
    void shouldServeWhenMessagesComeByteByByte() throws Exception {
        RawFrontend frontend = rig.connect();
        for (byte b : message(FrontendRequest.SET_FEATURES, false, u64(FEATURES))) {
            frontend.sendBytes(new byte[] {b});
        }
        assertEquals(1, rig.device.count("features 0x100000000"));
        for (byte b : message(FrontendRequest.GET_FEATURES, false, EMPTY)) {
            assertNull(frontend.receive());
            frontend.sendBytes(new byte[] {b});
        }
        assertEquals(
                FEATURES,
                frontend.reply(FrontendRequest.GET_FEATURES.id()).u64().value() & FEATURES);
    }

    @DisplayName("SEC-04")
    @ParameterizedTest
    @ValueSource(ints = {1, MessageHeader.LENGTH, MessageHeader.LENGTH + 7})
    void shouldEndWhenMessageIsNotFinishedInTime(int length) throws Exception {
        RawFrontend frontend = rig.connect();
        byte[] whole = message(FrontendRequest.SET_FEATURES, false, u64(FEATURES));
        sendWithDescriptor(frontend, Arrays.copyOf(whole, length));
        rig.pass(PATIENCE_S - 1);
        assertEquals(0, rig.sessionsEnded());
        frontend.sendBytes(Arrays.copyOfRange(whole, length, length + 1)); // a little more does not gain time
        if (length + 1 == whole.length) {
            rig.pass(PATIENCE_S);
            frontend.assertServed();
            return;
        }
        rig.pass(1);
        frontend.assertEnded();
    }

    @DisplayName("SEC-04")
    @Test
    void shouldNotEndWhenFrontendIsSilentBetweenMessages() throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        rig.pass(10 * PATIENCE_S);
        frontend.assertServed();
    }

    @DisplayName("SEC-05")
    @ParameterizedTest
    @ValueSource(ints = {0, 2, 3, 8})
    void shouldEndWhenVersionIsUnknown(int flags) throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        sendWithDescriptor(frontend, message(FrontendRequest.GET_FEATURES.id(), flags, EMPTY));
        frontend.assertEnded();
    }

    @DisplayName("SEC-06")
    @ParameterizedTest
    @ValueSource(ints = {5, 13})
    void shouldEndWhenReplyComesAsRequest(int flags) throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        sendWithDescriptor(frontend, message(FrontendRequest.SET_OWNER.id(), flags, EMPTY));
        frontend.assertEnded();
    }

    @DisplayName("SEC-07")
    @ParameterizedTest
    @ValueSource(ints = {0, 45, 0xffff, -1, Integer.MIN_VALUE})
    void shouldRefuseOrIgnoreWhenRequestIsUnknown(int request) throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        OpenResources before = OpenResources.now();
        sendWithDescriptor(frontend, message(request, 9, zeros(100)));
        assertNotEquals(0, frontend.reply(request).u64().value());
        sendWithDescriptor(frontend, message(request, 1, zeros(100)));
        frontend.assertServed(); // and nothing was said before
        assertEquals(before, OpenResources.now());
    }

    @DisplayName("SEC-08")
    @ParameterizedTest
    @CsvSource({
        "SET_FEATURES,7",
        "SET_FEATURES,0",
        "SET_FEATURES,9",
        "SET_OWNER,1",
        "SET_PROTOCOL_FEATURES,4",
        "SET_VRING_NUM,7",
        "SET_VRING_NUM,12",
        "SET_VRING_ADDR,39",
        "SET_VRING_ADDR,41",
        "SET_VRING_BASE,4",
        "SET_VRING_ENABLE,4",
        "SET_VRING_KICK,4",
        "SET_VRING_CALL,12",
        "SET_VRING_ERR,0",
        "SET_MEM_TABLE,0",
        "SET_MEM_TABLE,8",
        "SET_MEM_TABLE,39",
        "ADD_MEM_REG,32",
        "REM_MEM_REG,32",
        "REM_MEM_REG,48",
        "SET_CONFIG,11",
        "SET_CONFIG,269",
        "SET_STATUS,1",
        "RESET_DEVICE,8",
        "RESET_OWNER,8",
    })
    void shouldRefuseWhenPayloadHasWrongSize(FrontendRequest request, int size) throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        boolean one = request.fds() == FrontendRequest.Fds.ONE || request.fds() == FrontendRequest.Fds.PER_REGION;
        rig.device.takeEvents();
        TestGuest guest = rig.guest(0);
        if (one) {
            frontend.refused(request, zeros(size), guest.file());
        } else {
            frontend.refused(request, zeros(size));
        }
        frontend.send(request, zeros(size)); // nothing is said of it
        frontend.assertServed();
        assertTrue(rig.device.takeEvents().isEmpty());
    }

    @DisplayName("SEC-08")
    @ParameterizedTest
    @CsvSource({"GET_FEATURES,8", "GET_PROTOCOL_FEATURES,1", "GET_QUEUE_NUM,8", "GET_VRING_BASE,4", "GET_STATUS,8"})
    void shouldAnswerErrorWhenPayloadOfQuestionHasWrongSize(FrontendRequest request, int size) throws Exception {
        rig.connectAndNegotiate().refusedOwn(request, zeros(size));
    }

    @DisplayName("SEC-09")
    @ParameterizedTest
    @EnumSource(names = {"SET_OWNER", "SET_FEATURES", "SET_VRING_ENABLE", "SET_MEM_TABLE", "SEND_RARP"})
    void shouldNotAcknowledgeBeforeThatIsNegotiated(FrontendRequest request) throws Exception {
        RawFrontend frontend = rig.connect();
        frontend.sendBytes(message(request, true, zeros(8)));
        frontend.assertServed();
        frontend.send(FrontendRequest.SET_PROTOCOL_FEATURES, u64(mask(VHOST_USER_PROTOCOL_F_REPLY_ACK)));
        frontend.send(FrontendRequest.SET_OWNER, EMPTY); // asks for none
        frontend.assertServed();
        frontend.accepted(FrontendRequest.SET_OWNER, EMPTY);
    }

    @DisplayName("SEC-10")
    @ParameterizedTest
    @CsvSource({
        "ADD_MEM_REG,40", "REM_MEM_REG,40", "SET_STATUS,8", "VRING_KICK,8", "SET_BACKEND_REQ_FD,0", "RESET_DEVICE,0",
        "SET_CONFIG,13", "SEND_RARP,8", "NET_SET_MTU,8", "SET_VRING_ENDIAN,8", "SET_INFLIGHT_FD,24",
                "POSTCOPY_LISTEN,0",
        "SET_LOG_FD,0", "GPU_SET_SOCKET,0", "CLOSE_CRYPTO_SESSION,8",
    })
    void shouldRefuseWhenFeatureWasNotNegotiated(FrontendRequest request, int size) throws Exception {
        RawFrontend frontend = rig.connect();
        frontend.negotiate(mask(VHOST_USER_PROTOCOL_F_REPLY_ACK));
        rig.device.takeEvents();
        TestGuest guest = rig.guest(0);
        frontend.refused(request, zeros(size), guest.file());
        assertTrue(rig.device.takeEvents().isEmpty());
    }

    @DisplayName("SEC-10, SEC-28, SEC-57 to SEC-61, SEC-65, SEC-66: what is not offered is answered with an error")
    @ParameterizedTest
    @CsvSource({
        "GET_STATUS,0,false", "SET_LOG_BASE,16,false", "GET_INFLIGHT_FD,24,false", "SET_DEVICE_STATE_FD,8,false",
        "CHECK_DEVICE_STATE,0,true", "IOTLB_MSG,32,true", "POSTCOPY_ADVISE,0,true", "POSTCOPY_END,0,true",
        "GET_SHARED_OBJECT,16,true", "GET_SHMEM_CONFIG,0,true", "CREATE_CRYPTO_SESSION,100,true",
    })
    void shouldAnswerErrorWhenFeatureOfQuestionWasNotNegotiated(FrontendRequest request, int size, boolean never)
            throws Exception {
        RawFrontend frontend = rig.connect();
        frontend.negotiate(never ? BackendRig.PROTOCOL : mask(VHOST_USER_PROTOCOL_F_REPLY_ACK));
        TestGuest guest = rig.guest(0);
        frontend.refusedOwn(request, zeros(size), guest.file());
    }

    @DisplayName("SEC-10")
    @Test
    void shouldAnswerEmptyConfigWhenConfigWasNotNegotiated() throws Exception {
        RawFrontend frontend = rig.connect();
        frontend.negotiate(mask(VHOST_USER_PROTOCOL_F_REPLY_ACK));
        RawFrontend.Reply reply = frontend.ask(FrontendRequest.GET_CONFIG, zeros(13));
        assertEquals(0, reply.header().size());
        frontend.assertServed();
    }

    @DisplayName("SEC-10: what front-ends ask before they negotiate is answered")
    @Test
    void shouldAnswerNumbersBeforeNegotiation() throws Exception {
        RawFrontend frontend = rig.connect();
        assertEquals(BackendRig.PROTOCOL, frontend.askU64(FrontendRequest.GET_PROTOCOL_FEATURES));
        assertEquals(RecordingDevice.QUEUES, frontend.askU64(FrontendRequest.GET_QUEUE_NUM));
        assertEquals(SessionMemory.MAX_SLOTS, frontend.askU64(FrontendRequest.GET_MAX_MEM_SLOTS));
    }

    @DisplayName("SEC-11")
    @Test
    void shouldEndWhenFrontendDoesNotReadReplies() throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        byte[] question = message(FrontendRequest.GET_FEATURES, false, EMPTY);
        int sent = 0;
        while (frontend.trySend(question) == question.length) {
            rig.settle(); // it comes to rest although it cannot reply
            sent++;
        }
        assertTrue(sent > 2, "sent=" + sent);
        rig.pass(PATIENCE_S - 1);
        assertEquals(0, rig.sessionsEnded());
        rig.pass(1);
        assertEquals(1, rig.sessionsEnded());
        rig.connectAndNegotiate().assertServed();
    }

    @DisplayName("SEC-11")
    @Test
    void shouldAnswerEverythingInOrderWhenRepliesAreReadLate() throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        int sent = 0;
        byte[] question = question(sent);
        while (frontend.trySend(question) == question.length) {
            rig.settle();
            sent++;
            question = question(sent);
        }
        for (int i = 0; i < sent; i++) {
            rig.settle();
            VringState state = VringState.decode(
                    frontend.reply(FrontendRequest.GET_VRING_BASE.id()).payload());
            assertEquals(i % RecordingDevice.QUEUES, state.index());
        }
        rig.pass(2 * PATIENCE_S);
        assertEquals(0, rig.sessionsEnded());
    }

    private static byte[] question(int n) {
        return message(FrontendRequest.GET_VRING_BASE, false, new VringState(n % RecordingDevice.QUEUES, 0)::encode);
    }

    @DisplayName("SEC-12")
    @Test
    void shouldLetOthersRunWhenMessagesComeInAFlood() throws Exception {
        RawFrontend frontend = rig.connectAndNegotiate();
        byte[] flood = message(FrontendRequest.SET_FEATURES, false, u64(FEATURES));
        int sent = 0;
        while (frontend.trySend(flood) == flood.length) {
            sent++;
        }
        rig.device.takeEvents();
        int turns = 0;
        int[] othersRan = {0};
        LoopTask other = rig.loop.task(() -> othersRan[0]++);
        for (long done = 0; done < sent; turns++) {
            other.schedule();
            rig.loop.turn(0);
            long now = rig.device.count("features 0x100000000");
            assertTrue(now - done <= 128, () -> "messages in one turn: " + now);
            done = now;
        }
        assertEquals(turns, othersRan[0]);
        frontend.assertServed();
    }
}
