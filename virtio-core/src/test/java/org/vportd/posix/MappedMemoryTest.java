package org.vportd.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.testing.OpenDescriptors;

class MappedMemoryTest {
    private static final long PAGE = 4096;
    private static final long HUGE_PAGE = 2 << 20;
    private static final int MFD_HUGETLB = 4;

    /** A sixth argument of mmap that is garbage shows as another part of the file, or as EINVAL. */
    @Test
    void shouldMapThePartAskedForWhenOffsetIsNotZero() throws Exception {
        int pages = 64;
        try (Fd file = Posix.memoryFile("test", pages * PAGE);
                MappedMemory whole = MappedMemory.map(file, 0, pages * PAGE)) {
            for (int i = 0; i < pages; i++) {
                LittleEndian.putInt(whole.address() + i * PAGE, i);
            }
            for (int i = 0; i < pages; i++) {
                try (MappedMemory part = MappedMemory.map(file, i * PAGE, PAGE)) {
                    assertEquals(i, LittleEndian.getInt(part.address()));
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 4095, 4097, 12345})
    void shouldMapThePartAskedForWhenOffsetIsNotAligned(long offset) throws Exception {
        try (Fd file = Posix.memoryFile("test", 8 * PAGE);
                MappedMemory whole = MappedMemory.map(file, 0, 8 * PAGE);
                MappedMemory part = MappedMemory.map(file, offset, 8 * PAGE - offset)) {
            LittleEndian.putInt(whole.address() + offset, 77);
            assertEquals(77, LittleEndian.getInt(part.address()));
        }
    }

    @Test
    @DisplayName("SEC-106 memory of a guest is in no core dump")
    void shouldBeLeftOutOfCoreDumps() throws Exception {
        try (Fd file = Posix.memoryFile("not-dumped", 8 * PAGE);
                MappedMemory memory = MappedMemory.map(file, PAGE, 4 * PAGE)) {
            String start = Long.toHexString(memory.address()) + "-";
            List<String> smaps = Files.readAllLines(Path.of("/proc/self/smaps"));
            int at = 0;
            while (!smaps.get(at).startsWith(start)) {
                at++;
            }
            assertTrue(smaps.get(at).contains("not-dumped"));
            while (!smaps.get(at).startsWith("VmFlags:")) {
                at++;
            }
            assertTrue(smaps.get(at).contains(" dd"), smaps.get(at));
        }
    }

    @Test
    void shouldRefuseWhenFileEndsBeforeThePartDoes() throws Exception {
        try (Fd file = Posix.memoryFile("test", 2 * PAGE)) {
            for (long[] part : new long[][] {
                {0, 2 * PAGE + 1},
                {PAGE, PAGE + 1},
                {2 * PAGE, 1},
                {-1, 1},
                {0, 0},
                {1, Long.MAX_VALUE},
                {Long.MAX_VALUE, 1}
            }) {
                PosixException e = assertThrows(PosixException.class, () -> MappedMemory.map(file, part[0], part[1]));
                assertEquals(Errno.EINVAL, e.errno());
            }
        }
    }

    @Test
    void shouldRefuseWhenItIsNoRegularFile() throws Exception {
        try (EventFd event = EventFd.open(0);
                Fd directory = Posix.open("/", Posix.O_RDONLY, 0);
                Fd device = Posix.open("/dev/zero", Posix.O_RDWR, 0)) {
            for (Fd fd : List.of(event.fd(), directory, device)) {
                assertThrows(PosixException.class, () -> MappedMemory.map(fd, 0, 1));
            }
        }
    }

    @Test
    void shouldThrowInternalErrorWhenFileIsTruncatedUnderPlainAccess() throws Exception {
        TruncatedMemory.runHere();
    }

    @Test
    void shouldSurviveWhenFileIsTruncatedAndCodeIsInterpreted() throws Exception {
        Process process = new ProcessBuilder(
                        System.getProperty("java.home") + "/bin/java",
                        "-Xint",
                        "--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        TruncatedMemory.class.getName())
                .redirectErrorStream(true)
                .redirectOutput(File.createTempFile("truncated", ".log"))
                .start();
        try {
            assertTrue(process.waitFor(60, TimeUnit.SECONDS));
            assertEquals(0, process.exitValue(), "the JVM did not survive");
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void shouldThrowMemoryFaultWhenFileIsTruncatedUnderASystemCall() throws Exception {
        Fd[] pair = Sockets.pair();
        try (Fd file = Posix.memoryFile("test", 4 * PAGE);
                MappedMemory memory = MappedMemory.map(file, 0, 4 * PAGE);
                IoVector vector = new IoVector();
                MessageSocket socket = new MessageSocket(pair[0]);
                Fd other = pair[1]) {
            Posix.resize(file, PAGE);
            long gone = memory.address() + 2 * PAGE;
            vector.add(gone, 100);
            assertThrows(MemoryFaultException.class, () -> Posix.write(other, gone, 100));
            assertThrows(MemoryFaultException.class, () -> Posix.writev(other, vector));
            assertThrows(MemoryFaultException.class, () -> Sockets.send(other, gone, 100));
            assertThrows(MemoryFaultException.class, () -> socket.send(gone, 100, List.of()));
            Posix.write(other, memory.address(), 10);
            assertThrows(MemoryFaultException.class, () -> Posix.read(socket.fd(), gone, 100));
            assertThrows(MemoryFaultException.class, () -> Posix.readv(socket.fd(), vector));
            assertThrows(MemoryFaultException.class, () -> socket.receive(gone, 100));
        }
    }

    @Test
    void shouldKeepDescriptorOnlyWhenFileCanGetShorter() throws Exception {
        try (Fd file = Posix.memoryFile("test", 4 * PAGE)) {
            long before = OpenDescriptors.count();
            try (MappedMemory memory = MappedMemory.map(file, 0, 4 * PAGE)) {
                assertEquals(before + 1, OpenDescriptors.count());
                assertTrue(memory.isIntact());
                Posix.resize(file, PAGE);
                assertFalse(memory.isIntact());
                Posix.resize(file, 4 * PAGE);
            }
            Posix.sealShrink(file);
            MappedMemory memory = MappedMemory.map(file, 0, 4 * PAGE);
            assertEquals(before, OpenDescriptors.count());
            assertTrue(memory.isIntact());
            memory.close();
            memory.close();
            assertFalse(memory.isIntact());
        }
    }

    /** Such memory can only be mapped and unmapped whole huge pages at a time; nothing of it is touched here. */
    @Test
    void shouldAlignToHugePages() throws Exception {
        long name = NativeMemory.allocate(8);
        int value;
        try {
            NativeMemory.putLong(name, 'h');
            value = LibC.C.memfd_create(name, MFD_HUGETLB);
        } finally {
            NativeMemory.free(name);
        }
        assumeTrue(value >= 0, "no huge pages in this kernel");
        try (Fd file = new Fd(value)) {
            Posix.resize(file, 4 * HUGE_PAGE);
            for (long offset : new long[] {0, PAGE, HUGE_PAGE, HUGE_PAGE + PAGE, 3 * HUGE_PAGE - PAGE}) {
                long before = mappings();
                MappedMemory memory = MappedMemory.map(file, offset, 3 * PAGE);
                assertEquals(offset % HUGE_PAGE, memory.address() % HUGE_PAGE);
                memory.close();
                assertEquals(before, mappings());
            }
        }
    }

    private static long mappings() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.filter(line -> line.contains("memfd:h")).count();
        }
    }

    @Test
    void shouldRefuseToShrinkWhenSealed() throws Exception {
        try (Fd file = Posix.memoryFile("test", 4 * PAGE)) {
            assertFalse(Posix.isShrinkSealed(file));
            Posix.sealShrink(file);
            assertTrue(Posix.isShrinkSealed(file));
            assertThrows(PosixException.class, () -> Posix.resize(file, PAGE));
        }
    }
}
