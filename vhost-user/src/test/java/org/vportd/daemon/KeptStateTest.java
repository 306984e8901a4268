package org.vportd.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTask;
import org.vportd.serial.ConsoleSize;
import org.vportd.serial.PortNames;
import org.vportd.serial.PortOptions;
import org.vportd.serial.SerialDevice;
import org.vportd.serial.SerialListener;
import org.vportd.serial.SerialOptions;
import org.vportd.serial.state.StateFile;
import org.vportd.serial.state.StateRecord;

/** The option {@code --state}. */
@Timeout(60)
class KeptStateTest {
    @TempDir
    Path dir;

    private EventLoop loop;
    private SerialDevice device;

    @BeforeEach
    void open() throws Exception {
        loop = EventLoop.open();
        device = newDevice();
    }

    @AfterEach
    void close() {
        device.close();
        loop.close();
    }

    private SerialDevice newDevice() throws Exception {
        SerialDevice made =
                new SerialDevice(loop, SerialOptions.defaults().withMaxPorts(4), new PortNames(), SerialListener.NONE);
        made.addPort(PortOptions.of(PortOptions.Type.VIRTCONSOLE), null);
        return made;
    }

    private static StateFile open(Path path) throws StartException {
        StateFile file = KeptState.openFile(path.toString());
        assertNotNull(file);
        return file;
    }

    @Test
    @DisplayName("A second daemon on the same file is refused")
    void refusesSecondProcess() throws Exception {
        Path path = dir.resolve("state");
        try (StateFile first = open(path)) {
            assertNotNull(first);
            StartException refusal = assertThrows(StartException.class, () -> KeptState.openFile(path.toString()));
            assertEquals(
                    "cannot use the state file: --state=" + path + ": another process uses it", refusal.getMessage());
        }
        open(path).close();
    }

    @Test
    @DisplayName("Several devices have their own record each in one file")
    void keepsSeveralDevices() throws Exception {
        Path path = dir.resolve("state");
        SerialDevice second = new SerialDevice(
                loop,
                new SerialOptions("other", 4, true, true, true, false, false, ConsoleSize.OFF),
                new PortNames(),
                SerialListener.NONE);
        try (StateFile file = open(path);
                KeptState ofFirst = KeptState.begin(loop, file, device);
                KeptState ofSecond = KeptState.begin(loop, file, second)) {
            assertNotNull(ofFirst);
            assertNotNull(ofSecond);
            device.driverFeatures(1);
            second.driverFeatures(1);
            loop.turn(0);
        }
        try (StateFile file = open(path);
                StateRecord ofFirst = file.record(device.options().id(), 4);
                StateRecord ofSecond = file.record("other", 4)) {
            assertNotNull(ofFirst.last());
            assertNotNull(ofSecond.last());
        }
        second.close();
    }

    @Test
    @DisplayName("A file in a folder that does not exist is refused, and the option named")
    void refusesPath() {
        Path path = dir.resolve("no").resolve("state");
        StartException refusal = assertThrows(StartException.class, () -> KeptState.openFile(path.toString()));
        assertTrue(
                String.valueOf(refusal.getMessage()).startsWith("cannot use the state file: --state=" + path),
                refusal::getMessage);
    }

    @Test
    @DisplayName("A file that is something else is not touched, and no reason not to start")
    void startsWithoutForeignFile() throws Exception {
        Path path = dir.resolve("state");
        Files.writeString(path, "precious");
        assertNull(KeptState.openFile(path.toString()));
        assertEquals("precious", Files.readString(path));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("A file that is cut while it is used costs the device nothing but that")
    void survivesTruncation(boolean foundByNotes) throws Exception {
        Path path = dir.resolve("state");
        try (StateFile state = open(path);
                KeptState kept = KeptState.begin(loop, state, device)) {
            assertNotNull(kept);
            long features = device.features();
            device.driverFeatures(features);
            try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
                file.setLength(0);
            }
            AtomicInteger turns = new AtomicInteger();
            LoopTask[] task = new LoopTask[1];
            task[0] = loop.task(
                    () -> { // a fault may be reported late, but only to a loop that runs
                        if (turns.incrementAndGet() < 1000) {
                            task[0].schedule();
                        } else {
                            loop.stop();
                        }
                        if (foundByNotes && turns.get() == 1) {
                            kept.progress(0).clear(); // as a port does, which does not look first
                        }
                        device.driverFeatures(turns.get() % 2 == 0 ? features : 0);
                    });
            task[0].schedule();
            loop.run();
            assertEquals(1000, turns.get());
            device.keepNoMore();
        }
        assertEquals(0, Files.size(path));
    }

    @Test
    @DisplayName("A port can be unplugged, and plugged again, when the file has been cut")
    void unplugsPortsAfterTruncation() throws Exception {
        Path path = dir.resolve("state");
        String port = "'driver': 'virtserialport', 'id': 'p', 'nr': 1, 'name': 'org.test'";
        try (DaemonThread daemon = new DaemonThread(List.of(
                        "--socket-path=" + dir.resolve("vm"),
                        "--state=" + path,
                        "-qmp",
                        "unix:" + dir.resolve("qmp") + ",server=on,wait=off"));
                ChaosMonitor monitor = new ChaosMonitor(dir.resolve("qmp"))) {
            assertNotNull(daemon);
            assertTrue(monitor.succeeds("device_add", port));
            try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
                file.setLength(0);
            }
            for (int i = 0; i < 3; i++) {
                assertTrue(monitor.succeeds("device_del", "'id': 'p'"));
                assertTrue(monitor.succeeds("device_add", port));
            }
        }
    }
}
