package org.vportd.serial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.SplittableRandom;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.vportd.posix.NativeMemory;
import org.vportd.virtio.driver.QueueDriver;

/**
 * Random chains in rings of all formats, both ways through a port whose chardev takes and gives random amounts, with stops, reboots and peers that
 * leave at random points. Every byte depends on its position, so that none is lost, doubled or exchanged unseen. A failure
 * names its seed; {@code -Dvportd.seed=N} runs that one alone.
 */
class SerialTransferPropertyTest {
    private static final String SEED_PROPERTY = "vportd.seed";
    private static final int RUNS = 40;
    private static final int STEPS = 1_500;
    private static final int MAX_TX_BYTES = 64 * 1024;
    private static final int MAX_RX_BYTES = 8 * 1024;
    private static final int MAX_PARTS = 6;

    /** What may happen besides bytes that flow. */
    private enum Disturbance {
        NONE,
        STOPS,
        ALL
    }

    private static void runAll(Disturbance disturbance) {
        Long only = Long.getLong(SEED_PROPERTY);
        long first = only != null ? only : System.nanoTime();
        for (long seed = first; seed < first + (only != null ? 1 : RUNS); seed++) {
            try (Run run = new Run(seed, disturbance)) {
                run.run();
            } catch (Throwable e) {
                throw new AssertionError("replay with -D" + SEED_PROPERTY + "=" + seed, e);
            }
        }
    }

    @Test
    @DisplayName("VS-22 VS-29 elements of up to 64 KiB into a chardev that takes random amounts, and input back")
    void shouldMoveEveryByteWhenAmountsAreRandom() {
        runAll(Disturbance.NONE);
    }

    @Test
    @DisplayName("VS-43 stops and starts at random points lose nothing and double nothing")
    void shouldMoveEveryByteWhenRingsStopAtRandom() {
        runAll(Disturbance.STOPS);
    }

    @Test
    @DisplayName("VS-25 VS-32 reboots and peers that leave drop what was on its way, and nothing of what follows")
    void shouldMoveEveryFreshByteWhenEitherSideStartsAnew() {
        runAll(Disturbance.ALL);
    }

    private static final class Run implements AutoCloseable {
        private final SplittableRandom random;
        private final Disturbance disturbance;
        private final DeviceUnderTest dut;
        private final boolean indirect;
        private final TestChardev chardev;
        private final SerialPort port;
        private final QueueDriver tx;
        private final QueueDriver rx;
        private final ArrayDeque<Long> txBuffers = new ArrayDeque<>();
        private final ArrayDeque<Long> rxBuffers = new ArrayDeque<>();
        private final long txMemory;
        private final long rxMemory;
        private long sent;
        private long received;
        private long fed;

        Run(long seed, Disturbance disturbance) throws Exception {
            this.random = new SplittableRandom(seed);
            this.disturbance = disturbance;
            boolean packed = random.nextBoolean();
            int size = packed ? 1 + random.nextInt(64) : 1 << random.nextInt(7);
            this.indirect = random.nextBoolean();
            DeviceUnderTest.Shape shape = new DeviceUnderTest.Shape(size, 8, random.nextBoolean(), indirect);
            this.dut = new DeviceUnderTest(2, shape.withRings(packed, random.nextBoolean()));
            this.chardev = dut.chardev().open().checkPattern().limitRoom(0);
            this.port = dut.channel(chardev);
            this.tx = dut.tx(port).ring();
            this.rx = dut.rx(port).ring();
            this.txMemory = dut.memory().allocate((long) size * MAX_TX_BYTES, 64);
            this.rxMemory = dut.memory().allocate((long) size * MAX_RX_BYTES, 64);
            takeAllBuffersBack();
            dut.boot();
        }

        void run() {
            for (int step = 0; step < STEPS; step++) {
                switch (random.nextInt(12)) {
                    case 0, 1 -> send();
                    case 2, 3 -> post();
                    case 4 -> collectSent();
                    case 5 -> collectReceived();
                    case 6 -> feed();
                    case 7 -> chardev.makeRoom(amount(2 * MAX_TX_BYTES));
                    case 8 -> chardev.limitReads(1 + amount(3 * MAX_RX_BYTES));
                    case 9 -> disturb();
                    default -> dut.loop().turn(0);
                }
            }
            finish();
        }

        private int amount(int max) {
            return random.nextInt(random.nextInt(3) == 0 ? max : 50);
        }

