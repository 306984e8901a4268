package org.vportd.virtio.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.posix.Errno;
import org.vportd.posix.Fd;
import org.vportd.posix.MappedMemory;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;

/** The bitmap of pages written. */
@Timeout(60)
class DirtyLogTest {
    private static final int FILE_BYTES = 8192;

    private static Fd file() throws PosixException {
        Fd fd = Posix.memoryFile("log", FILE_BYTES);
        Posix.sealShrink(fd);
        return fd;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 5, 4096, 4099})
    @DisplayName("SEC-57 each page written has its bit, wherever the log begins, and nothing else is touched")
    void shouldMarkExactlyThePagesWritten(int offset) throws PosixException {
        int logBytes = 61;
        SplittableRandom random = new SplittableRandom(57);
        try (Fd fd = file();
                MappedMemory view = MappedMemory.map(fd, 0, FILE_BYTES);
                DirtyLog log = DirtyLog.map(fd, offset, logBytes, () -> {})) {
            BitSet expected = new BitSet();
            for (int round = 0; round < 2000; round++) {
                long address = random.nextLong(0, 8L * (logBytes + 4) * DirtyLog.PAGE_BYTES);
                long length = random.nextBoolean() ? random.nextLong(0, 10) : random.nextLong(0, 300_000);
                long last = (address + length - 1) / DirtyLog.PAGE_BYTES;
                boolean fits = length == 0 || last < 8L * logBytes;
                assertEquals(fits, log.mark(address, length), () -> address + " " + length);
                if (fits && length > 0) {
                    expected.set((int) (address / DirtyLog.PAGE_BYTES), (int) last + 1);
                }
                if (round % 50 == 0) {
                    assertBits(expected, view, offset);
                }
                if (round % 500 == 0) {
                    expected.clear();
                    for (int i = 0; i < logBytes; i++) {
                        NativeMemory.putByte(view.address() + offset + i, (byte) 0);
                    }
                }
            }
        }
    }

    private static void assertBits(BitSet expected, MappedMemory view, int offset) {
        byte[] all = new byte[FILE_BYTES];
        NativeMemory.get(view.address(), all, 0, all.length);
        BitSet wanted = new BitSet();
        expected.stream().forEach(page -> wanted.set(offset * 8 + page));
        assertEquals(wanted, BitSet.valueOf(all));
    }

    @Test
    @DisplayName("SEC-57 SEC-59 a mark outside of the log is refused, also where addresses wrap")
    void shouldRefuseMarksOutside() throws PosixException {
        try (Fd fd = file();
                DirtyLog log = DirtyLog.map(fd, 0, 2, () -> {});
                DirtyLog empty = DirtyLog.map(fd, 0, 0, () -> {})) {
            assertTrue(log.mark(16 * 4096 - 1, 1));
            assertFalse(log.mark(16 * 4096, 1));
            assertFalse(log.mark(16 * 4096 - 1, 2));
            assertFalse(log.mark(-1, 1));
            assertFalse(log.mark(-1, 2));
            assertFalse(log.mark(Long.MIN_VALUE, 1));
            assertFalse(log.mark(0, Long.MAX_VALUE));
            assertFalse(empty.mark(0, 1));
            assertTrue(empty.mark(0, 0));
        }
    }

    @Test
    @DisplayName("SEC-58 a log that may get shorter, is too short or no file at all is refused")
    void shouldRefuseFilesThatCannotBeTrusted() throws PosixException {
        try (Fd unsealed = Posix.memoryFile("log", FILE_BYTES)) {
            PosixException e = assertThrows(PosixException.class, () -> DirtyLog.map(unsealed, 0, 16, () -> {}));
            assertEquals(Errno.EPERM, e.errno());
        }
        try (Fd fd = file()) {
            assertThrows(PosixException.class, () -> DirtyLog.map(fd, 0, FILE_BYTES + 1, () -> {}));
            assertThrows(PosixException.class, () -> DirtyLog.map(fd, FILE_BYTES, 1, () -> {}));
            assertThrows(PosixException.class, () -> DirtyLog.map(fd, Long.MAX_VALUE, 1, () -> {}));
        }
    }

    @Test
    void shouldTellOfTheFirstMarkOnlyUntilRearmed() throws PosixException {
        AtomicInteger told = new AtomicInteger();
        try (Fd fd = file();
                DirtyLog log = DirtyLog.map(fd, 0, 100, told::incrementAndGet)) {
            assertTrue(log.mark(0, 0));
            assertEquals(0, told.get());
            assertTrue(log.mark(0, 1));
            assertTrue(log.mark(5, 1));
            assertEquals(1, told.get());
            log.rearm();
            assertTrue(log.mark(0, 1));
            assertEquals(2, told.get());
        }
    }

    @Test
    @DisplayName("marks are not lost while somebody takes them out")
    void shouldLoseNoMarkWhileBitsAreTaken() throws Exception {
        int rounds = 200_000;
        try (Fd fd = file();
                MappedMemory view = MappedMemory.map(fd, 0, FILE_BYTES);
                MappedMemory page = MappedMemory.map(fd, 4096, 4096);
                DirtyLog log = DirtyLog.map(fd, 0, 8, () -> {})) {
            AtomicBoolean done = new AtomicBoolean();
            long value = page.address();
            long[] seen = new long[1];
            Thread taker = new Thread(() -> {
                boolean last = false;
                while (!last) {
                    last = done.get();
                    int bits;
                    do {
                        bits = UnsafeApi.getIntVolatile(null, view.address());
                    } while (!UnsafeApi.compareAndSetInt(null, view.address(), bits, 0));
                    if ((bits & 1 << 3) != 0) {
                        seen[0] = NativeMemory.getLong(value); // the copy of the page
                    }
                }
            });
            taker.start();
            for (long i = 1; i <= rounds; i++) {
                NativeMemory.putLong(value, i);
                log.mark(3 * 4096, 8);
            }
            done.set(true);
            taker.join();
            assertEquals(rounds, seen[0]);
        }
    }
}
