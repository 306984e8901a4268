package org.vportd.loop;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.agrona.concurrent.ManyToOneConcurrentArrayQueue;
import org.agrona.concurrent.NanoClock;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.Epoll;
import org.vportd.posix.EventFd;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;

/**
 * A single-threaded event loop on epoll.
 *
 * <p>One {@link #turn}: wait, handle the ready descriptors, run what is due (timers), run what other threads have posted,
 * run the tasks scheduled so far. An exception of a handler is a bug and ends {@link #run}; whoever serves untrusted input
 * catches its own.
 */
public final class EventLoop implements AutoCloseable {
    /** How many commands of other threads may wait. */
    public static final int COMMAND_CAPACITY = 4096;

    private static final int EVENTS_PER_TURN = 256;
    /** How long after a fault the virtual machine may still report it again. */
    private static final long ECHO_NS = TimeUnit.SECONDS.toNanos(1);

    private final NanoClock clock;
    private final Epoll epoll;
    private final EventFd wakeUp;
    private final ManyToOneConcurrentArrayQueue<Runnable> commands =
            new ManyToOneConcurrentArrayQueue<>(COMMAND_CAPACITY);
    private final TimerHeap timers = new TimerHeap();
    private final ArrayDeque<LoopTask> tasks = new ArrayDeque<>();
    private @Nullable Watch[] watches = new @Nullable Watch[64];
    private int[] generations = new int[64];
    private int[] freeSlots = new int[64];
    private int freeCount;
    private int slotCount;
    private final List<FaultHandler> faultHandlers = new ArrayList<>();
    private long lastFaultNs;
    private boolean anyFault;
    private @Nullable InternalError unclaimed;
    private volatile boolean stopped;
    private boolean running;

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

    private EventLoop(NanoClock clock) throws PosixException {
        this.clock = clock;
        this.epoll = new Epoll(EVENTS_PER_TURN);
        this.wakeUp = EventFd.open(0);
        // Edge-triggered and never read: each signal is an edge, and the counter cannot fill in our lifetime.
        watch(wakeUp.fd(), Epoll.EPOLLIN | Epoll.EPOLLET, events -> runCommands());
    }

    /** Makes a loop that uses the system's monotonic clock. */
    public static EventLoop open() throws PosixException {
        return new EventLoop(System::nanoTime);
    }

    /** Makes a loop with its own idea of time, for tests. */
    public static EventLoop open(NanoClock clock) throws PosixException {
        return new EventLoop(clock);
    }

    /** The time by the loop's clock, comparable by difference only. */
    public long nanoTime() {
        return clock.nanoTime();
    }

    /**
     * Watches a descriptor until the watch is closed.
     *
     * @param interest bits of {@link Epoll}
     * @throws PosixException with {@link org.vportd.posix.Errno#EPERM} for a file that is always ready
     */
    public Watch watch(Fd fd, int interest, ReadyHandler handler) throws PosixException {
        int slot = freeCount > 0 ? freeSlots[freeCount - 1] : slotCount;
        if (slot == watches.length) {
            watches = Arrays.copyOf(watches, slot * 2);
            generations = Arrays.copyOf(generations, slot * 2);
            freeSlots = Arrays.copyOf(freeSlots, slot * 2);
        }
        Watch watch = new Watch(this, fd, slot, generations[slot], interest, handler);
        epoll.add(fd, interest, dataOf(watch));
        if (freeCount > 0) {
            freeCount--;
        } else {
            slotCount++;
        }
        watches[slot] = watch;
        return watch;
    }

    void rearm(Watch watch) {
        try {
            epoll.modify(watch.fd, watch.interest, dataOf(watch));
        } catch (PosixException e) {
            throw new IllegalStateException("descriptor was closed before its watch", e);
        }
    }

    void unwatch(Watch watch) {
        watches[watch.slot] = null;
        generations[watch.slot]++; // events of this turn that still name the slot are now stale
        freeSlots[freeCount++] = watch.slot;
        try {
            epoll.remove(watch.fd);
        } catch (PosixException e) {
            throw new IllegalStateException("descriptor was closed before its watch", e);
        }
    }

    private static long dataOf(Watch watch) {
        return ((long) watch.generation << Integer.SIZE) | watch.slot;
    }

    /** Makes a task of this loop, to be scheduled any number of times. */
    public LoopTask task(Runnable action) {
        return new LoopTask(this, action);
    }

    void enqueue(LoopTask task) {
        tasks.add(task);
    }

    /** Makes a timer of this loop, not started. */
    public LoopTimer timer(Runnable action) {
        return new LoopTimer(this, action);
    }

    void startTimer(LoopTimer timer, long delayNs) {
        cancelTimer(timer);
        timer.deadlineNs = clock.nanoTime() + delayNs;
        timers.add(timer);
    }

    void cancelTimer(LoopTimer timer) {
        if (timer.isActive()) {
            timers.remove(timer);
        }
    }

    /**
     * Has a command run on the loop thread. Any thread.
     *
     * @throws IllegalStateException if {@link #COMMAND_CAPACITY} commands are waiting already
     */
    public void post(Runnable command) {
        if (!commands.offer(command)) {
            throw new IllegalStateException("too many commands are waiting: capacity=" + COMMAND_CAPACITY);
        }
        wake();
    }

