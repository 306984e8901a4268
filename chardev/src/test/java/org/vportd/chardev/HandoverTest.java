package org.vportd.chardev;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vportd.handover.Parcel;
import org.vportd.posix.UnixAddress;

/** A table of chardevs goes on in another process, as it is, or stays where it was. */
class HandoverTest {
    private static final int UNLIMITED = 1 << 30;

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

    private String path(String name) {
        return folder.resolve(name).toString();
    }

    private Peer connect(String name) throws IOException {
        return rig.closing(new Peer(UnixAddress.ofPath(path(name)).connect()));
    }

    private List<String> files() throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            return all.map(each -> each.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void shouldKeepOrderAndOptionsEvenIfWhatIsUsedWasMadeLater() throws Exception {
        rig.add("null,id=m");
        rig.add("ringbuf,id=h,size=64");
        rig.add("ringbuf,id=b,size=32");
        rig.before().change("h", Options.parse("hub,chardevs.0=b", "backend", warning -> {}));
        rig.before().change("m", Options.parse("mux,chardev=h", "backend", warning -> {}));
        Files.createDirectory(folder.resolve("a,b=c,"));
        rig.add("file,id=f,append,path=" + path("a,,b=c,,") + "/file,,");
        rig.add("testdev,id=t,mux=on");
        rig.handOver();
        assertEquals(
                List.of("m mux", "h hub", "b ringbuf", "f file", "t-base testdev", "t mux"),
                rig.next().all().stream()
                        .map(each -> each.id() + " " + each.filename())
                        .toList());
        rig.frontOfNext("f").write("text");
        assertEquals("text", Files.readString(folder.resolve("a,b=c,/file,")));
        rig.frontOfNext("m").write("0123456789".repeat(10));
        Chardev ring = rig.goneOn("b");
        assertEquals(List.of("b"), rig.goneOn("h").uses());
        assertTrue(ring.isOpen());
    }

    @Test
    void shouldHandOverTwice() throws Exception {
        RecordingHandler front = rig.front("socket,id=c,server=on,wait=off,path=" + path("s"));
        Peer peer = connect("s");
        rig.loop().until("connected", () -> front.events().contains(ChardevEvent.OPENED));
        rig.handOver();
        try (HandoverRig third = new HandoverRig()) {
            try (Parcel received = HandoverRig.pass(rig.next())) {
                third.next().unpack(received.parcels("chardevs"));
            }
            rig.next().handedOver();
            rig.next().close();
            RecordingHandler lastFront = third.frontOfNext("c").grant(UNLIMITED);
            peer.write("hello");
            third.until("input", () -> lastFront.text().equals("hello"));
        }
    }

    // --- failure

    @Test
    void shouldGoOnAsIfNothingHadHappenedWhenAHandoverFails() throws Exception {
        Files.writeString(folder.resolve("in"), "input");
        RecordingHandler socket = rig.front("socket,id=s,server=on,wait=off,telnet=on,path=" + path("s"));
        RecordingHandler pty = rig.front("pty,id=p,path=" + path("p"));
        RecordingHandler file = rig.front("file,id=f,path=" + path("f") + ",input-path=" + path("in") + ",logfile="
                + path("log") + ",logmaxsize=1k");
        rig.add("socket,id=h0,server=on,wait=off,path=" + path("h0"));
        RecordingHandler hub = rig.front("hub,id=h,chardevs.0=h0,chardevs.0.replay=10");
        RecordingHandler mux = rig.front("vc,id=m,mux=on");
        Peer client = connect("s");
        Peer member = connect("h0");
        rig.loop().until("connected", () -> socket.count(ChardevEvent.OPENED) + hub.count(ChardevEvent.OPENED) == 2);
        file.write("one,");
        List<String> before = files();
        List<ChardevEvent> heard = List.copyOf(socket.events());

        try (Parcel received = rig.pass()) {
            rig.next().unpack(received.parcels("chardevs"));
            assertEquals(6 + 1, rig.next().all().size());
        }
        rig.next().handedOver();
        rig.next().close();

        assertEquals(before, files());
        assertEquals("one,", Files.readString(folder.resolve("f")));
        file.write("two");
        assertEquals("one,two", Files.readString(folder.resolve("f")));
        assertEquals("one,two", Files.readString(folder.resolve("log")));
        file.grant(5);
        client.write("to the server");
        socket.grant(UNLIMITED);
        hub.write("to the member");
        rig.loop()
                .until(
                        "input",
                        () -> socket.text().equals("to the server")
                                && file.text().equals("input"));
        assertEquals("to the member", member.text());
        socket.write("to the client");
        assertTrue(client.text().endsWith("\0to the client"));
        assertEquals(heard, socket.events());
        assertEquals(List.of(), pty.events());
        assertEquals(List.of(ChardevEvent.MUX_IN, ChardevEvent.OPENED), mux.events());
    }

    @Test
    void shouldNameTheOneThatCannotGoOnAndLeaveNothing() throws Exception {
        RecordingHandler front = rig.front("socket,id=s,server=on,wait=off,path=" + path("s"));
        rig.front("pty,id=p,path=" + path("p"));
        rig.add("ringbuf,id=r,logfile=" + path("log"));
        Peer client = connect("s");
        rig.loop().until("connected", () -> front.count(ChardevEvent.OPENED) == 1);
        List<String> before = files();
        for (String missing : List.of("master", "listener")) {
            String id = missing.equals("master") ? "p" : "s";
            try (Parcel received = rig.pass()) {
                List<Parcel> parcels = new ArrayList<>(received.parcels("chardevs"));
                for (Parcel parcel : parcels) {
                    if (id.equals(parcel.text("id"))) {
                        Objects.requireNonNull(parcel.parcel("state").takeFd(missing))
                                .close();
                    }
                }
                ConfigException refused =
                        assertThrows(ConfigException.class, () -> rig.next().unpack(parcels));
                assertEquals(
                        "chardev '" + id + "' cannot go on: nothing was handed over as '" + missing + "'",
                        refused.getMessage());
            }
            assertEquals(List.of(), List.copyOf(rig.next().all()));
            assertEquals(before, files());
        }
        client.write("hello");
        front.grant(5);
        rig.loop().until("input", () -> front.text().equals("hello"));
        rig.handOver(); // later it works
        RecordingHandler next = rig.frontOfNext("s").grant(UNLIMITED);
        client.write("again");
        rig.until("input", () -> next.text().equals("again"));
        assertEquals(before, files());
    }

    // --- logs

    @Test
    void shouldGoOnWithALogInTheMiddleOfALineAndOfAFile() throws Exception {
        RecordingHandler front = rig.front("null,id=c,logtimestamp=on,logmaxsize=1k,logkeep=2,logfile=" + path("log"));
        front.write("begun ");
        String first = Files.readString(folder.resolve("log"));
        rig.handOver();
        assertEquals(first, Files.readString(folder.resolve("log")));
        RecordingHandler next = rig.frontOfNext("c");
        next.write("ended\n");
        assertEquals(first + "ended\n", Files.readString(folder.resolve("log")));
        next.write("x".repeat(990));
        assertEquals(List.of("log", "log.1"), files());
        assertEquals(first + "ended\n", Files.readString(folder.resolve("log.1")));
        next.write("y".repeat(990));
        assertEquals(List.of("log", "log.1", "log.2"), files());
        assertEquals(first + "ended\n", Files.readString(folder.resolve("log.2")));
    }

    @Test
    void shouldGoOnWithALogWhoseFileWasPutAside() throws Exception {
        RecordingHandler front = rig.front("null,id=c,logfile=" + path("log"));
        front.write("one,");
        Files.move(folder.resolve("log"), folder.resolve("aside"));
        rig.handOver();
        rig.frontOfNext("c").write("two");
        assertEquals("one,two", Files.readString(folder.resolve("aside")));
        assertEquals(List.of("aside"), files());
    }
}
