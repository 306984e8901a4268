package org.vportd.serial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.vportd.chardev.ConfigException;
import org.vportd.posix.PosixException;

/** Ports that are unplugged, and plugged again. */
class UnplugTest {
    private static final PortOptions.Type CHANNEL = PortOptions.Type.VIRTSERIALPORT;

    private DeviceUnderTest dut;
    private TestChardev chardev;

    @BeforeEach
    void open() throws PosixException, ConfigException {
        dut = new DeviceUnderTest(8);
        chardev = dut.chardev();
    }

    @AfterEach
    void close() {
        dut.close();
    }

    @Test
    @DisplayName("VS-35 what is held goes back empty, the driver hears of it, and later output goes nowhere")
    void shouldCompleteOutputWhenUnplugged() throws ConfigException {
        SerialPort port = dut.channel(chardev.open().limitRoom(2));
        dut.boot();
        dut.tx(port).send("held");
        dut.tx(port).send("queued");
        dut.settle();
        assertEquals(0, dut.tx(port).completed());
        dut.device().removePort(port);
        dut.settle();
        assertEquals(List.of("PORT_REMOVE 1 1"), dut.messages());
        assertEquals(2, dut.tx(port).completed());
        dut.tx(port).send("late");
        dut.settle();
        assertEquals(1, dut.tx(port).completed());
        chardev.makeRoom(100);
        assertEquals("he", chardev.text());
        assertFalse(chardev.isBusy());
        assertEquals(List.of(), dut.device().ports());
        assertThrows(IllegalArgumentException.class, () -> dut.device().removePort(port));
    }

    @Test
    @DisplayName("VS-36 buffers posted before are used after, and the guest has to open the new port")
    void shouldUseOldBuffersWhenPluggedAgain() throws ConfigException {
        SerialPort port = dut.channel(chardev.open());
        dut.boot();
        dut.rx(port).fill(8);
        dut.device().removePort(port);
        dut.settle();
        SerialPort again = dut.channel(chardev);
        assertEquals(port.id(), again.id());
        dut.settle();
        assertEquals(List.of("PORT_REMOVE 1 1", "PORT_ADD 1 1", "PORT_OPEN 1 1"), dut.messages());
        chardev.feed("input");
        dut.settle();
        assertFalse(again.isGuestConnected());
        assertEquals(5, chardev.pendingInput());
        dut.send(again.id(), ConsoleLayout.VIRTIO_CONSOLE_PORT_READY, 1);
        dut.guestOpens(again, true);
        dut.settle();
        assertEquals("input", dut.rx(again).text());
        dut.tx(again).send("output");
        dut.settle();
        assertEquals("output", chardev.text());
    }

    @Test
    @DisplayName("VS-35 VS-36 a port that is plugged again at once gets nothing of what was written to the one before")
    void shouldLeaveOldOutputBehindWhenPluggedAgainAtOnce() throws ConfigException {
        SerialPort port = dut.channel(chardev.open().limitRoom(2));
        dut.boot();
        dut.tx(port).send("held");
        dut.tx(port).send("queued");
        dut.settle();
        dut.device().removePort(port);
        chardev.makeRoom(100);
        SerialPort again = dut.channel(chardev);
        dut.tx(again).send("new");
        dut.settle();
        assertEquals(3, dut.tx(again).completed());
        assertEquals("henew", chardev.text());
    }

    @Test
    @DisplayName("VS-35 VS-36 a port that is plugged again while the machine is stopped gets nothing of that either")
    void shouldLeaveOldOutputBehindWhenPluggedAgainWhileStopped() throws ConfigException {
        SerialPort port = dut.channel(chardev.open().limitRoom(2));
        dut.boot();
        dut.tx(port).send("held");
        dut.tx(port).send("queued");
        dut.settle();
        dut.stop();
        dut.device().removePort(port);
        chardev.makeRoom(100);
        SerialPort again = dut.channel(chardev);
        dut.start();
        dut.settle();
        assertEquals(2, dut.tx(again).completed());
        dut.tx(again).send("new");
        dut.settle();
        assertEquals("henew", chardev.text());
    }

    @Test
    void shouldGiveNameAndNumberBackWhenUnplugged() throws ConfigException {
        PortOptions options = new PortOptions(CHANNEL, null, 3, "org.a", 0);
        SerialPort port = dut.device().addPort(options, null);
        assertThrows(ConfigException.class, () -> dut.device().addPort(options, null));
        dut.device().removePort(port);
        assertEquals(3, dut.device().addPort(options, null).id());
    }

    @Test
    void shouldTellNewestStateOnlyWhenDriverHasNoBuffers() throws ConfigException {
        SerialPort last = dut.channel(null);
        dut.boot();
        for (int i = 0; i < 10_000; i++) {
            dut.device().removePort(last);
            last = dut.channel(null);
            dut.settle();
        }
        List<String> messages = dut.messages();
        assertEquals(DeviceUnderTest.Shape.DEFAULT.controlSize() + 2, messages.size());
        assertEquals(
                List.of("PORT_REMOVE 1 1", "PORT_ADD 1 1"), messages.subList(messages.size() - 2, messages.size()));
        assertSame(last, dut.device().ports().get(0));
    }
}
