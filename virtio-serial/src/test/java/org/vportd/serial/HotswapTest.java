package org.vportd.serial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ConfigException;

/** Chardevs that are changed under a port in use. */
class HotswapTest extends TestPortFixture {
    @Test
    @DisplayName("CH-32 open to closed tells the guest 0, and 1 when a peer comes")
    void shouldCloseAndOpenWhenSuccessorOpensLater() throws ConfigException {
        channel("test,id=a,open=on");
        TestChardev successor = chardevs.changeTest("a", "test");
        dut.settle();
        assertEquals(List.of("PORT_OPEN 1 0"), dut.messages());
        successor.open();
        dut.settle();
        assertEquals(List.of("PORT_OPEN 1 1"), dut.messages());
    }

    @Test
    @DisplayName("CH-32 open to open tells the guest nothing, closed to open 1, closed to closed nothing")
    void shouldTellOnlyWhatChangesWhenStateIsKept() throws ConfigException {
        channel("test,id=a,open=on");
        chardevs.change("a", "test,open=on");
        dut.settle();
        assertEquals(List.of(), dut.messages());
        chardevs.changeTest("a", "test");
        dut.settle();
        dut.messages();
        chardevs.change("a", "test");
        dut.settle();
        assertEquals(List.of(), dut.messages());
        chardevs.change("a", "test,open=on");
        dut.settle();
        assertEquals(List.of("PORT_OPEN 1 1"), dut.messages());
    }

    @Test
    @DisplayName("CH-33 a change that fails leaves the old one at work, both ways")
    void shouldGoOnWithOldOneWhenChangeFails() throws ConfigException {
        SerialPort port = channel("test,id=a,open=on");
        TestChardev old = chardevs.test("a");
        for (String options : List.of("test,fail=on", "nothing", "test,bogus=1", "mux,chardev=nobody", "hub")) {
            assertThrows(ConfigException.class, () -> chardevs.change("a", options), options);
        }
        assertSame(old, chardevs.table().find("a"));
        dut.tx(port).send("out");
        dut.rx(port).fill(16);
        old.feed("in");
        dut.settle();
        assertEquals("out", old.text());
        assertEquals("in", dut.rx(port).text());
        assertEquals(List.of(), dut.messages());
        assertEquals(0, chardevs.closed());
    }

    @Test
    @DisplayName("CH-34 a change that fails leaves a chardev that nobody uses")
    void shouldKeepUnattachedOneWhenChangeFails() throws ConfigException {
        Chardev old = chardevs.add("test,id=a");
        assertThrows(ConfigException.class, () -> chardevs.change("a", "test,fail=on"));
        assertSame(old, chardevs.table().find("a"));
        chardevs.change("a", "test");
        assertEquals(1, chardevs.closed());
    }

    @Test
    @DisplayName("CH-36 what the old one had not taken goes to the new one, exactly once")
    void shouldGiveHeldBytesToSuccessorWhenThrottled() throws ConfigException {
        SerialPort port = channel("test,id=a,open=on,room=5");
        TestChardev old = chardevs.test("a");
        dut.tx(port).send("012", "345", "678");
        send(port, "9");
        assertTrue(port.isThrottled());
        TestChardev successor = chardevs.changeTest("a", "test,open=on,room=2");
        dut.settle();
        assertTrue(port.isThrottled());
        assertEquals("01234", old.text());
        assertEquals("56", successor.text());
        TestChardev last = chardevs.changeTest("a", "test,open=on");
        dut.settle();
        assertEquals("789", last.text());
        assertFalse(port.isThrottled());
        assertEquals(2, dut.tx(port).completed());
    }

    @Test
    @DisplayName("CH-36 what a console keeps goes to the new one")
    void shouldGiveBacklogToSuccessorWhenConsole() throws ConfigException {
        SerialPort console = dut.console(chardevs.add("test,id=a,open=on,room=3"));
        dut.boot();
        dut.tx(console).send("abcdef");
        send(console, "gh");
        TestChardev successor = chardevs.changeTest("a", "test,open=on");
        dut.settle();
        assertEquals("defgh", successor.text());
        assertEquals(0, console.droppedBytes());
    }

    @Test
    @DisplayName("CH-37 the new one hears that the guest has the port open")
    void shouldTellSuccessorOfGuestWhenChanged() throws ConfigException {
        SerialPort port = channel("test,id=a,open=on");
        dut.guestOpens(port, true);
        dut.settle();
        TestChardev successor = chardevs.changeTest("a", "test,open=on");
        assertTrue(successor.isFrontendOpen());
        dut.guestOpens(port, false);
        dut.settle();
        assertFalse(successor.isFrontendOpen());
        assertEquals(List.of(true, false), successor.frontendStates());
    }

