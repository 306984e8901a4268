package org.vportd.serial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_DEVICE_READY;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_F_SIZE;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_PORT_READY;
import static org.vportd.virtio.VirtioFeature.mask;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.WindowSize;
import org.vportd.posix.PosixException;

/** What the driver is told of the size of consoles, and where. */
class ConsoleSizeTest {
    private static final PortOptions CONSOLE = PortOptions.of(PortOptions.Type.VIRTCONSOLE);
    private static final String COLUMNS_FIRST_132X30 = "\u0084\0\u001e\0";
    private static final String ROWS_FIRST_132X30 = "\u001e\0\u0084\0";

    @SuppressWarnings("NullAway.Init") // by device
    private DeviceUnderTest dut;

    @AfterEach
    void close() {
        dut.close();
    }

    private DeviceUnderTest device(int maxPorts, ConsoleSize how) throws PosixException, ConfigException {
        dut = new DeviceUnderTest(
                SerialOptions.defaults().withMaxPorts(maxPorts).withConsoleSize(how), DeviceUnderTest.Shape.DEFAULT);
        return dut;
    }

    private List<Integer> sizeInConfig() {
        byte[] config = new byte[dut.device().configBytes()];
        Arrays.fill(config, (byte) 0x55);
        dut.device().readConfig(config);
        assertEquals(dut.device().options().maxPorts(), config[ConsoleLayout.MAX_NR_PORTS_OFFSET]);
        assertEquals(0, config[ConsoleLayout.EMERG_WR_OFFSET]);
        return List.of(
                (config[0] & 0xff) | (config[1] & 0xff) << Byte.SIZE,
                (config[2] & 0xff) | (config[3] & 0xff) << Byte.SIZE);
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("VS-03 SIZE is offered only if the size of consoles is to be told")
    void shouldOfferFeatureWhenSizesAreTold(ConsoleSize how) throws Exception {
        device(2, how);
        assertEquals(how != ConsoleSize.OFF, (dut.device().features() & mask(VIRTIO_CONSOLE_F_SIZE)) != 0);
    }

    @ParameterizedTest
    @EnumSource(names = {"COLUMNS_FIRST", "ROWS_FIRST"})
    @DisplayName("VS-41 RESIZE carries two numbers of 16 bits, in the order asked for")
    void shouldTellSizeInOrderWhenItChanges(ConsoleSize how) throws Exception {
        device(4, how);
        TestChardev chardev = dut.chardev().open();
        SerialPort port = dut.console(chardev);
        dut.boot();
        assertTrue(chardev.isAskedForSize());

        chardev.resize(132, 30);
        String payload = how == ConsoleSize.ROWS_FIRST ? ROWS_FIRST_132X30 : COLUMNS_FIRST_132X30;
        assertEquals(List.of("RESIZE 0 0 " + payload), dut.messages());
        chardev.resize(132, 30);
        port.resize(new WindowSize(132, 30));
        assertEquals(List.of(), dut.messages(), "told once");
        port.resize(new WindowSize(0x1234, 0xfffe));
        String large = how == ConsoleSize.ROWS_FIRST ? "\u00fe\u00ff4\u0012" : "4\u0012\u00fe\u00ff";
        assertEquals(List.of("RESIZE 0 0 " + large), dut.messages());
        assertEquals(List.of(0x1234, 0xfffe), sizeInConfig());
        assertEquals(0, dut.transport().configChanges(), "a driver with control queues has its messages");
    }

    @Test
    @DisplayName("VS-07 the answer to PORT_READY(1) has RESIZE after the name and before PORT_OPEN")
    void shouldTellSizeInItsPlaceWhenPortIsReady() throws Exception {
        device(4, ConsoleSize.COLUMNS_FIRST);
        TestChardev chardev = dut.chardev().open();
        chardev.resize(132, 30);
        dut.device().addPort(CONSOLE.withName("org.con"), chardev);
        dut.console(dut.chardev().open());
        dut.start();
        dut.controlRx().fill(DeviceUnderTest.CONTROL_BUFFER_BYTES);
        dut.send(DeviceUnderTest.ANY_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
        assertEquals(List.of("PORT_ADD 0 1", "PORT_ADD 1 1"), dut.messages());

        dut.send(0, VIRTIO_CONSOLE_PORT_READY, 1);
        assertEquals(
                List.of(
                        "CONSOLE_PORT 0 1",
                        "PORT_NAME 0 1 org.con\0",
                        "RESIZE 0 0 " + COLUMNS_FIRST_132X30,
                        "PORT_OPEN 0 1"),
                dut.messages());
        dut.send(1, VIRTIO_CONSOLE_PORT_READY, 1);
        assertEquals(List.of("CONSOLE_PORT 1 1", "PORT_OPEN 1 1"), dut.messages(), "not known");
    }

    @Test
    @DisplayName("VS-41 a driver that has not accepted SIZE is not told; the next one is")
    void shouldTellNothingWhenNotNegotiated() throws Exception {
        device(4, ConsoleSize.COLUMNS_FIRST);
        TestChardev chardev = dut.chardev().open();
        dut.console(chardev);
        dut.start(dut.device().features() & ~mask(VIRTIO_CONSOLE_F_SIZE));
        dut.handshake();
        chardev.resize(132, 30);
        dut.send(0, VIRTIO_CONSOLE_PORT_READY, 1);
        assertEquals(List.of("CONSOLE_PORT 0 1", "PORT_OPEN 0 1"), dut.messages());

        dut.reset();
        dut.start();
        dut.controlRx().fill(DeviceUnderTest.CONTROL_BUFFER_BYTES);
        dut.send(0, VIRTIO_CONSOLE_PORT_READY, 1);
        assertEquals(
                List.of("CONSOLE_PORT 0 1", "RESIZE 0 0 " + COLUMNS_FIRST_132X30, "PORT_OPEN 0 1"), dut.messages());
    }

    @Test
    @DisplayName("VS-41 channels have no size")
    void shouldTellNothingWhenPortIsAChannel() throws Exception {
        device(4, ConsoleSize.COLUMNS_FIRST);
        TestChardev chardev = dut.chardev().open();
        SerialPort port = dut.channel(chardev);
        dut.boot();
        chardev.resize(132, 30);
        dut.send(1, VIRTIO_CONSOLE_PORT_READY, 1);
        assertEquals(List.of("PORT_OPEN 1 1"), dut.messages());
        assertFalse(chardev.isAskedForSize());
        assertNull(port.windowSize());
        ConfigException refused = assertThrows(ConfigException.class, () -> port.resize(new WindowSize(80, 24)));
        assertEquals("port 1 is not a console", refused.getMessage());
    }

    @Test
    @DisplayName("VS-01 VS-41 with size=off nobody is told anything and configuration space reads 0")
    void shouldTellNothingWhenItIsOff() throws Exception {
        device(4, ConsoleSize.OFF);
        TestChardev chardev = dut.chardev().open();
        SerialPort port = dut.console(chardev);
        dut.boot();
        chardev.resize(132, 30);
        assertEquals(List.of(), dut.messages());
        assertFalse(chardev.isAskedForSize());
        assertEquals(List.of(0, 0), sizeInConfig());
        ConfigException refused = assertThrows(ConfigException.class, () -> port.resize(new WindowSize(80, 24)));
        assertEquals("the size of consoles is not told to the guest", refused.getMessage());
        assertTrue(refused.hint().contains("size=on"), refused.hint());
    }

    @Test
    @DisplayName("VS-41 of many sizes the driver has no buffer for, it gets the last")
    void shouldTellLastSizeWhenDriverHasNoBuffers() throws Exception {
        device(4, ConsoleSize.COLUMNS_FIRST);
        TestChardev chardev = dut.chardev().open();
        dut.console(chardev);
        dut.start();
        dut.send(DeviceUnderTest.ANY_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
        for (int i = 1; i <= 1000; i++) {
            chardev.resize(i, 1);
        }
        chardev.resize(132, 30);
        dut.controlRx().fill(DeviceUnderTest.CONTROL_BUFFER_BYTES);
        assertEquals(List.of("PORT_ADD 0 1", "RESIZE 0 0 " + COLUMNS_FIRST_132X30), dut.messages());
    }

    @Test
    @DisplayName("VS-41 a driver of one port finds the size in configuration space and is told when it changes")
    void shouldNotifyConfigWhenDriverKnowsOnePort() throws Exception {
        device(4, ConsoleSize.COLUMNS_FIRST);
        TestChardev chardev = dut.chardev().open();
        TestChardev other = dut.chardev().open();
        dut.console(chardev);
        dut.console(other);
        assertEquals(List.of(0, 0), sizeInConfig());
        dut.startSinglePort();
        assertEquals(0, dut.transport().configChanges(), "nothing to tell");

        chardev.resize(132, 300);
        assertEquals(List.of(132, 300), sizeInConfig());
        assertEquals(1, dut.transport().configChanges());
        chardev.resize(132, 300);
        other.resize(80, 24);
        assertEquals(1, dut.transport().configChanges());
        chardev.hangUp();
        assertEquals(List.of(132, 300), sizeInConfig(), "the last word counts");

        dut.reset();
        dut.startSinglePort();
        assertEquals(2, dut.transport().configChanges(), "Linux does not look by itself");
        dut.reset();
        dut.start(dut.device().features()
                & ~mask(ConsoleLayout.VIRTIO_CONSOLE_F_MULTIPORT)
                & ~mask(VIRTIO_CONSOLE_F_SIZE));
        chardev.resize(90, 30);
        assertEquals(2, dut.transport().configChanges(), "not negotiated");
    }

    @Test
    void shouldForgetSizeWhenConsoleIsUnplugged() throws Exception {
        device(4, ConsoleSize.COLUMNS_FIRST);
        SerialPort port = dut.console(dut.chardev().open());
        port.resize(new WindowSize(80, 24));
        assertEquals(List.of(80, 24), sizeInConfig());
        dut.device().removePort(port);
        assertEquals(List.of(0, 0), sizeInConfig());
    }
}
