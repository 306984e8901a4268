package org.vportd.serial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.chardev.ConfigException;
import org.vportd.posix.PosixException;

/** What a fast member of a hub has had of output that the slow one lacks, when that output is never offered again. */
class HubPositionTest {
    private DeviceUnderTest dut;
    private TestChardevs chardevs;
    private TestChardev fast;
    private TestChardev slow;

    @BeforeEach
    void open() throws PosixException, ConfigException {
        dut = new DeviceUnderTest(8);
        chardevs = new TestChardevs(dut.loop());
        fast = chardevs.addTest("test,id=fast,open=on");
        slow = chardevs.addTest("test,id=slow,open=on,room=4");
        chardevs.add("hub,id=h,chardevs.0=fast,chardevs.1=slow");
    }

    @AfterEach
    void close() {
        chardevs.close();
        dut.close();
    }

    private void send(SerialPort port, String text) {
        dut.tx(port).send(text);
        dut.settle();
    }

    @Test
    @DisplayName("CH-26 a port that is unplugged while a member is slow leaves nothing behind for the next one")
    void shouldBeginAnewWhenNextFrontendComes() throws ConfigException {
        SerialPort port = dut.channel(chardevs.table().find("h"));
        dut.boot();
        send(port, "0123456789");
        assertTrue(port.isThrottled());
        dut.device().removePort(port);
        dut.settle();

        SerialPort next = dut.channel(chardevs.table().find("h"));
        dut.handshake();
        slow.makeRoom(100);
        send(next, "abcdefgh");

        assertEquals("0123456789abcdefgh", fast.text());
        assertEquals("0123abcdefgh", slow.text());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 4})
    @DisplayName("VS-37 an emergency character reaches the fast member of a hub, and breaks no stream")
    void shouldNotBreakFastStreamWhenEmergencyCharacterIsLost(int buffer) throws ConfigException {
        SerialPort console = dut.console(chardevs.table().find("h"), buffer);
        dut.boot();
        send(console, "01234567");
        dut.device().writeConfig(ConsoleLayout.EMERG_WR_OFFSET, new byte[] {'!', 0, 0, 0});
        slow.makeRoom(100);
        send(console, "end");

        assertEquals("01234567!end", fast.text());
        assertEquals("01234567".substring(0, 4 + buffer) + "end", slow.text());
        assertEquals(5 - buffer, console.droppedBytes());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 16})
    @DisplayName("CH-27 output whose memory has vanished half-way is not counted for the next driver's")
    void shouldForgetPositionsWhenMemoryIsLost(int buffer) throws ConfigException {
        SerialPort console = dut.console(chardevs.table().find("h"), buffer);
        dut.boot();
        slow.loseOutput();
        send(console, "lost");
        dut.reset();
        dut.boot();
        send(console, "new");

        assertEquals("lostnew", fast.text());
        assertEquals("new", slow.text());
    }

    @Test
    @DisplayName("CH-27 two users of a multiplexer over a hub: one stream for all members, each user's in its order")
    void shouldGiveAllMembersTheSameStreamWhenUsersTakeTurns() throws ConfigException {
        chardevs.add("mux,id=m,chardev=h");
        SerialPort one = dut.console(chardevs.table().find("m"), 16);
        SerialPort other = dut.console(chardevs.table().find("m"), 16);
        dut.boot();
        send(other, "0123456789");
        send(one, "abcdef");
        send(other, "ABC");
        slow.makeRoom(3);
        dut.settle();
        slow.makeRoom(100);
        dut.settle();
        send(other, "ghi");

        assertEquals("0123456789abcdefABCghi", fast.text());
        assertEquals("0123456789abcdefABCghi", slow.text());
    }

    @Test
    @DisplayName("CH-28 users of a multiplexer over a hub go on when its slow member leaves")
    void shouldGoOnWhenSlowMemberOfMultiplexedHubLeaves() throws ConfigException {
        chardevs.add("mux,id=m,chardev=h");
        SerialPort one = dut.channel(chardevs.table().find("m"));
        SerialPort other = dut.channel(chardevs.table().find("m"));
        dut.boot();
        send(one, "0123456789");
        send(other, "abc");
        assertTrue(other.isThrottled());
        slow.hangUp();
        dut.settle();

        assertEquals("0123456789abc", fast.text());
    }
}
