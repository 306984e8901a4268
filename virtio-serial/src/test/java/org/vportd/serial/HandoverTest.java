package org.vportd.serial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.WindowSize;
import org.vportd.serial.state.DeviceState;
import org.vportd.serial.state.DeviceStateCodec;
import org.vportd.serial.state.PortState;
import org.vportd.serial.state.StateFormatException;
import org.vportd.serial.state.WaitingMessage;
import org.vportd.virtio.DeviceStateException;

/** A driver goes on with another device, or with the same one after its front-end has come back. */
@ParameterizedClass
@MethodSource("shapes")
class HandoverTest {
    private static final SerialOptions OPTIONS =
            SerialOptions.defaults().withMaxPorts(4).withConsoleSize(ConsoleSize.COLUMNS_FIRST);
    private static final PortOptions CHANNEL = PortOptions.of(PortOptions.Type.VIRTSERIALPORT);

    private final DeviceUnderTest.Shape shape;
    private DeviceUnderTest dut;
    private TestChardev consoleChardev;
    private TestChardev channelChardev;
    private SerialPort console;
    private SerialPort channel;

    HandoverTest(DeviceUnderTest.Shape shape) {
        this.shape = shape;
    }

    static Stream<DeviceUnderTest.Shape> shapes() {
        DeviceUnderTest.Shape split = DeviceUnderTest.Shape.DEFAULT.withDataSize(16);
        return Stream.of(split, split.withRings(true, false));
    }

    @BeforeEach
    void open() throws Exception {
        dut = new DeviceUnderTest(OPTIONS, shape);
        plug();
    }

    @AfterEach
    void close() {
        dut.close();
    }

    private void plug() throws ConfigException {
        consoleChardev = dut.chardev().open();
        channelChardev = dut.chardev().open();
        console = dut.console(consoleChardev, 100);
        channel = dut.device().addPort(CHANNEL.withName("org.test"), channelChardev);
    }

    private DeviceState saved() throws StateFormatException {
        dut.stop();
        return DeviceStateCodec.decode(DeviceStateCodec.encode(dut.device().save()));
    }

    /** Another device with the same ports takes over. */
    private void move() throws ConfigException, StateFormatException {
        DeviceState state = saved();
        dut.replaceDevice(OPTIONS);
        plug();
        dut.device().restore(state);
        dut.guestEvents().clear();
    }

    /** The front-end goes away without a word, and comes back; the guest has noticed nothing. */
    private void reconnect() {
        leave();
        dut.device().attach(dut.transport());
        dut.start();
        dut.settle();
    }

    private void leave() {
        dut.stop();
        dut.guestEvents().clear();
        dut.device().detach();
        dut.settle();
    }

    // --- another device

    @Test
    @DisplayName("VS-40 a driver goes on with another device: ports stay open, nothing is announced again")
    void shouldGoOnWithAnotherDevice() throws Exception {
        dut.boot();
        move();
        assertFalse(channel.isGuestConnected());
        assertFalse(channelChardev.isFrontendOpen());
        dut.start();
        dut.settle();
        assertTrue(channel.isGuestConnected());
        assertTrue(channelChardev.isFrontendOpen());
        assertEquals(List.of("0 open", "1 open"), dut.guestEvents());
        dut.rx(channel).fill(64);
        channelChardev.feed("in");
        dut.tx(channel).send("out");
        dut.settle();
        assertEquals("in", dut.rx(channel).text());
        assertEquals("out", channelChardev.text());
        assertEquals(List.of(), dut.messages());
    }

    @Test
    @DisplayName("VS-40 a guest that has a port closed keeps it closed, and the listener hears of every port")
    void shouldKeepClosedPortsClosed() throws Exception {
        dut.boot();
        dut.guestOpens(channel, false);
        move();
        dut.start();
        assertEquals(List.of("0 open", "1 closed"), dut.guestEvents());
        assertFalse(channelChardev.isFrontendOpen());
    }

