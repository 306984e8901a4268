package org.vportd.serial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.posix.PosixException;

/** What a fast member of a hub has had of output that the slow one lacks, when that output is never offered again. */
class HubPositionTest extends TestPortFixture {
    private TestChardev fast;
    private TestChardev slow;

    @BeforeEach
    void open() throws PosixException, ConfigException {
        fast = chardevs.addTest("test,id=fast,open=on");
        slow = chardevs.addTest("test,id=slow,open=on,room=4");
        chardevs.add("hub,id=h,chardevs.0=fast,chardevs.1=slow");
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
    @DisplayName("CH-27 a multiplexed hub is changed for another one: each member goes on where it was")
    void shouldGoOnWhenMultiplexedHubIsChanged() throws ConfigException {
        chardevs.add("mux,id=m,chardev=h");
        SerialPort port = dut.channel(chardevs.table().find("m"));
        dut.boot();
        send(port, "0123456789");
        chardevs.addTest("test,id=late,open=on");
        chardevs.change("h", "hub,chardevs.0=slow,chardevs.1=late,chardevs.2=fast");
        slow.makeRoom(100);
        dut.settle();
        send(port, "abc");

        assertEquals("0123456789abc", fast.text());
        assertEquals("0123456789abc", slow.text());
        assertEquals("456789abc", chardevs.test("late").text());
    }

    @Test
    @DisplayName("CH-25 a changed hub replays what the one before has had, and knows who has been there for longest")
    void shouldInheritHistoryAndOrderWhenHubIsChanged() throws ConfigException {
        chardevs.addTest("test,id=late");
        chardevs.addTest("test,id=begun,room=2");
        chardevs.add("hub,id=g,chardevs.0.id=late,chardevs.0.replay=8,chardevs.1.id=begun,chardevs.1.replay=8,"
                + "writer=one");
        SerialPort port = dut.console(chardevs.table().find("g"), 16);
        dut.boot();
        send(port, "early,");
        chardevs.test("begun").open();
        chardevs.change(
                "g", "hub,chardevs.0.id=late,chardevs.0.replay=8,chardevs.1.id=begun,chardevs.1.replay=8,writer=one");
        chardevs.test("late").open();
        chardevs.test("begun").makeRoom(100);
        dut.settle();

        assertEquals("early,", chardevs.test("late").text());
        assertEquals("early,", chardevs.test("begun").text());

        chardevs.change("g", "hub,chardevs.0=late,chardevs.1=begun,writer=one");
        dut.rx(port).fill(16);
        chardevs.test("late").feed("no");
        chardevs.test("begun").feed("yes");
        dut.settle();
        assertEquals("yes", dut.rx(port).text());
    }

    @Test
    @DisplayName(
            "CH-25 a replay that is under way to a member goes on when the hub is changed for a multiplexer and back")
    void shouldGoOnReplayingWhenHubIsChangedForMultiplexer() throws ConfigException {
        TestChardev begun = chardevs.addTest("test,id=begun,room=2");
        String hub = "hub,chardevs.0.id=begun,chardevs.0.replay=8";
        chardevs.add(hub + ",id=g");
        SerialPort port = dut.console(chardevs.table().find("g"), 16);
        dut.boot();
        send(port, "early,");
        begun.open();
        chardevs.change("g", "mux,chardev=begun");
        chardevs.change("g", "mux,chardev=begun");
        begun.makeRoom(1);
        dut.settle();
        assertEquals("ear", begun.text());
        chardevs.change("g", hub);
        begun.makeRoom(1);
        dut.settle();
        assertEquals("earl", begun.text());
        chardevs.change("g", "mux,chardev=begun");
        begun.makeRoom(100);
        dut.settle();
        send(port, "new");

        assertEquals("early,new", begun.text());
    }

    @Test
    @DisplayName("CH-26 a member that leaves while another is slow, and comes back, gets no byte twice")
    void shouldGoOnWhereMemberWasWhenItComesBack() throws ConfigException {
        SerialPort port = dut.channel(chardevs.table().find("h"));
        dut.boot();
        send(port, "0123456789");
        hub().removeMember("fast");
        slow.makeRoom(2);
        dut.settle();
        hub().addMember(fast, Options.of(Map.of()));
        slow.makeRoom(100);
        dut.settle();
        send(port, "abc");

        assertEquals("0123456789abc", fast.text());
        assertEquals("0123456789abc", slow.text());
    }

    @Test
    @DisplayName(
            "CH-26 a member that a changed hub has left out comes back, and gets no byte twice; its next peer gets all")
    void shouldGoOnWhereMemberWasWhenChangedHubTakesItBack() throws ConfigException {
        SerialPort port = dut.channel(chardevs.table().find("h"));
        dut.boot();
        send(port, "0123456789");
        chardevs.change("h", "hub,chardevs.0=slow");
        hub().addMember(fast, Options.of(Map.of()));
        dut.settle();
        assertEquals("0123456789", fast.text());
        hub().removeMember("fast");
        fast.hangUp();
        fast.open();
        hub().addMember(fast, Options.of(Map.of()));
        dut.settle();
        assertEquals("0123456789456789", fast.text());
        assertEquals("0123", slow.text());
        assertTrue(port.isThrottled());
    }

    private Chardev hub() {
        return Objects.requireNonNull(chardevs.table().find("h"));
    }

    @Test
    @DisplayName("CH-36 a member that takes output without being open is changed for one that does not")
    void shouldBeginAnewWhenMemberIsChangedForClosedOne() throws ConfigException {
        SerialPort port = dut.channel(chardevs.table().find("h"));
        dut.boot();
        fast.endInput();
        send(port, "0123456789");
        TestChardev later = chardevs.changeTest("fast", "test");
        slow.makeRoom(100);
        dut.settle();
        later.open();
        send(port, "abc");

        assertEquals("abc", later.text());
        assertEquals("0123456789abc", slow.text());
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