        private void send() {
            int parts = Math.min(1 + random.nextInt(MAX_PARTS), indirect ? MAX_PARTS : tx.free());
            if (tx.free() == 0 || txBuffers.isEmpty()) {
                return;
            }
            long address = txBuffers.remove();
            int at = 0;
            for (int i = 0; i < parts; i++) {
                int length = amount(MAX_TX_BYTES / parts);
                tx.readable(address + at, length);
                at += length;
            }
            Pattern.fill(dut.memory().hostAddress(address), sent, at);
            sent += at;
            submit(tx, address);
            dut.tx(port).publish();
        }

        private void submit(QueueDriver ring, long token) {
            int head = indirect ? ring.submitIndirect(token) : ring.submit(token);
            assertTrue(head != QueueDriver.FULL);
        }

        private void post() {
            for (int n = random.nextInt(8); n > 0 && rx.free() > 0 && !rxBuffers.isEmpty(); n--) {
                int parts = Math.min(1 + random.nextInt(3), indirect ? 3 : rx.free());
                long address = rxBuffers.remove();
                int at = 0;
                for (int i = 0; i < parts; i++) {
                    int length = amount(MAX_RX_BYTES / parts);
                    rx.writable(address + at, length);
                    at += length;
                }
                submit(rx, address);
            }
            dut.rx(port).publish();
        }

        private void collectSent() {
            while (tx.poll()) {
                assertEquals(0, tx.usedBytes());
                txBuffers.add(tx.usedToken());
            }
        }

        private void collectReceived() {
            while (rx.poll()) {
                long address = dut.memory().hostAddress(rx.usedToken());
                Pattern.check(address, received, rx.usedBytes());
                for (long i = 0; i < rx.usedBytes(); i++) {
                    NativeMemory.putByte(address + i, (byte) 0); // what is not written again must not pass
                }
                received += rx.usedBytes();
                rxBuffers.add(rx.usedToken());
            }
        }

        private void feed() {
            int bytes = amount(4 * MAX_RX_BYTES);
            fed += bytes;
            chardev.feedPattern(bytes);
        }

        private void disturb() {
            if (disturbance == Disturbance.NONE) {
                return;
            }
            switch (random.nextInt(disturbance == Disturbance.STOPS ? 4 : 10)) {
                case 0 -> {
                    dut.stop();
                    chardev.makeRoom(amount(1000));
                    if (random.nextBoolean()) {
                        dut.loop().turn(0);
                    }
                    dut.resume();
                }
                case 1 -> {
                    dut.stopQueue(ConsoleLayout.txQueue(port.id()));
                    dut.startQueue(ConsoleLayout.txQueue(port.id()));
                }
                case 2 -> {
                    dut.stopQueue(ConsoleLayout.rxQueue(port.id()));
                    dut.startQueue(ConsoleLayout.rxQueue(port.id()));
                }
                case 3 -> {
                    dut.guestOpens(port, false);
                    dut.loop().turn(0);
                    dut.guestOpens(port, true);
                }
                case 4 -> reboot();
                case 5 -> {
                    chardev.hangUp();
                    peerComes();
                }
                case 6 -> {
                    dut.stop();
                    chardev.hangUp();
                    dut.settle();
                    chardev.open();
                    dut.resume();
                    peerComes();
                }
                default -> {}
            }
        }

        /** The driver goes on with the bytes that have not arrived. */
        private void reboot() {
            if (random.nextBoolean()) {
                dut.reset();
            } else {
                dut.rebootSilently();
            }
            sent = chardev.takenBytes();
            received = fed - chardev.pendingInput();
            takeAllBuffersBack();
            dut.boot();
        }

        private void takeAllBuffersBack() {
            txBuffers.clear();
            rxBuffers.clear();
            for (int i = 0; i < tx.size(); i++) {
                txBuffers.add(txMemory + (long) i * MAX_TX_BYTES);
                rxBuffers.add(rxMemory + (long) i * MAX_RX_BYTES);
            }
        }

        private void peerComes() {
            dut.settle(); // what was meant for the old one is dropped by now
            chardev.open();
            collectSent();
            assertEquals(0, tx.outstanding());
            sent = chardev.takenBytes();
        }

        private void finish() {
            chardev.limitReads(TestChardev.UNLIMITED);
            chardev.makeRoom(TestChardev.UNLIMITED);
            for (int i = 0; received < fed && i < 100_000; i++) {
                dut.settle();
                collectReceived();
                post();
            }
            dut.settle();
            collectSent();
            assertEquals(sent, chardev.takenBytes());
            assertEquals(fed, received);
            assertEquals(0, tx.outstanding());
            assertEquals(tx.size(), tx.free());
        }

        @Override
        public void close() {
            dut.close();
        }
    }
}