    @Test
    @DisplayName("VS-40 VS-43 a chain that was put out in part goes on in its middle, at another device")
    void shouldGoOnInTheMiddleOfAChain() throws Exception {
        dut.boot();
        for (int round = 0; round < 40; round++) {
            int before = channelChardev.text().length();
            channelChardev.limitRoom(4 + round % 5);
            dut.tx(channel).send("abc", "defg", "hij");
            dut.tx(channel).send("second");
            dut.settle();
            String first = channelChardev.text().substring(before);
            assertEquals("abcdefghijsecond".substring(0, 4 + round % 5), first);
            move();
            dut.start();
            dut.settle();
            assertEquals("abcdefghijsecond", first + channelChardev.text());
            assertEquals(2, dut.tx(channel).completed());
        }
    }

    @Test
    @DisplayName("VS-40 what a console could not put out yet moves along, before what comes after it")
    void shouldTakeBacklogAlong() throws Exception {
        dut.boot();
        consoleChardev.limitRoom(3);
        dut.tx(console).send("0123456789");
        dut.settle();
        assertEquals(1, dut.tx(console).completed());
        move();
        consoleChardev.limitRoom(2);
        dut.device().writeConfig(ConsoleLayout.EMERG_WR_OFFSET, new byte[] {'!'});
        assertEquals("3456789", new String(saved().ports().get(0).backlog(), StandardCharsets.US_ASCII));
        dut.start();
        dut.tx(console).send("abc");
        dut.settle();
        consoleChardev.makeRoom(100);
        dut.settle();
        assertEquals("!3456789abc", consoleChardev.text());
        assertEquals(0, console.droppedBytes());
    }

    @Test
    @DisplayName("VS-40 PORT_OPEN is sent only where the host is not as the driver knows it")
    void shouldTellOnlyWhatIsDifferent() throws Exception {
        SerialPort silent = dut.device().addPort(CHANNEL.withNr(2), dut.chardev());
        dut.boot();
        DeviceState state = saved();
        dut.replaceDevice(OPTIONS);
        plug();
        channelChardev.hangUp();
        channelChardev.open(); // before the driver is here: nothing to tell
        dut.device().addPort(CHANNEL.withNr(silent.id()), dut.chardev().open());
        dut.device().restore(state);
        dut.start();
        dut.settle();
        assertEquals(List.of("PORT_OPEN 2 1"), dut.messages());
        state = saved();
        dut.replaceDevice(OPTIONS);
        plug();
        channelChardev.hangUp();
        dut.device().addPort(CHANNEL.withNr(silent.id()), dut.chardev().open());
        dut.device().restore(state);
        dut.start();
        dut.settle();
        assertEquals(List.of("PORT_OPEN 1 0"), dut.messages());
    }

    @Test
    @DisplayName("VS-13 VS-40 messages without a buffer wait at the other device")
    void shouldTakeWaitingMessagesAlong() throws Exception {
        dut.start();
        dut.send(DeviceUnderTest.ANY_ID, ConsoleLayout.VIRTIO_CONSOLE_DEVICE_READY, 1);
        dut.send(1, ConsoleLayout.VIRTIO_CONSOLE_PORT_READY, 1);
        move();
        dut.start();
        move(); // they wait here too
        dut.start();
        dut.controlRx().fill(64);
        assertEquals(
                List.of("PORT_ADD 0 1", "PORT_ADD 1 1", "PORT_NAME 1 1 org.test\0", "PORT_OPEN 1 1"), dut.messages());
    }

    @Test
    @DisplayName("VS-41 the size of a console is told again only if it is another one")
    void shouldTellSizeOnlyWhereItDiffers() throws Exception {
        dut.boot();
        console.resize(new WindowSize(80, 24));
        dut.messages();
        move();
        dut.start();
        assertEquals(new WindowSize(80, 24), console.windowSize()); // nobody here knows better
        assertEquals(List.of(), dut.messages());
        DeviceState state = saved();
        dut.replaceDevice(OPTIONS);
        plug();
        console.resize(new WindowSize(80, 25));
        dut.device().restore(state);
        dut.start();
        assertEquals(1, dut.messages().size());
        move();
        console.resize(new WindowSize(80, 25));
        dut.start();
        assertEquals(List.of(), dut.messages());
    }

