package org.vportd.serial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.virtio.queue.SplitLayout.VIRTQ_DESC_F_INDIRECT;
import static org.vportd.virtio.queue.SplitLayout.VIRTQ_DESC_F_NEXT;
import static org.vportd.virtio.queue.SplitLayout.VIRTQ_DESC_F_WRITE;

import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.chardev.ConfigException;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.PosixException;

/** Drivers that break the rules of rings harm the ring they break, and nothing else. */
class SerialDeviceSecurityTest {
    private static final int MANY = 50_000;
    private static final long NOWHERE = 0x7fff_ffff_0000L;

    private DeviceUnderTest dut;
    private TestChardev chardev;
    private TestChardev otherChardev;
    private SerialPort port;
    private SerialPort other;
    private LogCapture log;

    @BeforeEach
    void open() throws PosixException, ConfigException {
        log = new LogCapture(SerialDevice.class);
        dut = new DeviceUnderTest(8, DeviceUnderTest.Shape.DEFAULT.withDataSize(16));
        chardev = dut.chardev().open();
        otherChardev = dut.chardev().open();
        port = dut.channel(chardev);
        other = dut.channel(otherChardev);
        dut.boot();
    }

    @AfterEach
    void close() {
        dut.close();
        log.close();
    }

    /** A way to break a ring. */
    record Breakage(String name, Consumer<DriverQueue> action) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static Breakage breakage(String name, Consumer<DriverQueue> action) {
        return new Breakage(name, action);
    }

    static Stream<Breakage> breakages() {
        return Stream.of(
                breakage("loop", queue -> {
                    queue.descriptor(0, anyAddress(queue), 4, VIRTQ_DESC_F_NEXT, 1);
                    queue.descriptor(1, anyAddress(queue), 4, VIRTQ_DESC_F_NEXT, 0);
                    queue.offer(0);
                }),
                breakage("address outside of memory", queue -> {
                    queue.descriptor(0, NOWHERE, 64, 0, 0);
                    queue.offer(0);
                }),
                breakage("writable address outside of memory", queue -> {
                    queue.descriptor(0, NOWHERE, 64, VIRTQ_DESC_F_WRITE, 0);
                    queue.descriptor(1, NOWHERE, 64, 0, 0);
                    queue.offer(0);
                    queue.offer(1);
                }),
                breakage("length that wraps", queue -> {
                    queue.descriptor(0, -8, 64, 0, 0);
                    queue.descriptor(1, -8, 64, VIRTQ_DESC_F_WRITE, 0);
                    queue.offer(0);
                    queue.offer(1);
                }),
                breakage("head out of range", queue -> queue.offer(16)),
                breakage("next out of range", queue -> {
                    queue.descriptor(0, anyAddress(queue), 4, VIRTQ_DESC_F_NEXT, 16);
                    queue.offer(0);
                }),
                breakage("index too far ahead", queue -> queue.setAvailIndex(1000)),
                breakage("table without end", queue -> {
                    queue.descriptor(0, anyAddress(queue), 7, VIRTQ_DESC_F_INDIRECT, 0);
                    queue.offer(0);
                }));
    }

    /** Some address that is in memory: the ring's own. */
    private static long anyAddress(DriverQueue queue) {
        return queue.ring().descriptorAddress();
    }

    private void assertOthersWork() {
        dut.tx(other).send("still here");
        dut.rx(other).fill(64);
        otherChardev.feed("so am I");
        dut.settle();
        assertEquals("still here", otherChardev.text());
        assertEquals("so am I", dut.rx(other).text());
    }

    @ParameterizedTest
    @MethodSource("breakages")
    @DisplayName("VS-42 a malformed chain in a transmit queue")
    void shouldStopQueueOnlyWhenTransmitRingIsBroken(Breakage breakage) {
        breakage.action.accept(dut.tx(port));
        dut.settle();
        assertEquals(List.of(ConsoleLayout.txQueue(port.id())), dut.transport().faultyQueues());
        assertEquals("", chardev.text());
        assertOthersWork();
        dut.guestOpens(port, false);

        dut.reset(); // which makes it whole again
        dut.boot();
        dut.tx(port).send("fresh");
        dut.settle();
        assertEquals("fresh", chardev.text());
    }

