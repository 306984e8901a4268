package org.vportd.serial;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.chardev.ConfigException;
import org.vportd.loop.EventLoop;
import org.vportd.posix.PosixException;
import org.vportd.virtio.VirtioFeature;

/** Identity, configuration space, and the numbers and names of ports. */
class SerialDeviceTest {
    private static final PortOptions CONSOLE = PortOptions.of(PortOptions.Type.VIRTCONSOLE);
    private static final PortOptions CHANNEL = PortOptions.of(PortOptions.Type.VIRTSERIALPORT);

    private EventLoop loop;
    private final PortNames names = new PortNames();
    private int chardevs;

    @BeforeEach
    void open() throws PosixException {
        loop = EventLoop.open();
    }

    @AfterEach
    void close() {
        loop.close();
    }

    private SerialDevice device(SerialOptions options) throws ConfigException {
        return new SerialDevice(loop, options, names, SerialListener.NONE);
    }

    private SerialDevice device(int maxPorts) throws ConfigException {
        return device(SerialOptions.defaults().withMaxPorts(maxPorts));
    }

    private TestChardev chardev() {
        return new TestChardev(loop, "c" + chardevs++);
    }

    private static byte[] config(SerialDevice device) {
        byte[] config = new byte[device.configBytes()];
        device.readConfig(config);
        return config;
    }

    private static String refusal(SerialDevice device, PortOptions port) {
        return String.valueOf(assertThrows(ConfigException.class, () -> device.addPort(port, null))
                .getMessage());
    }

    @Test
    @DisplayName("VS-01 31 ports by default, no size, 12 bytes of configuration space")
    void shouldReadDefaultsWhenConfigIsRead() throws ConfigException {
        try (SerialDevice device = device(SerialOptions.defaults())) {
            assertEquals(List.of(0, 0, 0, 0, 31, 0, 0, 0, 0, 0, 0, 0), asList(config(device)));
        }
    }

    @Test
    @DisplayName("VS-01 8 bytes of configuration space without emergency-write")
    void shouldLeaveOutEmergencyCharacterWhenItIsOff() throws ConfigException {
        try (SerialDevice device =
                device(new SerialOptions("s0", 511, false, true, true, false, false, ConsoleSize.OFF))) {
            assertEquals(List.of(0, 0, 0, 0, 0xff, 1, 0, 0), asList(config(device)));
        }
    }

    private static List<Integer> asList(byte[] bytes) {
        Integer[] values = new Integer[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            values[i] = bytes[i] & 0xff;
        }
        return List.of(values);
    }

    @Test
    @DisplayName("VS-02 max_ports=0 and 512 are refused")
    void shouldRefuseWhenMaxPortsIsOutOfRange() throws ConfigException {
        assertEquals(
                "Maximum number of serial ports not specified",
                assertThrows(ConfigException.class, () -> device(0)).getMessage());
        assertEquals(
                "maximum ports supported: 511",
                assertThrows(ConfigException.class, () -> device(512)).getMessage());
        device(1).close();
        device(511).close();
    }

    @Test
    @DisplayName("VS-03 MULTIPORT iff max_ports > 1, EMERG_WRITE iff emergency-write, no SIZE")
    void shouldOfferFeaturesWhenOptionsAskForThem() throws ConfigException {
        try (SerialDevice one = device(1);
                SerialDevice two = device(2);
                SerialDevice mute =
                        device(new SerialOptions("s0", 2, false, false, false, false, false, ConsoleSize.OFF))) {
            assertFalse(VirtioFeature.has(one.features(), ConsoleLayout.VIRTIO_CONSOLE_F_MULTIPORT));
            assertTrue(VirtioFeature.has(two.features(), ConsoleLayout.VIRTIO_CONSOLE_F_MULTIPORT));
            assertTrue(VirtioFeature.has(two.features(), ConsoleLayout.VIRTIO_CONSOLE_F_EMERG_WRITE));
            assertFalse(VirtioFeature.has(two.features(), ConsoleLayout.VIRTIO_CONSOLE_F_SIZE));
            assertEquals(
                    VirtioFeature.mask(VirtioFeature.VIRTIO_F_VERSION_1)
                            | VirtioFeature.mask(ConsoleLayout.VIRTIO_CONSOLE_F_MULTIPORT),
                    mute.features());
        }
    }

