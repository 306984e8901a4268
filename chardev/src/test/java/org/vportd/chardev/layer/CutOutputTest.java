package org.vportd.chardev.layer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.io.ByteArrayInputStream;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.chardev.ByteStream;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.RecordingHandler;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;
import org.vportd.posix.NativeMemory;

/** What the protocols add to the output stays whole wherever a connection cuts it. */
class CutOutputTest {
    private static final int PAGE = 4096;
    private static final int GREETING_LENGTH = 12;
    private static final String DATA = "\u00ff\u00ffab\u00ffc" + "x".repeat(200) + "\u00ff";
    private static final String DOUBLED = DATA.replace("\u00ff", "\u00ff\u00ff");

    private LayerFixture fixture;
    private final Deque<TrickleStream> connections = new ArrayDeque<>();
    private final Deque<LayerChardev> chardevs = new ArrayDeque<>();
    private final Deque<RecordingHandler> fronts = new ArrayDeque<>();

    @BeforeEach
    void open() throws Exception {
        fixture = new LayerFixture();
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }

    private void serve(int portion, UnaryOperator<ByteStream.Opener> protocol) throws Exception {
        ByteStream.Opener opener = owner -> {
            connections.add(new TrickleStream(fixture.eventLoop(), portion, owner));
            return connections.getLast();
        };
        chardevs.add(fixture.closing(new LayerChardev(protocol.apply(opener))));
        fronts.add(fixture.front(chardevs.getLast()).grant(1 << 20));
    }

    private void serveTelnet(int portion) throws Exception {
        serve(portion, lower -> TelnetStream.over(lower, fixture.eventLoop(), "t", TelnetStream.Mode.TELNET));
        fixture.loop().settle();
        assertEquals(GREETING_LENGTH, connections.getLast().bytes().length);
        assertEquals(1, fronts.getLast().count(ChardevEvent.OPENED));
    }

    private void serveWebSocket(int portion) throws Exception {
        serve(portion, lower -> WebSocketStream.over(lower, fixture.eventLoop(), "w"));
        connections.getLast().give(WebSocketClient.REQUEST.getBytes(StandardCharsets.ISO_8859_1));
        fixture.loop().settle();
        assertEquals(1, fronts.getLast().count(ChardevEvent.OPENED));
    }

    private void writeAll(String data) {
        StringBuilder rest = new StringBuilder(data);
        while (!rest.isEmpty()) {
            rest.delete(0, (int) fronts.getLast().write(rest.toString()));
            fixture.loop().settle();
        }
    }

    @ParameterizedTest
    @DisplayName("CH-16 CH-17 the greeting and doubled bytes stay whole")
    @ValueSource(ints = {1, 2, 3, 5, 7, 11})
    void keepsTelnetWhole(int portion) throws Exception {
        serveTelnet(portion);
        writeAll(DATA);
        writeAll(DATA);

        assertEquals(DOUBLED + DOUBLED, connections.getLast().text().substring(GREETING_LENGTH));
    }

    @Test
    @DisplayName("CH-17 the second half of a doubled byte follows also if nothing else does, or something else")
    void completesPair() throws Exception {
        serveTelnet(1);
        assertEquals(1, fronts.getLast().write("\u00ffdropped"));
        fixture.loop().settle();
        assertEquals("\u00ff\u00ff", connections.getLast().text().substring(GREETING_LENGTH));

        assertEquals(1, fronts.getLast().write("\u00ffdropped"));
        connections.getLast().setPortion(100);
        assertEquals(4, fronts.getLast().write("next"));
        assertEquals(
                "\u00ff\u00ff\u00ff\u00ffnext", connections.getLast().text().substring(GREETING_LENGTH));
    }

    @Test
    @DisplayName("CH-17 the second half of a doubled byte is sent after the chardev was closed")
    void completesPairAfterClose() throws Exception {
        serveTelnet(1);
        assertEquals(1, fronts.getLast().write("\u00ffdropped"));
        chardevs.getLast().close();
        fixture.loop().settle();

        assertEquals("\u00ff\u00ff", connections.getLast().text().substring(GREETING_LENGTH));
    }

    @ParameterizedTest
    @DisplayName("CH-18 frames stay whole, and a pong waits for the end of one")
    @ValueSource(ints = {1, 2, 3, 5, 7, 100})
    void keepsFramesWhole(int portion) throws Exception {
        serveWebSocket(portion);
        String data = "y".repeat(300);
        int taken = (int) fronts.getLast().write(data);
        connections.getLast().give(WebSocketClient.frame(0x89, "ping 1"));
        connections.getLast().give(WebSocketClient.frame(0x89, "ping 2"));
        fixture.loop().settle();
        assertFalse(connections.getLast().text().contains("ping"), "within a frame");
        writeAll(data.substring(taken));
        fixture.loop().settle();

        byte[] sent = connections.getLast().bytes();
        WebSocketClient client = new WebSocketClient(new ByteArrayInputStream(sent), OutputStream.nullOutputStream());
        client.response();
        assertEquals(new WebSocketClient.Frame(0x82, data), client.receive());
        assertEquals(new WebSocketClient.Frame(0x8a, "ping 2"), client.receive());
        assertTrue(client.isAtEnd());
    }

    @Test
    @DisplayName("CH-16 CH-18 memory that is gone is the writer's matter, and what comes next is not affected")
    void passesFaultOn() throws Exception {
        serveTelnet(100);
        connections.getLast().setFaulty(true);
        assertThrows(MemoryFaultException.class, () -> fronts.getLast().write("gone\u00ff"));
        connections.getLast().setFaulty(false);
        assertEquals(4, fronts.getLast().write("here"));
        assertEquals("here", connections.getLast().text().substring(GREETING_LENGTH));

        serveWebSocket(1000);
        int before = connections.getLast().bytes().length;
        connections.getLast().setFaulty(true);
        assertThrows(MemoryFaultException.class, () -> fronts.getLast().write("gone"));
        connections.getLast().setFaulty(false);
        assertEquals(4, fronts.getLast().write("here"));
        assertEquals("\u0082\u0004here", connections.getLast().text().substring(before));
    }

    @ParameterizedTest
    @DisplayName("CH-17 CH-18 output costs no allocation per buffer")
    @ValueSource(booleans = {true, false})
    void allocatesNothingPerBuffer(boolean isTelnet) throws Exception {
        if (isTelnet) {
            serveTelnet(PAGE);
        } else {
            serveWebSocket(PAGE);
        }
        connections.getLast().setDropping();
        ByteStream stream = chardevs.getLast().stream();
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long memory = NativeMemory.allocate(PAGE);
        NativeMemory.putByte(memory + 100, (byte) 0xff);
        try (IoVector data = new IoVector()) {
            data.add(memory, 300);
            data.add(memory + 300, PAGE - 300);
            for (int i = 0; i < 20_000; i++) {
                stream.write(data);
            }
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 10_000; i++) {
                assertTrue(stream.write(data) == PAGE);
            }
            long allocated = threads.getCurrentThreadAllocatedBytes() - before;
            assertTrue(allocated < 10_000, "bytes allocated for 10,000 buffers: " + allocated);
        } finally {
            NativeMemory.free(memory);
        }
    }
}