    @Test
    @DisplayName("CH-31 the reasons against a change, in order")
    void shouldRefuseWithReasonWhenChangeCannotBe() throws ConfigException {
        assertEquals("Chardev 'x' does not exist", refusal("x", "bogus"));
        channel("test,id=a,open=on");
        assertEquals("'bogus' is not a valid char driver name", refusal("a", "bogus"));
        assertEquals("cannot be made", refusal("a", "test,fail=on"));
        assertEquals("Parameter 'mux' is for new chardevs only", refusal("a", "test,mux=on"));
        assertEquals("Parameter 'mux-be-id' is for new chardevs only", refusal("a", "test,mux-be-id=h"));
    }

    private String refusal(String id, String options) {
        ConfigException refused = assertThrows(ConfigException.class, () -> chardevs.change(id, options));
        return String.valueOf(refused.getMessage());
    }

    @Test
    @DisplayName("CH-38 1000 changes under load: nothing lost, repeated or reordered, and nothing to a closed one")
    void shouldKeepOrderWhenChangedAThousandTimes() throws ConfigException {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        SerialPort port = channel("test,id=a,open=on,room=0");
        StringBuilder sent = new StringBuilder();
        StringBuilder taken = new StringBuilder();
        for (int i = 0; i < 1_000; i++) {
            TestChardev current = chardevs.test("a");
            while (dut.tx(port).ring().free() > 4 && random.nextInt(4) > 0) {
                String text = "<" + sent.length() + ">";
                dut.tx(port).send(text.substring(0, 1), text.substring(1));
                sent.append(text);
            }
            current.makeRoom(random.nextInt(40));
            if (random.nextBoolean()) {
                dut.settle();
            }
            chardevs.change("a", "test,open=on,room=" + random.nextInt(20));
            taken.append(current.text());
            dut.tx(port).completed();
        }
        TestChardev last = chardevs.test("a");
        last.makeRoom(TestChardev.UNLIMITED);
        dut.settle();
        taken.append(last.text());
        assertEquals(sent.toString(), taken.toString(), "seed=" + seed);
        assertEquals(1_000, chardevs.closed());
    }

    @Test
    @DisplayName(
            "CH-31 + a mux changes its kind of base, keeps its front-ends and its focus, and can itself be replaced")
    void shouldChangeMuxAndItsBase() throws ConfigException {
        chardevs.addTest("test,id=base,open=on");
        chardevs.add("mux,id=m,chardev=base");
        Chardev mux = assertNotNullChardev("m");
        SerialPort first = dut.channel(mux);
        SerialPort second = dut.channel(mux);
        dut.boot();
        dut.rx(first).fill(64);
        dut.rx(second).fill(64);
        chardevs.test("base").feed("2\001c1");
        dut.settle();
        assertEquals("2", dut.rx(second).text());
        assertEquals("1", dut.rx(first).text());

        TestChardev base = chardevs.changeTest("base", "test,open=on");
        dut.tx(first).send("x");
        base.feed("still first");
        dut.settle();
        assertEquals("x", base.text());
        assertEquals("still first", dut.rx(first).text());

        chardevs.change("m", "mux,chardev=base");
        base.feed("again");
        send(second, "y");
        assertEquals("again", dut.rx(first).text());
        assertEquals("xy", base.text());

        assertEquals("Chardev 'm' change failed", refusal("m", "test,open=on"));
        dut.device().removePort(second);
        TestChardev plain = chardevs.changeTest("m", "test,open=on");
        send(first, "z");
        assertEquals("z", plain.text());
        chardevs.table().remove("base");
    }

    private Chardev assertNotNullChardev(String id) {
        Chardev found = chardevs.table().find(id);
        assertNotNull(found);
        return found;
    }

    @Test
    @DisplayName("CH-36 a hub and its members are changed with positions kept")
    void shouldKeepPositionsWhenHubOrMemberChanges() throws ConfigException {
        TestChardev fast = chardevs.addTest("test,id=fast,open=on");
        TestChardev slow = chardevs.addTest("test,id=slow,open=on,room=2");
        SerialPort port = channel("hub,id=h,chardevs.0=fast,chardevs.1=slow");
        send(port, "0123456789");
        assertEquals("0123456789", fast.text());
        assertEquals("01", slow.text());

        TestChardev faster = chardevs.changeTest("fast", "test,open=on");
        chardevs.addTest("test,id=late,open=on");
        chardevs.change("h", "hub,chardevs.0=slow,chardevs.1=fast,chardevs.2=late");
        slow.makeRoom(3);
        dut.settle();
        assertEquals("01234", slow.text());
        slow.makeRoom(100);
        send(port, "abc");
        assertEquals("0123456789abc", slow.text());
        assertEquals("abc", faster.text());
        assertEquals("23456789abc", chardevs.test("late").text());

        TestChardev plain = chardevs.changeTest("h", "test,open=on");
        send(port, "end");
        assertEquals("end", plain.text());
        chardevs.table().remove("slow");
        assertEquals(List.of(), dut.messages());
    }

