package org.vportd.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ConfigException;

class QmpSessionTest {
    private static final String GREETING =
            "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 0, \"major\": 10}, "
                    + "\"package\": \"vportd test\"}, \"capabilities\": [\"oob\"]}}";
    private static final String EMPTY = "{\"return\": {}}";

    private MonitorRig rig;

    @BeforeEach
    void open() throws Exception {
        rig = new MonitorRig();
    }

    @AfterEach
    void close() throws Exception {
        rig.close();
    }

    @Test
    @DisplayName("QMP-01 greeting, with CR LF and nothing after it")
    void greeting() throws Exception {
        QmpClient client = rig.listen("mon").connect("mon");
        assertEquals(GREETING, client.line());
        assertEquals("", client.rest());
    }

    @Test
    @DisplayName("QMP-01 output is ASCII whatever it says")
    void asciiOnly() throws Exception {
        QmpClient client = MonitorRig.ready(rig);
        assertEquals(
                "The command \\u00E9\\uD83D\\uDE00 has not been found",
                client.ask("{\"execute\": \"\u00e9\ud83d\ude00\"}").replaceAll(".*\"desc\": \"(.*)\"}}", "$1"));
    }

    @Test
    @DisplayName("QMP-01 pretty output has CR LF at the end of each line")
    void pretty() throws Exception {
        rig.monitors.addQmp(rig.add("socket,id=p,server=on,wait=off,path=" + rig.path("p")), true);
        QmpClient client = rig.connect("p");
        rig.settle();
        client.send("{\"execute\": \"qmp_capabilities\", \"id\": 1}");
        String text = client.rest();
        assertTrue(text.endsWith("{\r\n    \"return\": {},\r\n    \"id\": 1\r\n}\r\n"), text);
        assertFalse(text.replace("\r\n", "").contains("\n"), text);
    }

    @Test
    @DisplayName("QMP-04 a command that is given up, for memory has gone, is answered, and so are those after it")
    void givenUp() throws Exception {
        QmpClient client = MonitorRig.ready(rig);
        InternalError fault = new InternalError("a fault occurred");
        List<InternalError> told = new ArrayList<>();
        rig.loop.addFaultHandler((cause, anybody) -> told.add(cause));
        rig.fault = fault;
        assertEquals(
                "Given up, for shared memory has been cut meanwhile",
                client.error("{'execute': 'device_del', 'arguments': {'id': 'p1'}}"));
        assertEquals(List.of(fault), told);
        rig.fault = null;
        assertEquals(EMPTY, client.ask("{'execute': 'device_add', 'arguments': {'driver': 'virtconsole'}}"));
    }

    @Test
    @DisplayName("QMP-02 commands before and after the negotiation")
    void negotiation() throws Exception {
        QmpClient client = rig.listen("mon").connect("mon");
        client.line();
        String expecting = "CommandNotFound: Expecting capabilities negotiation with 'qmp_capabilities'";
        assertEquals(expecting, client.error("{\"execute\": \"query-version\"}"));
        assertEquals(expecting, client.error("{\"execute\": \"nonsense\"}"));
        assertEquals(
                "Parameter 'null' does not accept value 'foo'",
                client.error("{\"execute\": \"qmp_capabilities\", \"arguments\": {\"enable\": [\"foo\"]}}"));
        assertEquals(expecting, client.error("{\"execute\": \"query-version\"}"));
        assertEquals(EMPTY, client.ask("{\"execute\": \"qmp_capabilities\"}"));
        assertEquals(
                "CommandNotFound: Capabilities negotiation is already complete, command ignored",
                client.error("{\"execute\": \"qmp_capabilities\"}"));
        assertTrue(client.result("{\"execute\": \"query-version\"}") instanceof Map<?, ?>);
    }

    @Test
    @DisplayName("QMP-02 a capability that is known but not offered leaves the negotiation open")
    void capabilityNotOffered() throws Exception {
        rig.monitors.addQmp(rig.add("socket,id=m,server=on,wait=off,path=" + rig.path("m")), false, false);
        QmpClient client = rig.connect("m");
        assertTrue(client.line().endsWith("\"capabilities\": []}}"));
        assertEquals(
                "Capability oob not available",
                client.error("{\"execute\": \"qmp_capabilities\", \"arguments\": {\"enable\": [\"oob\"]}}"));
        assertEquals(EMPTY, client.ask("{\"execute\": \"qmp_capabilities\"}"));
        assertEquals("QMP input member 'exec-oob' is unexpected", client.error("{\"exec-oob\": \"query-yank\"}"));
    }

