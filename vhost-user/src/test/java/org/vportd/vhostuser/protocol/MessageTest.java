package org.vportd.vhostuser.protocol;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class MessageTest {
    private static ByteBuffer encoded(Consumer<ByteBuffer> payload) {
        ByteBuffer buffer = MessageHeader.newBuffer();
        payload.accept(buffer);
        return buffer.flip();
    }

    private static ByteBuffer ofSize(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.nativeOrder());
    }

    private static final RegionDescription REGION = new RegionDescription(0x1000, 0x2000, 0x7f00_0000_0000L, 0x3000);

    @Test
    void shouldDecodeWhatWasEncoded() throws Exception {
        MessageHeader header = MessageHeader.request(9, true, 40);
        assertEquals(header, MessageHeader.decode(encoded(header::encode)));
        VringState state = new VringState(3, 256);
        assertEquals(state, VringState.decode(encoded(state::encode)));
        VringFd fd = new VringFd(200, true);
        assertEquals(fd, VringFd.decode(encoded(fd::encode)));
        VringAddress address = new VringAddress(1, 1, 2, 3, 4, 5);
        assertEquals(address, VringAddress.decode(encoded(address::encode)));
        assertEquals(REGION, RegionDescription.decodeSingle(encoded(REGION::encodeSingle)));
        MemoryTable table = new MemoryTable(List.of(REGION, new RegionDescription(0, 1, 2, 3)));
        assertEquals(table, MemoryTable.decode(encoded(table::encode)));
        IotlbMessage iotlb = new IotlbMessage(1, 2, 3, 4, 200);
        assertEquals(iotlb, IotlbMessage.decode(encoded(iotlb::encode)));
        LogArea log = new LogArea(100, 200);
        assertEquals(log, LogArea.decode(encoded(log::encode)));
        InflightArea inflight = new InflightArea(1, 2, 65535, 40000);
        assertEquals(inflight, InflightArea.decode(encoded(inflight::encode)));
        DeviceStateTransfer transfer = new DeviceStateTransfer(DeviceStateTransfer.LOAD);
        assertEquals(transfer, DeviceStateTransfer.decode(encoded(transfer::encode)));
        ConfigRange range = ConfigRange.decode(encoded(new ConfigRange(4, 1, new byte[] {1, 2, 3})::encode));
        assertEquals(4, range.offset());
        assertEquals(1, range.flags());
        assertArrayEquals(new byte[] {1, 2, 3}, range.bytes());
    }

    @Test
    void shouldPutFieldsWhereTheProtocolSays() {
        VringAddress address = new VringAddress(0x11, 0, 0x22, 0x33, 0x44, 0x55);
        ByteBuffer bytes = encoded(address::encode);
        assertEquals(VringAddress.LENGTH, bytes.remaining());
        assertEquals(0x33, bytes.getLong(16), "used comes before available");
        assertEquals(0x44, bytes.getLong(24));
        assertEquals(0x105, encoded(new VringFd(5, true)::encode).getLong(0));
        assertEquals(5, MessageHeader.reply(1, 8).flags());
        assertEquals(9, MessageHeader.request(1, true, 8).flags());
        assertEquals(
                InflightArea.LENGTH,
                encoded(new InflightArea(0, 0, 1, 1)::encode).remaining());
    }

    @ParameterizedTest
    @EnumSource
    void shouldFindRequestByItsNumber(FrontendRequest request) {
        assertEquals(request, FrontendRequest.of(request.id()));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1, 45, Integer.MAX_VALUE, Integer.MIN_VALUE})
    @DisplayName("SEC-07 unknown request number")
    void shouldFindNothingWhenNumberIsUnknown(int id) {
        assertNull(FrontendRequest.of(id));
        assertNull(BackendRequest.of(id));
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 4097, Integer.MAX_VALUE, Integer.MIN_VALUE})
    @DisplayName("SEC-02 payload too long")
    void shouldLoseStreamWhenPayloadIsTooLong(int size) {
        MessageHeader header = MessageHeader.request(1, false, size);
        assertThrows(VhostUserProtocolException.class, header::checkRequest);
        assertThrows(
                VhostUserProtocolException.class,
                () -> MessageHeader.reply(1, size).checkReplyTo(1));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 2, 3, 5, 8, 0xd})
    @DisplayName("SEC-05, SEC-06 version and reply bit")
    void shouldLoseStreamWhenItIsNoRequest(int flags) {
        assertThrows(VhostUserProtocolException.class, () -> new MessageHeader(1, flags, 0).checkRequest());
    }

    @ParameterizedTest
    @CsvSource({"2, 5", "1, 1", "1, 13", "1, 7"})
    void shouldLoseStreamWhenItIsNotTheReplyAwaited(int request, int flags) {
        assertThrows(VhostUserProtocolException.class, () -> new MessageHeader(request, flags, 8).checkReplyTo(1));
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("SEC-08 payload size")
    void shouldRefuseWhenPayloadHasWrongSize(FrontendRequest request) throws Exception {
        int descriptors = request.fds() == FrontendRequest.Fds.ONE ? 1 : 0;
        int accepted = 0;
        for (int size = 0; size <= MessageHeader.MAX_PAYLOAD_BYTES; size++) {
            try {
                request.check(size, descriptors);
                accepted++;
            } catch (VhostUserRequestException e) {
                assertTrue(String.valueOf(e.getMessage()).contains(request.name()));
            }
        }
        assertTrue(accepted > 0);
    }

    @Test
    @DisplayName("SEC-16, SEC-17, SEC-18 number of descriptors")
    void shouldRefuseWhenDescriptorsAreTooManyOrTooFew() throws Exception {
        assertThrows(VhostUserRequestException.class, () -> FrontendRequest.ADD_MEM_REG.check(40, 0));
        assertThrows(VhostUserRequestException.class, () -> FrontendRequest.ADD_MEM_REG.check(40, 2));
        assertThrows(VhostUserRequestException.class, () -> FrontendRequest.SET_VRING_KICK.check(8, 2));
        assertThrows(VhostUserRequestException.class, () -> FrontendRequest.SET_MEM_TABLE.check(40, 128));
        assertThrows(VhostUserRequestException.class, () -> new VringFd(0, true).checkDescriptors(1));
        assertThrows(VhostUserRequestException.class, () -> new VringFd(0, false).checkDescriptors(0));
        assertThrows(VhostUserRequestException.class, () -> new MemoryTable(List.of(REGION)).checkDescriptors(2));
        FrontendRequest.GET_FEATURES.check(0, 5); // the receiver closes them
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 9, -1, 0x7fff_ffff})
    @DisplayName("SEC-30 region count")
    void shouldRefuseTableWhenCountIsBad(int count) {
        ByteBuffer payload = ofSize(8 + 9 * 32).putInt(0, count);
        assertThrows(VhostUserRequestException.class, () -> MemoryTable.decode(payload));
    }

    @Test
    void shouldAcceptTableWhenItIsLongerThanItsRegions() throws Exception {
        ByteBuffer payload = ofSize(72); // as user-mode Linux sends it
        payload.putInt(0, 1).putLong(16, 4096);
        assertEquals(1, MemoryTable.decode(payload).regions().size());
    }

    @Test
    void shouldRefuseTableWhenItIsShorterThanItsRegions() {
        ByteBuffer payload = ofSize(71).putInt(0, 2);
        assertThrows(VhostUserRequestException.class, () -> MemoryTable.decode(payload));
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0, 0, 0",
        "0, -9223372036854775808, 0, 0",
        "-1, 2, 0, 0",
        "0, 2, -1, 0",
        "0, 1, 0, -1",
        "0, 2, 0, 9223372036854775807"
    })
    @DisplayName("SEC-31, SEC-32 sizes and overflow")
    void shouldRefuseRegionWhenItIsEmptyOrOverflows(long guest, long size, long user, long offset) {
        RegionDescription region = new RegionDescription(guest, size, user, offset);
        assertThrows(VhostUserRequestException.class, region::check);
    }

    @Test
    void shouldAcceptRegionWhenItEndsAtTheTop() throws Exception {
        assertEquals(-4096, new RegionDescription(-4096, 4096, -4096, 0).check().guestAddress());
    }

    @ParameterizedTest
    @CsvSource({"0, 257, 257", "256, 1, 1", "-1, 1, 1", "0, -1, 1", "0, 4, 5", "0, 5, 4", "2147483647, 1, 1"})
    @DisplayName("SEC-62 configuration range")
    void shouldRefuseConfigRangeWhenItIsOutOfBounds(int offset, int size, int payload) {
        ByteBuffer bytes = ofSize(ConfigRange.HEADER_LENGTH + payload);
        bytes.putInt(0, offset).putInt(4, size);
        assertThrows(VhostUserRequestException.class, () -> ConfigRange.decode(bytes));
    }

    @Test
    @DisplayName("SEC-51 enable value")
    void shouldRefuseEnableWhenItIsNeitherZeroNorOne() throws Exception {
        assertTrue(new VringState(0, 1).enable());
        assertThrows(VhostUserRequestException.class, () -> new VringState(0, 2).enable());
    }

    @ParameterizedTest
    @CsvSource({"8, 4, 2", "16, 2, 2", "16, 4, 1"})
    @DisplayName("SEC-47 alignment")
    void shouldRefuseAddressWhenItIsNotAligned(long descriptor, long used, long available) {
        VringAddress address = new VringAddress(0, 0, descriptor, used, available, 0);
        assertThrows(VhostUserRequestException.class, () -> address.checkAlignment(false));
    }

    @ParameterizedTest
    @CsvSource({"8, 4, 4", "16, 2, 4", "16, 4, 2"})
    @DisplayName("SEC-47 alignment of a packed ring")
    void shouldRefuseAddressWhenPackedRingIsNotAligned(long descriptor, long used, long available) {
        VringAddress address = new VringAddress(0, 0, descriptor, used, available, 0);
        assertThrows(VhostUserRequestException.class, () -> address.checkAlignment(true));
    }

    @Test
    void shouldAcceptInflightDescriptionWithAndWithoutPadding() throws Exception {
        assertEquals(0, InflightArea.decode(ofSize(20)).queues());
        assertEquals(0, InflightArea.decode(ofSize(24)).queues());
        assertThrows(VhostUserRequestException.class, () -> InflightArea.decode(ofSize(22)));
    }

    @Test
    void shouldAskForFeatureWhenRequestBelongsToOne() {
        assertTrue(FrontendRequest.SET_FEATURES.isAllowedBy(0));
        assertTrue(!FrontendRequest.GET_CONFIG.isAllowedBy(0));
        assertTrue(FrontendRequest.GET_CONFIG.isAllowedBy(
                ProtocolFeature.mask(ProtocolFeature.VHOST_USER_PROTOCOL_F_CONFIG)));
    }

    @Test
    void shouldThrowBugWhenOrderIsNotNative() {
        ByteOrder other =
                ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
        assertThrows(
                IllegalArgumentException.class,
                () -> U64.decode(ByteBuffer.allocate(8).order(other)));
    }

    @Test
    void shouldKeepItsOwnListWhenTableIsMade() {
        List<RegionDescription> many = Collections.nCopies(3, REGION);
        assertEquals(many, new MemoryTable(many).regions());
    }
}