    @ParameterizedTest
    @MethodSource("breakages")
    @DisplayName("VS-42 a malformed chain in a receive queue, found when input comes")
    void shouldStopQueueOnlyWhenReceiveRingIsBroken(Breakage breakage) {
        DriverQueue rx = dut.rx(port);
        breakage.action.accept(rx);
        chardev.feed("x");
        dut.settle();
        assertEquals(
                breakage.name.startsWith("address") ? List.of() : List.of(ConsoleLayout.rxQueue(port.id())),
                dut.transport().faultyQueues()); // buffers that a device may not write to are not looked at
        assertFalse(breakage.name.startsWith("address") && rx.usedIndex() == 0);
        assertEquals(1, chardev.pendingInput());
        assertOthersWork();
        dut.reset();
        dut.boot();
        dut.rx(port).fill(64);
        dut.settle();
        assertEquals("x", dut.rx(port).text());
    }

    @ParameterizedTest
    @MethodSource("breakages")
    @DisplayName("VS-42 a malformed chain in the control queue from the driver")
    void shouldStopQueueOnlyWhenControlRingIsBroken(Breakage breakage) throws PosixException, ConfigException {
        rebuildWithSmallControl();
        breakage.action.accept(dut.controlTx());
        dut.settle();
        assertEquals(List.of(ConsoleLayout.CONTROL_TX_QUEUE), dut.transport().faultyQueues());
        assertOthersWork();
        dut.reset();
        dut.boot();
        assertTrue(port.isGuestConnected());
    }

    @ParameterizedTest
    @MethodSource("breakages")
    @DisplayName("VS-42 a malformed chain in the control queue to the driver: messages are kept, within bounds")
    void shouldStopQueueOnlyWhenRingOfControlBuffersIsBroken(Breakage breakage) throws PosixException, ConfigException {
        rebuildWithSmallControl();
        dut.stopQueue(ConsoleLayout.CONTROL_RX_QUEUE);
        dut.controlRx().reset(); // takes the good buffers away
        dut.startQueue(ConsoleLayout.CONTROL_RX_QUEUE);
        breakage.action.accept(dut.controlRx());
        for (int i = 0; i < 100; i++) {
            chardev.hangUp();
            chardev.open();
        }
        dut.settle();
        assertTrue(dut.transport().faultyQueues().size() <= 1);
        assertOthersWork();
        dut.reset();
        dut.boot();
        assertTrue(port.isGuestConnected());
    }

    private void rebuildWithSmallControl() throws PosixException, ConfigException {
        rebuild(new DeviceUnderTest.Shape(16, 16, true, false));
    }

    private void rebuild(DeviceUnderTest.Shape shape) throws PosixException, ConfigException {
        dut.close();
        dut = new DeviceUnderTest(8, shape);
        chardev = dut.chardev().open();
        otherChardev = dut.chardev().open();
        port = dut.channel(chardev);
        other = dut.channel(otherChardev);
        dut.boot();
    }

    @Test
    @DisplayName("VS-42 a broken queue of no port")
    void shouldStopQueueOnlyWhenOrphanRingIsBroken() {
        int index = ConsoleLayout.txQueue(7);
        dut.queue(index).offer(16);
        dut.settle();
        assertEquals(List.of(index), dut.transport().faultyQueues());
        assertOthersWork();
    }

