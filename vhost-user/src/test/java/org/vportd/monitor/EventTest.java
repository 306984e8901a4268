package org.vportd.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.vportd.posix.Fd;
import org.vportd.posix.Sockets;

class EventTest extends CommandFixture {
    private static final long HALF_NS = EventQueue.WINDOW_NS / 2;

    @BeforeEach
    void open() throws Exception {
        rig.skip(2 * EventQueue.WINDOW_NS);
        client.rest();
    }

    /** The events that have come, as {@code id=state}. */
    private List<String> states() {
        List<String> states = new ArrayList<>();
        for (String line : client.rest().lines().toList()) {
            Map<?, ?> event = QmpClient.json(line);
            Map<?, ?> data = event.get("data") instanceof Map<?, ?> map ? map : Map.of();
            states.add(event.get("event") + " " + data.get("id") + "=" + data.get("open"));
        }
        return states;
    }

    @Test
    @DisplayName("QMP-07 opening and closing of a port is told with its device id, not for ports without")
    void portChanges() {
        rig.monitors.portChanged(null, true);
        assertTrue(client.isQuiet());
        rig.monitors.portChanged("ch0", true);
        assertEquals(
                "{\"timestamp\": {\"seconds\": 1234567890, \"microseconds\": 654321}, \"event\": \"VSERPORT_CHANGE\", "
                        + "\"data\": {\"id\": \"ch0\", \"open\": true}}",
                client.line());
    }

    @Test
    @DisplayName("QMP-07 events of a port come a second apart, the last state always comes")
    void limit() {
        rig.monitors.portChanged("a", true);
        rig.monitors.portChanged("a", false);
        rig.monitors.portChanged("a", true);
        rig.monitors.portChanged("a", false);
        assertEquals(List.of("VSERPORT_CHANGE a=true"), states());
        rig.skip(HALF_NS);
        assertEquals(List.of(), states());
        rig.skip(HALF_NS);
        assertEquals(List.of("VSERPORT_CHANGE a=false"), states());
        rig.monitors.portChanged("a", true); // the delayed one has begun another second
        assertEquals(List.of(), states());
        rig.skip(2 * HALF_NS);
        assertEquals(List.of("VSERPORT_CHANGE a=true"), states());
        rig.skip(4 * HALF_NS);
        assertEquals(List.of(), states());
        rig.monitors.portChanged("a", false);
        assertEquals(List.of("VSERPORT_CHANGE a=false"), states());
    }

    @Test
    @DisplayName("QMP-07 a flap within the second may repeat the same state")
    void flap() {
        rig.monitors.portChanged("a", true);
        rig.monitors.portChanged("a", false);
        rig.monitors.portChanged("a", true);
        assertEquals(List.of("VSERPORT_CHANGE a=true"), states());
        rig.skip(2 * HALF_NS);
        assertEquals(List.of("VSERPORT_CHANGE a=true"), states());
    }

    @Test
    @DisplayName("QMP-07 two ids do not limit each other")
    void independent() {
        rig.monitors.portChanged("a", true);
        rig.skip(HALF_NS);
        rig.monitors.portChanged("b", true);
        rig.monitors.portChanged("a", false);
        rig.monitors.portChanged("b", false);
        assertEquals(List.of("VSERPORT_CHANGE a=true", "VSERPORT_CHANGE b=true"), states());
        rig.skip(HALF_NS);
        assertEquals(List.of("VSERPORT_CHANGE a=false"), states());
        rig.skip(HALF_NS);
        assertEquals(List.of("VSERPORT_CHANGE b=false"), states());
    }

    @Test
    @DisplayName("QMP-09 a deleted device is told with its path, and its id if it had one; each of them")
    void deviceDeleted() {
        rig.monitors.deviceDeleted("p1", "/machine/peripheral/p1");
        rig.monitors.deviceDeleted(null, "/machine/peripheral-anon/device[0]");
        assertTrue(client.line().endsWith("\"data\": {\"device\": \"p1\", \"path\": \"/machine/peripheral/p1\"}}"));
        assertTrue(client.line().endsWith("\"data\": {\"path\": \"/machine/peripheral-anon/device[0]\"}}"));
    }

    @Test
    @DisplayName("QMP-07 our own CHARDEV_CHANGE tells who has connected and left, limited as well")
    void chardevChanges() throws Exception {
        rig.add("socket,id=s,server=on,wait=off,path=" + rig.path("s"));
        try (Fd peer = Sockets.connectUnix(rig.path("s"))) {
            assertTrue(peer.isOpen());
            Map<?, ?> event = client.event();
            assertEquals("CHARDEV_CHANGE", event.get("event"));
            assertEquals(
                    Map.of("id", "s", "open", true, "filename", "unix:" + rig.path("s") + ",server=on"),
                    event.get("data"));
        }
        rig.settle();
        assertTrue(client.isQuiet());
        rig.skip(2 * HALF_NS);
        assertEquals(
                Map.of("id", "s", "open", false, "filename", "disconnected:unix:" + rig.path("s") + ",server=on"),
                client.event().get("data"));
    }

    @Test
    @DisplayName("QMP-07 a client hears of the peers of other monitors, and not that it has come itself")
    void ownConnection() throws Exception {
        rig.listen("other");
        QmpClient other = rig.connect("other").negotiated();
        rig.skip(2 * HALF_NS);
        assertEquals("other", ((Map<?, ?>) Objects.requireNonNull(client.event().get("data"))).get("id"));
        assertTrue(other.isQuiet());
        assertTrue(client.isQuiet());
    }
}