    @Test
    @DisplayName("VS-25 VS-40 output meant for a peer that has gone is not put out by the other device either")
    void shouldDiscardWhatWasMeantForAnotherPeer() throws Exception {
        dut.boot();
        channelChardev.limitRoom(2);
        dut.tx(channel).send("old output");
        dut.settle();
        dut.stop();
        channelChardev.hangUp();
        channelChardev.open();
        move();
        dut.start();
        dut.settle();
        dut.tx(channel).send("new");
        dut.settle();
        assertEquals("new", channelChardev.text());
        assertEquals(List.of("PORT_OPEN 1 0", "PORT_OPEN 1 1"), dut.messages());
    }

    @Test
    @DisplayName("VS-34 a driver of one port goes on with another device")
    void shouldMoveDriverOfOnePort() throws Exception {
        dut.startSinglePort();
        dut.tx(console).send("a");
        dut.settle();
        move();
        dut.startSinglePort();
        dut.tx(console).send("b");
        dut.settle();
        assertEquals("b", consoleChardev.text());
        assertTrue(console.isGuestConnected());
    }

    @Test
    @DisplayName("SEC-64 a reset forgets a state that was restored")
    void shouldForgetRestoredStateWhenReset() throws Exception {
        dut.boot();
        move();
        dut.reset();
        dut.start();
        assertFalse(channel.isGuestConnected());
        assertEquals(List.of(), dut.guestEvents());
    }

    @Test
    @DisplayName("VS-40 a state that nobody has gone on with can be saved again")
    void shouldSaveWhatIsNotTakenOver() throws Exception {
        dut.boot();
        channelChardev.limitRoom(2);
        dut.tx(channel).send("abcdef");
        dut.settle();
        move();
        move();
        dut.start();
        dut.settle();
        assertEquals("cdef", channelChardev.text());
        assertTrue(channel.isGuestConnected());
    }

    @Test
    @DisplayName("VS-40 what a console could not put out is put out once: there, or here if the driver goes on here")
    void shouldPutOutBacklogInOnePlaceOnly() throws Exception {
        dut.boot();
        consoleChardev.limitRoom(3);
        dut.tx(console).send("0123456789");
        dut.settle();
        dut.stop();
        dut.device().saveState();
        consoleChardev.makeRoom(2);
        dut.settle();
        assertEquals("012", consoleChardev.text());
        dut.resume(); // it does not move after all
        dut.settle();
        assertEquals("01234", consoleChardev.text());
        dut.stop();
        TestChardev left = consoleChardev;
        byte[] state = dut.device().saveState();
        dut.device().detach();
        left.makeRoom(100);
        dut.settle();
        assertEquals("01234", left.text());
        dut.replaceDevice(OPTIONS);
        plug();
        dut.device().restoreState(state);
        dut.start();
        dut.settle();
        assertEquals("56789", consoleChardev.text());
    }

    // --- refusals

    @Test
    @DisplayName("SEC-65 bytes that are no state are refused, and nothing has changed")
    void shouldRefuseBytesThatAreNoState() throws Exception {
        dut.boot();
        dut.stop();
        byte[] state = dut.device().saveState();
        state[40] ^= 1;
        DeviceStateException e =
                assertThrows(DeviceStateException.class, () -> dut.device().restoreState(state));
        assertEquals("device state is damaged: its checksum does not fit", e.getMessage());
        assertTrue(channel.isGuestConnected());
        dut.resume();
        dut.tx(channel).send("on");
        dut.settle();
        assertEquals("on", channelChardev.text());
    }

    private String refusal(DeviceState state) {
        ConfigException e =
                assertThrows(ConfigException.class, () -> dut.device().restore(state));
        assertFalse(channel.isGuestConnected());
        return e.explanation();
    }

