package org.vportd.serial;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.chardev.ConfigException;
import org.vportd.posix.PosixException;

/** The way from the chardev to the driver. */
class PortReceiverTest {
    private static final int PAGE = 4096;

    private DeviceUnderTest dut;
    private TestChardev chardev;
    private SerialPort port;

    @BeforeEach
    void open() throws PosixException, ConfigException {
        replace(DeviceUnderTest.Shape.DEFAULT);
    }

    private void replace(DeviceUnderTest.Shape shape) throws PosixException, ConfigException {
        if (dut != null) {
            dut.close();
        }
        dut = new DeviceUnderTest(8, shape);
        chardev = dut.chardev().open();
        port = dut.channel(chardev);
        dut.boot();
    }

    @AfterEach
    void close() {
        dut.close();
    }

    static Stream<DeviceUnderTest.Shape> shapes() {
        return DeviceUnderTest.Shape.all(8);
    }

    @Test
    @DisplayName("VS-28 nothing is read while the guest has the port closed; opening it is enough")
    void shouldDeliverWhenGuestOpens() {
        dut.guestOpens(port, false);
        dut.rx(port).fill(PAGE);
        chardev.feed("hello");
        dut.settle();
        assertEquals(5, chardev.pendingInput());
        assertFalse(chardev.receives());
        dut.rx(port).kickAnyway();
        dut.settle();
        assertEquals(5, chardev.pendingInput());

        dut.guestOpens(port, true); // and no kick
        dut.settle();
        assertEquals("hello", dut.rx(port).text());
        assertTrue(chardev.receives());
    }

    @Test
    @DisplayName("VS-28 nothing is sent once the guest has closed the port")
    void shouldStopWhenGuestCloses() {
        dut.rx(port).fill(PAGE);
        chardev.feed("a");
        dut.settle();
        dut.guestOpens(port, false);
        chardev.feed("bc");
        dut.settle();
        assertEquals("a", dut.rx(port).text());
        assertEquals(2, chardev.pendingInput());
        assertEquals(List.of(false, true, false), chardev.frontendStates());
        dut.guestOpens(port, true);
        dut.settle();
        assertEquals("bc", dut.rx(port).text());
    }

    @Test
    @DisplayName("VS-29 10000 bytes into pages come as 4096, 4096 and 1808")
    void shouldFillBuffersWhenInputIsLarge() {
        dut.rx(port).fill(PAGE);
        chardev.feedPattern(10_000);
        dut.settle();
        List<byte[]> filled = dut.rx(port).filled();
        assertEquals(
                List.of(4096, 4096, 1808), filled.stream().map(b -> b.length).toList());
        assertArrayEquals(Pattern.bytes(0, 10_000), join(filled));
    }

    private static byte[] join(List<byte[]> parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        parts.forEach(all::writeBytes);
        return all.toByteArray();
    }

    @ParameterizedTest
    @MethodSource("shapes")
    @DisplayName("VS-29 VS-30 nothing is lost when buffers come one at a time; a kick resumes the reader")
    void shouldDeliverPieceByPieceWhenBuffersComeOneAtATime(DeviceUnderTest.Shape shape)
            throws PosixException, ConfigException {
        replace(shape);
        chardev.feedPattern(10_000);
        dut.settle();
        ByteArrayOutputStream got = new ByteArrayOutputStream();
        while (got.size() < 10_000) {
            int before = got.size();
            dut.rx(port).post(100, 900).publish(); // kicks only if the device has asked for it
            dut.settle();
            dut.rx(port).filled().forEach(got::writeBytes);
            assertEquals(before + Math.min(1000, 10_000 - before), got.size());
        }
        assertArrayEquals(Pattern.bytes(0, 10_000), got.toByteArray());
    }

    @Test
    @DisplayName("VS-30 the driver is asked for kicks before it has posted a buffer")
    void shouldWantKickWhenRingHasNoBuffer() {
        chardev.feed("hello");
        dut.settle();
        int kicks = dut.rx(port).kicks();
        dut.rx(port).post(64).publish();
        assertEquals(kicks + 1, dut.rx(port).kicks());
        dut.settle();
        assertEquals("hello", dut.rx(port).text());
    }

    @ParameterizedTest
    @MethodSource("shapes")
    @DisplayName("VS-30 buffers posted while the port is closed are found when it opens")
    void shouldFindBuffersWhenTheyCameWhileClosed(DeviceUnderTest.Shape shape) throws PosixException, ConfigException {
        replace(shape);
        dut.guestOpens(port, false);
        dut.rx(port).post(64).publish();
        dut.rx(port).post(64).publish();
        dut.guestOpens(port, true);
        chardev.feed("x");
        dut.settle();
        chardev.feed("y");
        dut.settle();
        assertEquals("xy", dut.rx(port).text());
        chardev.feed("z");
        dut.settle();
        dut.rx(port).post(64).publish();
        dut.settle();
        assertEquals("z", dut.rx(port).text());
    }

