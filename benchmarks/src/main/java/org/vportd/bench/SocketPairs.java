package org.vportd.bench;

import org.vportd.chardev.ConfigException;
import org.vportd.loop.EventLoop;
import org.vportd.posix.Fd;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;

/** Two UNIX sockets of the same kind, each with a busy peer: one behind a device, one for plain system calls. */
final class SocketPairs implements AutoCloseable {
    final EventLoop loop;
    final DeviceSetup setup;
    final Fd plain;
    private final StreamChardev chardev;
    private final SocketPeer ringPeer;
    private final SocketPeer plainPeer;

    /**
     * Makes both.
     *
     * @param peersWrite whether the peers give bytes; otherwise they take them
     * @param rings what the rings are like
     */
    SocketPairs(boolean peersWrite, Rings rings) throws PosixException, ConfigException {
        loop = EventLoop.open();
        Fd[] ringPair = Sockets.pair();
        chardev = new StreamChardev(loop, ringPair[0]);
        setup = new DeviceSetup(loop, chardev, rings);
        ringPeer = peersWrite ? SocketPeer.writer(ringPair[1]) : SocketPeer.reader(ringPair[1]);
        Fd[] plainPair = Sockets.pair();
        plain = plainPair[0];
        Posix.setNonBlocking(plain, false);
        plainPeer = peersWrite ? SocketPeer.writer(plainPair[1]) : SocketPeer.reader(plainPair[1]);
    }

    @Override
    public void close() {
        setup.close();
        chardev.close();
        ringPeer.close();
        plain.close();
        plainPeer.close();
        loop.close();
    }
}
