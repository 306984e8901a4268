package org.vportd.chardev;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.vportd.posix.Fd;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.posix.Terminals;
import org.vportd.testing.OpenDescriptors;

/** A loop, and one chardev with its peer, for tests of {@link FdStream}; they may leave no descriptor open. */
abstract class FdStreamFixture {
    static final int PAGE = 4096;

    final Deque<AutoCloseable> opened = new ArrayDeque<>();
    TestLoop loop;

    @SuppressWarnings("NullAway.Init") // each test makes what it needs
    RecordingHandler front;

    @SuppressWarnings("NullAway.Init")
    Peer peer;

    private long descriptorsBefore;

    @BeforeEach
    void openLoop() throws Exception {
        new RecordingHandler().close(); // loads what would open descriptors of its own
        try (TestLoop first = new TestLoop()) {
            first.settle();
        }
        descriptorsBefore = OpenDescriptors.count();
        loop = new TestLoop();
    }

    @AfterEach
    void closeAll() throws Exception {
        for (AutoCloseable closeable : opened) {
            closeable.close();
        }
        loop.close();
        OpenDescriptors.assertNoneSince(descriptorsBefore);
    }

    /** Has something closed at the end, what was opened last first. */
    <T extends AutoCloseable> T closing(T closeable) {
        opened.push(closeable);
        return closeable;
    }

    /** Makes a chardev at one end of a connection, and its peer at the other. */
    void connect(Fd[] ends) throws PosixException {
        front = front(ends[0], ends[0]);
        peer = peer(ends[1], ends[1]);
    }

    /** Makes a chardev, of what it reads from and what it writes to, with a front-end that takes no input for now. */
    RecordingHandler front(@Nullable Fd input, @Nullable Fd output) throws PosixException {
        StreamChardev chardev = closing(new StreamChardev(loop.loop(), input, output));
        return closing(new RecordingHandler()).attach(chardev);
    }

    Peer peer(Fd in, Fd out) {
        return closing(new Peer(in, out));
    }

    /** Both ends of a terminal. */
    static Fd[] terminal() throws PosixException {
        Terminals.Pty pty = Terminals.openPty();
        Fd slave = Posix.open(pty.slavePath(), Posix.O_RDWR | Posix.O_NONBLOCK | Posix.O_NOCTTY, 0);
        return new Fd[] {pty.master(), slave};
    }

    /** Both ends of a TCP connection. */
    Fd[] tcpPair() throws Exception {
        try (Fd listener = Sockets.listenTcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1)) {
            InetSocketAddress at = Sockets.localAddress(listener);
            Fd client = Sockets.connectTcp(Objects.requireNonNull(at));
            Fd[] accepted = new Fd[1];
            loop.until("accepted", () -> {
                try {
                    accepted[0] = Sockets.accept(listener);
                } catch (PosixException e) {
                    throw new AssertionError(e);
                }
                return accepted[0] != null;
            });
            return new Fd[] {accepted[0], client};
        }
    }

    static Fd devNull() throws PosixException {
        return Posix.open("/dev/null", Posix.O_RDWR, 0);
    }
}
