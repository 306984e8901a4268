package org.vportd.serial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

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

/** The way from the driver to the chardev. */
class PortTransmitterTest {
    private DeviceUnderTest dut;
    private TestChardev chardev;

    @BeforeEach
    void open() throws PosixException, ConfigException {
        replace(DeviceUnderTest.Shape.DEFAULT);
    }

    private void replace(DeviceUnderTest.Shape shape) throws PosixException, ConfigException {
        if (dut != null) {
            dut.close();
        }
        dut = new DeviceUnderTest(8, shape);
        chardev = dut.chardev();
    }

    @AfterEach
    void close() {
        dut.close();
    }

    static Stream<DeviceUnderTest.Shape> shapes() {
        return DeviceUnderTest.Shape.all(8);
    }

    private SerialPort openChannel() throws ConfigException {
        SerialPort port = dut.channel(chardev.open());
        dut.boot();
        return port;
    }

    @Test
    @DisplayName("VS-21 VS-38 output of a channel that nobody has open is completed and goes nowhere")
    void shouldDiscardOutputWhenHostIsNotConnected() throws ConfigException {
        SerialPort closed = dut.channel(chardev);
        SerialPort bare = dut.channel(null);
        SerialPort bareConsole = dut.console(null);
        dut.boot();
        for (SerialPort port : List.of(closed, bare, bareConsole)) {
            dut.tx(port).send("abc", "def");
            dut.tx(port).send("ghi");
            assertEquals(2, dut.tx(port).completed());
        }
        chardev.open();
        dut.settle();
        assertEquals(0, chardev.writes());
    }

