package org.vportd.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vportd.handover.Parcel;
import org.vportd.handover.ParcelSocket;
import org.vportd.posix.Fd;
import org.vportd.posix.Posix;
import org.vportd.posix.Sockets;

/** Descriptors in sets, which paths of chardevs name. */
class DescriptorSetsTest extends CommandFixture {
    private Path file() throws Exception {
        Path file = Path.of(rig.path("file"));
        return Files.exists(file) ? file : Files.writeString(file, "old,");
    }

    /** Passes a descriptor of {@link #file} along; answers the number it has there. */
    private Object pass(String arguments, int flags, long set) throws Exception {
        try (Fd fd = Posix.open(file().toString(), flags, 0)) {
            client.send(command("add-fd", arguments), fd);
            String response = client.response();
            Map<?, ?> added =
                    (Map<?, ?>) Objects.requireNonNull(QmpClient.json(response).get("return"));
            assertEquals(set, added.get("fdset-id"));
            return Objects.requireNonNull(added.get("fd"));
        }
    }

    private String make(String data) {
        return command("chardev-add", "{'id': 'c', 'backend': {'type': 'file', 'data': " + data + "}}");
    }

    @Test
    @DisplayName("QMP-13 add-fd, query-fdsets and remove-fd; a set goes with the last of it")
    void sets() throws Exception {
        Object first = pass("{}", Posix.O_RDONLY, 0);
        Object second = pass("{'opaque': 'x'}", Posix.O_WRONLY, 1);
        Object third = pass("{'fdset-id': 0}", Posix.O_WRONLY, 0);
        assertEquals(
                List.of(
                        Map.of("fdset-id", 0L, "fds", List.of(Map.of("fd", first), Map.of("fd", third))),
                        Map.of("fdset-id", 1L, "fds", List.of(Map.of("fd", second, "opaque", "x")))),
                client.result(command("query-fdsets", "{}")));
        assertEquals(EMPTY, client.ask(command("remove-fd", "{'fdset-id': 0, 'fd': " + first + "}")));
        assertEquals(
                "File descriptor named 'fdset-id:0, fd:" + first + "' not found",
                client.error(command("remove-fd", "{'fdset-id': 0, 'fd': " + first + "}")));
        assertEquals(EMPTY, client.ask(command("remove-fd", "{'fdset-id': 0}")));
        assertEquals(EMPTY, client.ask(command("remove-fd", "{'fdset-id': 1}")));
        assertEquals(
                "File descriptor named 'fdset-id:1' not found", client.error(command("remove-fd", "{'fdset-id': 1}")));
        assertEquals(List.of(), client.result(command("query-fdsets", "{}")));
    }

    @Test
    @DisplayName("QMP-13 add-fd without a descriptor, and with a number that no set can have")
    void refusals() throws Exception {
        assertEquals("No file descriptor supplied via SCM_RIGHTS", client.error(command("add-fd", "{}")));
        try (Fd fd = Posix.open(file().toString(), Posix.O_RDONLY, 0)) {
            client.send(command("add-fd", "{'fdset-id': -1}"), fd);
            assertEquals("Parameter 'fdset-id' expects a non-negative value", QmpClient.errorOf(client.response()));
        }
    }

    @Test
    @DisplayName("CH-05 a path in /dev/fdset takes the descriptor opened for writing, and keeps it when the set goes")
    void chardevOnSet() throws Exception {
        pass("{'fdset-id': 7}", Posix.O_RDONLY, 7);
        pass("{'fdset-id': 7}", Posix.O_WRONLY, 7);
        assertEquals(EMPTY, client.ask(make("{'out': '/dev/fdset/7', 'append': true, 'in': '/dev/fdset/7'}")));
        assertEquals(EMPTY, client.ask(command("remove-fd", "{'fdset-id': 7}")));
        assertEquals("old,", Files.readString(file()));
        assertEquals(List.of(Map.of("fdset-id", 7L, "fds", List.of())), client.result(command("query-fdsets", "{}")));
        assertEquals(EMPTY, client.ask(command("remove-fd", "{'fdset-id': 7}")));
        assertEquals(EMPTY, client.ask(command("chardev-remove", "{'id': 'c'}")));
        assertEquals(List.of(), client.result(command("query-fdsets", "{}")));
    }

