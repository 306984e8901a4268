package org.vportd.serial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevFrontend;
import org.vportd.chardev.ChardevHandler;
import org.vportd.chardev.ConfigException;
import org.vportd.loop.EventLoop;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.PosixException;

class ConsoleBacklogTest {
    private static final int CAPACITY = 10;

    private final ConsoleBacklog backlog = new ConsoleBacklog(CAPACITY);
    private final ChardevFrontend frontend = new ChardevFrontend(new Idle());
    private EventLoop loop;
    private TestChardev chardev;

    private static final class Idle implements ChardevHandler {
        private static final IoVector NONE = new IoVector();

        @Override
        public IoVector receiveBuffers() {
            return NONE;
        }

        @Override
        public void received(long bytes) {}

        @Override
        public void buffersGone(MemoryFaultException fault) {}

        @Override
        public boolean isReceiving() {
            return false;
        }

        @Override
        public void onWritable() {}

        @Override
        public void onEvent(ChardevEvent event) {}
    }

    @BeforeEach
    void open() throws PosixException, ConfigException {
        loop = EventLoop.open();
        chardev = new TestChardev(loop, "c0").open().limitRoom(0);
        frontend.attach(chardev);
    }

    @AfterEach
    void close() {
        backlog.clear();
        frontend.detach();
        loop.close();
    }

    /** Adds text in one segment a part; answers how much of it was kept. */
    private long add(String... parts) {
        String text = String.join("", parts);
        long memory = NativeMemory.allocate(Math.max(1, text.length()));
        try (IoVector data = new IoVector()) {
            NativeMemory.put(text.getBytes(StandardCharsets.ISO_8859_1), 0, memory, text.length());
            long at = memory;
            for (String part : parts) {
                data.add(at, part.length());
                at += part.length();
            }
            return backlog.add(data, 0);
        } finally {
            NativeMemory.free(memory);
        }
    }

    private boolean write(long room) {
        chardev.makeRoom(room);
        return backlog.writeTo(frontend);
    }

    @Test
    void shouldKeepOrderWhenItWrapsAround() {
        assertEquals(8, add("0123", "4567"));
        assertFalse(write(6));
        assertEquals(8, add("89", "abcdef", "g"));
        assertFalse(write(9));
        assertTrue(write(100));
        assertEquals("0123456789abcdef", chardev.text()); // g did not fit
    }

    @Test
    void shouldKeepFrontOnlyWhenThereIsNotRoomForAll() {
        assertEquals(10, add("01234", "56789ab", "c"));
        assertEquals(0, add("d"));
        assertTrue(write(100));
        assertEquals("0123456789", chardev.text());
    }

    @Test
    void shouldBeUsableAgainWhenItWasEmptied() {
        assertTrue(backlog.isEmpty());
        for (int i = 0; i < 5; i++) {
            assertEquals(7, add("0123456"));
            assertFalse(backlog.isEmpty());
            assertTrue(write(7));
            assertTrue(backlog.isEmpty());
        }
        assertEquals(3, add("abc"));
        backlog.clear();
        assertTrue(backlog.isEmpty());
        assertEquals(10, add("0123456789"));
        assertTrue(write(10));
        assertEquals("0123456".repeat(5) + "0123456789", chardev.text());
    }

    @Test
    void shouldHoldNoMemoryWhenItIsEmpty() throws IOException {
        int bytes = 256 << 20;
        ConsoleBacklog large = new ConsoleBacklog(bytes);
        long before = residentKib();
        try (IoVector data = new IoVector()) {
            long memory = NativeMemory.allocate(1);
            data.add(memory, 1);
            large.add(data, 0);
            NativeMemory.free(memory);
        }
        long full = residentKib();
        assertTrue(full - before > bytes / 2048, "before=" + before + " full=" + full);
        chardev.makeRoom(1);
        assertTrue(large.writeTo(frontend));
        long empty = residentKib();
        assertTrue(full - empty > bytes / 2048, "full=" + full + " empty=" + empty);
    }

    private static long residentKib() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void shouldAgreeWithModelWhenOperationsAreRandom() {
        long seed = Long.getLong("vportd.seed", System.nanoTime());
        SplittableRandom random = new SplittableRandom(seed);
        StringBuilder expected = new StringBuilder();
        int waiting = 0;
        for (int i = 0; i < 20_000; i++) {
            if (random.nextBoolean()) {
                StringBuilder text = new StringBuilder();
                for (int n = random.nextInt(14); n > 0; n--) {
                    text.append((char) ('a' + random.nextInt(26)));
                }
                int cut = random.nextInt(text.length() + 1);
                int kept = (int) add(text.substring(0, cut), text.substring(cut));
                assertEquals(Math.min(CAPACITY - waiting, text.length()), kept, "seed=" + seed);
                expected.append(text, 0, kept);
                waiting += kept;
            } else if (waiting > 0) {
                int room = random.nextInt(CAPACITY + 1);
                waiting = Math.max(0, waiting - room);
                chardev.limitRoom(room);
                assertEquals(waiting == 0, backlog.writeTo(frontend), "seed=" + seed);
            }
            assertEquals(waiting == 0, backlog.isEmpty(), "seed=" + seed);
        }
        chardev.makeRoom(CAPACITY);
        if (waiting > 0) {
            backlog.writeTo(frontend);
        }
        assertEquals(expected.toString(), chardev.text(), "seed=" + seed);
    }
}
