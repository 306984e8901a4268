package org.vportd.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevFrontend;
import org.vportd.chardev.backend.RingbufChardev;
import org.vportd.posix.Fd;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.Sockets;

class ChardevCommandsTest extends CommandFixture {
    private static String make(String command, String id, String type, String data) {
        return command(command, "{'id': '" + id + "', 'backend': {'type': '" + type + "', 'data': " + data + "}}");
    }

    private String unix(String name) {
        return "{'addr': {'type': 'unix', 'data': {'path': '" + rig.path(name) + "'}}}";
    }

    /** A port, as far as a chardev knows of one, that nothing in the guest reads from. */
    private static final class Port extends NoInput {
        private final ChardevFrontend frontend = new ChardevFrontend(this);

        @Override
        public boolean isReceiving() {
            return false;
        }
    }

    private Port port(String id) throws Exception {
        Port port = new Port();
        Chardev chardev = rig.chardevs.find(id);
        assertTrue(chardev != null);
        port.frontend.attach(chardev);
        return port;
    }

    private Map<String, String> filenames() {
        Map<String, String> filenames = new TreeMap<>();
        for (Object each : list(client.result("{'execute': 'query-chardev'}"))) {
            Map<?, ?> info = assertInstanceOf(Map.class, each);
            assertEquals(Set.of("label", "filename", "frontend-open"), info.keySet());
            filenames.put(info.get("label") + " " + info.get("frontend-open"), String.valueOf(info.get("filename")));
        }
        return filenames;
    }

    private static List<?> list(@Nullable Object value) {
        return assertInstanceOf(List.class, value);
    }

    @Test
    @DisplayName("QMP-11 query-chardev lists label, filename and frontend-open of all, monitors included")
    void queryChardev() throws Exception {
        rig.add("ringbuf,id=r");
        rig.add("null,id=n");
        port("n").frontend.setOpen(true);
        assertEquals(
                Map.of("mon true", "unix:" + rig.path("mon") + ",server=on", "r false", "ringbuf", "n true", "null"),
                filenames());
    }

    @Test
    @DisplayName("QMP-11 query-chardev-backends lists every type that can be made, and no other")
    void queryBackends() {
        Set<Object> names = new HashSet<>();
        for (Object each : list(client.result("{'execute': 'query-chardev-backends'}"))) {
            names.add(assertInstanceOf(Map.class, each).get("name"));
        }
        assertEquals(new HashSet<>(rig.chardevs.typeNames()), names);
        assertTrue(names.containsAll(Set.of("ringbuf", "memory", "socket", "pty")));
    }

    @Test
    @DisplayName("QMP-11 every type that can be made is described in the schema")
    void everyTypeIsDescribed() {
        Set<String> missing = new TreeSet<>(rig.chardevs.typeNames());
        missing.removeIf(type -> BackendSchema.BACKEND.variants().containsKey(type));
        assertEquals(Set.of(), missing);
    }

    @Test
    @DisplayName("CH-08 chardev-add of a pty tells its name")
    void pty() throws Exception {
        String response = client.ask(make("chardev-add", "p", "pty", "{}"));
        assertTrue(response.matches("\\{\"return\": \\{\"pty\": \"/dev/pts/\\d+\"}}"), response);
        String name = response.replaceAll(".*\"(/dev/pts/\\d+)\".*", "$1");
        assertEquals("pty:" + name, filenames().get("p false"));
        assertTrue(client.ask(make("chardev-change", "p", "pty", "{}")).contains("/dev/pts/"));
        assertEquals(EMPTY, client.ask(make("chardev-change", "p", "null", "{}")));
    }

    @Test
    @DisplayName("CH-10 a socket is a server without wait by default, a client if told so")
    void socketDefaults() throws Exception {
        assertEquals(EMPTY, client.ask(make("chardev-add", "s", "socket", unix("s"))));
        assertEquals(
                "disconnected:unix:" + rig.path("s") + ",server=on", filenames().get("s false"));
        assertFalse(rig.chardevs.areAwaited());
        String asClient = unix("s").replaceFirst("}$", ", 'server': false}");
        assertEquals(EMPTY, client.ask(make("chardev-add", "c", "socket", asClient)));
        assertEquals("unix:" + rig.path("s"), filenames().get("c false"));
    }

