package org.vportd.vhostuser.frontend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.PosixException;

@Timeout(120)
class ConsoleLoadTest {
    private static final Duration SHORT = Duration.ofMillis(200);

    @TempDir
    private Path directory;

    private BackendFixture backend;

    @BeforeEach
    void open() throws Exception {
        backend = new BackendFixture(directory);
    }

    @AfterEach
    void close() {
        backend.close();
    }

    private LoadOptions options(Manner manner, int block, int queueSize) {
        String peer = "unix:" + backend.portPeer;
        return new LoadOptions(
                backend.socket.toString(), manner, 1, block, queueSize, queueSize, SHORT, peer, RingFormat.SPLIT);
    }

    @ParameterizedTest
    @CsvSource({"QEMU, 64, 256", "UML, 4096, 256", "CROSVM, 1, 16", "CLOUD_HYPERVISOR, 1000, 32", "QEMU, 65536, 8"})
    void shouldVerifyStreamWhenTransmitting(Manner manner, int block, int queueSize) throws Exception {
        LoadResult result = ConsoleLoad.tx(options(manner, block, queueSize));
        assertTrue(result.blocks() > 0);
        assertTrue(result.verified());
        assertEquals(result.blocks() * block, result.bytes());
        assertEquals(2, result.lines().size());
    }

    @ParameterizedTest
    @CsvSource({"QEMU, 64, 256", "UML, 4096, 256", "CROSVM, 1, 16", "CLOUD_HYPERVISOR, 1000, 32"})
    void shouldVerifyStreamWhenReceiving(Manner manner, int block, int queueSize) throws Exception {
        LoadResult result = ConsoleLoad.rx(options(manner, block, queueSize));
        assertTrue(result.blocks() > 0);
        assertTrue(result.verified());
    }

    @ParameterizedTest
    @CsvSource({"1", "64", "10000"})
    void shouldReportRoundTripsWhenPinging(int block) throws Exception {
        LoadResult result = ConsoleLoad.ping(options(Manner.QEMU, block, 64));
        LoadResult.Latency latency = result.latency();
        assertNotNull(latency);
        assertTrue(latency.p50Ns() > 0 && latency.p50Ns() <= latency.p99Ns() && latency.p999Ns() <= latency.maxNs());
        assertEquals(3, result.lines().size());
    }

    @Test
    void shouldPassAllChecksWhenBackendIsOurs() throws Exception {
        List<String> lines = new ArrayList<>();
        boolean passed = ConformanceCheck.run(backend.socket.toString(), 1, RingFormat.SPLIT, lines::add);
        assertTrue(passed, () -> String.join("\n", lines));
        assertTrue(lines.size() > 15);
        passed = ConformanceCheck.run(backend.socket.toString(), 0, RingFormat.SPLIT, lines::add);
        assertTrue(passed, () -> String.join("\n", lines));
    }

    @Test
    void shouldCheckNothingWhenNobodyListens() {
        List<String> lines = new ArrayList<>();
        String nobody = directory.resolve("nobody").toString();
        assertThrows(PosixException.class, () -> ConformanceCheck.run(nobody, 1, RingFormat.SPLIT, lines::add));
        assertEquals(List.of(), lines);
    }

    @Test
    void shouldRefuseOptionsWhenTheyAreOutOfRange() {
        assertThrows(IllegalArgumentException.class, () -> options(Manner.QEMU, 0, 256));
        assertThrows(IllegalArgumentException.class, () -> options(Manner.QEMU, 64, 100));
        assertThrows(FrontendException.class, () -> LoadPeer.connect("file:/x", LoadPeer.Role.ECHO));
        assertThrows(FrontendException.class, () -> LoadPeer.connect("tcp:localhost:x", LoadPeer.Role.ECHO));
    }

    @Test
    void shouldFindTheFirstByteThatDiffersInThePattern() {
        long memory = NativeMemory.allocate(100);
        try {
            for (int position : new int[] {0, 1, 7, 8, 1000, 1003}) {
                StreamPattern.fill(memory, position, 100);
                assertEquals(StreamPattern.NONE, StreamPattern.firstMismatch(memory, position, 100));
                ByteBuffer buffer = ByteBuffer.allocate(100);
                StreamPattern.fill(buffer, position);
                byte[] same = new byte[100];
                NativeMemory.get(memory, same, 0, 100);
                assertEquals(ByteBuffer.wrap(same), buffer);
                assertEquals(StreamPattern.NONE, StreamPattern.firstMismatch(buffer, position));
                for (int bad : new int[] {0, 13, 99}) {
                    NativeMemory.putByte(memory + bad, (byte) (NativeMemory.getByte(memory + bad) ^ 1));
                    assertEquals(bad, StreamPattern.firstMismatch(memory, position, 100));
                    StreamPattern.fill(memory, position, 100);
                }
                assertTrue(StreamPattern.firstMismatch(memory, position + 8, 100) >= 0);
            }
        } finally {
            NativeMemory.free(memory);
        }
    }
}
