package org.vportd.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vportd.posix.Epoll;
import org.vportd.posix.EventFd;
import org.vportd.posix.PosixException;

@Timeout(30)
class LoopPollTest {
    private static final long BUDGET_NS = TimeUnit.MICROSECONDS.toNanos(100);
    private static final int STEP_NS = 1000;

    private long now;
    private EventLoop loop;
    private EventFd event;
    private Watch watch;
    private int events;
    private int looks;
    /** At which look there is work. */
    private int workAt = Integer.MAX_VALUE;

    private int found;
    private int rests;

    @BeforeEach
    void open() throws PosixException {
        loop = EventLoop.open(() -> now += STEP_NS);
        event = EventFd.open(0);
        watch = loop.watch(event.fd(), Epoll.EPOLLIN | Epoll.EPOLLET, ready -> events++);
    }

    @AfterEach
    void close() {
        watch.close();
        event.close();
        loop.close();
    }

    private LoopPoll poll() {
        return loop.poll(
                () -> {
                    if (++looks < workAt) {
                        return false;
                    }
                    found++;
                    return true;
                },
                () -> rests++);
    }

    /** Work that comes at once makes it worth to look. */
    private void openWindow() throws PosixException {
        event.signal();
        loop.turn(-1);
        loop.turn(0);
    }

    @Test
    void neverLooksWithoutBudget() throws Exception {
        openWindow();
        assertFalse(poll().start());
    }

    @Test
    void doesNotLookBeforeWorkHasComeSoon() throws Exception {
        loop.setPollBudget(BUDGET_NS);
        LoopPoll poll = poll();
        assertFalse(poll.start());

        openWindow();
        assertTrue(poll.start());
    }

    @Test
    void findsWorkThatNoDescriptorTellsOf() throws Exception {
        loop.setPollBudget(BUDGET_NS);
        openWindow();
        LoopPoll poll = poll();
        poll.start();
        workAt = 4;
        int before = events;

        loop.turn(-1); // would not come back for want of events
        assertEquals(1, found);
        assertEquals(before, events);
        assertEquals(0, rests);

        poll.cancel();
        loop.turn(0);
        assertEquals(1, found, "nothing is looked for that is not active");
    }

    @Test
    void handlesEventsWhileItLooks() throws Exception {
        loop.setPollBudget(BUDGET_NS);
        openWindow();
        int before = events;
        LoopPoll poll = loop.poll(
                () -> {
                    if (++looks == 3) {
                        signal();
                    }
                    return false;
                },
                () -> rests++);
        poll.start();

        loop.turn(-1);
        assertEquals(before + 1, events);
        assertEquals(0, rests);
    }

    private void signal() {
        try {
            event.signal();
        } catch (PosixException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void givesUpBeforeItSleepsAndOnlyOnce() throws Exception {
        loop.setPollBudget(BUDGET_NS);
        openWindow();
        poll().start();

        loop.turn(1);
        int seen = looks;
        assertEquals(1, rests);
        assertTrue(seen > 0);

        loop.turn(1);
        assertEquals(1, rests);
        assertEquals(seen, looks);
    }

    @Test
    void doesNotSleepOverWhatStartsAgainWhileItGivesUp() throws Exception {
        loop.setPollBudget(BUDGET_NS);
        openWindow();
        LoopPoll[] again = new LoopPoll[1];
        again[0] = loop.poll(
                () -> {
                    looks++;
                    return false;
                },
                () -> {
                    if (++rests == 1) {
                        again[0].start();
                    }
                });
        again[0].start();

        loop.turn(-1); // sleeping here would be for ever
        assertEquals(1, rests);
        int seen = looks;
        loop.turn(1);
        assertTrue(looks > seen);
        assertEquals(2, rests);
    }

    @Test
    void looksOncePerTurnAlsoWhileThereIsOtherWork() throws Exception {
        loop.setPollBudget(BUDGET_NS);
        openWindow();
        poll().start();
        LoopTask[] busy = new LoopTask[1];
        busy[0] = loop.task(() -> busy[0].schedule());
        busy[0].schedule();

        for (int i = 1; i <= 5; i++) {
            loop.turn(-1);
            assertEquals(i, looks);
        }
        assertEquals(0, rests);
        busy[0].cancel();
    }

    @Test
    void movesWithItsLoop() throws Exception {
        try (EventLoop other = EventLoop.open(() -> now += STEP_NS)) {
            loop.setPollBudget(BUDGET_NS);
            other.setPollBudget(BUDGET_NS);
            openWindow();
            EventLoop part = loop.part();
            part.poll(() -> false, () -> rests++).start();

            part.moveTo(other);
            other.turn(1);
            assertEquals(1, rests, "whoever sleeps has to say that nobody looks any more");
        }
    }

    @Test
    void windowGrowsWhileWorkComesSoonAndClosesWhenItStaysAway() {
        PollWindow window = new PollWindow(100_000);
        assertEquals(0, window.windowNs());
        window.workCame(50_000);
        assertEquals(10_000, window.windowNs());
        window.workCame(50_000);
        window.workCame(50_000);
        assertEquals(40_000, window.windowNs());
        window.workCame(20_000);
        assertEquals(40_000, window.windowNs(), "long enough");
        window.workCame(100_000);
        window.workCame(90_000);
        assertEquals(100_000, window.windowNs(), "never above the budget");
        window.workCame(100_001);
        assertEquals(25_000, window.windowNs());
        window.workCame(1_000_000);
        assertEquals(0, window.windowNs());
    }
}