    @ParameterizedTest
    @MethodSource("shapes")
    @DisplayName("VS-22 a full chardev holds the queue, also in the middle of the third part of an element")
    void shouldResumeInMiddleOfPartWhenChardevHasRoom(DeviceUnderTest.Shape shape)
            throws PosixException, ConfigException {
        replace(shape);
        SerialPort port = openChannel();
        chardev.limitRoom(8);
        dut.tx(port).send("012", "345", "678", "9ab");
        dut.tx(port).send("cde");
        dut.settle();

        assertTrue(port.isThrottled());
        assertEquals("01234567", chardev.text());
        assertEquals(0, dut.tx(port).completed());

        chardev.makeRoom(1);
        dut.settle();
        assertEquals("012345678", chardev.text());
        assertEquals(0, dut.tx(port).completed());

        chardev.makeRoom(4);
        dut.settle();
        assertEquals("0123456789abc", chardev.text());
        assertEquals(1, dut.tx(port).completed());

        chardev.makeRoom(100);
        dut.settle();
        assertEquals("0123456789abcde", chardev.text());
        assertEquals(1, dut.tx(port).completed());
        assertFalse(port.isThrottled());
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void shouldTakeMoreWhenRingWasFullWhileThrottled(DeviceUnderTest.Shape shape)
            throws PosixException, ConfigException {
        replace(shape);
        SerialPort port = openChannel();
        chardev.limitRoom(0);
        DriverQueue tx = dut.tx(port);
        StringBuilder expected = new StringBuilder();
        int sent = 0;
        int completed = 0;
        while (sent < 1_000) {
            while (tx.ring().free() > 0 && sent < 1_000) {
                tx.send("line " + sent + ",");
                expected.append("line ").append(sent).append(',');
                sent++;
            }
            dut.settle();
            chardev.makeRoom(37);
            dut.settle();
            completed += tx.completed();
        }
        chardev.makeRoom(100_000);
        dut.settle();
        assertEquals(expected.toString(), chardev.text());
        assertEquals(1_000, completed + tx.completed());
    }

    @Test
    @DisplayName("VS-23 a console without buffer loses whole tails and never makes the guest wait")
    void shouldDropTailWhenConsoleIsFull() throws ConfigException {
        SerialPort console = dut.console(chardev.open().limitRoom(5), 0);
        dut.boot();
        dut.tx(console).send("0123", "4567");
        dut.tx(console).send("89");
        assertEquals(2, dut.tx(console).completed());
        assertFalse(console.isThrottled());
        assertEquals(5, console.droppedBytes());
        chardev.makeRoom(100);
        dut.settle();
        dut.tx(console).send("ab");
        assertEquals("01234ab", chardev.text());
    }

    @Test
    @DisplayName("VS-23 a console with a buffer keeps what fits, in order")
    void shouldKeepOutputWhenConsoleIsFull() throws ConfigException {
        SerialPort console = dut.console(chardev.open().limitRoom(2), 6);
        dut.boot();
        dut.tx(console).send("0123");
        dut.tx(console).send("45", "6789"); // 4 of these 6 fit
        dut.tx(console).send("x");
        assertEquals(3, dut.tx(console).completed());
        assertEquals(3, console.droppedBytes());
        assertEquals("01", chardev.text());

        chardev.makeRoom(3);
        dut.tx(console).send("abcd"); // 3 of these 4
        assertEquals(4, console.droppedBytes());
        chardev.makeRoom(100);
        dut.settle();
        dut.tx(console).send("!");
        assertEquals("01234567abc!", chardev.text());
    }

    @Test
    void shouldKeepWaitingConsoleOutputWhenOnlyTheInputOfTheChardevEnds() throws ConfigException {
        SerialPort console = dut.console(chardev.open().limitRoom(2), 6);
        dut.boot();
        dut.tx(console).send("0123");
        chardev.endInput();
        chardev.makeRoom(100);
        dut.settle();
        dut.tx(console).send("!");
        assertEquals("0123!", chardev.text());
    }

    @Test
    @DisplayName("VS-24 kicks while throttled cause no writes")
    void shouldNotWriteWhenThrottled() throws ConfigException {
        SerialPort port = openChannel();
        chardev.limitRoom(1);
        dut.tx(port).send("abc");
        dut.settle();
        int writes = chardev.writes();
        for (int i = 0; i < 10; i++) {
            dut.tx(port).send("def");
            dut.tx(port).kickAnyway();
            dut.settle();
        }
        assertEquals(writes, chardev.writes());
        assertEquals(0, dut.tx(port).completed());
    }

    @Test
    @DisplayName("VS-24 a throttled driver is not asked to kick")
    void shouldNotWantKicksWhenThrottled() throws PosixException, ConfigException {
        replace(new DeviceUnderTest.Shape(8, 8, false, false));
        SerialPort port = openChannel();
        chardev.limitRoom(1);
        dut.tx(port).send("abc");
        dut.settle();
        int kicks = dut.tx(port).kicks();
        dut.tx(port).send("def");
        assertEquals(kicks, dut.tx(port).kicks());
    }

    @Test
    @DisplayName("VS-25 a peer that leaves while the port is throttled frees the guest; the next one gets fresh data")
    void shouldCompleteOutputWhenPeerLeavesWhileThrottled() throws ConfigException {
        SerialPort port = openChannel();
        chardev.limitRoom(4);
        dut.tx(port).send("012", "345");
        dut.tx(port).send("678");
        dut.settle();
        assertTrue(port.isThrottled());

        chardev.hangUp();
        assertFalse(port.isThrottled());
        assertEquals(2, dut.tx(port).completed());
        assertEquals(List.of("PORT_OPEN 1 0"), dut.messages());

        chardev.limitRoom(TestChardev.UNLIMITED);
        chardev.open();
        assertEquals(List.of("PORT_OPEN 1 1"), dut.messages());
        dut.tx(port).send("fresh");
        dut.settle();
        assertEquals("0123fresh", chardev.text());
        assertEquals(1, dut.tx(port).completed());
    }

    @Test
    @DisplayName("VS-25 output of one peer is not given to the next when the rings are paused meanwhile")
    void shouldDropHeldOutputWhenPeerLeavesWhilePaused() throws ConfigException {
        SerialPort port = openChannel();
        chardev.limitRoom(4);
        dut.tx(port).send("012", "345");
        dut.settle();
        dut.stop();
        chardev.hangUp();
        chardev.limitRoom(TestChardev.UNLIMITED);
        chardev.open();
        dut.resume();
        dut.settle();
        assertEquals("0123", chardev.text());
        assertEquals(1, dut.tx(port).completed());
        dut.tx(port).send("fresh");
        assertEquals("0123fresh", chardev.text());
    }

    @Test
    @DisplayName("VS-39 a console whose peer has left takes output and drops it")
    void shouldDropOutputWhenPeerOfConsoleHasLeft() throws ConfigException {
        SerialPort console = dut.console(chardev.open().limitRoom(1));
        dut.boot();
        dut.tx(console).send("abc"); // 2 bytes wait in the buffer
        chardev.hangUp();
        dut.tx(console).send("def");
        assertEquals(2, dut.tx(console).completed());
        chardev.limitRoom(TestChardev.UNLIMITED);
        chardev.open();
        dut.tx(console).send("ghi");
        assertEquals("aghi", chardev.text());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("VS-31 one interrupt for a batch of output, none if the driver does not want it")
    void shouldInterruptOnceWhenBatchIsDone(boolean eventIdx) throws PosixException, ConfigException {
        replace(new DeviceUnderTest.Shape(64, 8, eventIdx, false));
        SerialPort port = openChannel();
        DriverQueue tx = dut.tx(port);
        tx.send("first call is for free");
        tx.completed();
        int before = tx.calls();

        tx.ring().enableCalls();
        for (int i = 0; i < 50; i++) {
            tx.add(new byte[] {(byte) i});
        }
        tx.publish();
        assertEquals(50, tx.completed());
        assertEquals(1, tx.calls() - before);

        tx.ring().disableCalls();
        tx.send("silence");
        assertEquals(1, tx.completed());
        assertEquals(1, tx.calls() - before);
        assertEquals(3, tx.kicks()); // one each, two for nothing would be a storm as well
    }

    @Test
    @DisplayName("VS-31 the driver is interrupted only past the index it has named")
    void shouldInterruptAtIndexWhenDriverNamesOne() throws ConfigException {
        SerialPort port = openChannel();
        DriverQueue tx = dut.tx(port);
        tx.send("x");
        tx.completed();
        int before = tx.calls();
        for (int i = 0; i < 3; i++) {
            tx.add(new byte[] {1});
        }
        tx.ring().enableCallsAfter(3);
        chardev.limitRoom(2);
        tx.publish();
        assertEquals(0, tx.calls() - before);
        chardev.makeRoom(1);
        dut.settle();
        assertEquals(1, tx.calls() - before);
        assertEquals(3, tx.completed());
    }

    @ParameterizedTest
    @MethodSource("shapes")
    @DisplayName("VS-43 stop and start in the middle of a throttled element: no byte twice, none lost")
    void shouldGoOnInMiddleWhenRingStopsWhileThrottled(DeviceUnderTest.Shape shape)
            throws PosixException, ConfigException {
        replace(shape);
        SerialPort port = openChannel();
        chardev.limitRoom(7);
        dut.tx(port).send("012", "345", "678");
        dut.tx(port).send("9ab");
        dut.settle();

        for (int i = 0; i < 3; i++) {
            dut.stop();
            assertEquals(dut.tx(port).baseAfter(0), dut.tx(port).base()); // the element goes back whole
            dut.resume();
            dut.settle();
            assertEquals("0123456", chardev.text());
            assertEquals(0, dut.tx(port).completed());
        }
        dut.stop();
        chardev.makeRoom(1); // while nothing runs
        dut.settle();
        dut.resume();
        dut.settle();
        assertEquals("01234567", chardev.text());
        chardev.makeRoom(100);
        dut.settle();
        assertEquals("0123456789ab", chardev.text());
        assertEquals(2, dut.tx(port).completed());
    }

    @Test
    @DisplayName("VS-43 a ring that stops twice before it gets a chance to run forgets nothing")
    void shouldGoOnInMiddleWhenRingStopsBeforeItRan() throws ConfigException {
        SerialPort port = openChannel();
        chardev.limitRoom(4);
        dut.tx(port).send("012", "345");
        dut.settle();
        dut.stop();
        chardev.makeRoom(100);
        for (int i = 0; i < 3; i++) {
            dut.resume();
            dut.stop();
        }
        dut.resume();
        dut.settle();
        assertEquals("012345", chardev.text());
        assertEquals(1, dut.tx(port).completed());
    }

    @Test
    @DisplayName("a new driver's output is not taken for the rest of an old one's, though the indexes agree")
    void shouldNotSkipBytesWhenDriverHasStartedAnew() throws ConfigException {
        SerialPort port = openChannel();
        chardev.limitRoom(4);
        dut.tx(port).send("012345"); // held at index 0
        dut.settle();

        dut.rebootSilently();
        chardev.limitRoom(TestChardev.UNLIMITED);
        dut.boot();
        dut.tx(port).send("abcdef");
        dut.settle();

        assertEquals("0123abcdef", chardev.text());
        assertEquals(1, dut.tx(port).completed());
        assertFalse(port.isThrottled());
    }

    @Test
    @DisplayName("VS-33 a port throttled before a reset works after it")
    void shouldForgetThrottleWhenDriverResets() throws ConfigException {
        SerialPort port = openChannel();
        chardev.limitRoom(4);
        dut.tx(port).send("012345");
        dut.settle();
        dut.reset();
        assertFalse(port.isThrottled());

        chardev.limitRoom(TestChardev.UNLIMITED); // the chardev does not say so: nothing waits for it any more
        dut.boot();
        dut.tx(port).send("abc");
        dut.settle();
        assertEquals("0123abc", chardev.text());
    }

    @Test
    @DisplayName("VS-33 a chardev that is still full after a reset throttles again, and resumes")
    void shouldThrottleAgainWhenChardevIsStillFullAfterReset() throws ConfigException {
        SerialPort port = openChannel();
        chardev.limitRoom(4);
        dut.tx(port).send("012345");
        dut.settle();
        dut.reset();
        dut.boot();
        dut.tx(port).send("abc");
        dut.settle();
        assertTrue(port.isThrottled());
        chardev.makeRoom(100);
        dut.settle();
        assertEquals("0123abc", chardev.text());
    }

    @Test
    @DisplayName("V10 what a device could write in a transmit buffer is left alone, a chain without bytes comes back")
    void shouldTakeReadablePartOnlyWhenChainHasOthers() throws ConfigException {
        SerialPort port = openChannel();
        DriverQueue tx = dut.tx(port);
        tx.post(8).post(0).publish();
        tx.send("", "a", "", "b", "");
        tx.send("");
        assertEquals(4, tx.completed());
        assertEquals("ab", chardev.text());
    }

    @Test
    @DisplayName("SEC-96 output before PORT_READY and PORT_OPEN is that of the port; of no port, discarded")
    void shouldTakeOutputWhenPortIsNotReady() throws ConfigException {
        SerialPort port = dut.channel(chardev.open());
        dut.start();
        dut.tx(port).send("early");
        DriverQueue orphan = dut.queue(ConsoleLayout.txQueue(6));
        orphan.send("nowhere");
        dut.settle();
        assertEquals("early", chardev.text());
        assertEquals(1, dut.tx(port).completed());
        assertEquals(1, orphan.completed());

        orphan.send("and", "again");
        dut.settle();
        assertEquals(1, orphan.completed());
        dut.queue(ConsoleLayout.rxQueue(6)).post(64).publish().kickAnyway();
        dut.settle();
        assertEquals(List.of(), dut.queue(ConsoleLayout.rxQueue(6)).filled());
    }

    @Test
    @DisplayName("SEC-96 output in the queue of a port that does not exist before the ring starts is returned")
    void shouldReturnOutputWhenQueueOfNoPortStarts() {
        DriverQueue orphan = dut.queue(ConsoleLayout.txQueue(3));
        orphan.send("nowhere");
        dut.start();
        dut.settle();
        assertEquals(1, orphan.completed());
    }

    @Test
    void shouldTakeOutputWhenItIsThereBeforeRingStarts() throws ConfigException {
        SerialPort port = dut.channel(chardev.open());
        dut.tx(port).send("early");
        dut.start();
        dut.settle();
        assertEquals("early", chardev.text());
    }

    @Test
    @DisplayName("a flood on one port does not keep another from its turn")
    void shouldServeOtherPortWhenOneIsFlooded() throws PosixException, ConfigException {
        replace(new DeviceUnderTest.Shape(256, 8, true, false));
        SerialPort flooded = openChannel();
        TestChardev other = dut.chardev().open();
        SerialPort quiet = dut.channel(other);
        SerialPort orphaned = quiet; // its queue is flooded below too
        DriverQueue flood = dut.tx(flooded);
        DriverQueue orphanFlood = dut.queue(ConsoleLayout.txQueue(7));
        int line = 0;
        for (int turn = 0; turn < 200; turn++) {
            fillWithBig(flood);
            fillWithBig(orphanFlood);
            if (turn % 10 == 0) {
                dut.tx(orphaned).send("line" + line++ + " ");
            }
            dut.loop().turn(0);
            assertEquals(turn / 10 + 1, count(other.text(), ' '), "turn=" + turn);
            flood.completed();
            orphanFlood.completed();
        }
        assertTrue(chardev.takenBytes() > 0);
    }

    private static void fillWithBig(DriverQueue queue) {
        byte[] big = new byte[1024];
        while (queue.ring().free() > 0) {
            queue.add(big);
        }
        queue.publish();
    }

    private static long count(String text, char c) {
        return text.chars().filter(x -> x == c).count();
    }
}
