package org.vportd.loop;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.PosixException;

/**
 * Loops that share out the work of a program: a first one, whose thread is the caller's and rules the others, and workers
 * with threads of their own. What concerns more than one loop is done by the first at a {@linkplain #during standstill}, so nothing
 * needs a lock.
 */
public final class LoopGroup implements Standstill, AutoCloseable {
    private final EventLoop first;
    private final List<Worker> workers = new ArrayList<>();
    private final Object gate = new Object();
    /** Guarded by the gate, as the next one. */
    private int moving;

    private boolean standing;
    private volatile @Nullable Throwable failure;
    /** How many times standstill was asked for and not ended; the first thread's. */
    private int depth;

    private final class Worker {
        private final EventLoop loop;
        private final Thread thread;

        Worker(EventLoop loop, String name) {
            this.loop = loop;
            this.thread = new Thread(this::run, name);
        }

        private void join() {
            boolean interrupted = false;
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }

        private void run() {
            try {
                loop.run();
            } catch (Throwable e) { // ours, or the machine's: the program cannot go on without what runs here
                failure = e;
                first.stop();
            } finally {
                synchronized (gate) {
                    moving--;
                    gate.notifyAll();
                }
            }
        }
    }

    /** Makes a group of one loop, which its owner closes after the group. */
    public LoopGroup(EventLoop first) {
        this.first = first;
        first.addFaultHandler(this::askWorkers);
    }

    /** Starts one more worker. First loop's thread, or before it runs. */
    public EventLoop addWorker() throws PosixException {
        EventLoop loop = EventLoop.open();
        loop.setPollBudget(first.reactor().pollBudgetNs());
        Worker worker = new Worker(loop, "vportd-loop-" + (workers.size() + 1));
        workers.add(worker);
        synchronized (gate) {
            moving++;
        }
        worker.thread.start();
        if (depth > 0) {
            halt();
        }
        return worker.loop;
    }

    /** All loops, the first one first. */
    public List<EventLoop> loops() {
        List<EventLoop> loops = new ArrayList<>();
        loops.add(first);
        workers.forEach(worker -> loops.add(worker.loop));
        return loops;
    }

    /**
     * Waits until every worker has ended its turn, and holds them all while the work is done. Within it another one costs
     * nothing. First loop's thread only.
     */
    @Override
    public void during(Runnable work) {
        if (depth++ == 0) {
            halt();
        }
        try {
            work.run();
        } finally {
            if (--depth == 0) {
                release();
            }
        }
    }

    private void halt() {
        synchronized (gate) {
            standing = true;
            workers.forEach(worker -> worker.loop.reactor().setBetweenTurns(this::waitAtGate));
            waitWhile(() -> moving > 0);
        }
    }

    private void release() {
        synchronized (gate) {
            workers.forEach(worker -> worker.loop.reactor().setBetweenTurns(null));
            standing = false;
            gate.notifyAll();
        }
    }

    private void waitAtGate() {
        synchronized (gate) {
            moving--;
            gate.notifyAll();
            waitWhile(() -> standing);
            moving++;
        }
    }

    /** Holding the gate. Whoever interrupts these threads wants nothing that would help here. */
    private void waitWhile(BooleanSupplier condition) {
        boolean interrupted = false;
        while (condition.getAsBoolean()) {
            try {
                gate.wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** What is done at a standstill may touch memory that workers have to answer for. */
    private boolean askWorkers(InternalError fault, boolean anybody) {
        List<Worker> claiming = new ArrayList<>();
        during(() -> workers.stream()
                .filter(worker -> worker.loop.reactor().isClaimed(fault, anybody))
                .forEach(claiming::add));
        return !claiming.isEmpty();
    }

    /** What has ended a worker against all expectation, or null. */
    public @Nullable Throwable failure() {
        return failure;
    }

    /**
     * Ends the workers: none of them begins another turn. What was registered with their loops is then the first thread's to
     * take away. First loop's thread only; at a standstill, too.
     */
    public void stop() {
        synchronized (gate) {
            workers.forEach(worker -> worker.loop.stop());
            waitWhile(() -> moving > 0);
        }
    }

    /** Stops, and closes the workers' loops. */
    @Override
    public void close() {
        stop();
        workers.forEach(Worker::join);
        workers.forEach(worker -> worker.loop.close());
        workers.clear();
    }
}
