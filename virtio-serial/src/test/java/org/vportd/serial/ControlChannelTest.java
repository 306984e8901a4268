package org.vportd.serial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.serial.ConsoleLayout.CONTROL_RX_QUEUE;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_CONSOLE_PORT;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_DEVICE_READY;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_PORT_ADD;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_PORT_NAME;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_PORT_OPEN;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_PORT_READY;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_PORT_REMOVE;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_RESIZE;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.chardev.ConfigException;
import org.vportd.posix.PosixException;

/** Control messages both ways. */
class ControlChannelTest {
    private static final int ANY_ID = DeviceUnderTest.ANY_ID;
    private static final PortOptions CHANNEL = PortOptions.of(PortOptions.Type.VIRTSERIALPORT);
    private static final PortOptions CONSOLE = PortOptions.of(PortOptions.Type.VIRTCONSOLE);

    private DeviceUnderTest dut;
    private LogCapture log;

    @BeforeEach
    void open() throws PosixException, ConfigException {
        log = new LogCapture(SerialDevice.class);
        dut = new DeviceUnderTest(8);
    }

    @AfterEach
    void close() {
        dut.close();
        log.close();
    }

    private void replace(DeviceUnderTest other) {
        dut.close();
        dut = other;
    }

    /** Starts, with control buffers posted. */
    private void startWithBuffers() {
        dut.start();
        dut.controlRx().fill(DeviceUnderTest.CONTROL_BUFFER_BYTES);
    }

    private static List<String> adds(int... ids) {
        return Arrays.stream(ids).mapToObj(id -> "PORT_ADD " + id + " 1").toList();
    }

    // --- DEVICE_READY

    @ParameterizedTest
    @ValueSource(ints = {ANY_ID, 0, 7, 99})
    @DisplayName("VS-05 DEVICE_READY(1) with any id: one PORT_ADD(1) a port, in plug order; again when repeated")
    void shouldAnnouncePortsInPlugOrderWhenDriverIsReady(int id) throws ConfigException {
        dut.channel(null);
        dut.device().addPort(CHANNEL.withNr(5), null);
        dut.console(null);
        startWithBuffers();

        dut.send(id, VIRTIO_CONSOLE_DEVICE_READY, 1);
        assertEquals(adds(1, 5, 0), dut.messages());

        dut.send(id, VIRTIO_CONSOLE_DEVICE_READY, 1);
        assertEquals(adds(1, 5, 0), dut.messages());
    }