    @Test
    @DisplayName("QMP-02 out-of-band commands, once they are asked for")
    void outOfBand() throws Exception {
        QmpClient client = rig.listen("mon").connect("mon");
        client.line();
        client.ask("{\"execute\": \"qmp_capabilities\", \"arguments\": {\"enable\": [\"oob\"]}}");
        assertEquals(
                "{\"return\": [{\"type\": \"chardev\", \"id\": \"mon\"}], \"id\": 7}",
                client.ask("{\"exec-oob\": \"query-yank\", \"id\": 7}"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1",
                "-2",
                "1.5",
                "18446744073709551615",
                "\"x\"",
                "null",
                "true",
                "false",
                "[]",
                "{}",
                "[1, {\"a\": [null]}]",
                "{\"id\": {\"id\": 0}}",
                "\"\\u00E9\""
            })
    @DisplayName("QMP-03 an id of any type comes back, with success and with an error")
    void anyId(String id) throws Exception {
        QmpClient client = MonitorRig.ready(rig);
        assertEquals(
                "{\"return\": {\"name\": \"rig\"}, \"id\": " + id + "}",
                client.ask("{\"execute\": \"query-name\", \"id\": " + id + "}"));
        String refused = client.ask("{\"id\": " + id + ", \"execute\": \"nope\"}");
        assertTrue(refused.endsWith("}, \"id\": " + id + "}"), refused);
        assertTrue(client.ask("{\"id\": " + id + "}").endsWith("}, \"id\": " + id + "}"));
    }

    @Test
    @DisplayName("QMP-03 an id as deep as input can be comes back")
    void deepId() throws Exception {
        QmpClient client = MonitorRig.ready(rig);
        String id = "[".repeat(1023) + "]".repeat(1023);
        assertEquals(
                "{\"return\": {\"name\": \"rig\"}, \"id\": " + id + "}",
                client.ask("{\"execute\": \"query-name\", \"id\": " + id + "}"));
    }

    @Test
    @DisplayName("QMP-04 a name without end is not repeated in full")
    void longNames() throws Exception {
        QmpClient client = MonitorRig.ready(rig);
        String error = client.error("{\"execute\": \"" + "x".repeat(1 << 20) + "\"}");
        assertTrue(error.startsWith("CommandNotFound: The command xxx") && error.endsWith("x..."));
        assertTrue(error.length() < 10_000);
    }

    @Test
    @DisplayName("QMP-03 no id comes back that was not there")
    void noId() throws Exception {
        QmpClient client = MonitorRig.ready(rig);
        assertFalse(client.ask("{\"execute\": \"query-name\"}").contains("\"id\""));
        assertFalse(client.ask("{\"execute\": \"nope\"}").contains("\"id\""));
    }

    @Test
    @DisplayName("QMP-05 two commands in one packet, one byte by byte, single quotes; responses in order")
    void framing() throws Exception {
        QmpClient client = MonitorRig.ready(rig);
        client.send("{\"execute\": \"query-name\", \"id\": 1}{\"execute\": \"query-status\", \"id\": 2}");
        assertTrue(client.response().endsWith("\"id\": 1}"));
        assertTrue(client.response().endsWith("\"id\": 2}"));
        for (byte b : "{'execute':'query-name','id':'it\\'s'}".getBytes(StandardCharsets.UTF_8)) {
            assertTrue(client.isQuiet());
            client.send(new byte[] {b}, List.of());
        }
        assertTrue(client.response().endsWith("\"id\": \"it's\"}"));
    }

    @Test
    @DisplayName("QMP-05 a thousand commands at once are answered in order")
    void manyAtOnce() throws Exception {
        QmpClient client = MonitorRig.ready(rig);
        StringBuilder all = new StringBuilder();
        for (int i = 0; i < 1000; i++) {
            all.append("{\"execute\": \"query-name\", \"id\": ").append(i).append('}');
        }
        client.send(all.toString());
        for (int i = 0; i < 1000; i++) {
            assertTrue(client.response().endsWith("\"id\": " + i + "}"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"garbage\u0001", "@#%&\u0002", "{\"execute\": \u001b", "\u0003", "[[[\u0004"})
    @DisplayName("QMP-06 garbage and a control character make one error, then commands work")
    void garbage(String garbage) throws Exception {
        QmpClient client = MonitorRig.ready(rig);
        client.send(garbage + "{\"execute\": \"query-name\", \"id\": 5}");
        String error = client.response();
        assertTrue(QmpClient.errorOf(error).startsWith("JSON parse error, "), error);
        assertFalse(error.contains("\"id\""));
        assertEquals("{\"return\": {\"name\": \"rig\"}, \"id\": 5}", client.response());
        assertTrue(client.isQuiet());
    }

    @Test
    @DisplayName("QMP-08 events go to all that have negotiated, and to nobody else")
    void eventsAfterNegotiation() throws Exception {
        rig.listen("a").listen("b").listen("c");
        QmpClient first = rig.connect("a").negotiated();
        QmpClient second = rig.connect("b").negotiated();
        QmpClient third = rig.connect("c");
        third.line();
        rig.skip(EventQueue.WINDOW_NS * 2); // connections are events, too
        first.rest();
        second.rest();
        rig.monitors.deviceDeleted("p0", "/machine/peripheral/p0");
        String expected =
                "{\"timestamp\": {\"seconds\": 1234567890, \"microseconds\": 654321}, \"event\": \"DEVICE_DELETED\", "
                        + "\"data\": {\"device\": \"p0\", \"path\": \"/machine/peripheral/p0\"}}";
        assertTrue(first.rest().endsWith(expected + "\r\n"));
        assertTrue(second.rest().endsWith(expected + "\r\n"));
        assertTrue(third.isQuiet());
        third.ask("{\"execute\": \"qmp_capabilities\"}");
        assertTrue(third.isQuiet());
    }

    @Test
    @DisplayName("QMP-14 quit tells all clients, answers, and has the program end")
    void quit() throws Exception {
        rig.listen("other");
        QmpClient client = MonitorRig.ready(rig);
        QmpClient other = rig.connect("other").negotiated();
        rig.skip(EventQueue.WINDOW_NS * 2);
        client.rest();
        client.send("{\"execute\": \"quit\"}");
        rig.until("the end", () -> rig.quit);
        String shutdown = "\"event\": \"SHUTDOWN\", \"data\": {\"guest\": false, \"reason\": \"host-qmp-quit\"}}\r\n";
        String told = client.rest();
        assertTrue(told.endsWith(shutdown + EMPTY + "\r\n"), told);
        assertTrue(other.rest().endsWith(shutdown));
    }

    @Test
    @DisplayName("QMP-14 clients hear that a signal ends the program")
    void signal() throws Exception {
        QmpClient client = MonitorRig.ready(rig);
        rig.skip(EventQueue.WINDOW_NS * 2);
        client.rest();
        rig.monitors.endedBySignal();
        assertEquals(
                "{guest=false, reason=host-signal}",
                String.valueOf(client.event().get("data")));
    }

    @Test
    @DisplayName("QMP-15 a client that does not read delays nobody, costs no memory, and gets what it asked for later")
    void clientThatDoesNotRead() throws Exception {
        rig.listen("other");
        QmpClient lazy = MonitorRig.ready(rig);
        QmpClient other = rig.connect("other").negotiated();
        String command = "{\"execute\": \"query-qmp-schema\"}";
        int sent = 0;
        for (int stuck = 0; stuck < 50; ) {
            int n = lazy.trySend(command);
            assertTrue(n == 0 || n == command.length());
            stuck = n == 0 ? stuck + 1 : 0;
            sent += n > 0 ? 1 : 0;
            assertTrue(sent < 1_000_000, "takes commands without end");
            rig.loop.turn(0);
        }
        for (int i = 0; i < 30_000; i++) {
            rig.monitors.deviceDeleted("d" + i, "/machine/peripheral/d" + i);
            if (i % 100 == 0 || i == 29_999) {
                assertTrue(other.rest().contains("d" + i));
            }
        }
        int responses = 0;
        int events = 0;
        String last = command;
        while (responses < sent) {
            last = lazy.line();
            responses += last.startsWith("{\"return\"") ? 1 : 0;
            events += last.contains("DEVICE_DELETED") ? 1 : 0;
        }
        assertTrue(events > 1000 && events < 29_000, "events=" + events);
        assertTrue(lazy.ask("{\"execute\": \"query-name\"}").startsWith("{\"return\""));
    }

    @Test
    @DisplayName("QMP-15 a client that leaves unread answers behind is let go")
    void clientThatLeavesWithoutReading() throws Exception {
        QmpClient lazy = MonitorRig.ready(rig);
        String command = "{\"execute\": \"query-qmp-schema\"}";
        for (int stuck = 0; stuck < 50; rig.loop.turn(0)) {
            stuck = lazy.trySend(command) == 0 ? stuck + 1 : 0;
        }
        lazy.close();
        assertEquals(GREETING, rig.connect("mon").line());
    }

    @Test
    @DisplayName("QMP-15 the next client gets a greeting and negotiates anew, whatever the last one left unfinished")
    void reconnecting() throws Exception {
        QmpClient first = MonitorRig.ready(rig);
        first.send("{\"execute\": [\"");
        rig.settle();
        first.close();
        QmpClient second = rig.connect("mon");
        assertEquals(GREETING, second.line());
        assertEquals(
                "CommandNotFound: Expecting capabilities negotiation with 'qmp_capabilities'",
                second.error("{\"execute\": \"query-name\"}"));
        assertEquals(EMPTY, second.ask("{\"execute\": \"qmp_capabilities\"}"));
    }

    @Test
    @DisplayName("QMP-16 query-version, query-commands and query-events")
    void inquiries() throws Exception {
        QmpClient client = MonitorRig.ready(rig);
        assertEquals(
                "{\"return\": {\"qemu\": {\"micro\": 0, \"minor\": 0, \"major\": 10}, \"package\": \"vportd test\"}}",
                client.ask("{\"execute\": \"query-version\"}"));
        String commands = String.valueOf(client.result("{\"execute\": \"query-commands\"}"));
        for (String name : List.of("qmp_capabilities", "device_add", "chardev-change", "getfd", "add_client", "quit")) {
            assertTrue(commands.contains("{name=" + name + "}"), commands);
        }
        assertEquals(
                "CommandNotFound: The command query-events has not been found",
                client.error("{\"execute\": \"query-events\"}"));
        assertEquals(
                "{\"return\": {\"status\": \"running\", \"running\": true}}",
                client.ask("{\"execute\": \"query-status\"}"));
    }

    @Test
    @DisplayName("QMP-16 query-qmp-schema names each type that it refers to, once")
    void schema() throws Exception {
        QmpClient client = MonitorRig.ready(rig);
        List<?> answer =
                client.result("{\"execute\": \"query-qmp-schema\"}") instanceof List<?> list ? list : List.of();
        Set<Object> defined = new HashSet<>();
        Set<Object> named = new HashSet<>();
        Set<Object> metaTypes = new HashSet<>();
        Map<?, ?> add = Map.of();
        for (Object each : answer) {
            Map<?, ?> info = (Map<?, ?>) each;
            assertTrue(defined.add(info.get("name")), () -> "twice: " + info);
            metaTypes.add(info.get("meta-type"));
            collect(info, named);
            add = "chardev-add".equals(info.get("name")) ? info : add;
        }
        assertEquals(Set.of("builtin", "enum", "array", "object", "alternate", "command", "event"), metaTypes);
        named.removeAll(defined);
        assertEquals(Set.of(), named);
        assertTrue(defined.containsAll(Set.of("VSERPORT_CHANGE", "str", "int", "bool", "quit")));
        assertNotEquals(add.get("arg-type"), add.get("ret-type"));
    }

    private static void collect(Object info, Set<Object> named) {
        if (info instanceof List<?> list) {
            list.forEach(each -> collect(each, named));
        } else if (info instanceof Map<?, ?> map) {
            for (String key : List.of("arg-type", "ret-type", "element-type", "type")) {
                if (map.containsKey(key)) {
                    named.add(map.get(key));
                }
            }
            map.values().forEach(each -> collect(each, named));
        }
    }

    @Test
    void linesForPeople() throws Exception {
        QmpClient client = MonitorRig.ready(rig);
        assertEquals(
                "{\"return\": \"VM status: running\\r\\n\"}",
                client.ask(
                        "{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": \"info status\"}}"));
    }

    @Test
    void aChardevHasOneMonitor() throws Exception {
        Chardev taken = rig.add("socket,id=s,server=on,wait=off,path=" + rig.path("s"));
        rig.monitors.addQmp(taken, false);
        ConfigException refused = assertThrows(ConfigException.class, () -> rig.monitors.addQmp(taken, false));
        assertEquals("chardev 's' is already in use", refused.getMessage());
    }
}
