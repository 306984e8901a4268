package org.vportd.vhostuser.frontend;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.vportd.vhostuser.backend.BackendOptions;

/** The simulated driver at a device whose loop looks for work before it sleeps. */
@Timeout(60)
class PolledRingsTest {
    private static final RingFormat ALL = new RingFormat(true, true);
    private static final long BUDGET_NS = TimeUnit.MILLISECONDS.toNanos(50);

    @TempDir
    private Path directory;

    private BackendFixture backend;

    @BeforeEach
    void open() throws Exception {
        backend = new BackendFixture(directory, ALL, BackendOptions.defaults(), BUDGET_NS);
    }

    @AfterEach
    void close() {
        backend.close();
    }

    static Stream<RingFormat> formats() {
        return Stream.of(RingFormat.SPLIT, ALL);
    }

    private LoadOptions options(RingFormat format, Manner manner) {
        return new LoadOptions(
                backend.socket.toString(),
                manner,
                1,
                64,
                64,
                64,
                Duration.ofMillis(200),
                "unix:" + backend.portPeer,
                format);
    }

    @ParameterizedTest
    @MethodSource("formats")
    void driverNeedNotKickWhileItsBuffersAreLookedFor(RingFormat format) throws Exception {
        LoadResult result = ConsoleLoad.ping(options(format, Manner.QEMU));
        assertTrue(result.kicks() * 4 < result.blocks(), result::toString);
    }

    @ParameterizedTest
    @MethodSource("formats")
    void everyByteComesBothWays(RingFormat format) throws Exception {
        for (Manner manner : Manner.values()) {
            assertTrue(ConsoleLoad.tx(options(format, manner)).verified());
            assertTrue(ConsoleLoad.rx(options(format, manner)).verified());
        }
    }
}
