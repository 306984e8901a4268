package org.vportd.serial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.chardev.mux.HubChardev;

/** Several chardevs on one port. */
class HubPortTest extends TestPortFixture {
    @Test
    @DisplayName("CH-25 output reaches all open members, input comes from any, a late one gets what is new")
    void shouldCarryBothWaysWhenMembersAreOpen() throws ConfigException {
        TestChardev a = chardevs.addTest("test,id=a,open=on");
        TestChardev b = chardevs.addTest("test,id=b,open=on");
        TestChardev late = chardevs.addTest("test,id=late");
        SerialPort port = channel("hub,id=h,chardevs.0=a,chardevs.1=b,chardevs.2=late");
        send(port, "early ");
        late.open();
        send(port, "both");
        assertEquals("early both", a.text());
        assertEquals("early both", b.text());
        assertEquals("both", late.text());
        assertEquals(0, late.droppedBytes());
        dut.rx(port).fill(16);
        dut.rx(port).fill(16);
        a.feed("from a,");
        dut.settle();
        late.feed("from late");
        dut.settle();
        assertEquals("from a,from late", dut.rx(port).text());
    }

    @Test
    @DisplayName("CH-26 a slow member throttles a channel, and in the end all have the same")
    void shouldThrottleWhenMemberIsSlow() throws ConfigException {
        TestChardev fast = chardevs.addTest("test,id=fast,open=on");
        TestChardev slow = chardevs.addTest("test,id=slow,open=on,room=4");
        SerialPort port = channel("hub,id=h,chardevs.0=slow,chardevs.1=fast");
        send(port, "0123456789");
        assertTrue(port.isThrottled());
        assertEquals(0, dut.tx(port).completed());
        send(port, "abc");
        slow.makeRoom(7);
        dut.settle();
        slow.makeRoom(100);
        dut.settle();
        assertEquals("0123456789abc", slow.text());
        assertEquals("0123456789abc", fast.text());
        assertEquals(2, dut.tx(port).completed());
    }

