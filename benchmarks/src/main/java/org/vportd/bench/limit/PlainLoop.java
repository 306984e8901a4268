package org.vportd.bench.limit;

import java.io.IOException;
import java.util.List;
import org.vportd.posix.Fd;
import org.vportd.posix.IoVector;
import org.vportd.posix.Posix;

/** Moves blocks until it is told to stop, by nothing but system calls. */
sealed interface PlainLoop extends AutoCloseable permits PlainLoop.Write, PlainLoop.Read, ManyLoop, TlsLoop, EchoLoop {
    /** Runs as long as the board says so. */
    void run(Board board, int thread) throws IOException;

    @Override
    void close();

    /** Calls that wait, on one descriptor, or on each of the members of a hub in turn. */
    record Write(List<Fd> fds, Blocks blocks) implements PlainLoop {
        @Override
        public void run(Board board, int thread) throws IOException {
            try (IoVector rest = new IoVector()) {
                while (board.isRunning()) {
                    IoVector call = blocks.next();
                    for (Fd fd : fds) {
                        write(fd, call, rest);
                    }
                    blocks.used(call.bytes());
                    board.count(thread, call.bytes());
                }
            }
        }

        private static void write(Fd fd, IoVector call, IoVector rest) throws IOException {
            long n = call.segments() == 1
                    ? Posix.write(fd, call.segmentAddress(0), call.segmentBytes(0))
                    : Posix.writev(fd, call);
            if (n < call.bytes()) {
                rest.clear();
                rest.addPart(call, n, call.bytes() - n);
                while (!rest.isEmpty()) {
                    rest.consume(Posix.writev(fd, rest));
                }
            }
        }

        @Override
        public void close() {
            fds.forEach(Fd::close);
            blocks.close();
        }
    }

    /** Calls that wait, on one descriptor. */
    record Read(Fd fd, Blocks blocks) implements PlainLoop {
        @Override
        public void run(Board board, int thread) throws IOException {
            while (board.isRunning()) {
                IoVector call = blocks.next();
                long n = call.segments() == 1
                        ? Posix.read(fd, call.segmentAddress(0), call.segmentBytes(0))
                        : Posix.readv(fd, call);
                if (n == 0) {
                    return;
                }
                blocks.used(n);
                board.count(thread, n);
            }
        }

        @Override
        public void close() {
            fd.close();
            blocks.close();
        }
    }
}