    @Test
    @DisplayName("VS-40 the state of a device with other ports is refused")
    void shouldRefuseStateOfAnotherDevice() throws Exception {
        DeviceState state = dut.device().save();
        PortState first = state.ports().get(0);
        PortState second = state.ports().get(1);
        assertEquals(
                "state of another device: max_ports differs: here=4 there=5",
                refusal(new DeviceState(state.features(), 5, false, state.ports(), List.of())));
        assertEquals(
                "state of another device: a port is not there: id=1 type=virtserialport",
                refusal(state.with(List.of(first), List.of())));
        PortState third = new PortState(3, false, null, false, false, false, false, second.held(), null, new byte[0]);
        assertEquals(
                "state of another device: a port is not here: id=3 type=virtserialport",
                refusal(state.with(List.of(first, second, third), List.of())));
        PortState otherType =
                new PortState(1, true, "org.test", false, false, false, false, second.held(), null, new byte[0]);
        assertEquals(
                "state of another device: a port differs: id=1 here=virtserialport named org.test"
                        + " there=virtconsole named org.test",
                refusal(state.with(List.of(first, otherType), List.of())));
        PortState otherName =
                new PortState(1, false, null, false, false, false, false, second.held(), null, new byte[0]);
        assertEquals(
                "state of another device: a port differs: id=1 here=virtserialport named org.test"
                        + " there=virtserialport without name",
                refusal(state.with(List.of(first, otherName), List.of())));
    }

    @Test
    @DisplayName("SEC-65 a state that this device could not have is refused")
    void shouldRefuseWhatCannotBe() {
        DeviceState state = dut.device().save();
        PortState first = state.ports().get(0);
        PortState second = state.ports().get(1);
        assertEquals(
                "state of another device: a console has more output waiting than it can keep here: id=0 buffer=100"
                        + " waiting=101",
                refusal(state.with(List.of(first.withBacklog(new byte[101]), second), List.of())));
        assertEquals(
                "state of another device: a message waits that no driver is sent: id=1 event=3",
                refusal(state.with(state.ports(), List.of(new WaitingMessage(1, 3, 1, new byte[0])))));
        assertEquals(
                "state of another device: the driver has features that are not offered here: features=0x10000000000",
                refusal(new DeviceState(1L << 40, 4, true, state.ports(), List.of())));
    }

    // --- the same device

    @Test
    @DisplayName("VS-32 a guest whose front-end comes back finds its ports open; the host saw it gone meanwhile")
    void shouldGoOnWhenFrontendComesBack() {
        dut.boot();
        leave();
        assertFalse(channel.isGuestConnected());
        assertFalse(channelChardev.isFrontendOpen());
        assertEquals(List.of("0 closed", "1 closed"), dut.guestEvents());
        dut.device().attach(dut.transport());
        dut.start();
        dut.settle();
        assertEquals(List.of("0 closed", "1 closed", "0 open", "1 open"), dut.guestEvents());
        assertTrue(channelChardev.isFrontendOpen());
        assertEquals(List.of(), dut.messages());
        dut.rx(channel).fill(64);
        channelChardev.feed("in");
        dut.tx(channel).send("out");
        dut.settle();
        assertEquals("in", dut.rx(channel).text());
        assertEquals("out", channelChardev.text());
    }

    @Test
    @DisplayName("VS-43 VS-32 a chain that was put out in part goes on in its middle when the front-end comes back")
    void shouldGoOnInTheMiddleOfAChainWhenFrontendComesBack() {
        dut.boot();
        for (int round = 0; round < 20; round++) {
            channelChardev.limitRoom(4);
            dut.tx(channel).send("abc", "defg", "hij");
            dut.settle();
            leave();
            channelChardev.makeRoom(TestChardev.UNLIMITED);
            dut.device().attach(dut.transport());
            dut.start();
            dut.settle();
            assertEquals(1, dut.tx(channel).completed());
        }
        assertEquals("abcdefghij".repeat(20), channelChardev.text());
    }

    @Test
    @DisplayName("VS-25 a peer that comes while the front-end is away does not get what was meant for another")
    void shouldTellOfPeersThatCameMeanwhile() {
        dut.boot();
        channelChardev.limitRoom(2);
        dut.tx(channel).send("old output");
        dut.settle();
        leave();
        channelChardev.hangUp();
        channelChardev.limitRoom(100).open();
        dut.device().attach(dut.transport());
        dut.start();
        dut.settle();
        dut.tx(channel).send("new");
        dut.settle();
        assertEquals("olnew", channelChardev.text());
        assertEquals(List.of("PORT_OPEN 1 0", "PORT_OPEN 1 1"), dut.messages());
    }