    @ParameterizedTest
    @ValueSource(ints = {ConsoleLayout.CONTROL_RX_QUEUE, ConsoleLayout.CONTROL_TX_QUEUE, 0, 1})
    @DisplayName(
            "a driver that refills a ring with useless buffers as fast as they are returned does not hold up the loop")
    void shouldEndTurnWhenDriverRefillsWithoutEnd(int index) throws PosixException, ConfigException {
        rebuild(new DeviceUnderTest.Shape(16, 16, false, false)); // calls for each batch
        TestChardev consoleChardev = dut.chardev().open();
        SerialPort console = dut.console(consoleChardev);
        dut.guestOpens(console, true);
        dut.stopQueue(index);
        DriverQueue queue = dut.queue(index);
        queue.reset();
        for (int i = 0; i < 16; i++) {
            boolean forDevice = index % 2 == 0;
            queue.descriptor(i, anyAddress(queue), i % 5, forDevice ? VIRTQ_DESC_F_WRITE : 0, 0);
            queue.enter(i, i % 2 == 0 || index == 0 ? 0 : i); // of no use: empty, or too small for a message
        }
        dut.startQueue(index);
        int before = queue.calls();
        queue.whenCalled(() -> {
            if (queue.calls() - before < MANY) {
                queue.putAvailIndex(queue.usedIndex() + 16);
            }
        });
        queue.putAvailIndex(16);
        consoleChardev.feed("x");
        chardev.hangUp();
        queue.kickAnyway();
        for (int turn = 0; turn < 10; turn++) {
            dut.loop().turn(0);
        }
        assertTrue(queue.calls() - before < MANY, "the loop has been held up until the driver stopped");
        int calls = queue.calls();
        dut.loop().turn(0);
        assertTrue(queue.calls() > calls, "the ring is still served");
        dut.settle();
        assertEquals(List.of(), dut.transport().faultyQueues());
        dut.reset();
        dut.boot();
        dut.rx(console).fill(8);
        dut.settle();
        assertEquals("x", dut.rx(console).text());
    }

    @Test
    @DisplayName("VS-42 random rings and random control messages")
    void shouldSurviveWhenDriverIsRandom() throws PosixException, ConfigException {
        long seed = Long.getLong("vportd.seed", System.nanoTime());
        SplittableRandom random = new SplittableRandom(seed);
        try {
            for (int run = 0; run < 200; run++) {
                scramble(random);
            }
        } catch (Throwable e) {
            throw new AssertionError("replay with -Dvportd.seed=" + seed, e);
        }
        dut.reset();
        dut.boot();
        chardev.limitRoom(TestChardev.UNLIMITED);
        int before = chardev.text().length();
        dut.tx(port).send("fresh");
        dut.settle();
        assertEquals("fresh", chardev.text().substring(before));
    }

    private void scramble(SplittableRandom random) {
        DriverQueue[] targets = {
            dut.tx(port), dut.rx(port), dut.tx(other), dut.controlRx(), dut.controlTx(), dut.queue(15)
        };
        long buffer = dut.memory().allocate(4096, 16);
        for (int i = 0; i < 4096; i += 8) {
            NativeMemory.putLong(dut.memory().hostAddress(buffer + i), random.nextInt(4) == 0 ? random.nextLong() : 1L);
        }
        for (int step = 0; step < 100; step++) {
            DriverQueue target = targets[random.nextInt(targets.length)];
            switch (random.nextInt(8)) {
                case 0, 1, 2 ->
                    target.descriptor(
                            random.nextInt(16),
                            random.nextInt(20) == 0 ? random.nextLong() : buffer + random.nextInt(2048),
                            random.nextInt(30) == 0 ? random.nextInt() : random.nextInt(2048),
                            random.nextInt(10) == 0 ? random.nextInt(8) : random.nextInt(4),
                            random.nextInt(17));
                case 3, 4, 5 -> target.offer(random.nextInt(40) == 0 ? random.nextInt() & 0xffff : random.nextInt(16));
                case 6 -> chardev.limitRoom(random.nextInt(100));
                default -> chardev.feed("some input");
            }
            if (random.nextInt(4) == 0) {
                chardev.makeRoom(random.nextInt(5000));
                dut.loop().turn(0);
            }
        }
        dut.settle();
        dut.reset();
        dut.start();
    }
}