    @Test
    @DisplayName("VS-04 queue map")
    void shouldNumberQueuesAsTheStandardDoes() throws ConfigException {
        assertEquals(0, ConsoleLayout.rxQueue(0));
        assertEquals(1, ConsoleLayout.txQueue(0));
        assertEquals(4, ConsoleLayout.rxQueue(1));
        assertEquals(5, ConsoleLayout.txQueue(1));
        for (int port = 0; port < ConsoleLayout.MAX_PORTS; port++) {
            assertEquals(port, ConsoleLayout.portOfQueue(ConsoleLayout.rxQueue(port)));
            assertEquals(port, ConsoleLayout.portOfQueue(ConsoleLayout.txQueue(port)));
        }
        try (SerialDevice one = device(1);
                SerialDevice two = device(2)) {
            assertEquals(4, one.queueCount());
            assertEquals(6, two.queueCount());
        }
    }

    @Test
    @DisplayName("VS-16 virtserialport nr=0 is refused")
    void shouldRefuseWhenChannelWantsNumberOfConsole() throws ConfigException {
        try (SerialDevice device = device(4)) {
            assertEquals(
                    "Port number 0 on virtio-serial devices reserved for virtconsole devices for backward compatibility.",
                    refusal(device, CHANNEL.withNr(0)));
        }
    }

    @Test
    @DisplayName("VS-17 duplicate nr, duplicate name, also across controllers")
    void shouldRefuseWhenNumberOrNameIsTaken() throws ConfigException {
        try (SerialDevice device = device(4);
                SerialDevice other = device(4)) {
            device.addPort(CHANNEL.withNr(1).withName("org.a"), null);

            assertEquals("virtio-serial-bus: A port already exists at id 1", refusal(device, CHANNEL.withNr(1)));
            assertEquals(
                    "virtio-serial-bus: A port already exists by name org.a",
                    refusal(device, CHANNEL.withName("org.a")));
            assertEquals(
                    "virtio-serial-bus: A port already exists by name org.a",
                    refusal(other, CHANNEL.withName("org.a")));
            assertEquals(1, other.addPort(CHANNEL.withName("org.b"), null).id());
        }
    }

    @Test
    @DisplayName("VS-18 nr=9 with max_ports=4")
    void shouldRefuseWhenNumberIsOutOfRange() throws ConfigException {
        try (SerialDevice device = device(4)) {
            assertEquals(
                    "virtio-serial-bus: Out-of-range port id specified, max. allowed: 3",
                    refusal(device, CHANNEL.withNr(9)));
            assertEquals(
                    "virtio-serial-bus: Out-of-range port id specified, max. allowed: 3",
                    refusal(device, CHANNEL.withNr(0xffff_fffeL)));
        }
    }

    @Test
    @DisplayName("VS-19 first channel gets 1, first console gets 0 even if it comes later")
    void shouldKeepZeroForConsoleWhenNumbersAreChosen() throws ConfigException {
        try (SerialDevice device = device(8)) {
            assertEquals(1, device.addPort(CHANNEL, null).id());
            assertEquals(2, device.addPort(CHANNEL, null).id());
            assertEquals(0, device.addPort(CONSOLE, null).id());
            assertEquals(3, device.addPort(CONSOLE, null).id());
            assertEquals(5, device.addPort(CHANNEL.withNr(5), null).id());
            assertEquals(4, device.addPort(CHANNEL, null).id());
            assertEquals(6, device.addPort(CHANNEL, null).id());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 32})
    @DisplayName("VS-20 bus full")
    void shouldRefuseWhenEveryNumberIsTaken(int maxPorts) throws ConfigException {
        try (SerialDevice device = device(maxPorts)) {
            for (int i = 1; i < maxPorts; i++) {
                device.addPort(CHANNEL, null);
            }
            assertEquals("virtio-serial-bus: Maximum port limit for this device reached", refusal(device, CHANNEL));
            assertEquals(0, device.addPort(CONSOLE, null).id());
            assertEquals("virtio-serial-bus: Maximum port limit for this device reached", refusal(device, CONSOLE));
        }
    }

    @Test
    @DisplayName("CH-02 one front-end a chardev; nothing has changed after a refusal")
    void shouldChangeNothingWhenChardevIsInUse() throws ConfigException {
        try (SerialDevice device = device(4)) {
            TestChardev chardev = chardev();
            device.addPort(CHANNEL, chardev);

            ConfigException refusal =
                    assertThrows(ConfigException.class, () -> device.addPort(CONSOLE.withName("org.a"), chardev));

            assertEquals(
                    "Property 'virtconsole.chardev' can't take value 'c0': chardev 'c0' is already in use",
                    refusal.getMessage());
            assertEquals(1, device.ports().size());
            assertEquals(0, device.addPort(CONSOLE.withName("org.a"), null).id());
        }
    }

