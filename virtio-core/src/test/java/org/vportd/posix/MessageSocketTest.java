package org.vportd.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class MessageSocketTest {
    private MessageSocket left;
    private MessageSocket right;
    private long buffer;

    @BeforeEach
    void open() throws PosixException {
        Fd[] pair = Sockets.pair();
        left = new MessageSocket(pair[0]);
        right = new MessageSocket(pair[1]);
        buffer = NativeMemory.allocate(64);
    }

    @AfterEach
    void close() {
        left.close();
        right.close();
        NativeMemory.free(buffer);
    }

    @Test
    void shouldPassOpenFilesWhenDescriptorsAreAttached() throws Exception {
        try (EventFd a = EventFd.open(5);
                EventFd b = EventFd.open(9)) {
            assertEquals(3, left.send(buffer, 3, List.of(a.fd(), b.fd())));
            assertEquals(3, right.receive(buffer, 64));
            List<Fd> received = right.takeDescriptors();
            assertEquals(2, received.size());
            assertEquals(Long.BYTES, Posix.read(received.get(1), buffer, Long.BYTES));
            assertEquals(9, NativeMemory.getLong(buffer));
            assertEquals(0, right.takeDescriptors().size());
            assertFalse(right.isTruncated());
            assertTrue(a.fd().isOpen());
            received.forEach(Fd::close);
        }
    }

    @Test
    void shouldReceiveAllWhenAsManyAsAllowedAreAttached() throws Exception {
        try (EventFd event = EventFd.open(0)) {
            left.send(buffer, 1, Collections.nCopies(MessageSocket.MAX_DESCRIPTORS, event.fd()));
            right.receive(buffer, 1);
            assertEquals(MessageSocket.MAX_DESCRIPTORS, right.descriptors());
            assertFalse(right.isTruncated());
            right.takeDescriptors().forEach(Fd::close);
        }
    }

    @Test
    void shouldRefuseToSendWhenTooManyAreAttached() throws Exception {
        try (EventFd event = EventFd.open(0)) {
            List<Fd> many = Collections.nCopies(MessageSocket.MAX_DESCRIPTORS + 1, event.fd());
            assertThrows(IllegalArgumentException.class, () -> left.send(buffer, 1, many));
        }
    }

    @Test
    void shouldCloseDescriptorsNobodyTookWhenClosed() throws Exception {
        Fd[] pipe = Posix.pipe();
        try (Fd reading = pipe[0]) {
            left.send(buffer, 1, List.of(pipe[1]));
            pipe[1].close();
            right.receive(buffer, 1);
            assertEquals(Posix.WOULD_BLOCK, Posix.read(reading, buffer, 1));
            right.close();
            assertEquals(0, Posix.read(reading, buffer, 1)); // the last writer has gone
        }
    }

    @Test
    void shouldAnswerWouldBlockWhenNothingIsThere() throws Exception {
        assertEquals(Posix.WOULD_BLOCK, right.receive(buffer, 1));
    }

    @Test
    void shouldAnswerZeroWhenPeerHasClosed() throws Exception {
        left.close();
        assertEquals(0, right.receive(buffer, 1));
    }

    @Test
    void shouldThrowBrokenPipeWithoutSignalWhenPeerHasClosed() throws Exception {
        left.close();
        PosixException e = assertThrows(PosixException.class, () -> right.send(buffer, 1, List.of()));
        assertEquals(Errno.EPIPE, e.errno());
    }
}