    /** A ring of 64 buffers of 16 bytes: the first call, which a device makes unasked, has been. */
    private DriverQueue calledBefore(boolean eventIdx) throws PosixException, ConfigException {
        replace(new DeviceUnderTest.Shape(64, 8, eventIdx, false));
        DriverQueue rx = dut.rx(port);
        rx.fill(16);
        chardev.feed("the first call is for free");
        dut.settle();
        rx.filledAndPosted(16);
        return rx;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("VS-31 one interrupt for one read, however many buffers it fills")
    void shouldInterruptOnceWhenReadFillsManyBuffers(boolean eventIdx) throws PosixException, ConfigException {
        DriverQueue rx = calledBefore(eventIdx);
        rx.ring().enableCalls();
        int before = rx.calls();
        chardev.feed("x".repeat(64)); // 4 buffers
        dut.settle();
        assertEquals(4, rx.filled().size());
        assertEquals(1, rx.calls() - before);
    }

    @Test
    @DisplayName("VS-31 one interrupt for all reads of a turn, and it comes when the ring stops before")
    void shouldInterruptOnceWhenSeveralReadsFollowEachOther() throws PosixException, ConfigException {
        DriverQueue rx = calledBefore(true);
        int[] filled = {0};
        rx.whenCalled(() -> {
            filled[0] += rx.filledAndPosted(16).size();
            rx.ring().enableCalls(); // so that each part would be worth a call
        });
        rx.ring().enableCalls();
        int before = rx.calls();
        chardev.feed("x".repeat(16 * 20)); // more than one read is given room for
        dut.settle();
        assertEquals(20, filled[0]);
        assertEquals(1, rx.calls() - before);

        chardev.feed("x".repeat(16 * 16));
        dut.loop().turn(0);
        assertEquals(1, rx.calls() - before);
        dut.stop();
        assertEquals(2, rx.calls() - before);
        assertEquals(36, filled[0]);
    }

    @Test
    @DisplayName("V10 only the writable part is used; a buffer without one comes back empty")
    void shouldReturnBufferEmptyWhenItHasNoRoom() {
        DriverQueue rx = dut.rx(port);
        rx.add(new byte[8]).post(0).post(0, 3, 0, 2).publish();
        chardev.feed("01234567");
        dut.settle();
        List<byte[]> filled = rx.filled();
        assertEquals(List.of(0, 0, 5), filled.stream().map(b -> b.length).toList());
        assertEquals(3, chardev.pendingInput());
        rx.post(8).publish();
        dut.settle();
        assertEquals("567", rx.text());
    }

    @ParameterizedTest
    @MethodSource("shapes")
    @DisplayName("VS-43 input goes on after a stop; buffers not filled are those of the next start")
    void shouldDeliverInOrderWhenRingStopsInBetween(DeviceUnderTest.Shape shape)
            throws PosixException, ConfigException {
        replace(shape);
        DriverQueue rx = dut.rx(port);
        for (int i = 0; i < 7; i++) {
            rx.post(4);
        }
        rx.publish();
        chardev.feed("0123456");
        dut.settle();
        dut.stop();
        assertEquals(rx.baseAfter(2), rx.base());
        chardev.feed("789");
        dut.settle();
        assertFalse(chardev.receives());
        dut.resume();
        dut.settle();
        assertEquals("0123456789", rx.text());
    }

    @Test
    @DisplayName("input that waited for a driver is not lost when that starts anew")
    void shouldDeliverToNextDriverWhenOneNeverTookIt() {
        chardev.feed("hello");
        dut.settle();
        dut.reset();
        dut.boot();
        dut.rx(port).fill(PAGE);
        dut.settle();
        assertEquals("hello", dut.rx(port).text());
    }

    @Test
    @DisplayName("a peer is let go while nobody reads, and kept while somebody does")
    void shouldSayWhetherItReadsWhenGuestOrDriverComesAndGoes() throws ConfigException {
        assertTrue(chardev.receives());
        dut.stop();
        assertFalse(chardev.receives());
        dut.resume();
        assertTrue(chardev.receives());
        dut.reset();
        assertFalse(chardev.receives());
    }

    @Test
    @DisplayName("memory found gone is told to the transport")
    void shouldTellTransportWhenMemoryIsGone() {
        chardev.loseBuffers();
        assertEquals(1, dut.transport().memoryFaults().size());
    }
}