    @Test
    @DisplayName("QMP-13 sets and names of descriptors go on in another process")
    void handedOver() throws Exception {
        Object number = pass("{'fdset-id': 3, 'opaque': 'x'}", Posix.O_WRONLY, 3);
        try (Fd fd = Posix.open(file().toString(), Posix.O_RDONLY, 0)) {
            client.send(command("getfd", "{'fdname': 'mine'}"), fd);
            assertEquals(EMPTY, client.response());
        }
        Fd[] pair = Sockets.pair();
        try (ParcelSocket from = new ParcelSocket(pair[0], 1000);
                ParcelSocket to = new ParcelSocket(pair[1], 1000);
                MonitorRig next = new MonitorRig()) {
            QmpClient heir = MonitorRig.ready(next);
            from.send(new Parcel().put("sets", rig.descriptors.packSets()).put("monitors", rig.monitors.pack()));
            try (Parcel received = to.receive()) {
                next.descriptors.unpackSets(received.parcels("sets"));
                next.monitors.unpack(received.parcels("monitors"));
            }
            assertEquals(
                    List.of(Map.of("fdset-id", 3L, "fds", List.of(Map.of("fd", number, "opaque", "x")))),
                    heir.result(command("query-fdsets", "{}")));
            assertEquals(EMPTY, heir.ask(make("{'out': '/dev/fdset/3'}")));
            assertEquals(EMPTY, heir.ask(command("remove-fd", "{'fdset-id': 3, 'fd': " + number + "}")));
            assertEquals(EMPTY, heir.ask(command("closefd", "{'fdname': 'mine'}")));
        }
    }

    @Test
    @DisplayName("CH-05 a file is emptied through its descriptor, too; a log can be one")
    void emptied() throws Exception {
        pass("{}", Posix.O_WRONLY, 0);
        String log = "{'out': '/dev/null', 'logfile': '/dev/fdset/0', 'logappend': true}";
        assertEquals(EMPTY, client.ask(make(log)));
        assertEquals(EMPTY, client.ask(command("chardev-remove", "{'id': 'c'}")));
        assertEquals("old,", Files.readString(file()));
        assertEquals(EMPTY, client.ask(make("{'out': '/dev/fdset/0'}")));
        assertEquals("", Files.readString(file()));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "'out': '/dev/fdset/0'  | Could not open '/dev/fdset/0': Permission denied",
                "'out': '/dev/fdset/8'  | Could not open '/dev/fdset/8': No such file or directory",
                "'out': '/dev/fdset/0x' | Could not open '/dev/fdset/0x': Invalid argument",
                "'out': '/dev/fdset/-1' | Could not open '/dev/fdset/-1': Invalid argument",
                "'out': '/dev/fdset/'   | Could not open '/dev/fdset/': Invalid argument",
                "'out': '/dev/null', 'logfile': '/dev/fdset/0' | Could not create '/dev/fdset/0': Permission denied",
            })
    @DisplayName("CH-05 paths of sets that do not have what is wanted")
    void wrongPaths(String members, String error) throws Exception {
        pass("{}", Posix.O_RDONLY, 0);
        assertEquals("Failed to add chardev 'c': " + error, client.error(make("{" + members + "}")));
    }

    @Test
    @DisplayName("CH-23 a log that was passed cannot be put aside for another")
    void noRotation() throws Exception {
        pass("{}", Posix.O_WRONLY, 0);
        assertEquals(
                "Failed to add chardev 'c': 'logmaxsize' option requires a regular file",
                client.error(make("{'out': '/dev/null', 'logfile': '/dev/fdset/0', 'logmaxsize': 4096}")));
    }
}
