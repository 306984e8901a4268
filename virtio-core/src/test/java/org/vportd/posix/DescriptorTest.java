package org.vportd.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class DescriptorTest {
    private static final int F_GETFD = 1;
    private static final int FD_CLOEXEC = 1;

    @TempDir
    private Path directory;

    @Test
    @DisplayName("SEC-107 every descriptor made here stays out of child processes")
    void shouldMakeEveryDescriptorCloseOnExec() throws Exception {
        List<Fd> all = new ArrayList<>();
        String path = directory.resolve("s").toString();
        try {
            all.add(Posix.open("/dev/null", Posix.O_RDWR, 0));
            all.addAll(List.of(Posix.pipe()));
            all.add(Posix.memoryFile("test", 1));
            all.addAll(List.of(Sockets.pair()));
            all.add(all.get(0).duplicate());
            Fd listener = Sockets.listenUnix(path, 1);
            all.add(listener);
            all.add(Sockets.connectUnix(path));
            all.add(accepted(listener));
            Fd tcp = Sockets.listenTcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1);
            all.add(tcp);
            InetSocketAddress address = Sockets.localAddress(tcp);
            if (address == null) {
                throw new AssertionError("no address");
            }
            all.add(Sockets.connectTcp(address));
            all.add(Terminals.openPty().master());
            try (EventFd event = EventFd.open(0);
                    MessageSocket sender = new MessageSocket(Sockets.pair()[0])) {
                assertCloseOnExec(event.fd());
                assertCloseOnExec(sender.fd());
            }
            all.forEach(DescriptorTest::assertCloseOnExec);
        } finally {
            all.forEach(Fd::close);
        }
    }

    private static Fd accepted(Fd listener) throws IOException {
        Fd fd = Sockets.accept(listener);
        if (fd == null) {
            throw new AssertionError("nothing to accept");
        }
        return fd;
    }

    @Test
    @DisplayName("SEC-107 so does every descriptor received")
    void shouldReceiveDescriptorsCloseOnExec() throws Exception {
        Fd[] pair = Sockets.pair();
        long buffer = NativeMemory.allocate(8);
        try (MessageSocket left = new MessageSocket(pair[0]);
                MessageSocket right = new MessageSocket(pair[1])) {
            left.send(buffer, 1, List.of(left.fd()));
            right.receive(buffer, 1);
            List<Fd> received = right.takeDescriptors();
            received.forEach(DescriptorTest::assertCloseOnExec);
            received.forEach(Fd::close);
        } finally {
            NativeMemory.free(buffer);
        }
    }

    @Test
    void shouldInheritNothingMoreWhenEpollIsMade() throws Exception {
        List<Integer> before = inheritable();
        try (Epoll epoll = new Epoll(4)) {
            assertEquals(0, epoll.await(0));
            assertEquals(before, inheritable());
        }
    }

    private static List<Integer> inheritable() throws IOException {
        List<Integer> found = new ArrayList<>();
        try (var entries = Files.list(Path.of("/proc/self/fd"))) {
            for (Path entry : entries.toList()) {
                int number = Integer.parseInt(entry.getFileName().toString());
                int flags = LibC.C.fcntl(number, F_GETFD, 0);
                boolean epoll = flags >= 0 && isEpoll(entry);
                if (epoll && (flags & FD_CLOEXEC) == 0) {
                    found.add(number);
                }
            }
        }
        found.sort(null);
        return found;
    }

    private static boolean isEpoll(Path entry) {
        try {
            return Files.readSymbolicLink(entry).toString().contains("eventpoll");
        } catch (IOException e) {
            return false; // the one that listed the directory
        }
    }

    private static void assertCloseOnExec(Fd fd) {
        assertTrue((LibC.C.fcntl(fd.value(), F_GETFD, 0) & FD_CLOEXEC) != 0, fd.toString());
    }

    @Test
    void shouldNeverTouchReusedNumberWhenClosed() throws Exception {
        Fd fd = Posix.open("/dev/null", Posix.O_RDONLY, 0);
        fd.close();
        fd.close();
        assertFalse(fd.isOpen());
        assertThrows(IllegalStateException.class, fd::value);
    }

    @Test
    void shouldNameCallAndReasonWhenItFails() {
        PosixException e = assertThrows(PosixException.class, () -> Posix.open("/nonexistent", Posix.O_RDONLY, 0));
        assertEquals("open: No such file or directory", e.getMessage());
        assertEquals(Errno.ENOENT, e.errno());
    }

    @Test
    void shouldThrowPermissionErrorWhenRegularFileIsWatched() throws Exception {
        try (Epoll epoll = new Epoll(1);
                Fd file = Posix.memoryFile("test", 1)) {
            PosixException e = assertThrows(PosixException.class, () -> epoll.add(file, Epoll.EPOLLIN, 0));
            assertEquals(Errno.EPERM, e.errno());
        }
    }

    @Test
    void shouldBringDataBackWhenEventsArrive() throws Exception {
        try (Epoll epoll = new Epoll(4);
                EventFd event = EventFd.open(1)) {
            epoll.add(event.fd(), Epoll.EPOLLIN, 0x1234_5678_9abc_def0L);
            assertEquals(1, epoll.await(1000));
            assertEquals(0x1234_5678_9abc_def0L, epoll.dataAt(0));
            assertEquals(Epoll.EPOLLIN, epoll.eventsAt(0));
            epoll.modify(event.fd(), 0, 0);
            assertEquals(0, epoll.await(0));
        }
    }

    @Test
    void shouldReportHangUpOfPtyWhileNobodyHasItOpen() throws Exception {
        Terminals.Pty pty = Terminals.openPty();
        long buffer = NativeMemory.allocate(16);
        try (Fd master = pty.master()) {
            assertTrue(Terminals.isHungUp(master));
            PosixException e = assertThrows(PosixException.class, () -> Posix.read(master, buffer, 16));
            assertEquals(Errno.EIO, e.errno());

            try (Fd slave = Posix.open(pty.slavePath(), Posix.O_RDWR | Posix.O_NOCTTY | Posix.O_NONBLOCK, 0)) {
                assertFalse(Terminals.isHungUp(master));
                assertEquals(Posix.WOULD_BLOCK, Posix.read(master, buffer, 16));
                NativeMemory.putByte(buffer, (byte) '\n');
                Posix.write(master, buffer, 1);
                assertEquals(1, Posix.read(slave, buffer, 16));
                assertEquals('\n', NativeMemory.getByte(buffer));
                Posix.write(slave, buffer, 1);
                assertEquals(1, Posix.read(master, buffer, 16)); // raw: neither echoed nor doubled
            }
            assertTrue(Terminals.isHungUp(master));
        } finally {
            NativeMemory.free(buffer);
        }
    }

    @Test
    void shouldCountSignalsWhenEventIsDrained() throws Exception {
        try (EventFd event = EventFd.open(2)) {
            event.signal();
            assertEquals(3, event.drain());
            assertEquals(0, event.drain());
        }
    }
}