    @Test
    @DisplayName("CH-26 random room of five members: the same stream for each, whatever joins, leaves and comes back")
    void shouldGiveAllTheSameStreamWhenRoomIsRandom() throws ConfigException {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        StringBuilder hub = new StringBuilder("hub,id=h");
        List<TestChardev> members = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            members.add(chardevs.addTest("test,id=m" + i + ",open=on,room=0"));
            hub.append(",chardevs.").append(i).append("=m").append(i);
        }
        SerialPort port = channel(hub.toString());
        StringBuilder sent = new StringBuilder();
        Map<TestChardev, List<Integer>> stays = new HashMap<>();
        for (int i = 0; i < 3_000; i++) {
            if (dut.tx(port).ring().free() > 4 && random.nextInt(3) > 0) {
                String text = "[" + sent.length() + "]";
                dut.tx(port).send(text.substring(0, 2), text.substring(2));
                sent.append(text);
            }
            TestChardev member = members.get(random.nextInt(5));
            if (member.isOpen() || member == members.get(0)) {
                member.makeRoom(random.nextInt(30));
            }
            if (random.nextInt(40) == 0 && member != members.get(0)) {
                if (member.isOpen()) {
                    member.hangUp();
                    stays.computeIfAbsent(member, key -> new ArrayList<>())
                            .add(member.text().length());
                } else {
                    member.open();
                }
            }
            if (random.nextInt(3) == 0) {
                dut.settle();
            }
            dut.tx(port).completed();
        }
        members.forEach(member -> member.makeRoom(TestChardev.UNLIMITED));
        dut.settle();
        assertEquals(sent.toString(), members.get(0).text(), "seed=" + seed);
        for (TestChardev member : members) {
            if (member.isOpen()) {
                member.hangUp();
            }
            String text = member.text();
            int from = 0;
            for (int until : stays.getOrDefault(member, List.of())) {
                String had = text.substring(from, until);
                assertTrue(sent.indexOf(had) >= 0, "seed=" + seed + " member=" + member.id() + " had=" + had);
                from = until;
            }
            assertTrue(sent.toString().endsWith(text.substring(from)), "seed=" + seed + " member=" + member.id());
        }
    }

    @Test
    @DisplayName("CH-26 a slow member that leaves sets the others free")
    void shouldGoOnWhenSlowMemberLeaves() throws ConfigException {
        TestChardev fast = chardevs.addTest("test,id=fast,open=on");
        TestChardev slow = chardevs.addTest("test,id=slow,open=on,room=1");
        SerialPort port = channel("hub,id=h,chardevs.0=slow,chardevs.1=fast");
        send(port, "0123");
        send(port, "4567");
        slow.hangUp();
        dut.settle();
        assertEquals("01234567", fast.text());
        assertFalse(port.isThrottled());
        assertEquals(2, dut.tx(port).completed());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 16})
    @DisplayName("CH-27 a console with a slow member: the fast one's stream is unbroken, with and without a buffer")
    void shouldNotBreakFastStreamWhenConsoleHasSlowMember(int buffer) throws ConfigException {
        TestChardev fast = chardevs.addTest("test,id=fast,open=on");
        TestChardev slow = chardevs.addTest("test,id=slow,open=on,room=7");
        SerialPort console = dut.console(chardevs.add("hub,id=h,chardevs.0=slow,chardevs.1=fast"), buffer);
        dut.boot();
        StringBuilder sent = new StringBuilder();
        for (int i = 0; i < 20; i++) {
            send(console, "line " + i + ",");
            sent.append("line ").append(i).append(',');
        }
        assertEquals(20, dut.tx(console).completed());
        assertEquals(sent.toString(), fast.text());
        assertEquals("line 0,", slow.text());
        slow.makeRoom(1000);
        send(console, "end");
        assertEquals(sent + "end", fast.text());
        assertEquals(sent.substring(0, 7 + buffer) + "end", slow.text());
    }

    @Test
    @DisplayName("CH-28 one of two members that closes does not close the port, the last one does")
    void shouldClosePortWhenLastMemberCloses() throws ConfigException {
        TestChardev a = chardevs.addTest("test,id=a,open=on");
        TestChardev b = chardevs.addTest("test,id=b,open=on");
        SerialPort port = channel("hub,id=h,chardevs.0=a,chardevs.1=b");
        a.hangUp();
        dut.settle();
        assertEquals(List.of(), dut.messages());
        b.hangUp();
        dut.settle();
        assertEquals(List.of("PORT_OPEN 1 0"), dut.messages());
        a.open();
        dut.settle();
        assertEquals(List.of("PORT_OPEN 1 1"), dut.messages());
        assertTrue(port.isHostConnected());
    }

    @Test
    @DisplayName("CH-29 members that were open before the port came connect it")
    void shouldConnectPortWhenMembersAreAlwaysOpen() throws ConfigException {
        chardevs.add("test,id=a,open=on");
        chardevs.add("test,id=b,open=on");
        assertTrue(channel("hub,id=h,chardevs.0=a,chardevs.1=b").isHostConnected());
    }

    @Test
    @DisplayName("CH-30 the five texts, and busy members")
    void shouldRefuseWithTextWhenHubCannotBe() throws ConfigException {
        chardevs.add("test,id=a");
        chardevs.add("test,id=b");
        chardevs.add("mux,id=m,chardev=b");
        chardevs.add("hub,id=h,chardevs.0=a");
        assertEquals("hub: 'chardevs' list is not defined", refusal("hub,id=x"));
        assertEquals("hub: 'chardevs' list is not defined", refusal("hub,id=x,chardevs.1=a"));
        assertEquals("hub: chardev can't be found by id 'nobody'", refusal("hub,id=x,chardevs.0=nobody"));
        for (String stacked : List.of("h", "m")) {
            assertEquals(
                    "hub: multiplexers and hub devices can't be stacked, check chardev '" + stacked
                            + "', chardev should not be a hub device or have 'mux=on' enabled",
                    refusal("hub,id=x,chardevs.0=" + stacked));
        }
        assertEquals("chardev 'a' is already in use", refusal("hub,id=x,chardevs.0=a"));
        assertEquals("Invalid parameter 'chardevs.x'", refusal("hub,id=x,chardevs.x=a"));
        assertEquals(
                "Parameter 'slow' expects 'throttle' or 'skip'",
                refusal("hub,id=x,chardevs.0.id=a,chardevs.0.slow=maybe"));
        ConfigException busy =
                assertThrows(ConfigException.class, () -> chardevs.table().remove("a"));
        assertEquals("Chardev 'a' is busy", busy.getMessage());
        chardevs.table().remove("h");
        chardevs.table().remove("a");
    }

    private String refusal(String options) {
        return String.valueOf(
                assertThrows(ConfigException.class, () -> chardevs.add(options)).getMessage());
    }

    @Test
    @DisplayName("CH-30 a break sent to a hub reaches its front-end")
    void shouldForwardBreakWhenSentToHub() throws ConfigException {
        chardevs.add("test,id=a,open=on");
        Chardev hub = chardevs.add("hub,id=h,chardevs.0=a");
        hub.sendBreak();
        channelOn(hub);
        hub.sendBreak();
        dut.settle();
        assertEquals(List.of(), dut.messages());
    }

    private void channelOn(Chardev chardev) throws ConfigException {
        dut.channel(chardev);
        dut.boot();
    }

    @Test
    void shouldSkipMemberWhenItIsToBeSkipped() throws ConfigException {
        TestChardev fast = chardevs.addTest("test,id=fast,open=on");
        TestChardev slow = chardevs.addTest("test,id=slow,open=on,room=4");
        HubChardev hub = (HubChardev) chardevs.add("hub,id=h,chardevs.0=fast,chardevs.1.id=slow,chardevs.1.slow=skip");
        SerialPort port = dut.channel(hub);
        dut.boot();
        send(port, "0123456789");
        send(port, "abc");
        assertFalse(port.isThrottled());
        slow.makeRoom(100);
        send(port, "def");
        assertEquals("0123456789abcdef", fast.text());
        assertEquals("0123def", slow.text());
        assertEquals(9, hub.members().get(1).skippedBytes());
        assertEquals(0, hub.members().get(0).skippedBytes());
    }

    @Test
    void shouldReplayWhenLateMemberAsksForIt() throws ConfigException {
        chardevs.add("test,id=a,open=on");
        TestChardev late = chardevs.addTest("test,id=late,room=5");
        SerialPort port = channel("hub,id=h,chardevs.0=a,chardevs.1.id=late,chardevs.1.replay=16");
        send(port, "0123456789");
        send(port, "abcdefghijklmnop");
        send(port, "qr");
        late.open();
        send(port, "live");
        assertEquals("cdefg", late.text());
        assertTrue(port.isThrottled());
        late.makeRoom(100);
        dut.settle();
        assertEquals("cdefghijklmnopqrlive", late.text());
        assertFalse(port.isThrottled());
    }

    @Test
    void shouldTakeInputOfOneWhenThereIsOneWriter() throws ConfigException {
        TestChardev a = chardevs.addTest("test,id=a,open=on");
        TestChardev b = chardevs.addTest("test,id=b,open=on");
        SerialPort port = channel("hub,id=h,chardevs.0=a,chardevs.1=b,writer=one");
        dut.rx(port).fill(32);
        b.feed("ignored");
        a.feed("a1 ");
        dut.settle();
        a.hangUp();
        b.feed("b1");
        dut.settle();
        assertEquals(0, b.pendingInput());
        dut.rx(port).fill(32);
        assertEquals("a1 b1", dut.rx(port).text());

        TestChardev c = chardevs.addTest("test,id=c,open=on");
        chardevs.change("h", "hub,chardevs.0=b,chardevs.1=c,writer=c");
        b.feed("ignored");
        c.feed("c1");
        dut.settle();
        assertEquals("c1", dut.rx(port).text());
        assertEquals(
                "Parameter 'writer' expects 'all', 'one' or the id of a member",
                refusal("hub,id=x,chardevs.0=a,writer=nobody"));
    }

    @Test
    void shouldTakeMembersInAndOutWhileRunning() throws ConfigException {
        TestChardev a = chardevs.addTest("test,id=a,open=on");
        Chardev hub = chardevs.add("mux-be,id=m");
        SerialPort port = dut.channel(hub);
        dut.boot();
        assertFalse(port.isHostConnected());
        hub.addMember(a, Options.of(Map.of()));
        TestChardev b = chardevs.addTest("test,id=b,open=on,room=2,mux-be-id=m");
        dut.settle();
        assertTrue(port.isHostConnected());
        send(port, "0123");
        assertTrue(port.isThrottled());
        hub.removeMember("b");
        send(port, "45");
        assertEquals("012345", a.text());
        assertEquals("01", b.text());
        chardevs.table().remove("b");
        assertThrows(ConfigException.class, () -> hub.removeMember("b"));
        hub.removeMember("a");
        dut.settle();
        assertFalse(port.isHostConnected());
        assertEquals("chardev: mux-be device can't be found by id 'x'", refusal("test,id=d,mux-be-id=x"));
        assertEquals(
                "chardev: device 'a' is not a multiplexer device of 'mux-be' type", refusal("test,id=d,mux-be-id=a"));
        assertEquals(
                "chardev: mux and mux-be can't be used for the same device", refusal("test,id=d,mux=on,mux-be-id=m"));
    }

    @Test
    void shouldStartAnewWhenGuestResetsWhileMemberIsBehind() throws ConfigException {
        TestChardev fast = chardevs.addTest("test,id=fast,open=on");
        TestChardev slow = chardevs.addTest("test,id=slow,open=on,room=2");
        SerialPort port = channel("hub,id=h,chardevs.0=fast,chardevs.1=slow");
        send(port, "before");
        dut.reset();
        dut.boot();
        slow.makeRoom(100);
        send(port, "after");
        assertEquals("beforeafter", fast.text());
        assertEquals("beafter", slow.text());
    }

    @Test
    void shouldSayOpenedOnceWhenFrontendComes() throws ConfigException {
        List<ChardevEvent> events = new ArrayList<>();
        chardevs.table().observe((chardev, event) -> {
            if (chardev.id().equals("h")) {
                events.add(event);
            }
        });
        TestChardev a = chardevs.addTest("test,id=a");
        channel("hub,id=h,chardevs.0=a");
        a.open();
        a.hangUp();
        assertEquals(List.of(ChardevEvent.OPENED, ChardevEvent.CLOSED), events);
    }
}
