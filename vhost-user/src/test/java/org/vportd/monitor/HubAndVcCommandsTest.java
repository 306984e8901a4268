package org.vportd.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.vportd.chardev.ChardevFrontend;
import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;

/** The commands for hubs and text consoles, over QMP. */
class HubAndVcCommandsTest extends CommandFixture {
    private final SilentPort port = new SilentPort();

    @AfterEach
    void close() {
        port.frontend.detach();
    }

    /** Something that writes to a chardev and reads nothing. */
    private static final class SilentPort extends NoInput {
        private final ChardevFrontend frontend = new ChardevFrontend(this);

        long write(String text) {
            long memory = NativeMemory.allocate(text.length());
            try (IoVector data = new IoVector()) {
                NativeMemory.put(text.getBytes(StandardCharsets.US_ASCII), 0, memory, text.length());
                data.add(memory, text.length());
                return frontend.write(data);
            } finally {
                NativeMemory.free(memory);
            }
        }
    }

    @Test
    void shouldChangeMembersOfHub() throws Exception {
        rig.add("ringbuf,id=a");
        rig.add("ringbuf,id=b");
        port.frontend.attach(rig.add("hub,id=h,chardevs.0=a"));
        assertEquals(5, port.write("early"));
        assertEquals(
                EMPTY, client.ask(command("hub-add", "{'id': 'h', 'chardev': 'b', 'slow': 'skip', 'replay': 1024}")));
        assertEquals(4, port.write("late"));
        assertEquals("earlylate", client.result(command("ringbuf-read", "{'device': 'a', 'size': 99}")));
        assertEquals("late", client.result(command("ringbuf-read", "{'device': 'b', 'size': 99}")));
        assertEquals(
                "[{id=a, open=true, writer=true, slow=throttle, ahead=0, skipped=0}, "
                        + "{id=b, open=true, writer=true, slow=skip, ahead=0, skipped=0}]",
                String.valueOf(client.result(command("query-hub", "{'id': 'h'}"))));
        assertEquals(EMPTY, client.ask(command("hub-remove", "{'id': 'h', 'chardev': 'b'}")));
        assertEquals(EMPTY, client.ask(command("chardev-remove", "{'id': 'b'}")));
    }

    @Test
    void shouldRefuseWhatIsNoHub() throws Exception {
        rig.add("ringbuf,id=a");
        rig.add("ringbuf,id=b");
        rig.add("hub,id=h,chardevs.0=a");
        assertEquals("Chardev 'x' not found", client.error(command("hub-add", "{'id': 'x', 'chardev': 'b'}")));
        assertEquals("Chardev 'x' not found", client.error(command("hub-add", "{'id': 'h', 'chardev': 'x'}")));
        assertEquals(
                "chardev: device 'a' is not a multiplexer device of 'mux-be' type",
                client.error(command("hub-add", "{'id': 'a', 'chardev': 'b'}")));
        assertEquals("chardev 'a' is already in use", client.error(command("hub-add", "{'id': 'h', 'chardev': 'a'}")));
        assertEquals(
                "hub: chardev 'b' is not a member of 'h'",
                client.error(command("hub-remove", "{'id': 'h', 'chardev': 'b'}")));
        assertEquals("a is not a hub", client.error(command("query-hub", "{'id': 'a'}")));
    }

    @Test
    void shouldMakeHubWithMembersOfBothForms() throws Exception {
        rig.add("ringbuf,id=a");
        rig.add("ringbuf,id=b");
        assertEquals(
                EMPTY,
                client.ask(command(
                        "chardev-add",
                        "{'id': 'h', 'backend': {'type': 'hub', 'data': {'writer': 'b', 'chardevs': "
                                + "['a', {'id': 'b', 'slow': 'skip', 'replay': 16}]}}}")));
        assertEquals(
                "[{id=a, open=true, writer=false, slow=throttle, ahead=0, skipped=0}, "
                        + "{id=b, open=true, writer=true, slow=skip, ahead=0, skipped=0}]",
                String.valueOf(client.result(command("query-hub", "{'id': 'h'}"))));
    }

    @Test
    void shouldReadScreenAndTypeAtIt() throws Exception {
        port.frontend.attach(rig.add("vc,id=v,cols=10,rows=3"));
        port.write("one\r\ntwo\r\nthree\r\nfour");
        assertEquals(
                "{cols=10, rows=3, cursor-col=4, cursor-row=2, history=[], lines=[two, three, four]}",
                String.valueOf(client.result(command("vc-read", "{'device': 'v'}"))));
        assertEquals(
                "{cols=10, rows=3, cursor-col=4, cursor-row=2, history=[one], lines=[two, three, four]}",
                String.valueOf(client.result(command("vc-read", "{'device': 'v', 'history': 1}"))));
        assertEquals(3L, client.result(command("vc-type", "{'device': 'v', 'data': 'ls\\r'}")));
        assertEquals("Device 'x' not found", client.error(command("vc-read", "{'device': 'x'}")));
        rig.add("ringbuf,id=r");
        assertEquals("r is not a vc device", client.error(command("vc-type", "{'device': 'r', 'data': ''}")));
    }
}