    /** Makes {@link #run} return after the current turn. Any thread. */
    public void stop() {
        stopped = true;
        wake();
    }

    /** Whether {@link #stop} has been called. Any thread. */
    public boolean isStopped() {
        return stopped;
    }

    private void wake() {
        try {
            wakeUp.signal();
        } catch (PosixException e) {
            throw new IllegalStateException(e); // an eventfd that is open takes every write
        }
    }

    /**
     * Has a handler asked when memory has vanished under an access. A virtual machine may report that late, with an {@link
     * InternalError} out of code that has nothing to do with it, so catching it at the access is not enough.
     */
    public void addFaultHandler(FaultHandler handler) {
        faultHandlers.add(handler);
    }

    /** Asks a handler no more. */
    public void removeFaultHandler(FaultHandler handler) {
        faultHandlers.remove(handler);
    }

    /** Whether {@link #run} is at work, as opposed to a program that is still starting up. Loop thread only. */
    public boolean isRunning() {
        return running;
    }

    /** Runs turns until {@link #stop}. The calling thread is the loop thread from here on. */
    public void run() {
        running = true;
        try {
            runUntilStopped();
        } finally {
            running = false;
        }
    }

    private void runUntilStopped() {
        while (!stopped) {
            try {
                runTurns();
            } catch (InternalError e) { // on the way out of a turn, or between two
                if (e == unclaimed) {
                    throw e;
                }
                recoverFrom(e);
            }
        }
    }

    private void runTurns() {
        while (!stopped) {
            turn(-1);
        }
    }

    /**
     * Runs one turn.
     *
     * @param maxWaitMs how long to wait for the first event at most; -1 for as long as it takes
     * @return the work done: events, timers and tasks
     */
    public int turn(int maxWaitMs) {
        try {
            return turnOnce(maxWaitMs);
        } catch (InternalError e) {
            recoverFrom(e);
            return 1;
        }
    }

    private void recoverFrom(InternalError fault) {
        try {
            recover(fault);
        } catch (InternalError again) { // it may come more than once, also while it is being dealt with
            if (again == fault) {
                throw fault;
            }
            recover(again);
        }
    }

    /** Whoever lost memory is told; what others may have missed in the turn that was given up is reported once more. */
    private void recover(InternalError fault) {
        long now = clock.nanoTime();
        boolean mayBeEcho = anyFault && now - lastFaultNs <= ECHO_NS;
        anyFault = true; // before the handlers: an echo may come out of them
        lastFaultNs = now;
        if (!isClaimed(fault, false) && !isClaimed(fault, true) && !mayBeEcho) {
            unclaimed = fault;
            throw fault;
        }
        for (Watch watch : watches) {
            if (watch != null) {
                rearm(watch);
            }
        }
        wake(); // for commands
    }

    private boolean isClaimed(InternalError fault, boolean anybody) {
        boolean claimed = false;
        for (FaultHandler handler : List.copyOf(faultHandlers)) {
            claimed |= handler.onFault(fault, anybody);
        }
        return claimed;
    }

    private int turnOnce(int maxWaitMs) {
        int ready;
        try {
            ready = epoll.await(waitMs(maxWaitMs));
        } catch (PosixException e) {
            throw new IllegalStateException(e); // only a closed loop gets here
        }
        for (int i = 0; i < ready; i++) {
            long data = epoll.dataAt(i);
            Watch watch = watches[(int) data];
            if (watch != null && watch.generation == (int) (data >>> Integer.SIZE)) {
                watch.fire(epoll.eventsAt(i));
            }
        }
        return ready + runTimers() + runTasks();
    }

    private int waitMs(int maxWaitMs) {
        LoopTimer next = timers.first();
        if (!tasks.isEmpty() || stopped) {
            return 0;
        }
        if (next == null) {
            return maxWaitMs;
        }
        long leftNs = Math.max(0, next.deadlineNs - clock.nanoTime());
        long leftMs = Math.min(Integer.MAX_VALUE, (leftNs + 999_999) / TimeUnit.MILLISECONDS.toNanos(1));
        return maxWaitMs < 0 ? (int) leftMs : (int) Math.min(maxWaitMs, leftMs);
    }

    private int runTimers() {
        int done = 0;
        LoopTimer next = timers.first();
        if (next == null) {
            return 0;
        }
        long now = clock.nanoTime();
        while (next != null && next.deadlineNs - now <= 0) {
            timers.remove(next);
            next.fire();
            done++;
            next = timers.first();
        }
        return done;
    }

    private void runCommands() {
        commands.drain(Runnable::run);
    }

    private int runTasks() {
        int done = tasks.size(); // those scheduled while these run wait for the next turn, so that no one starves
        for (int i = 0; i < done; i++) {
            tasks.remove().run();
        }
        return done;
    }

    /** Frees the loop's own descriptors; watches of others must be closed before. Not while it runs. */
    @Override
    public void close() {
        epoll.close();
        wakeUp.close();
    }
}
