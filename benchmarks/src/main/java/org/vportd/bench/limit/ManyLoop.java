package org.vportd.bench.limit;

import java.io.IOException;
import java.util.List;
import org.vportd.bench.peer.Direction;
import org.vportd.posix.Epoll;
import org.vportd.posix.Fd;
import org.vportd.posix.IoVector;
import org.vportd.posix.Posix;

/**
 * One thread on several descriptors, or on both directions of one, as a device has it: calls that do not wait, in turn, and
 * epoll once nothing moves any more.
 */
final class ManyLoop implements PlainLoop {
    private static final int WAIT_MS = 100;

    private final List<Fd> fds;
    private final Direction direction;
    private final List<Blocks> out;
    private final List<Blocks> in;
    private final IoVector[] pending;
    private final Epoll epoll;

    /** Each descriptor has blocks of its own, of both lists, as each port of a guest has. */
    ManyLoop(List<Fd> fds, Direction direction, List<Blocks> out, List<Blocks> in) throws IOException {
        this.fds = List.copyOf(fds);
        this.direction = direction;
        this.out = List.copyOf(out);
        this.in = List.copyOf(in);
        this.pending = new IoVector[fds.size()];
        this.epoll = new Epoll(fds.size());
        int interest = (direction.transmits() ? Epoll.EPOLLOUT : 0) | (direction.receives() ? Epoll.EPOLLIN : 0);
        for (int i = 0; i < fds.size(); i++) {
            Posix.setNonBlocking(fds.get(i), true);
            epoll.add(fds.get(i), interest | Epoll.EPOLLET, i);
            pending[i] = new IoVector();
        }
    }

    @Override
    public void run(Board board, int thread) throws IOException {
        while (board.isRunning()) {
            long moved = 0;
            for (int i = 0; i < pending.length; i++) {
                if (direction.transmits()) {
                    moved += write(i, board, thread);
                }
                if (direction.receives()) {
                    moved += read(i, board, thread);
                }
            }
            if (moved == 0) {
                epoll.await(WAIT_MS);
            }
        }
    }

    private long write(int index, Board board, int thread) throws IOException {
        IoVector rest = pending[index];
        Fd fd = fds.get(index);
        long n;
        if (rest.isEmpty()) {
            IoVector call = out.get(index).next();
            n = Posix.writev(fd, call);
            out.get(index).used(call.bytes());
            if (n < call.bytes()) {
                long done = Math.max(0, n);
                rest.addPart(call, done, call.bytes() - done);
            }
        } else {
            n = Posix.writev(fd, rest);
            rest.consume(Math.max(0, n));
        }
        if (n > 0) {
            board.count(thread, n);
        }
        return Math.max(0, n);
    }

    private long read(int index, Board board, int thread) throws IOException {
        Blocks blocks = in.get(index);
        long n = Posix.readv(fds.get(index), blocks.next());
        if (n > 0) {
            blocks.used(n);
            board.count(thread, n);
        }
        return Math.max(0, n);
    }

    @Override
    public void close() {
        epoll.close();
        fds.forEach(Fd::close);
        for (IoVector rest : pending) {
            rest.close();
        }
        out.forEach(Blocks::close);
        in.forEach(Blocks::close);
    }
}
