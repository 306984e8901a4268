package org.vportd.bench.daemon;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.vportd.bench.limit.LimitOptions;
import org.vportd.bench.limit.Waiting;
import org.vportd.bench.peer.Connector;
import org.vportd.bench.peer.Direction;
import org.vportd.bench.peer.Peer;
import org.vportd.bench.peer.StreamPeer;
import org.vportd.bench.peer.Wire;
import org.vportd.posix.Epoll;
import org.vportd.posix.EventFd;
import org.vportd.posix.Fd;
import org.vportd.posix.MessageSocket;
import org.vportd.posix.NativeMemory;
import org.vportd.vhostuser.frontend.ConsoleDriver;
import org.vportd.vhostuser.frontend.ConsoleOptions;
import org.vportd.vhostuser.frontend.FrontendOptions;
import org.vportd.vhostuser.frontend.Manner;
import org.vportd.vhostuser.frontend.PortPing;
import org.vportd.vhostuser.frontend.VhostUserFrontend;

/** Something through which one block at a time goes to an echoing peer and back. */
sealed interface Pinger extends AutoCloseable permits Pinger.Daemon, Pinger.Bare {
    /** How long to wait for one. */
    int TIMEOUT_MS = 2000;

    /** Sends blocks for a time and notes how long each took. */
    void ping(long durationMs, Latencies into) throws IOException;

    /** The CPU time of its process. */
    long cpuNs() throws IOException;

    @Override
    void close();

    /** Through the daemon, its rings and a UNIX socket. */
    record Daemon(DaemonProcess daemon, ConsoleDriver guest, PortPing port, Peer peer) implements Pinger {
        private static final long START_NS = TimeUnit.SECONDS.toNanos(20);

        static Daemon start(Bench bench, List<String> more, int blockBytes) throws IOException {
            Load load = Load.of(Wire.UNIX, Direction.BOTH, blockBytes);
            Path folder = bench.newFolder();
            DaemonArguments arguments = DaemonArguments.make(load, folder);
            List<String> words = new ArrayList<>(more);
            words.addAll(arguments.words());
            DaemonProcess daemon = DaemonProcess.start(bench.options().program(), folder, words);
            try {
                Fd socket = Connector.unix(arguments.guestSockets().get(0), START_NS);
                ConsoleDriver guest = new ConsoleDriver(
                        new VhostUserFrontend(socket, FrontendOptions.of(Manner.QEMU)),
                        ConsoleOptions.linux().withBufferBytes(blockBytes));
                guest.start();
                Fd other = Connector.open(Wire.UNIX, arguments.where().get(0), Direction.BOTH);
                Peer peer = new StreamPeer(List.of(other), Peer.Role.ECHO);
                guest.awaitHostOpen(1);
                guest.open(1);
                return new Daemon(daemon, guest, new PortPing(guest, 1, blockBytes), peer);
            } catch (IOException | RuntimeException e) {
                daemon.close();
                throw new IOException(e.getMessage() + "; " + daemon.said(), e);
            }
        }

        @Override
        public void ping(long durationMs, Latencies into) throws IOException {
            daemon.check();
            long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(durationMs);
            while (System.nanoTime() - end < 0) {
                into.add(port.exchange(TIMEOUT_MS));
            }
        }

        @Override
        public long cpuNs() throws IOException {
            return daemon.cpuNs();
        }

        @Override
        public void close() {
            port.close();
            guest.close();
            daemon.close();
            peer.close();
        }
    }

    /** Through two eventfds, a thread and a UNIX socket: what cannot be done without. */
    record Bare(LimitProcess process, Peer peer, Waiting waiting, EventFd kick, EventFd call, Epoll epoll)
            implements Pinger {
        static Bare start(Bench bench, List<String> command, int blockBytes, Waiting waiting) throws IOException {
            Path folder = bench.newFolder();
            List<String> where = List.of(
                    folder.resolve("echo").toString(), folder.resolve("control").toString());
            LimitOptions options = new LimitOptions(
                    Wire.UNIX,
                    Direction.BOTH,
                    blockBytes,
                    1,
                    0,
                    1,
                    waiting,
                    folder.resolve("board").toString(),
                    where);
            LimitProcess process = LimitProcess.start(command, options, folder);
            try {
                Peer peer = new StreamPeer(
                        List.of(Connector.open(Wire.UNIX, where.get(0), Direction.BOTH)), Peer.Role.ECHO);
                EventFd kick = EventFd.open(0);
                EventFd call = EventFd.open(0);
                send(Connector.open(Wire.UNIX, where.get(1), Direction.BOTH), List.of(kick.fd(), call.fd()));
                process.awaitConnected();
                Epoll epoll = new Epoll(1);
                epoll.add(call.fd(), Epoll.EPOLLIN | Epoll.EPOLLET, 0);
                return new Bare(process, peer, waiting, kick, call, epoll);
            } catch (IOException | RuntimeException e) {
                process.close();
                throw e;
            }
        }

        private static void send(Fd control, List<Fd> fds) throws IOException {
            long one = NativeMemory.allocate(1);
            try (MessageSocket messages = new MessageSocket(control)) {
                messages.send(one, 1, fds);
            } finally {
                NativeMemory.free(one);
            }
        }

        @Override
        public void ping(long durationMs, Latencies into) throws IOException {
            process.go();
            long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(durationMs);
            long start = System.nanoTime();
            while (start - end < 0) {
                start = System.nanoTime();
                if (waiting == Waiting.LOOKING) {
                    process.board().kick();
                } else {
                    kick.signal();
                }
                if (epoll.await(TIMEOUT_MS) == 0) {
                    throw new IOException("bare echo does not come");
                }
                into.add(System.nanoTime() - start);
            }
            process.halt(kick::signal);
        }

        @Override
        public long cpuNs() throws IOException {
            return process.cpuNs();
        }

        @Override
        public void close() {
            process.close();
            peer.close();
            epoll.close();
            kick.close();
            call.close();
        }
    }
}