    @Test
    @DisplayName("CH-30 what a multiplexer uses cannot become one")
    void shouldRefuseStackWhenMemberBecomesHub() throws ConfigException {
        chardevs.add("test,id=a");
        chardevs.add("test,id=b");
        chardevs.add("hub,id=h,chardevs.0=a");
        assertEquals("chardev: multiplexers can't be stacked", refusal("a", "hub,chardevs.0=b"));
        assertEquals("chardev: multiplexers can't be stacked", refusal("a", "mux,chardev=h"));
        assertEquals("hub: chardev can't be found by id 'h'", refusal("h", "hub,chardevs.0=h"));
    }

    @Test
    @DisplayName("CH-36 a hub becomes a mux over the member that is ahead: that one gets nothing twice")
    void shouldNotRepeatWhenHubBecomesMuxOverItsMember() throws ConfigException {
        TestChardev fast = chardevs.addTest("test,id=fast,open=on");
        chardevs.addTest("test,id=slow,open=on,room=2");
        SerialPort port = channel("hub,id=h,chardevs.0=fast,chardevs.1=slow");
        send(port, "0123456789");
        TestChardev slow = chardevs.test("slow");
        chardevs.change("h", "mux,chardev=fast");
        dut.settle();
        send(port, "abc");
        assertEquals("0123456789abc", fast.text());
        assertEquals("01", slow.text());
        assertEquals(2, dut.tx(port).completed());
    }

    @Test
    @DisplayName("CH-36 what a full member is ahead passes from hub to mux, to the next mux and to a hub again")
    void shouldKeepPositionWhenHubAndMuxAlternate() throws ConfigException {
        TestChardev fast = chardevs.addTest("test,id=fast,open=on,room=6");
        chardevs.addTest("test,id=slow,open=on,room=2");
        SerialPort port = channel("hub,id=h,chardevs.0=slow,chardevs.1=fast");
        send(port, "0123456789");
        for (String shape : List.of("mux,chardev=fast", "mux,chardev=fast", "hub,chardevs.0=fast")) {
            chardevs.change("h", shape); // in one turn, before the port tries again
        }
        fast.makeRoom(100);
        dut.settle();
        assertEquals("0123456789", fast.text());
    }

    @Test
    @DisplayName("CH-36 a mux over a hub is changed while a member is slow: nothing that it has begun is lost")
    void shouldPutOutWhatMuxHadBegunWhenChanged() throws ConfigException {
        TestChardev fast = chardevs.addTest("test,id=fast,open=on");
        TestChardev slow = chardevs.addTest("test,id=slow,open=on,room=4");
        chardevs.add("hub,id=h,chardevs.0=fast,chardevs.1=slow");
        SerialPort port = channel("mux,id=m,chardev=h");
        send(port, "0123456789");
        chardevs.change("m", "mux,chardev=h");
        slow.makeRoom(3);
        dut.settle();
        send(port, "abc");
        assertEquals("0123456", slow.text());
        TestChardev plain = chardevs.changeTest("m", "test,open=on,room=2");
        dut.settle();
        assertEquals("78", plain.text());
        plain.makeRoom(1);
        dut.settle();
        TestChardev last = chardevs.changeTest("m", "test,open=on");
        dut.settle();
        assertEquals("789", plain.text());
        assertEquals("abc", last.text());
        assertEquals("0123456789", fast.text());
    }

    @Test
    @DisplayName("CH-36 a mux is changed for another one: what was typed, its commands and its times go on")
    void shouldKeepInputAndTimesWhenMuxIsChanged() throws ConfigException {
        TestChardev base = chardevs.addTest("test,id=base,open=on");
        SerialPort port = channel("mux,id=m,chardev=base");
        dut.rx(port).fill(1);
        base.feed("\001ttyped ahead, more than there is room for, and a command\001");
        dut.settle();
        chardevs.change("m", "mux,chardev=base");
        for (int i = 0; i < 70; i++) {
            dut.rx(port).fill(1);
            dut.settle();
        }
        base.feed("b!");
        send(port, "line\n");
        assertEquals(
                "typed ahead, more than there is room for, and a command!",
                dut.rx(port).text());
        assertTrue(base.text().matches("\\[00:00:\\d\\d\\.\\d{3}] line\n"), base.text());
    }

    @Test
    @DisplayName(
            "CH-25 a member that took output unseen is changed for an open one, which gets the history and all after it")
    void shouldReplayWithoutGapWhenMemberOpensByChange() throws ConfigException {
        TestChardev unseen = chardevs.addTest("test,id=unseen,open=on");
        TestChardev slow = chardevs.addTest("test,id=slow,open=on");
        SerialPort port = channel("hub,id=h,chardevs.0.id=unseen,chardevs.0.replay=64,chardevs.1=slow");
        dut.tx(port).send("early,");
        unseen.endInput();
        slow.limitRoom(2);
        send(port, "0123456789");
        TestChardev seen = chardevs.changeTest("unseen", "test,open=on");
        slow.makeRoom(100);
        dut.settle();
        assertEquals("early,0123456789", seen.text());
        assertEquals("early,0123456789", slow.text());
    }
}
