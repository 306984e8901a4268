package org.vportd.bench.daemon;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.vportd.bench.limit.LimitOptions;
import org.vportd.bench.limit.Waiting;
import org.vportd.bench.peer.Certificates;
import org.vportd.bench.peer.Wire;
import org.vportd.posix.Fd;
import org.vportd.posix.Posix;

/** A plain loop with its peers. */
final class LimitContender implements Contender {
    private static final int DAEMON_THREADS = 4;

    private final Load load;
    private final LimitProcess process;
    private final Peers peers;

    private LimitContender(Load load, LimitProcess process, Peers peers) {
        this.load = load;
        this.process = process;
        this.peers = peers;
    }

    /**
     * Starts it.
     *
     * @param command the Java that runs it
     * @param batch how many blocks a call gets
     */
    static LimitContender start(Bench bench, List<String> command, Load load, int batch) throws IOException {
        Path folder = bench.newFolder();
        // As many threads as the daemon has for as many guests.
        int threads = Math.min(
                load.guests(), Math.min(DAEMON_THREADS, Runtime.getRuntime().availableProcessors()));
        LimitOptions options = new LimitOptions(
                load.wire(),
                load.direction(),
                load.blockBytes(),
                load.depth(),
                batch,
                threads,
                Waiting.IN_CALL,
                folder.resolve("board").toString(),
                where(load, folder));
        LimitProcess process = LimitProcess.start(command, options, folder);
        try {
            Peers peers = Peers.connect(load.wire(), load.direction(), process.addresses());
            process.awaitConnected();
            return new LimitContender(load, process, peers);
        } catch (IOException | RuntimeException e) {
            process.close();
            throw e;
        }
    }

    private static List<String> where(Load load, Path folder) throws IOException {
        List<String> where = new ArrayList<>();
        for (int i = 0; i < load.streams() * load.wire().members(); i++) {
            Path path = folder.resolve("wire" + i);
            switch (load.wire()) {
                case UNIX, HUB, FILE, PTY -> where.add(path.toString());
                case TCP -> where.add("127.0.0.1");
                case TLS -> {
                    Certificates.make(path);
                    where.add(path.toString());
                }
                case PIPE -> {
                    Posix.makeFifo(path + ".in", 0600);
                    Posix.makeFifo(path + ".out", 0600);
                    where.add(path.toString());
                }
                case NULL, RINGBUF -> where.add("/dev/null");
            }
        }
        return where;
    }

    /** The bytes that the loop has counted. */
    long countedBytes() {
        return process.board().bytes();
    }

    @Override
    public void go() throws IOException {
        process.go();
    }

    @Override
    public void halt() throws IOException {
        process.halt();
        if (load.wire() == Wire.FILE) {
            for (String file : process.addresses()) {
                empty(file);
            }
        }
    }

    /** Gives a file's memory back; who writes it goes on behind the hole. */
    static void empty(String path) throws IOException {
        try (Fd file = Posix.open(path, Posix.O_WRONLY, 0)) {
            Posix.resize(file, 0);
        }
    }

    @Override
    public Measurement state() throws IOException {
        long bytes = peers.isEmpty() ? process.board().bytes() : peers.bytes();
        return new Measurement(
                System.nanoTime(),
                bytes,
                bytes / load.blockBytes(),
                process.cpuNs(),
                0,
                0,
                peers.cpuNs(),
                0,
                process.board().calls(),
                CpuClock.machineNs(),
                CpuClock.readsAndWrites(process.pid()));
    }

    @Override
    public void close() {
        process.close();
        peers.close();
    }
}
