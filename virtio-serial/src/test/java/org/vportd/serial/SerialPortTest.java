package org.vportd.serial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.vportd.chardev.ConfigException;
import org.vportd.posix.PosixException;

/** Who is connected: reset, drivers of one port, and what the host hears of it. */
class SerialPortTest {
    private DeviceUnderTest dut;
    private TestChardev consoleChardev;
    private TestChardev channelChardev;
    private SerialPort console;
    private SerialPort channel;

    @BeforeEach
    void open() throws PosixException, ConfigException {
        dut = new DeviceUnderTest(8);
        consoleChardev = dut.chardev().open();
        channelChardev = dut.chardev().open();
        console = dut.console(consoleChardev);
        channel = dut.channel(channelChardev);
    }

    @AfterEach
    void close() {
        dut.close();
    }

    @Test
    @DisplayName("VS-32 a reset closes the guest's side, keeps the host's, and tells the driver nothing")
    void shouldForgetGuestWhenDriverResets() throws ConfigException {
        SerialPort never = dut.channel(dut.chardev().open());
        dut.boot();
        dut.guestOpens(never, false);
        dut.guestEvents().clear();
        dut.tx(channel).send("x");

        dut.reset();

        for (SerialPort port : List.of(console, channel, never)) {
            assertFalse(port.isGuestConnected());
            assertTrue(port.isHostConnected());
        }
        assertEquals(List.of("0 closed", "1 closed"), dut.guestEvents());
        assertEquals(List.of(false, true, false), channelChardev.frontendStates());
        assertTrue(consoleChardev.isFrontendOpen());

        dut.start();
        dut.controlRx().fill(64);
        dut.settle();
        assertEquals(List.of(), dut.messages());
        dut.handshake();
        dut.send(1, ConsoleLayout.VIRTIO_CONSOLE_PORT_READY, 1);
        assertEquals(List.of("PORT_OPEN 1 1"), dut.messages());
    }

    @Test
    @DisplayName("VS-32 a held element of the old driver is dropped")
    void shouldDropHeldElementWhenDriverResets() {
        dut.boot();
        channelChardev.limitRoom(2);
        dut.tx(channel).send("old output");
        dut.settle();
        dut.reset();
        channelChardev.makeRoom(100);
        dut.settle();
        dut.boot();
        dut.tx(channel).send("new");
        dut.settle();
        assertEquals("olnew", channelChardev.text());
    }

    @Test
    @DisplayName("VS-32 a driver that comes without a reset is met as one after a reset")
    void shouldForgetGuestWhenNewDriverIsReady() {
        dut.boot();
        dut.guestEvents().clear();
        dut.rebootSilently();
        dut.start();
        dut.controlRx().fill(64);
        dut.send(DeviceUnderTest.ANY_ID, ConsoleLayout.VIRTIO_CONSOLE_DEVICE_READY, 1);
        assertEquals(List.of("0 closed", "1 closed"), dut.guestEvents());
        assertEquals(List.of("PORT_ADD 0 1", "PORT_ADD 1 1"), dut.messages());
        assertFalse(channel.isGuestConnected());
    }

    @Test
    @DisplayName("VS-32 a front-end that leaves takes its driver along, and the next one is met as new")
    void shouldForgetGuestWhenTransportLeaves() {
        dut.boot();
        dut.rebootSilently();
        dut.device().detach();
        assertFalse(channel.isGuestConnected());
        assertFalse(channelChardev.isFrontendOpen());

        dut.device().attach(dut.transport());
        dut.boot();
        dut.tx(channel).send("again");
        dut.settle();
        assertEquals("again", channelChardev.text());
    }

    @Test
    @DisplayName("a pause is not a reset: the guest's side stays open")
    void shouldKeepGuestOpenWhenRingsArePaused() {
        dut.boot();
        dut.guestEvents().clear();
        dut.stop();
        dut.resume();
        assertTrue(channel.isGuestConnected());
        assertEquals(List.of(), dut.guestEvents());
        dut.rx(channel).fill(64);
        channelChardev.feed("on");
        dut.settle();
        assertEquals("on", dut.rx(channel).text());
    }