    @Test
    void addingFails() throws Exception {
        rig.add("null,id=n");
        assertEquals("Chardev with id 'n' already exists", client.error(make("chardev-add", "n", "null", "{}")));
        String error = client.error(make("chardev-add", "f", "file", "{'out': '/nowhere/at/all'}"));
        assertTrue(error.startsWith("Failed to add chardev 'f': Could not open '/nowhere/at/all': "), error);
        assertEquals(
                "Failed to add chardev 'm': chardev type 'msmouse' is not available: it makes a serial mouse of the pointer in a"
                        + " graphical console, which this program does not have",
                client.error(make("chardev-add", "m", "msmouse", "{}")));
        assertEquals(EMPTY, client.ask(make("chardev-add", "1 odd/id", "null", "{}")));
    }

    @Test
    @DisplayName("CH-31 chardev-change: the refusals in their order")
    void changeRefusals() throws Exception {
        assertEquals("Chardev 'x' does not exist", client.error(make("chardev-change", "x", "null", "{}")));
        rig.add("ringbuf,id=idle,size=8");
        String bad = "{'out': '/nowhere/at/all'}";
        String failed = client.error(make("chardev-change", "idle", "file", bad));
        assertTrue(failed.startsWith("Failed to add chardev 'idle': Could not open '/nowhere/at/all': "), failed);
        assertEquals("ringbuf", filenames().get("idle false"));
        String unsupported = "Chardev user does not support chardev hotswap";
        assertEquals(unsupported, client.error(make("chardev-change", "mon", "file", bad)));
        assertEquals(
                "Parameter 'type' does not accept value 'X'", client.error(make("chardev-change", "mon", "X", "{}")));
        rig.add("ringbuf,id=busy,size=8");
        port("busy");
        failed = client.error(make("chardev-change", "busy", "file", bad));
        assertTrue(failed.startsWith("Could not open '/nowhere/at/all': "), failed);
        assertEquals("ringbuf", filenames().get("busy false"));
        assertEquals(EMPTY, client.ask(make("chardev-change", "busy", "null", "{}")));
        assertEquals("null", filenames().get("busy false"));
    }

    @Test
    @DisplayName("CH-41 chardev-remove")
    void remove() throws Exception {
        rig.add("null,id=n");
        Port port = port("n");
        assertEquals("Chardev 'x' not found", client.error(command("chardev-remove", "{'id': 'x'}")));
        assertEquals("Chardev 'n' is busy", client.error(command("chardev-remove", "{'id': 'n'}")));
        assertEquals("Chardev 'mon' is busy", client.error(command("chardev-remove", "{'id': 'mon'}")));
        port.frontend.detach();
        assertEquals(EMPTY, client.ask(command("chardev-remove", "{'id': 'n'}")));
        assertEquals(null, rig.chardevs.find("n"));
    }

    @Test
    void sendBreak() throws Exception {
        rig.add("null,id=n");
        assertEquals(EMPTY, client.ask(command("chardev-send-break", "{'id': 'n'}")));
        assertEquals("Chardev 'x' not found", client.error(command("chardev-send-break", "{'id': 'x'}")));
    }

    @Test
    @DisplayName("CH-21 the newest bytes of a ringbuf, once; sizes that cannot be")
    void ringbuf() throws Exception {
        assertEquals(EMPTY, client.ask(make("chardev-add", "r", "ringbuf", "{'size': 8}")));
        client.ask(command("ringbuf-write", "{'device': 'r', 'data': '0123456789'}"));
        String read = command("ringbuf-read", "{'device': 'r', 'size': 100}");
        assertEquals("{\"return\": \"23456789\"}", client.ask(read));
        assertEquals("{\"return\": \"\"}", client.ask(read));
        for (String size : List.of("3", "0", "-8")) {
            String error = client.error(make("chardev-add", "x", "ringbuf", "{'size': " + size + "}"));
            assertTrue(error.startsWith("Failed to add chardev 'x': "), error);
            if (!size.equals("-8")) {
                assertEquals("Failed to add chardev 'x': size of ringbuf chardev must be power of two", error);
            }
        }
    }

