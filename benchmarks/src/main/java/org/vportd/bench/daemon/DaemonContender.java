package org.vportd.bench.daemon;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vportd.bench.peer.Connector;
import org.vportd.bench.peer.Wire;
import org.vportd.vhostuser.frontend.ConsoleDriver;
import org.vportd.vhostuser.frontend.ConsoleOptions;
import org.vportd.vhostuser.frontend.FlowLoop;
import org.vportd.vhostuser.frontend.FrontendOptions;
import org.vportd.vhostuser.frontend.Manner;
import org.vportd.vhostuser.frontend.PortFlow;
import org.vportd.vhostuser.frontend.VhostUserFrontend;

/** The daemon with its guests and its peers. */
final class DaemonContender implements Contender {
    private static final int HALT_MS = 10_000;
    private static final int SMALL_BYTES = 1024;
    private static final long START_NS = 20_000_000_000L;

    private final Load load;
    private final DaemonProcess daemon;
    private final List<ConsoleDriver> guests = new ArrayList<>();
    private final List<PortFlow> flows = new ArrayList<>();
    private final List<String> where;
    private @Nullable Peers peers;
    private @Nullable FlowLoop loop;

    private DaemonContender(Load load, DaemonProcess daemon, List<String> where) {
        this.load = load;
        this.daemon = daemon;
        this.where = where;
    }

    /** Starts the daemon, connects the peers and the guests, and has the guests open their ports. */
    static DaemonContender start(Bench bench, Path program, List<String> more, Load load) throws IOException {
        Path folder = bench.newFolder();
        DaemonArguments arguments = DaemonArguments.make(load, folder);
        List<String> words = new ArrayList<>(more);
        words.addAll(arguments.words());
        DaemonProcess daemon = DaemonProcess.start(program, folder, words);
        DaemonContender contender = new DaemonContender(load, daemon, arguments.where());
        try {
            contender.connect(arguments);
            int spinUs = load.blockBytes() <= SMALL_BYTES ? bench.options().spinUs() : 0;
            contender.loop = new FlowLoop(contender.flows, spinUs * 1000L);
            return contender;
        } catch (IOException | RuntimeException e) {
            contender.close();
            throw new IOException(e.getMessage() + "; " + daemon.said(), e);
        }
    }

    private void connect(DaemonArguments arguments) throws IOException {
        ConsoleOptions options = ConsoleOptions.linux()
                .withQueueSize(load.queueSize())
                .withBufferBytes(load.blockBytes())
                .withFormat(load.format())
                .withExtraBytes((long) load.ports() * load.depth() * load.blockBytes() + 64L * (load.ports() + 1));
        for (String socket : arguments.guestSockets()) {
            FrontendOptions manner = FrontendOptions.of(Manner.QEMU);
            VhostUserFrontend frontend = new VhostUserFrontend(Connector.unix(socket, START_NS), manner);
            ConsoleDriver guest = new ConsoleDriver(frontend, options);
            guests.add(guest);
            guest.start();
        }
        if (load.wire().hasPeer()) {
            if (load.wire() == Wire.PTY) {
                daemon.awaitPaths(where); // of the others either are files there, or connecting waits
            }
            peers = Peers.connect(load.wire(), load.direction(), where);
        }
        for (ConsoleDriver guest : guests.subList(0, load.guests())) {
            openPorts(guest);
        }
    }

    private void openPorts(ConsoleDriver guest) throws IOException {
        for (int port = 1; port <= load.ports(); port++) {
            if (load.wire() == Wire.NULL) {
                guest.awaitPort(port);
            } else {
                guest.awaitHostOpen(port);
                guest.open(port);
            }
            if (load.direction().transmits()) {
                flows.add(PortFlow.transmit(guest, port, load.blockBytes(), load.depth()));
            }
            if (load.direction().receives()) {
                flows.add(PortFlow.receive(guest, port));
            }
        }
    }

    DaemonProcess daemon() {
        return daemon;
    }

    private FlowLoop loop() {
        if (loop == null) {
            throw new IllegalStateException("not started");
        }
        return loop;
    }

    /** The bytes that came back to the driver, whether the peer has read them or not. */
    long sentBytes() {
        return flows.stream().mapToLong(PortFlow::bytes).sum();
    }

    @Override
    public void go() throws IOException {
        daemon.check();
        loop().go();
    }

    @Override
    public void halt() throws IOException {
        daemon.check();
        loop().halt(HALT_MS);
        if (load.wire() == Wire.FILE) {
            for (String file : where) {
                LimitContender.empty(file);
            }
        }
    }

    @Override
    public Measurement state() throws IOException {
        daemon.check();
        loop().throwFailure();
        long kicks = 0;
        long calls = 0;
        long buffers = 0;
        long bytes = 0;
        for (PortFlow flow : flows) {
            kicks += flow.kicks();
            calls += flow.calls();
            buffers += flow.buffers();
            bytes += flow.bytes();
        }
        Peers others = peers;
        return new Measurement(
                System.nanoTime(),
                others == null ? bytes : others.bytes(),
                buffers,
                daemon.cpuNs(),
                Math.max(0, CpuClock.task(loop().task()) - loop().spunNs()),
                loop().spunNs(),
                others == null ? 0 : others.cpuNs(),
                kicks,
                calls,
                CpuClock.machineNs(),
                CpuClock.readsAndWrites(daemon.pid()));
    }

    @Override
    public void close() {
        if (loop != null) {
            loop.close();
        }
        guests.forEach(ConsoleDriver::close);
        daemon.close();
        if (peers != null) {
            peers.close();
        }
    }
}
