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
import org.vportd.posix.PosixException;

/** What turns: the engine behind one {@link EventLoop} or several. Its thread only, but for what says otherwise. */
final class Reactor implements AutoCloseable {
    private static final int EVENTS_PER_TURN = 256;
    private static final int NOTHING_FOUND = -1;
    private static final long MAX_TASKS_NS = TimeUnit.MICROSECONDS.toNanos(500);
    /** How long after a fault the virtual machine may still report it again. */
    private static final long ECHO_NS = TimeUnit.SECONDS.toNanos(1);

    private final NanoClock clock;
    private final Epoll epoll;
    private final EventFd wakeUp;
    private final ManyToOneConcurrentArrayQueue<Runnable> commands =
            new ManyToOneConcurrentArrayQueue<>(EventLoop.COMMAND_CAPACITY);
    private final TimerHeap timers = new TimerHeap();
    private final ArrayDeque<LoopTask> tasks = new ArrayDeque<>();
    private @Nullable Watch[] watches = new @Nullable Watch[64];
    private int[] generations = new int[64];
    private int[] freeSlots = new int[64];
    private int freeCount;
    private int slotCount;
    private final List<Claim> faultHandlers = new ArrayList<>();
    private long lastFaultNs;
    private boolean anyFault;
    private @Nullable InternalError unclaimed;
    private volatile boolean stopped;
    private volatile @Nullable Runnable betweenTurns;
    private PollWindow pollWindow = new PollWindow(0);
    private final ArrayList<LoopPoll> polls = new ArrayList<>();
    private boolean running;
    /** The task that is at work; if it is given up it may not have been the one to blame, and is done once more. */
    private @Nullable LoopTask underWay;
    /** Nothing further is handled. */
    private boolean finished;

    private record Claim(EventLoop owner, EventLoop.FaultHandler handler) {}

    Reactor(NanoClock clock) throws PosixException {
        this.clock = clock;
        this.epoll = new Epoll(EVENTS_PER_TURN);
        this.wakeUp = EventFd.open(0);
        // Edge-triggered and never read: each signal is an edge, and the counter cannot fill in our lifetime.
        add(new Watch(null, wakeUp.fd(), Epoll.EPOLLIN | Epoll.EPOLLET, events -> runCommands()));
    }

    long nanoTime() {
        return clock.nanoTime();
    }

    void add(Watch watch) throws PosixException {
        int slot = freeCount > 0 ? freeSlots[freeCount - 1] : slotCount;
        if (slot == watches.length) {
            watches = Arrays.copyOf(watches, slot * 2);
            generations = Arrays.copyOf(generations, slot * 2);
            freeSlots = Arrays.copyOf(freeSlots, slot * 2);
        }
        watch.slot = slot;
        watch.generation = generations[slot];
        epoll.add(watch.fd, watch.interest(), dataOf(watch));
        if (freeCount > 0) {
            freeCount--;
        } else {
            slotCount++;
        }
        watches[slot] = watch;
    }

    void rearm(Watch watch) {
        try {
            epoll.modify(watch.fd, watch.interest(), dataOf(watch));
        } catch (PosixException e) {
            throw new IllegalStateException("descriptor was closed before its watch", e);
        }
    }

