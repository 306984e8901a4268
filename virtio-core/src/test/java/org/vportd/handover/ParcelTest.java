package org.vportd.handover;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vportd.posix.EventFd;
import org.vportd.posix.Fd;
import org.vportd.posix.Poll;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.testing.OpenDescriptors;

@Timeout(30)
class ParcelTest {
    private static final int PATIENCE_MS = 10_000;

    /** Sends from one thread and receives on this one. */
    private static Parcel exchange(Parcel parcel) throws Exception {
        Fd[] pair = Sockets.pair();
        try (ParcelSocket from = new ParcelSocket(pair[0], PATIENCE_MS);
                ParcelSocket to = new ParcelSocket(pair[1], PATIENCE_MS)) {
            CompletableFuture<Void> sent = CompletableFuture.runAsync(() -> {
                try {
                    from.send(parcel);
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            });
            Parcel received = to.receive();
            sent.get(PATIENCE_MS, TimeUnit.MILLISECONDS);
            return received;
        }
    }

    @Test
    void shouldBringValuesAsTheyWere() throws Exception {
        byte[] bytes = new byte[300_000];
        bytes[299_999] = 7;
        Parcel parcel = new Parcel()
                .put("number", -5)
                .put("flag", true)
                .put("text", "ä\0b")
                .put("bytes", bytes)
                .put("inner", new Parcel().put("x", 1))
                .put("list", List.of(new Parcel().put("y", 2), new Parcel()))
                .put("nothing", (String) null);
        try (Parcel back = exchange(parcel)) {
            assertEquals(-5, back.number("number", 0));
            assertTrue(back.flag("flag"));
            assertEquals("ä\0b", back.text("text"));
            assertArrayEquals(bytes, back.bytes("bytes"));
            assertEquals(1, back.parcel("inner").number("x", 0));
            assertEquals(2, back.parcels("list").get(0).number("y", 0));
            assertEquals(2, back.parcels("list").size());
            assertFalse(back.has("nothing"));
        }
    }

    @Test
    void shouldHaveDefaultsForWhatIsMissing() {
        Parcel empty = new Parcel();
        assertEquals(9, empty.number("n", 9));
        assertFalse(empty.flag("f"));
        assertNull(empty.text("t"));
        assertEquals(0, empty.bytes("b").length);
        assertNull(empty.takeFd("fd"));
        assertEquals(List.of(), empty.parcels("list"));
        assertFalse(empty.parcel("inner").has("x"));
    }

    /** More than one message takes; each is the one that was meant, and what is not taken is closed. */
    @Test
    void shouldBringManyDescriptorsToTheirNames() throws Exception {
        exchange(new Parcel()).close(); // loads what opens descriptors of its own
        long before = OpenDescriptors.count();
        List<EventFd> events = new ArrayList<>();
        List<Parcel> parts = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            EventFd event = EventFd.open(i == 70 ? 1 : 0);
            events.add(event);
            parts.add(new Parcel().put("fd", event.fd()).put("i", i));
        }
        try (Parcel back = exchange(new Parcel().put("parts", parts))) {
            for (int i = 0; i < 100; i += 10) {
                Parcel part = back.parcels("parts").get(i);
                assertEquals(i, part.number("i", -1));
                try (Fd fd = part.takeFd("fd")) {
                    assertNotNull(fd);
                    assertEquals(i == 70, (Poll.now(fd, Poll.POLLIN) & Poll.POLLIN) != 0);
                }
                assertNull(part.takeFd("fd"));
            }
        }
        events.forEach(EventFd::close);
        assertEquals(before, OpenDescriptors.count());
    }

    @Test
    void shouldFailWhenOtherSideHasGoneOrIsSilent() throws PosixException {
        Fd[] pair = Sockets.pair();
        try (ParcelSocket to = new ParcelSocket(pair[1], 50)) {
            assertThrows(IOException.class, to::receive);
            pair[0].close();
            assertThrows(IOException.class, to::receive);
            assertThrows(IOException.class, () -> to.send(new Parcel()));
        }
    }

    @Test
    void shouldCloseDescriptorsOfWhatCannotBeRead() throws Exception {
        long before = OpenDescriptors.count();
        try (EventFd event = EventFd.open(0)) {
            byte[] broken = {0, 0, 0, 1, 0, 0, 0, 1, 'x', 9};
            Fd copy = event.fd().duplicate();
            assertThrows(IOException.class, () -> ParcelCodec.decode(broken, List.of(copy)));
        }
        assertEquals(before, OpenDescriptors.count());
    }
}