    @Test
    @DisplayName("VS-34 SEC-97 a driver of one port has its console both ways, without control messages")
    void shouldServeConsoleWhenDriverKnowsOnePort() {
        dut.startSinglePort();
        assertTrue(console.isGuestConnected());
        assertEquals(List.of("0 open"), dut.guestEvents());
        dut.rx(console).fill(64);
        consoleChardev.feed("in");
        dut.tx(console).send("out");
        dut.settle();
        assertEquals("in", dut.rx(console).text());
        assertEquals("out", consoleChardev.text());
        assertEquals(1, dut.tx(console).completed());
    }

    @Test
    @DisplayName("SEC-97 rings beyond the first two are not served for a driver of one port")
    void shouldTouchNoOtherRingWhenDriverKnowsOnePort() {
        dut.controlTx().add(DeviceUnderTest.message(0, ConsoleLayout.VIRTIO_CONSOLE_PORT_OPEN, 0));
        dut.startSinglePort();
        dut.controlRx().fill(64);
        dut.controlTx().publish();
        dut.tx(channel).send("x");
        DriverQueue orphan = dut.queue(ConsoleLayout.txQueue(5));
        orphan.send("y");
        dut.rx(channel).post(64).publish();
        channelChardev.hangUp();
        channelChardev.open();
        channelChardev.feed("in");
        for (int i = 2; i < dut.device().queueCount(); i++) {
            dut.queue(i).kickAnyway();
        }
        dut.settle();
        for (int i = 2; i < dut.device().queueCount(); i++) {
            assertEquals(0, dut.queue(i).usedIndex(), "queue=" + i);
        }
        assertTrue(console.isGuestConnected());
        assertEquals("", channelChardev.text());
        dut.stop();
        dut.resume();
        dut.settle();
        assertEquals(0, orphan.usedIndex());
    }

    @Test
    @DisplayName("VS-34 a driver of one port may be followed by one of many, and the other way round")
    void shouldServeNextDriverWhenItKnowsOtherFeatures() {
        dut.startSinglePort();
        dut.reset();
        assertFalse(console.isGuestConnected());
        dut.boot();
        dut.tx(channel).send("a");
        dut.settle();
        assertEquals("a", channelChardev.text());
        dut.reset();
        dut.startSinglePort();
        dut.tx(console).send("b");
        dut.settle();
        assertEquals("b", consoleChardev.text());
        assertTrue(console.isGuestConnected());
        assertFalse(channel.isGuestConnected());
    }

    @Test
    @DisplayName("VS-34 a pause of a driver of one port keeps it connected")
    void shouldStayConnectedWhenDriverOfOnePortIsPaused() {
        dut.startSinglePort();
        dut.stop();
        dut.resume();
        assertTrue(console.isGuestConnected());
        assertEquals(List.of("0 open"), dut.guestEvents());
    }

    @Test
    @DisplayName("VS-38 a console is open for its chardev from the start, a channel while the guest has it open")
    void shouldTellChardevWhoIsThere() {
        assertTrue(consoleChardev.isFrontendOpen());
        assertFalse(channelChardev.isFrontendOpen());
        dut.boot();
        assertTrue(channelChardev.isFrontendOpen());
        dut.guestOpens(channel, false);
        dut.guestOpens(console, false);
        assertFalse(channelChardev.isFrontendOpen());
        assertTrue(consoleChardev.isFrontendOpen());
    }

    @Test
    void shouldTellListenerEachTimeWhenGuestRepeatsItself() {
        dut.boot();
        dut.guestEvents().clear();
        dut.guestOpens(channel, true);
        dut.guestOpens(channel, true);
        dut.guestOpens(channel, false);
        assertEquals(List.of("1 open", "1 open", "1 closed"), dut.guestEvents());
    }

    @Test
    @DisplayName("chardevs are free again once the device is closed")
    void shouldLetChardevsGoWhenDeviceCloses() throws PosixException, ConfigException {
        dut.boot();
        channelChardev.limitRoom(1);
        consoleChardev.limitRoom(1);
        dut.tx(channel).send("abc");
        dut.tx(console).send("abc");
        dut.close();
        assertFalse(channelChardev.isBusy());
        assertFalse(consoleChardev.isBusy());
        channelChardev.makeRoom(1);
        consoleChardev.makeRoom(1);
        dut = new DeviceUnderTest(2);
    }
}
