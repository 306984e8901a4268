package org.vportd.chardev.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.ChardevType;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.HandoverRig;
import org.vportd.chardev.Opening;
import org.vportd.chardev.Options;
import org.vportd.chardev.Peer;
import org.vportd.chardev.RecordingHandler;
import org.vportd.chardev.record.FileLog;
import org.vportd.handover.Parcel;
import org.vportd.posix.Fd;
import org.vportd.posix.Posix;
import org.vportd.posix.Terminals;

/** The standard streams of one process go on in another one, and are left by that as the first has found them. */
class StdioHandoverTest {
    private static final int LOCAL_FLAGS = 12;
    private static final int ISIG = 1;
    private static final int ICANON = 2;
    private static final int ECHO = 8;

    private HandoverRig rig;
    private Fd stdin;
    private Fd stdout;
    private Peer outside;

    /** Stands in for the type, on other descriptors. */
    private final class TestType implements ChardevType {
        @Override
        public String name() {
            return "test";
        }

        @Override
        public Set<String> keys() {
            return StdioChardev.TYPE.keys();
        }

        @Override
        public Chardev open(Opening opening) throws ConfigException {
            return StdioChardev.open(opening, stdin.value(), stdout.value());
        }
    }

    @BeforeEach
    void open() throws Exception {
        rig = new HandoverRig(loop -> new Chardevs(loop, List.of(new TestType()), FileLog.TYPE, ChardevServices.NONE));
        Terminals.Pty pty = Terminals.openPty();
        outside = rig.closing(new Peer(pty.master()));
        stdin = rig.closing(Posix.open(pty.slavePath(), Posix.O_RDWR | Posix.O_NOCTTY, 0));
        stdout = stdin;
    }

    @AfterEach
    void close() throws Exception {
        rig.close();
    }

    private byte[] mode() throws Exception {
        return Terminals.Mode.of(stdin).bytes();
    }

    @Test
    void shouldGoOnWithATerminalAndRestoreItAtTheEnd() throws Exception {
        byte[] found = mode();
        found[LOCAL_FLAGS] |= ISIG | ICANON | ECHO;
        Terminals.Mode.of(found).apply(stdin);
        RecordingHandler front = rig.front("test,id=c,signal=off");
        byte[] console = mode();
        assertFalse(Arrays.equals(found, console));
        front.write("one,");
        front.grant(3);
        outside.write("in1in2");
        rig.loop().until("input", () -> front.text().equals("in1"));
        rig.handOver();
        assertArrayEquals(console, mode());
        RecordingHandler next = rig.frontOfNext("c").grant(100);
        assertEquals(List.of(ChardevEvent.OPENED), next.events());
        rig.until("input", () -> next.text().equals("in2"));
        next.write("two");
        rig.nextLoop().settle();
        assertEquals("one,two", outside.text());
        assertThrows(
                ConfigException.class,
                () -> rig.next().add(Options.parse("test,id=d", "backend", warning -> {})),
                "there is one already");
        rig.next().close();
        assertArrayEquals(found, mode());
    }

    @Test
    void shouldLeaveATerminalAloneWhenAHandoverFails() throws Exception {
        RecordingHandler front = rig.front("test,id=c").grant(100);
        byte[] console = mode();
        try (Parcel received = rig.pass()) {
            rig.next().unpack(received.parcels("chardevs"));
        }
        rig.next().handedOver();
        rig.next().close();
        assertArrayEquals(console, mode());
        outside.write("in");
        rig.loop().until("input", () -> front.text().equals("in"));
    }

    @Test
    void shouldRestoreThatAPipeWaited() throws Exception {
        Fd[] in = Posix.pipe();
        Fd[] out = Posix.pipe();
        for (Fd fd : List.of(in[0], in[1], out[0], out[1])) {
            Posix.setNonBlocking(fd, false);
        }
        stdin = rig.closing(in[0]);
        stdout = rig.closing(out[1]);
        rig.closing(out[0]);
        RecordingHandler front = rig.front("test,id=c").grant(100);
        in[1].close();
        rig.loop().until("the input ends", () -> front.count(ChardevEvent.CLOSED) == 1);
        rig.handOver();
        RecordingHandler next = rig.frontOfNext("c").grant(100);
        assertEquals(List.of(), next.events());
        assertEquals(2, next.write("on"));
        assertTrue(rig.goneOn("c").takesOutput());
        rig.next().close();
        assertFalse(Posix.isNonBlocking(stdin));
    }
}