    void remove(Watch watch) {
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

    void enqueue(LoopTask task) {
        tasks.add(task);
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

    /** Any thread. */
    void post(Runnable command) {
        if (!commands.offer(command)) {
            throw new IllegalStateException("too many commands are waiting: capacity=" + EventLoop.COMMAND_CAPACITY);
        }
        wake();
    }

    /** Any thread. */
    void stop() {
        stopped = true;
        wake();
    }

    void stopNow() {
        finished = true;
        stop();
    }

    boolean isStopped() {
        return stopped;
    }

    /** Has something done between two turns, soon and again and again until it is null. Any thread. */
    void setBetweenTurns(@Nullable Runnable action) {
        betweenTurns = action;
        if (action != null) {
            wake();
        }
    }

    private void wake() {
        try {
            wakeUp.signal();
        } catch (PosixException e) {
            throw new IllegalStateException(e); // an eventfd that is open takes every write
        }
    }

    void addFaultHandler(EventLoop owner, EventLoop.FaultHandler handler) {
        faultHandlers.add(new Claim(owner, handler));
    }

    void removeFaultHandler(EventLoop.FaultHandler handler) {
        faultHandlers.removeIf(claim -> claim.handler() == handler);
    }

    boolean isRunning() {
        return running;
    }

    void run() {
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
            Runnable action = betweenTurns;
            if (action != null) {
                action.run();
            }
        }
    }

    int turn(int maxWaitMs) {
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
        LoopTask given = underWay;
        if (given != null) {
            underWay = null;
            given.schedule();
        }
        wake(); // for commands
    }

    boolean isClaimed(InternalError fault, boolean anybody) {
        boolean claimed = false;
        for (Claim claim : List.copyOf(faultHandlers)) {
            claimed |= claim.handler().onFault(fault, anybody);
        }
        return claimed;
    }

    private int turnOnce(int maxWaitMs) {
        int found = polls.isEmpty() ? 0 : look();
        int ready = await(found > 0 ? 0 : maxWaitMs);
        for (int i = 0; i < ready && !finished; i++) {
            long data = epoll.dataAt(i);
            Watch watch = watches[(int) data];
            if (watch != null && watch.generation == (int) (data >>> Integer.SIZE)) {
                watch.fire(epoll.eventsAt(i));
            }
        }
        return found + ready + runTimers() + runTasks();
    }

    private int await(int maxWaitMs) {
        int waitMs = waitMs(maxWaitMs);
        if (waitMs == 0 || !pollWindow.isAllowed()) {
            return awaitEvents(waitMs);
        }
        long idleSince = clock.nanoTime();
        int ready = poll(idleSince);
        if (ready == NOTHING_FOUND) {
            rest();
            ready = awaitEvents(polls.isEmpty() ? waitMs(maxWaitMs) : 0);
        }
        pollWindow.workCame(clock.nanoTime() - idleSince);
        return ready;
    }

    private int awaitEvents(int waitMs) {
        try {
            return epoll.await(waitMs);
        } catch (PosixException e) {
            throw new IllegalStateException(e); // only a closed loop gets here
        }
    }

    // --- polling

    /** Sets how long the loop looks for work at most before it sleeps; not while it runs. */
    void setPollBudget(long budgetNs) {
        pollWindow = new PollWindow(budgetNs);
    }

    long pollBudgetNs() {
        return pollWindow.budgetNs();
    }

    boolean isPolling() {
        return pollWindow.windowNs() > 0;
    }

    void addPoll(LoopPoll poll) {
        polls.add(poll);
    }

    /** Looks everywhere once; answers how much had work. */
    private int look() {
        int found = 0;
        int count = polls.size();
        for (int i = 0; i < count; i++) {
            found += polls.get(i).look() ? 1 : 0;
        }
        return found;
    }

    /** Looks for work until there is some or the window closes; answers the events that there are, or NOTHING_FOUND. */
    private int poll(long start) {
        LoopTimer timer = timers.first();
        long windowNs = pollWindow.windowNs();
        long leftNs = timer == null ? windowNs : Math.min(windowNs, timer.deadlineNs - start);
        while (clock.nanoTime() - start < leftNs) {
            int ready = awaitEvents(0);
            if (ready > 0) {
                return ready;
            }
            if (look() > 0 || !tasks.isEmpty()) {
                return awaitEvents(0);
            }
            Thread.onSpinWait();
        }
        return NOTHING_FOUND;
    }

    /** Whatever has been looked at has to say itself from now on that there is work. */
    private void rest() {
        int count = polls.size();
        for (int i = 0; i < count; i++) {
            LoopPoll poll = polls.get(i);
            poll.listed = false;
            poll.rest();
        }
        polls.subList(0, count).clear();
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
        while (next != null && next.deadlineNs - now <= 0 && !finished) {
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

    /**
     * Those scheduled while these run wait for the next turn, so that none starves; and if they take long, the rest waits
     * too, so that whoever only has a little to do is not held up by those who have much.
     */
    private int runTasks() {
        int waiting = tasks.size();
        if (waiting == 0) {
            return 0;
        }
        long start = clock.nanoTime();
        for (int done = 1; done <= waiting; done++) {
            LoopTask task = finished ? null : tasks.poll();
            if (task == null) {
                return done; // some have moved to another thread
            }
            underWay = task;
            task.run();
            underWay = null;
            if (clock.nanoTime() - start > MAX_TASKS_NS) {
                return done;
            }
        }
        return waiting;
    }

    // --- moving

    /** Gives another reactor everything that belongs to a loop. Neither is in the middle of an event of it. */
    void handOver(EventLoop loop, Reactor to) {
        for (Watch watch : watches) {
            if (watch != null && watch.loop == loop) {
                remove(watch);
                try {
                    to.add(watch); // what it is ready for now is reported there
                } catch (PosixException e) {
                    throw new IllegalStateException("descriptor cannot be watched by another thread", e);
                }
            }
        }
        for (LoopTimer timer : timers.of(loop)) {
            long leftNs = timer.deadlineNs - clock.nanoTime();
            timers.remove(timer);
            to.startTimer(timer, leftNs);
        }
        for (LoopTask task : List.copyOf(tasks)) {
            if (task.loop == loop) {
                tasks.remove(task);
                to.enqueue(task);
            }
        }
        for (LoopPoll poll : List.copyOf(polls)) {
            if (poll.loop == loop) {
                polls.remove(poll);
                to.polls.add(poll);
            }
        }
        for (Claim claim : List.copyOf(faultHandlers)) {
            if (claim.owner() == loop) {
                faultHandlers.remove(claim);
                to.faultHandlers.add(claim);
            }
        }
        to.wake(); // it may be asleep until later than what has come
    }

    @Override
    public void close() {
        epoll.close();
        wakeUp.close();
    }
}
