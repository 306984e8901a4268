package org.vportd.chardev.mux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.HandoverRig;
import org.vportd.chardev.Options;
import org.vportd.chardev.Peer;
import org.vportd.chardev.RecordingHandler;
import org.vportd.posix.UnixAddress;

/** Multiplexers and hubs go on in another process, in the middle of what they do. */
class MultiplexerHandoverTest {
    private static final int UNLIMITED = 1 << 30;
    private static final String ESCAPE = "\1";

    @TempDir
    private Path folder;

    private HandoverRig rig;

    @BeforeEach
    void open() throws Exception {
        rig = new HandoverRig();
    }

    @AfterEach
    void close() throws Exception {
        rig.close();
    }

    private String socket(String id, String more) {
        return "socket,id=" + id + ",server=on,wait=off,path=" + folder.resolve(id) + more;
    }

    private Peer connect(String id) throws IOException {
        return rig.closing(
                new Peer(UnixAddress.ofPath(folder.resolve(id).toString()).connect()));
    }

    private Chardev before(String id) {
        return Objects.requireNonNull(rig.before().find(id));
    }

    /** A socket with its peer, for a hub. */
    private Peer member(String id) throws Exception {
        Chardev chardev = rig.add(socket(id, ""));
        Peer peer = connect(id);
        rig.loop().until("connected", chardev::isOpen);
        return peer;
    }

    private List<Long> aheadOf(Chardev hub) {
        return ((HubChardev) hub)
                .members().stream().map(HubChardev.MemberStatus::aheadBytes).toList();
    }

    // --- mux

    @Test
    void shouldKeepFocusTypedAheadAndAKeyBegun() throws Exception {
        Chardev mux = rig.add(socket("m", ",mux=on"));
        Peer terminal = connect("m-base".substring(0, 1));
        rig.loop().until("connected", () -> before("m-base").isOpen());
        RecordingHandler gone = rig.attach(mux);
        RecordingHandler first = rig.attach(mux);
        RecordingHandler second = rig.attach(mux);
        gone.close(); // places are not those of the front-ends any more
        terminal.write("for the second");
        rig.loop().settle();
        terminal.write(ESCAPE + "cfor the first");
        rig.loop().settle();
        terminal.write(ESCAPE);
        rig.loop().settle();
        assertEquals("", first.text() + second.text());
        assertEquals(List.of(ChardevEvent.MUX_IN, ChardevEvent.OPENED, ChardevEvent.MUX_OUT), second.events());

        rig.handOver();
        RecordingHandler nextFirst = rig.frontOfNext("m").grant(UNLIMITED);
        RecordingHandler nextSecond = rig.frontOfNext("m").grant(UNLIMITED);
        rig.until("typed ahead", () -> nextFirst.text().equals("for the first"));
        assertEquals(List.of(ChardevEvent.MUX_IN, ChardevEvent.OPENED), nextFirst.events());
        assertEquals(List.of(ChardevEvent.OPENED), nextSecond.events());
        assertEquals("", nextSecond.text());
        terminal.write("c!");
        rig.until("typed ahead", () -> nextSecond.text().equals("for the second!"));
        assertEquals("for the first", nextFirst.text());
        nextFirst.write("out");
        rig.nextLoop().settle();
        assertTrue(terminal.text().endsWith("out"));
    }

    @Test
    void shouldGoOnWithTimesInTheMiddleOfALine() throws Exception {
        Chardev mux = rig.add(socket("m", ",mux=on"));
        Peer terminal = connect("m");
        rig.loop().until("connected", () -> before("m-base").isOpen());
        RecordingHandler front = rig.attach(mux);
        terminal.write(ESCAPE + "t");
        rig.loop().settle();
        front.write("begun ");
        rig.handOver();
        RecordingHandler next = rig.frontOfNext("m");
        next.write("and ended\nnext");
        rig.nextLoop().settle();
        assertTrue(
                terminal.text().matches("\\[00:00:0\\d\\.\\d{3}] begun and ended\n\\[00:00:0\\d\\.\\d{3}] next"),
                terminal.text());
    }

    // --- hub

    /** Writes until the hub takes no more, and answers what was taken; what was not is offered again by the caller. */
    private static String fill(RecordingHandler front) {
        StringBuilder taken = new StringBuilder();
        for (int i = 0; ; i++) {
            String portion = (i + "..........").substring(0, 10).repeat(100);
            long n = front.write(portion);
            taken.append(portion, 0, (int) n);
            if (n < portion.length()) {
                return taken.toString();
            }
        }
    }

    private static String portion(int i) {
        return (i + "..........").substring(0, 10).repeat(100);
    }

    @Test
    void shouldKeepThePositionOfEachMember() throws Exception {
        Peer slow = member("slow");
        Peer fast = member("fast");
        RecordingHandler front = rig.front("hub,id=h,chardevs.0=slow,chardevs.1=fast");
        StringBuilder fastHad = new StringBuilder();
        String taken = "";
        int next = 0;
        long n = 1000;
        while (n == 1000) {
            n = front.write(portion(next++));
            fastHad.setLength(0);
            fastHad.append(fast.text());
            taken += portion(next - 1).substring(0, (int) n);
        }
        String held = portion(next - 1).substring((int) n);
        assertEquals(List.of(0L, (long) held.length()), aheadOf(before("h")));

        rig.handOver();
        assertEquals(List.of(0L, (long) held.length()), aheadOf(rig.goneOn("h")));
        RecordingHandler nextFront = rig.frontOfNext("h");
        assertEquals(List.of(ChardevEvent.OPENED), nextFront.events());
        assertTrue(taken.equals(slow.text()), "slow has something else");
        rig.nextLoop().settle();
        assertEquals(held.length(), nextFront.write(held));
        nextFront.write("last");
        rig.nextLoop().settle();
        assertTrue(slow.text().equals(taken + held + "last"), "slow has something else");
        assertTrue(fast.text().equals(taken + held + "last"), "fast has something else");
    }