    @Test
    @DisplayName("VS-05 two DEVICE_READY in one batch are answered twice")
    void shouldAnnouncePortsTwiceWhenBothMessagesComeAtOnce() throws ConfigException {
        dut.channel(null);
        startWithBuffers();
        byte[] ready = DeviceUnderTest.message(ANY_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
        dut.controlTx().add(ready).add(ready).publish();
        assertEquals(adds(1, 1), dut.messages());
    }

    @Test
    @DisplayName("VS-06 SEC-95 DEVICE_READY(0) is logged and answered with nothing")
    void shouldLogWhenDriverFailed() throws ConfigException {
        dut.channel(dut.chardev().open());
        startWithBuffers();
        dut.send(ANY_ID, VIRTIO_CONSOLE_DEVICE_READY, 0);
        assertEquals(List.of("virtio-serial-bus: Guest failure in adding device virtio-serial0.0"), log.lines());
        assertEquals(List.of(), dut.messages());
    }

    // --- PORT_READY

    @Test
    @DisplayName("VS-07 answer to PORT_READY(1): CONSOLE_PORT, PORT_NAME, PORT_OPEN, each only where it applies")
    void shouldDescribePortInOrderWhenItIsReady() throws ConfigException {
        dut.device().addPort(CONSOLE.withName("org.con"), dut.chardev());
        dut.console(null);
        dut.device().addPort(CHANNEL.withName("org.a"), dut.chardev().open());
        dut.device().addPort(CHANNEL.withName("org.b"), dut.chardev());
        dut.channel(dut.chardev().open());
        dut.channel(null);
        startWithBuffers();
        dut.send(ANY_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
        dut.messages();

        dut.send(0, VIRTIO_CONSOLE_PORT_READY, 1);
        assertEquals(List.of("CONSOLE_PORT 0 1", "PORT_NAME 0 1 org.con\0", "PORT_OPEN 0 1"), dut.messages());
        dut.send(1, VIRTIO_CONSOLE_PORT_READY, 1);
        assertEquals(List.of("CONSOLE_PORT 1 1"), dut.messages());
        dut.send(2, VIRTIO_CONSOLE_PORT_READY, 1);
        assertEquals(List.of("PORT_NAME 2 1 org.a\0", "PORT_OPEN 2 1"), dut.messages());
        dut.send(3, VIRTIO_CONSOLE_PORT_READY, 1);
        assertEquals(List.of("PORT_NAME 3 1 org.b\0"), dut.messages());
        dut.send(4, VIRTIO_CONSOLE_PORT_READY, 1);
        assertEquals(List.of("PORT_OPEN 4 1"), dut.messages());
        dut.send(5, VIRTIO_CONSOLE_PORT_READY, 1);
        assertEquals(List.of(), dut.messages());
    }

    @Test
    @DisplayName("VS-07 the order holds when an earlier message still waits for a buffer")
    void shouldDescribePortInOrderWhenOlderMessagesWait() throws ConfigException {
        TestChardev chardev = dut.chardev();
        dut.device().addPort(CHANNEL.withName("org.a"), chardev);
        dut.start();
        dut.controlRx().post(64).publish();
        dut.send(ANY_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
        assertEquals(
                "PORT_ADD 1 1",
                DeviceUnderTest.describe(dut.controlRx().filled().get(0)));

        chardev.open(); // PORT_OPEN waits
        dut.send(1, VIRTIO_CONSOLE_PORT_READY, 1);
        dut.controlRx().fill(64);

        List<String> messages = dut.messages();
        assertEquals(
                List.of("PORT_NAME 1 1 org.a\0", "PORT_OPEN 1 1"),
                messages.subList(messages.size() - 2, messages.size()));
    }

    @Test
    @DisplayName("VS-07 the order holds when PORT_READY is repeated half way through the answer")
    void shouldDescribePortInOrderWhenAskedAgainHalfWay() throws ConfigException {
        dut.device().addPort(CONSOLE.withName("org.con"), dut.chardev());
        dut.start();
        dut.controlRx().post(64).publish();
        dut.send(0, VIRTIO_CONSOLE_PORT_READY, 1);
        assertEquals(
                "CONSOLE_PORT 0 1",
                DeviceUnderTest.describe(dut.controlRx().filled().get(0)));

        dut.send(0, VIRTIO_CONSOLE_PORT_READY, 1);
        dut.controlRx().fill(64);

        assertEquals(List.of("CONSOLE_PORT 0 1", "PORT_NAME 0 1 org.con\0", "PORT_OPEN 0 1"), dut.messages());
    }

    @Test
    @DisplayName("VS-08 used length of PORT_NAME is 8 + strlen + 1")
    void shouldCountTerminatorWhenNameIsSent() throws ConfigException {
        dut.device().addPort(CHANNEL.withName("org.a"), null);
        startWithBuffers();
        dut.send(1, VIRTIO_CONSOLE_PORT_READY, 1);
        byte[] message = dut.controlRx().filled().get(0);
        assertEquals(8 + 5 + 1, message.length);
        assertEquals(0, message[message.length - 1]);
    }

    @Test
    @DisplayName("VS-09 SEC-94 PORT_READY(0) is logged and answered with nothing")
    void shouldLogWhenDriverCouldNotAddPort() throws ConfigException {
        dut.channel(dut.chardev().open());
        startWithBuffers();
        dut.send(1, VIRTIO_CONSOLE_PORT_READY, 0);
        assertEquals(
                List.of("virtio-serial-bus: Guest failure in adding port 1 for device virtio-serial0.0"), log.lines());
        assertEquals(List.of(), dut.messages());
    }

    // --- nonsense

    @Test
    @DisplayName("VS-10 SEC-92 an unknown port id is logged; the device stays usable")
    void shouldLogWhenPortIsUnknown() throws ConfigException {
        dut.channel(null);
        startWithBuffers();
        dut.send(5, VIRTIO_CONSOLE_PORT_OPEN, 1);
        dut.send(-1, VIRTIO_CONSOLE_PORT_READY, 1);
        dut.send(8, 99, 1);
        dut.send(Integer.MIN_VALUE, VIRTIO_CONSOLE_PORT_OPEN, 0);
        assertEquals(
                List.of(
                        "virtio-serial-bus: Unexpected port id 5 for device virtio-serial0.0",
                        "virtio-serial-bus: Unexpected port id 4294967295 for device virtio-serial0.0",
                        "virtio-serial-bus: Unexpected port id 8 for device virtio-serial0.0",
                        "virtio-serial-bus: Unexpected port id 2147483648 for device virtio-serial0.0"),
                log.lines());
        dut.send(ANY_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
        assertEquals(adds(1), dut.messages());
    }

    @Test
    @DisplayName("VS-10 SEC-92 a guest that sends nonsense without end does not fill the log")
    void shouldLimitLogWhenGuestSendsNonsenseWithoutEnd() throws ConfigException {
        dut.channel(null);
        startWithBuffers();
        for (int i = 0; i < 100; i++) {
            dut.send(5, VIRTIO_CONSOLE_PORT_OPEN, 1);
            dut.send(1, VIRTIO_CONSOLE_PORT_READY, 0);
            dut.send(ANY_ID, VIRTIO_CONSOLE_DEVICE_READY, 0);
        }
        assertTrue(log.lines().size() <= 40, "lines=" + log.lines().size());
    }

    @Test
    @DisplayName("VS-10 SEC-91 unknown events and those that only a device sends are ignored")
    void shouldIgnoreEventWhenItIsNotForDevices() throws ConfigException {
        SerialPort port = dut.channel(dut.chardev().open());
        startWithBuffers();
        for (int event : new int[] {
            99,
            0xffff,
            VIRTIO_CONSOLE_PORT_ADD,
            VIRTIO_CONSOLE_PORT_REMOVE,
            VIRTIO_CONSOLE_CONSOLE_PORT,
            VIRTIO_CONSOLE_RESIZE,
            VIRTIO_CONSOLE_PORT_NAME
        }) {
            dut.send(1, event, 1);
        }
        assertEquals(List.of(), dut.messages());
        assertEquals(List.of(), log.lines());
        assertFalse(port.isGuestConnected());
        dut.guestOpens(port, true);
        assertTrue(port.isGuestConnected());
    }

    @Test
    @DisplayName("VS-11 SEC-90 short elements are ignored, long ones read up to 8 bytes, a header may be split")
    void shouldReadEightBytesWhenElementHasThem() throws ConfigException {
        dut.channel(null);
        startWithBuffers();
        byte[] ready = DeviceUnderTest.message(ANY_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);

        dut.controlTx().add(Arrays.copyOf(ready, 7)).publish();
        dut.controlTx().add(new byte[0]).publish();
        dut.controlTx()
                .add(Arrays.copyOf(ready, 3), new byte[0], Arrays.copyOfRange(ready, 3, 7))
                .publish();
        assertEquals(3, dut.controlTx().completed());
        assertEquals(List.of(), dut.messages());

        dut.controlTx().add(Arrays.copyOf(ready, 12)).publish();
        assertEquals(adds(1), dut.messages());
        dut.controlTx()
                .add(Arrays.copyOf(ready, 3), Arrays.copyOfRange(ready, 3, 8))
                .publish();
        assertEquals(adds(1), dut.messages());
        dut.controlTx().add(Arrays.copyOf(ready, 1 << 20)).publish();
        assertEquals(adds(1), dut.messages());
        assertEquals(3, dut.controlTx().completed());
    }

    @Test
    @DisplayName("VS-11 short and long elements do not lend bytes to each other")
    void shouldKeepElementsApartWhenTheyComeAtOnce() throws ConfigException {
        dut.channel(null);
        startWithBuffers();
        byte[] ready = DeviceUnderTest.message(ANY_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
        dut.controlTx()
                .add(Arrays.copyOf(ready, 5))
                .add(new byte[0])
                .add(Arrays.copyOf(ready, 20))
                .add(Arrays.copyOf(ready, 3))
                .add(ready)
                .publish();
        assertEquals(5, dut.controlTx().completed());
        assertEquals(adds(1, 1), dut.messages());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("VS-12 a batch of control messages comes back with length 0 and one interrupt")
    void shouldInterruptOnceWhenBatchIsDone(boolean eventIdx) throws PosixException, ConfigException {
        replace(new DeviceUnderTest(8, new DeviceUnderTest.Shape(8, 32, eventIdx, false)));
        SerialPort port = dut.channel(null);
        dut.boot();
        DriverQueue tx = dut.controlTx();
        tx.ring().enableCalls();
        int before = tx.calls();
        for (int i = 0; i < 20; i++) {
            tx.add(DeviceUnderTest.message(port.id(), VIRTIO_CONSOLE_PORT_OPEN, i & 1));
        }
        tx.publish();
        assertEquals(20, tx.completed()); // checks the lengths
        assertEquals(1, tx.calls() - before);
    }

    // --- buffers for messages to the driver

    @Test
    @DisplayName("VS-13 40 ports are announced, buffers or not")
    void shouldAnnounceEveryPortWhenBuffersComeLate() throws PosixException, ConfigException {
        replace(new DeviceUnderTest(41));
        List<String> expected = new ArrayList<>();
        for (int id = 1; id <= 40; id++) {
            dut.channel(null);
            expected.add("PORT_ADD " + id + " 1");
        }
        dut.start();
        dut.send(ANY_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
        dut.controlRx().fill(64); // 32 buffers
        assertEquals(expected, dut.messages());
    }

    @Test
    @DisplayName("VS-14 a buffer too small for a message is not overrun, and the message is not lost")
    void shouldReturnBufferEmptyWhenItIsTooSmall() throws ConfigException {
        dut.device().addPort(CHANNEL.withName("org.a"), null);
        dut.start();
        dut.controlRx().post(4).post(7).post(3, 5).post(2).publish();
        dut.send(ANY_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
        assertEquals(
                List.of("length 0", "length 0", "PORT_ADD 1 1"),
                dut.controlRx().filled().stream().map(DeviceUnderTest::describe).toList());
        dut.controlRx().post(10).publish();
        dut.send(1, VIRTIO_CONSOLE_PORT_READY, 1);
        assertEquals(
                List.of("length 0", "PORT_NAME 1 1 or"),
                dut.controlRx().filled().stream().map(DeviceUnderTest::describe).toList());
    }

    @Test
    void shouldReturnBufferEmptyWhenDeviceMayNotWriteToIt() throws ConfigException {
        dut.channel(null);
        dut.start();
        dut.controlRx().add(new byte[64]).post(64).publish();
        dut.send(ANY_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
        assertEquals(2, dut.controlRx().usedIndex());
    }

    @Test
    @DisplayName("VS-15 control messages are served at once while a port is blocked")
    void shouldServeControlQueueWhenPortIsThrottled() throws ConfigException {
        SerialPort port = dut.channel(dut.chardev().open().limitRoom(3));
        dut.boot();
        dut.tx(port).send("hello");
        assertTrue(port.isThrottled());
        dut.guestOpens(port, false); // fails if it does not come back at once
        dut.send(port.id(), VIRTIO_CONSOLE_PORT_READY, 1);
        assertEquals(List.of("PORT_OPEN 1 1"), dut.messages());
    }

    // --- host side of ports

    @Test
    @DisplayName("VS-26 host open is told once, host close each time")
    void shouldTellDriverWhenPeerComesAndGoes() throws ConfigException {
        TestChardev chardev = dut.chardev();
        dut.channel(chardev);
        dut.boot();
        chardev.open();
        chardev.open();
        assertEquals(List.of("PORT_OPEN 1 1"), dut.messages());
        chardev.hangUp();
        chardev.hangUp();
        assertEquals(List.of("PORT_OPEN 1 0", "PORT_OPEN 1 0"), dut.messages());
    }

    @Test
    @DisplayName("VS-27 host open is told before PORT_READY and again in the answer to it")
    void shouldTellHostOpenTwiceWhenItComesBeforePortReady() throws ConfigException {
        TestChardev chardev = dut.chardev();
        dut.channel(chardev);
        startWithBuffers();
        dut.send(ANY_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
        dut.messages();
        chardev.open();
        assertEquals(List.of("PORT_OPEN 1 1"), dut.messages());
        dut.send(1, VIRTIO_CONSOLE_PORT_READY, 1);
        assertEquals(List.of("PORT_OPEN 1 1"), dut.messages());
    }

    @Test
    @DisplayName("VS-39 a console stays connected when its peer leaves")
    void shouldTellNothingWhenPeerOfConsoleLeaves() throws ConfigException {
        TestChardev chardev = dut.chardev().open();
        SerialPort console = dut.console(chardev);
        dut.boot();
        chardev.hangUp();
        chardev.open();
        assertTrue(console.isHostConnected());
        assertEquals(List.of(), dut.messages());
    }

    // --- bounds

    @Test
    @DisplayName("SEC-93 a flood of DEVICE_READY without buffers piles up nothing")
    void shouldAnnounceEachPortOnceWhenDriverRepeatsItself() throws PosixException, ConfigException {
        replace(new DeviceUnderTest(127));
        for (int i = 1; i < 127; i++) {
            dut.channel(dut.chardev().open());
        }
        dut.start();
        byte[] ready = DeviceUnderTest.message(ANY_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
        for (int round = 0; round < 1_000; round++) {
            for (int i = 0; i < 32; i++) {
                dut.controlTx().add(ready);
            }
            dut.controlTx().publish();
            dut.settle();
            assertEquals(32, dut.controlTx().completed());
        }
        dut.controlRx().fill(64);
        List<String> messages = dut.messages();
        assertEquals(
                126, messages.stream().filter(m -> m.startsWith("PORT_ADD")).count());
        assertTrue(messages.size() <= 2 * 126, "messages=" + messages.size());
    }

    @Test
    @DisplayName("SEC-93 a flood of PORT_READY without buffers piles up nothing")
    void shouldDescribePortOnceWhenDriverRepeatsItself() throws ConfigException {
        dut.device().addPort(CONSOLE.withName("org.con"), dut.chardev());
        dut.start();
        for (int i = 0; i < 10_000; i++) {
            dut.send(0, VIRTIO_CONSOLE_PORT_READY, 1);
        }
        dut.controlRx().fill(64);
        assertEquals(List.of("CONSOLE_PORT 0 1", "PORT_NAME 0 1 org.con\0", "PORT_OPEN 0 1"), dut.messages());
    }

    @Test
    @DisplayName("SEC-94 a peer that comes and goes without buffers piles up nothing, and its last state is told")
    void shouldTellLastStateWhenPeerFlaps() throws ConfigException {
        TestChardev chardev = dut.chardev();
        dut.channel(chardev);
        dut.start();
        dut.send(ANY_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
        for (int i = 0; i < 1_001; i++) {
            chardev.open();
            if (i < 1_000) {
                chardev.hangUp();
            }
        }
        dut.controlRx().fill(64);
        List<String> messages = dut.messages();
        assertEquals("PORT_OPEN 1 1", messages.get(messages.size() - 1));
        assertTrue(messages.size() <= 8, messages.toString());
        for (int i = 2; i < messages.size(); i++) {
            assertFalse(messages.get(i).equals(messages.get(i - 1)), messages.toString());
        }
    }

    @Test
    @DisplayName("SEC-94 a guest that opens and closes without end piles up nothing")
    void shouldFollowGuestWhenItFlaps() throws ConfigException {
        TestChardev chardev = dut.chardev().open();
        SerialPort port = dut.channel(chardev);
        dut.boot();
        for (int i = 0; i < 10_000; i++) {
            dut.guestOpens(port, (i & 1) == 0);
        }
        dut.settle();
        assertFalse(port.isGuestConnected());
        assertFalse(chardev.isFrontendOpen());
        assertEquals(List.of(), dut.messages());
    }

    @Test
    @DisplayName("127 ports on rings of two: announced, opened, and data both ways")
    void shouldServeEveryPortWhenThereAreManyAndRingsAreTiny() throws PosixException, ConfigException {
        replace(new DeviceUnderTest(127, new DeviceUnderTest.Shape(2, 2, true, false)));
        List<TestChardev> chardevs = new ArrayList<>();
        for (int id = 0; id < 127; id++) {
            TestChardev chardev = dut.chardev().open();
            chardevs.add(chardev);
            dut.device().addPort((id == 0 ? CONSOLE : CHANNEL).withNr(id).withName("org." + id), chardev);
        }
        dut.start();
        dut.controlRx().fill(64);
        dut.send(ANY_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
        assertEquals(127, dut.messages().size());
        for (SerialPort port : dut.device().ports()) {
            dut.send(port.id(), VIRTIO_CONSOLE_PORT_READY, 1);
            dut.guestOpens(port, true);
            dut.rx(port).fill(8);
            dut.tx(port).send("out" + port.id());
            dut.tx(port).send("!");
            chardevs.get(port.id()).feed("in" + port.id());
        }
        assertEquals(127 * 2 + 1, dut.messages().size());
        dut.settle();
        for (SerialPort port : dut.device().ports()) {
            assertEquals("in" + port.id(), dut.rx(port).text());
            assertEquals("out" + port.id() + "!", chardevs.get(port.id()).text());
            assertEquals(2, dut.tx(port).completed());
        }
    }

    // --- pauses

    @Test
    @DisplayName("messages wait while the rings are paused, and come in order after")
    void shouldKeepMessagesWhenRingsArePaused() throws ConfigException {
        TestChardev chardev = dut.chardev().open();
        dut.channel(chardev);
        dut.boot();
        dut.stop();
        chardev.hangUp();
        chardev.open();
        dut.resume();
        dut.settle();
        assertEquals(List.of("PORT_OPEN 1 0", "PORT_OPEN 1 1"), dut.messages());
    }

    @Test
    @DisplayName("messages wait when only the control queue is paused")
    void shouldKeepMessagesWhenControlQueueIsPaused() throws ConfigException {
        TestChardev chardev = dut.chardev().open();
        SerialPort port = dut.channel(chardev);
        dut.boot();
        dut.stopQueue(CONTROL_RX_QUEUE);
        chardev.hangUp();
        dut.send(port.id(), VIRTIO_CONSOLE_PORT_READY, 1);
        dut.startQueue(CONTROL_RX_QUEUE);
        assertEquals(List.of("PORT_OPEN 1 0"), dut.messages());
    }

    @Test
    @DisplayName("messages for one driver are not told to the next")
    void shouldDropMessagesWhenDriverStartsAnew() throws ConfigException {
        TestChardev chardev = dut.chardev().open();
        SerialPort port = dut.channel(chardev);
        dut.boot();
        dut.reset();
        chardev.hangUp();
        startWithBuffers();
        assertEquals(List.of(), dut.messages());
        dut.send(ANY_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
        assertEquals(adds(port.id()), dut.messages());
    }

    @Test
    void shouldGoOnWhenControlBuffersComeOneAtATime() throws ConfigException {
        dut.device().addPort(CONSOLE.withName("org.con"), dut.chardev());
        dut.start();
        dut.send(ANY_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
        dut.send(0, VIRTIO_CONSOLE_PORT_READY, 1);
        List<String> messages = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            dut.controlRx().post(64).publish(); // kicks only if the device has asked for it
            dut.controlRx().filled().forEach(bytes -> messages.add(DeviceUnderTest.describe(bytes)));
        }
        assertEquals(List.of("PORT_ADD 0 1", "CONSOLE_PORT 0 1", "PORT_NAME 0 1 org.con\0", "PORT_OPEN 0 1"), messages);
    }
}