    @Test
    @DisplayName("QMP-12 base64 is exact, utf8 is JSON whatever was in the ring")
    void ringbufFormats() throws Exception {
        rig.add("ringbuf,id=r,size=64");
        client.ask(command("ringbuf-write", "{'device': 'r', 'data': 'AP9BgMM=', 'format': 'base64'}"));
        assertEquals(
                "{\"return\": \"AP9BgMM=\"}",
                client.ask(command("ringbuf-read", "{'device': 'r', 'size': 64, 'format': 'base64'}")));
        client.ask(command("ringbuf-write", "{'device': 'r', 'data': 'AP9BgMM=', 'format': 'base64'}"));
        assertEquals(
                "{\"return\": \"\\uFFFD\\uFFFDA\\uFFFD\\uFFFD\"}",
                client.ask(command("ringbuf-read", "{'device': 'r', 'size': 64, 'format': 'utf8'}")));
        client.ask(command("ringbuf-write", "{'device': 'r', 'data': '\u00e9\ud83d\ude00'}"));
        assertEquals(
                "{\"return\": \"\\u00E9\\uD83D\\uDE00\"}",
                client.ask(command("ringbuf-read", "{'device': 'r', 'size': 64}")));
    }

    @Test
    @DisplayName("QMP-15 clients that do not read get no more of a ring buffer than there is memory for")
    void answersThatNobodyReads() throws Exception {
        long limit = 1 << 20;
        ((RingbufChardev) rig.add("ringbuf,id=big,size=4M")).append(new byte[4 << 20]);
        rig.budget.take(rig.budget.left() - limit);
        String read = command("ringbuf-read", "{'device': 'big', 'size': 4194304}");
        List<QmpClient> clients = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            QmpClient next = rig.listen("m" + i).connect("m" + i).negotiated();
            clients.add(next.send(read));
            rig.settle();
        }
        long all = 0;
        for (QmpClient each : clients) {
            all += each.response().length();
        }
        assertTrue(all > limit / 2 && all < 4 * limit, "bytes=" + all); // sockets hold some, too
        assertEquals(limit, rig.budget.left());
        assertTrue(client.ask(read).length() > limit / 2);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "ringbuf-read  | {'device': 'r', 'size': 0}  | size must be greater than zero",
                "ringbuf-read  | {'device': 'r', 'size': -1} | size must be greater than zero",
                "ringbuf-read  | {'device': 'x', 'size': 1}  | Device 'x' not found",
                "ringbuf-read  | {'device': 'mon', 'size': 1} | mon is not a ringbuf device",
                "ringbuf-write | {'device': 'x', 'data': ''} | Device 'x' not found",
                "ringbuf-write | {'device': 'mon', 'data': ''} | mon is not a ringbuf device",
                "ringbuf-write | {'device': 'r', 'data': 'a?b=', 'format': 'base64'} | Base64 data contains invalid characters",
                "ringbuf-write | {'device': 'r', 'data': 'a=bc', 'format': 'base64'} | Base64 data is not valid",
            })
    @DisplayName("QMP-12 ringbuf commands that cannot be carried out")
    void ringbufErrors(String command, String arguments, String error) throws Exception {
        rig.add("ringbuf,id=r,size=64");
        assertEquals(error, client.error(command(command, arguments)));
    }

    @Test
    @DisplayName("QMP-13 getfd without a descriptor, with a bad name, and with one")
    void getfd() throws Exception {
        String getfd = command("getfd", "{'fdname': 'f'}");
        assertEquals("No file descriptor supplied via SCM_RIGHTS", client.error(getfd));
        Fd[] pipe = Posix.pipe();
        Fd out = pipe[1];
        try (Fd in = pipe[0]) {
            client.send(command("getfd", "{'fdname': '1f'}"), out);
            assertEquals(
                    "Parameter 'fdname' expects a name not starting with a digit",
                    QmpClient.errorOf(client.response()));
            client.send(getfd, out);
            assertEquals(EMPTY, client.response());
            client.send(getfd, out); // replaces and closes the first
            assertEquals(EMPTY, client.response());
            assertEquals(EMPTY, client.ask(command("closefd", "{'fdname': 'f'}")));
            assertEquals("File descriptor named 'f' not found", client.error(command("closefd", "{'fdname': 'f'}")));
            out.close();
            long memory = NativeMemory.allocate(8);
            assertEquals(0, Posix.read(in, memory, 1), "a copy of the other end is still open");
            NativeMemory.free(memory);
        }
    }

    @Test
    @DisplayName("QMP-13 names are of one monitor, and outlive its client; descriptors nobody named do not")
    void namesOutliveClients() throws Exception {
        rig.listen("other");
        Fd[] pair = Sockets.pair();
        try (Fd ours = pair[0];
                Fd theirs = pair[1]) {
            client.send(command("getfd", "{'fdname': 'f'}"), theirs);
            assertEquals(EMPTY, client.response());
            client.send("{'execute': 'query-name'}", ours);
            client.response();
            client.close();
            QmpClient other = rig.connect("other").negotiated();
            assertEquals("File descriptor named 'f' not found", other.error(command("closefd", "{'fdname': 'f'}")));
            QmpClient next = rig.connect("mon").negotiated();
            assertEquals("No file descriptor supplied via SCM_RIGHTS", next.error(command("getfd", "{'fdname': 'g'}")));
            assertEquals(EMPTY, next.ask(command("closefd", "{'fdname': 'f'}")));
        }
    }

    @Test
    @DisplayName("CH-20 add_client: the refusals in their order, each of which consumes the descriptor")
    void addClient() throws Exception {
        rig.add("null,id=n");
        String add = "{'protocol': 'PROTOCOL', 'fdname': 'f'}";
        String toSocket = command("add_client", add.replace("PROTOCOL", "mon"));
        assertEquals("File descriptor named 'f' has not been found", client.error(toSocket));
        Path file = Files.createFile(Path.of(rig.path("file")));
        try (Fd plain = Posix.open(file.toString(), Posix.O_RDONLY, 0)) {
            pass(plain);
            assertEquals(
                    "parameter @fdname must name a socket",
                    client.error(command("add_client", add.replace("PROTOCOL", "x"))));
        }
        Fd[] pair = Sockets.pair();
        try (Fd ours = pair[0];
                Fd theirs = pair[1]) {
            assertTrue(ours.isOpen());
            pass(theirs);
            assertEquals("protocol 'x' is invalid", client.error(command("add_client", add.replace("PROTOCOL", "x"))));
            pass(theirs);
            assertEquals("failed to add client", client.error(command("add_client", add.replace("PROTOCOL", "n"))));
            pass(theirs);
            assertEquals("failed to add client", client.error(toSocket));
            assertEquals("File descriptor named 'f' has not been found", client.error(toSocket));
            Chardev waiting = rig.add("socket,id=s,server=on,wait=off,path=" + rig.path("s"));
            pass(theirs);
            assertEquals(EMPTY, client.ask(command("add_client", "{'protocol': 's', 'fdname': 'f', 'tls': true}")));
            assertTrue(waiting.isOpen());
            pass(theirs);
            assertEquals("failed to add client", client.error(command("add_client", add.replace("PROTOCOL", "s"))));
        }
    }

    private void pass(Fd descriptor) throws Exception {
        client.send(command("getfd", "{'fdname': 'f'}"), descriptor);
        assertEquals(EMPTY, client.response());
    }

    @Test
    @DisplayName("CH-14 a server without a socket gets its clients from elsewhere; a name is looked for last")
    void namelessDescriptor() {
        String data = "{'addr': {'type': 'fd', 'data': {'str': ''}}}";
        assertEquals(EMPTY, client.ask(make("chardev-add", "c", "socket", data)));
        assertEquals(
                "Failed to add chardev 'd': File descriptor named '' has not been found",
                client.error(make("chardev-add", "d", "socket", data.replace("}}}", "}}, 'server': false}"))));
        assertEquals(
                "Failed to add chardev 'd': 'reconnect-ms' option is incompatible with 'fd' address type",
                client.error(make(
                        "chardev-add",
                        "d",
                        "socket",
                        data.replace("''}}}", "'none'}}, 'server': false, 'reconnect-ms': 5}"))));
    }

    @Test
    @DisplayName("QMP-13 chardev-add takes a name that this monitor has, and no number of a descriptor")
    void descriptorForChardev() throws Exception {
        String data = "{'addr': {'type': 'fd', 'data': {'str': 'f'}}, 'server': false}";
        assertEquals(
                "Failed to add chardev 'c': File descriptor named 'f' has not been found",
                client.error(make("chardev-add", "c", "socket", data)));
        assertEquals(
                "Failed to add chardev 'c': File descriptor named '0' has not been found",
                client.error(make("chardev-add", "c", "socket", data.replace("'f'", "'0'"))));
        NamedDescriptors.Names names = new NamedDescriptors.Names();
        Fd[] pair = Sockets.pair();
        try (Fd ours = pair[0]) {
            names.put("f", pair[1]);
            assertEquals(null, rig.descriptors.take("f"));
            rig.descriptors.enter(names);
            Fd taken = rig.descriptors.take("f");
            assertEquals(pair[1], taken);
            assertEquals(null, rig.descriptors.take("f"));
            rig.descriptors.leave();
            pair[1].close();
            assertTrue(ours.isOpen());
        }
    }
}