    @Test
    @DisplayName("VS-35 a guest whose front-end comes back hears of ports that have come and gone meanwhile")
    void shouldTellOfPortsThatCameAndWentMeanwhile() throws Exception {
        dut.boot();
        leave();
        dut.device().removePort(channel);
        dut.device().addPort(CHANNEL.withNr(2), null);
        reconnect();
        assertEquals(List.of("PORT_REMOVE 1 1", "PORT_ADD 2 1"), dut.messages());
    }

    @Test
    @DisplayName("VS-32 a guest that begins anew after the front-end has left is not taken for the old one")
    void shouldForgetGuestThatIsGone() {
        dut.boot();
        channelChardev.limitRoom(2);
        dut.tx(channel).send("old output");
        dut.settle();
        dut.rebootSilently();
        dut.device().detach();
        dut.guestEvents().clear();
        channelChardev.makeRoom(100);
        dut.device().attach(dut.transport());
        dut.start();
        dut.settle();
        assertEquals(List.of(), dut.guestEvents());
        assertFalse(channel.isGuestConnected());
        dut.handshake();
        dut.tx(channel).send("new");
        dut.settle();
        assertEquals("olnew", channelChardev.text());
    }

    @Test
    @DisplayName("VS-32 a driver with other features is another driver")
    void shouldForgetGuestWhenFeaturesDiffer() {
        dut.boot();
        leave();
        dut.device().attach(dut.transport());
        dut.startSinglePort();
        dut.settle();
        assertEquals(List.of("0 closed", "1 closed", "0 open"), dut.guestEvents());
    }

    @Test
    @DisplayName("VS-32 queues wait until it is clear whose they are, however many front-ends come in vain")
    void shouldServeNothingBeforeTheDriverIsKnown() {
        dut.boot();
        leave();
        for (int i = 0; i < 3; i++) {
            dut.device().attach(dut.transport());
            dut.device().driverFeatures(dut.device().features());
            dut.startQueue(ConsoleLayout.txQueue(channel.id()));
            dut.tx(channel).send("x");
            dut.settle();
            assertEquals("", channelChardev.text());
            leave();
        }
        reconnect();
        assertEquals("xxx", channelChardev.text());
        assertTrue(channel.isGuestConnected());
    }

    // --- a device in another process

    @Test
    @DisplayName("VS-35 VS-40 a driver remembered by another process hears of ports that are not there any more")
    void shouldTellWhatChangedBetweenProcesses() throws Exception {
        dut.boot();
        DeviceState state = saved();
        dut.replaceDevice(OPTIONS);
        consoleChardev = dut.chardev().open();
        console = dut.console(consoleChardev, 100);
        dut.device().addPort(CHANNEL.withNr(1).withName("another"), null);
        dut.device().addPort(CHANNEL.withNr(3), null);
        dut.device().remember(state);
        dut.start();
        dut.settle();
        assertEquals(List.of("PORT_REMOVE 1 1", "PORT_ADD 1 1", "PORT_ADD 3 1"), dut.messages());
        assertTrue(console.isGuestConnected());
    }

    @Test
    @DisplayName("VS-32 a driver remembered by another process is forgotten if another one comes")
    void shouldForgetRememberedDriverWhenAnotherComes() throws Exception {
        dut.boot();
        DeviceState state = saved();
        dut.replaceDevice(OPTIONS);
        plug();
        dut.guestEvents().clear();
        dut.device().remember(state);
        dut.rebootSilently();
        dut.start();
        assertEquals(List.of(), dut.guestEvents());
        dut.handshake();
        assertTrue(channel.isGuestConnected());
    }

    @Test
    void shouldSayHowLongAStateCanBe() throws Exception {
        assertEquals((1 << 20) + 100, dut.device().maxStateBytes());
        dut.console(null, 50);
        assertEquals((1 << 20) + 150, dut.device().maxStateBytes());
    }
}