    @Test
    @DisplayName("a refusal of the chardev comes before that of the number")
    void shouldNameChardevFirstWhenNumberIsTakenToo() throws ConfigException {
        try (SerialDevice device = device(4)) {
            TestChardev chardev = chardev();
            device.addPort(CHANNEL.withNr(1), chardev);
            assertEquals(
                    "Property 'virtserialport.chardev' can't take value 'c0': chardev 'c0' is already in use",
                    assertThrows(ConfigException.class, () -> device.addPort(CHANNEL.withNr(1), chardev))
                            .getMessage());
        }
    }

    @Test
    void shouldLeaveChardevFreeWhenPortIsRefused() throws ConfigException {
        try (SerialDevice device = device(4)) {
            TestChardev chardev = chardev();
            assertThrows(ConfigException.class, () -> device.addPort(CHANNEL.withNr(9), chardev));
            assertFalse(chardev.isBusy());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    @DisplayName("VS-37 emergency write of one character, before the driver is there")
    void shouldPutOutCharacterWhenItIsWrittenToConfig(int length) throws ConfigException {
        try (SerialDevice device = device(4)) {
            TestChardev unused = chardev().open();
            TestChardev first = chardev().open();
            TestChardev second = chardev().open();
            device.addPort(CHANNEL, unused);
            device.addPort(CONSOLE.withNr(3), null); // not connected: passed over
            device.addPort(CONSOLE.withNr(2), first);
            device.addPort(CONSOLE.withNr(0), second);
            byte[] value = new byte[length];
            value[0] = 0x41;

            device.writeConfig(ConsoleLayout.EMERG_WR_OFFSET, value);
            assertEquals("A", first.text());

            device.writeConfig(0, new byte[4]);
            device.writeConfig(0, new byte[12]);
            device.writeConfig(ConsoleLayout.EMERG_WR_OFFSET, new byte[length]);
            assertEquals("A", first.text());

            byte[] whole = new byte[12];
            whole[ConsoleLayout.EMERG_WR_OFFSET] = 0x42;
            device.writeConfig(0, whole);
            assertEquals("AB", first.text());
            assertEquals("", unused.text() + second.text());
            assertEquals(0, config(device)[ConsoleLayout.EMERG_WR_OFFSET]);
        }
    }

    @Test
    @DisplayName("VS-37 emergency write without a console is ignored, and with a full one waits its turn")
    void shouldIgnoreCharacterWhenThereIsNoConsole() throws ConfigException {
        try (SerialDevice device = device(4)) {
            device.writeConfig(ConsoleLayout.EMERG_WR_OFFSET, new byte[] {0x41});
            device.addPort(CONSOLE, null);
            device.writeConfig(ConsoleLayout.EMERG_WR_OFFSET, new byte[] {0x41});
            TestChardev full = chardev().open().limitRoom(0);
            device.addPort(CONSOLE, full);
            device.writeConfig(ConsoleLayout.EMERG_WR_OFFSET, new byte[] {0x41});
            assertEquals("", full.text());
            full.makeRoom(5);
            assertEquals("A", full.text());
        }
    }

    @Test
    @DisplayName("SEC-63 a flood of emergency writes is held within the bounds of other output; other fields stay")
    void shouldBoundOutputWhenEmergencyWritesComeInAFlood() throws ConfigException {
        try (SerialDevice device = device(4)) {
            TestChardev full = chardev().open().limitRoom(0);
            device.addPort(CONSOLE, full);
            byte[] before = config(device);
            byte[] whole = new byte[12];
            Arrays.fill(whole, (byte) 'x');
            for (int i = 0; i < 400_000; i++) {
                device.writeConfig(0, whole);
            }
            assertArrayEquals(before, config(device));
            full.makeRoom(Integer.MAX_VALUE);
            int length = full.text().length();
            assertTrue(length > 0 && length <= 1 << 18, "length=" + length);
        }
    }

    @Test
    @DisplayName("VS-37 a device without emergency-write has no such field")
    void shouldIgnoreCharacterWhenEmergencyWriteIsOff() throws ConfigException {
        try (SerialDevice device =
                device(new SerialOptions("s0", 4, false, true, true, false, false, ConsoleSize.OFF))) {
            TestChardev chardev = chardev().open();
            device.addPort(CONSOLE, chardev);
            device.writeConfig(4, new byte[] {0x41, 0x41, 0x41, 0x41});
            assertEquals("", chardev.text());
        }
    }

    @Test
    @DisplayName("VS-38 a channel without chardev can be plugged; a console without one is not connected")
    void shouldNotBeConnectedWhenThereIsNoChardev() throws ConfigException {
        try (SerialDevice device = device(4)) {
            assertFalse(device.addPort(CHANNEL, null).isHostConnected());
            assertFalse(device.addPort(CONSOLE, null).isHostConnected());
            assertTrue(device.addPort(CONSOLE, chardev()).isHostConnected()); // open or not
        }
    }
}
