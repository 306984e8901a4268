package org.vportd.loop;

import java.util.function.BooleanSupplier;
import org.agrona.concurrent.NanoClock;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;

/**
 * A single-threaded event loop on epoll, or a part of one.
 *
 * <p>One {@link #turn}: wait, handle the ready descriptors, run what is due (timers), run what other threads have posted,
 * run the tasks scheduled so far. An exception of a handler is a bug and ends {@link #run}; whoever serves untrusted input
 * catches its own.
 *
 * <p>A {@link #part} turns with the loop it comes from, and keeps apart what is registered through it, so that all of that
 * can be {@linkplain #moveTo moved} to another thread's loop at once.
 */
public final class EventLoop implements AutoCloseable {
    /** How many commands of other threads may wait. */
    public static final int COMMAND_CAPACITY = 4096;

    private volatile Reactor reactor;

    /** Knows memory that others can take away. */
    @FunctionalInterface
    public interface FaultHandler {
        /**
         * An access to memory has failed, somewhere in the turn that is being given up.
         *
         * @param anybody false: only who sees that its memory is gone shall answer; true: nobody saw that, so whoever uses
         *     memory of others at all shall
         * @return whether it was to memory that this handler knows, which it then no longer uses
         */
        boolean onFault(InternalError fault, boolean anybody);
    }

    private EventLoop(Reactor reactor) {
        this.reactor = reactor;
    }

    /** Makes a loop that uses the system's monotonic clock. */
    public static EventLoop open() throws PosixException {
        return open(System::nanoTime);
    }

    /** Makes a loop with its own idea of time, for tests. */
    public static EventLoop open(NanoClock clock) throws PosixException {
        return new EventLoop(new Reactor(clock));
    }

    /** Makes a part of this loop, without anything in it. It needs no closing. */
    public EventLoop part() {
        return new EventLoop(reactor);
    }

    /** Whether another loop, or part of one, turns together with this one. */
    public boolean isTogetherWith(EventLoop other) {
        return reactor == other.reactor;
    }

    /**
     * Moves this part, with every watch, timer, task and fault handler made through it, to where another one turns. Neither
     * turns meanwhile, except for a turn that calls this and does not go on with anything of the part afterwards.
     */
    public void moveTo(EventLoop other) {
        Reactor from = reactor;
        Reactor to = other.reactor;
        if (from != to) {
            reactor = to;
            from.handOver(this, to);
        }
    }

    Reactor reactor() {
        return reactor;
    }

    /** The time by the loop's clock, comparable by difference only. */
    public long nanoTime() {
        return reactor.nanoTime();
    }

    /**
     * Watches a descriptor until the watch is closed.
     *
     * @param interest bits of {@link org.vportd.posix.Epoll}
     * @throws PosixException with {@link org.vportd.posix.Errno#EPERM} for a file that is always ready
     */
    public Watch watch(Fd fd, int interest, ReadyHandler handler) throws PosixException {
        Watch watch = new Watch(this, fd, interest, handler);
        reactor.add(watch);
        return watch;
    }

    /** Makes a task of this loop, to be scheduled any number of times. */
    public LoopTask task(Runnable action) {
        return new LoopTask(this, action);
    }

    /** Makes a timer of this loop, not started. */
    public LoopTimer timer(Runnable action) {
        return new LoopTimer(this, action);
    }

    /**
     * Makes something that this loop may look at by itself instead of being woken, see {@link #setPollBudget}.
     *
     * @param look does the work that there is; false if there is none
     * @param rest nobody looks any more: has whoever makes work wake the loop, and does what has come up meanwhile
     */
    public LoopPoll poll(BooleanSupplier look, Runnable rest) {
        return new LoopPoll(this, look, rest);
    }

    /**
     * Sets how long the loop looks for work, at most, before it sleeps: it sees work sooner than it would be woken, and
     * takes the processor's time for that. How long it really looks depends on how soon work has come lately. Before it runs.
     *
     * @param budgetNs 0, the default, for never
     */
    public void setPollBudget(long budgetNs) {
        reactor.setPollBudget(budgetNs);
    }

    /**
     * Has a command run on the loop thread. Any thread.
     *
     * @throws IllegalStateException if {@link #COMMAND_CAPACITY} commands are waiting already
     */
    public void post(Runnable command) {
        Reactor current = reactor;
        current.post(() -> {
            if (reactor == current) {
                command.run();
            } else {
                post(command); // the part has moved in the meantime
            }
        });
    }

    /** Makes {@link #run} return after the current turn. Any thread. */
    public void stop() {
        reactor.stop();
    }

    /** Makes {@link #run} return without anything further being handled, not even of the current turn. Loop thread only. */
    public void stopNow() {
        reactor.stopNow();
    }

    /** Whether {@link #stop} has been called. Any thread. */
    public boolean isStopped() {
        return reactor.isStopped();
    }

    /**
     * Has a handler asked when memory has vanished under an access. A virtual machine may report that late, with an {@link
     * InternalError} out of code that has nothing to do with it, so catching it at the access is not enough.
     */
    public void addFaultHandler(FaultHandler handler) {
        reactor.addFaultHandler(this, handler);
    }

    /** Asks a handler no more. */
    public void removeFaultHandler(FaultHandler handler) {
        reactor.removeFaultHandler(handler);
    }

    /** Whether {@link #run} is at work, as opposed to a program that is still starting up. Loop thread only. */
    public boolean isRunning() {
        return reactor.isRunning();
    }

    /** Runs turns until {@link #stop}. The calling thread is the loop thread from here on. */
    public void run() {
        reactor.run();
    }

    /**
     * Runs one turn.
     *
     * @param maxWaitMs how long to wait for the first event at most; -1 for as long as it takes
     * @return the work done: events, timers and tasks
     */
    public int turn(int maxWaitMs) {
        return reactor.turn(maxWaitMs);
    }

    /** Frees the loop's own descriptors; watches of others must be closed before. Not while it runs, and not of a part. */
    @Override
    public void close() {
        reactor.close();
    }
}