    @Test
    void shouldGoOnWithWhatAMultiplexerHasBegunOverAHub() throws Exception {
        Peer slow = member("slow");
        Peer fast = member("fast");
        rig.add("hub,id=h,chardevs.0=slow,chardevs.1=fast");
        RecordingHandler front = rig.attach(rig.add("mux,id=m,chardev=h"));
        String taken = fill(front);
        rig.handOver();
        assertEquals(
                List.of("slow", "fast", "h", "m"),
                rig.next().all().stream().map(Chardev::id).toList());
        assertFalse(slow.text().length() == taken.length(), "nothing was held");
        rig.until("the rest", () -> slow.text().length() + fast.text().length() == 2 * taken.length());
        RecordingHandler next = rig.frontOfNext("m");
        next.write("last");
        rig.nextLoop().settle();
        assertTrue(slow.text().equals(taken + "last"), "slow has something else");
        assertTrue(fast.text().equals(taken + "last"), "fast has something else");
    }

    @Test
    void shouldGoOnWithWhatAReplacedMultiplexerHadBegun() throws Exception {
        Peer slow = member("slow");
        rig.add("hub,id=h,chardevs.0=slow");
        RecordingHandler front = rig.attach(rig.add("mux,id=m,chardev=h"));
        String taken = fill(front);
        Peer full = member("full");
        RecordingHandler before = rig.attach(before("full"));
        String earlier = fill(before);
        before.close();
        rig.before().change("m", Options.parse("hub,chardevs.0=full", "backend", warning -> {}));
        rig.handOver();
        RecordingHandler next = rig.frontOfNext("m");
        String begun = taken.substring(slow.text().length());
        assertFalse(begun.isEmpty(), "nothing was held");
        rig.until("the rest", () -> full.text().length() == earlier.length() + begun.length());
        next.write("last");
        rig.nextLoop().settle();
        assertTrue(full.text().equals(earlier + begun + "last"), "something else has come");
    }

    @Test
    void shouldKeepMembersThatCameAndWentAndTheOrderInWhichTheyOpened() throws Exception {
        Peer a = member("a");
        RecordingHandler front = rig.front("hub,id=h,chardevs.0=a,writer=one").grant(UNLIMITED);
        Peer b = member("b");
        rig.add(socket("c", ""));
        before("h").addMember(before("c"), Options.parse("slow=skip,replay=4", "", warning -> {}));
        before("h").addMember(before("b"), Options.parse("replay=100", "", warning -> {}));
        Peer c = connect("c");
        rig.loop().until("connected", () -> before("c").isOpen());
        front.write("history");
        before("h").removeMember("a");
        rig.before().remove("a");
        a.close();
        rig.handOver();

        HubChardev hub = (HubChardev) rig.goneOn("h");
        assertEquals(
                List.of(
                        new HubChardev.MemberStatus("c", true, false, false, 0, 0),
                        new HubChardev.MemberStatus("b", true, true, true, 0, 0)),
                hub.members());
        RecordingHandler next = rig.frontOfNext("h").grant(UNLIMITED);
        c.write("no writer");
        b.write("writer");
        rig.until("input", () -> next.text().equals("writer"));
        c.close();
        rig.until("closed", () -> !rig.goneOn("c").isOpen());
        Peer again = connect("c");
        rig.until("replayed", () -> again.text().equals("tory"));
        assertEquals("history", b.text());
        b.close();
        rig.until("closed", () -> !rig.goneOn("b").isOpen());
        again.write("heir");
        rig.until("input", () -> next.text().equals("writerheir"));
    }

    @Test
    void shouldGoOnWithAReplayThatWasUnderWay() throws Exception {
        Peer a = member("a");
        RecordingHandler front = rig.front("hub,id=h,chardevs.0=a,chardevs.0.replay=4M");
        before("h").addMember(rig.add(socket("late", "")), Options.parse("replay=4M", "", warning -> {}));
        StringBuilder all = new StringBuilder();
        for (int i = 0; i < 2000; i++) {
            assertEquals(1000, front.write(portion(i)));
            all.append(portion(i));
            a.text();
        }
        Peer late = connect("late");
        rig.loop().until("connected", () -> before("late").isOpen());
        rig.handOver();
        rig.until("all is replayed", () -> late.text().length() == all.length());
        assertTrue(late.text().contentEquals(all), "something else was replayed");
        assertEquals(all.length(), a.text().length());
    }

    @Test
    void shouldCloseAHubWhosePeerCouldNotMove() throws Exception {
        Chardev member = rig.add(socket("w", ",websocket=on"));
        Peer peer = connect("w");
        peer.write(String.join(
                "\r\n",
                "GET / HTTP/1.1",
                "Host: h",
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                "",
                ""));
        rig.loop().until("connected", member::isOpen);
        RecordingHandler front = rig.front("hub,id=h,chardevs.0=w");
        assertEquals(List.of(ChardevEvent.OPENED), front.events());
        rig.handOver();
        assertEquals(List.of(), rig.frontOfNext("h").events());
        assertFalse(((HubChardev) rig.goneOn("h")).members().get(0).isOpen());
    }
}
