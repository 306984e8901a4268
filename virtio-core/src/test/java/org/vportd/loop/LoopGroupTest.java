package org.vportd.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vportd.posix.Epoll;
import org.vportd.posix.EventFd;
import org.vportd.posix.PosixException;

@Timeout(30)
class LoopGroupTest {
    private EventLoop first;
    private LoopGroup group;
    private final BlockingQueue<Thread> threads = new LinkedBlockingQueue<>();

    @BeforeEach
    void open() throws PosixException {
        first = EventLoop.open();
        group = new LoopGroup(first);
    }

    @AfterEach
    void close() {
        group.close();
        first.close();
    }

    private Thread next() throws InterruptedException {
        Thread thread = threads.poll(10, TimeUnit.SECONDS);
        if (thread == null) {
            throw new AssertionError("nothing has run within 10 s");
        }
        return thread;
    }

    @Test
    void shouldRunOnThreadOfItsOwnWhatIsPostedToAWorker() throws Exception {
        EventLoop worker = group.addWorker();
        EventLoop part = worker.part();
        part.post(() -> threads.add(Thread.currentThread()));
        assertNotSame(Thread.currentThread(), next());
        assertTrue(part.isTogetherWith(worker));
        assertFalse(part.isTogetherWith(first));
        assertEquals(List.of(first, worker), group.loops());
    }

    /** Counts without any synchronisation of its own: only the standstill makes the sums right. */
    @Test
    void shouldHoldAllWorkersDuringAStandstill() throws Exception {
        List<int[]> counters = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            int[] counter = {0, 0};
            counters.add(counter);
            EventLoop worker = group.addWorker();
            LoopTask[] task = new LoopTask[1];
            task[0] = worker.task(() -> {
                counter[0]++;
                counter[1]++;
                task[0].schedule();
            });
            worker.post(task[0]::schedule);
        }
        int progress = 0;
        for (int round = 0; round < 2000; round++) {
            int[] sums = {0, 0};
            group.during(() -> {
                counters.forEach(counter -> sums[0] += counter[0]);
                group.during(() -> counters.forEach(counter -> sums[1] += counter[1]));
            });
            assertEquals(sums[0], sums[1]);
            progress = sums[0];
        }
        assertTrue(progress > 0);
    }

    @Test
    void shouldMovePartWithWatchesTimersAndTasks() throws Exception {
        EventLoop part = first.part();
        AtomicInteger events = new AtomicInteger();
        try (EventFd event = EventFd.open(1)) {
            Watch watch = part.watch(event.fd(), Epoll.EPOLLIN | Epoll.EPOLLET, ready -> {
                events.incrementAndGet();
                threads.add(Thread.currentThread());
            });
            LoopTimer timer = part.timer(() -> threads.add(Thread.currentThread()));
            timer.start(0);
            LoopTask task = part.task(() -> threads.add(Thread.currentThread()));
            task.schedule();
            EventLoop worker = group.addWorker();
            group.during(() -> part.moveTo(worker));
            Thread there = next();
            assertSame(there, next());
            assertSame(there, next());
            assertNotSame(Thread.currentThread(), there);
            assertEquals(1, events.get());
            first.turn(0);
            assertTrue(threads.isEmpty());

            group.during(() -> part.moveTo(first)); // and back, where the event that is still unread is news once more
            first.turn(0);
            assertSame(Thread.currentThread(), next());
            assertEquals(2, events.get());
            event.signal();
            first.turn(0);
            assertEquals(3, events.get());
            watch.close();
        }
    }

    @Test
    void shouldBringCommandAfterPartThatHasMoved() throws Exception {
        EventLoop part = first.part();
        part.post(() -> threads.add(Thread.currentThread()));
        EventLoop worker = group.addWorker();
        group.during(() -> part.moveTo(worker));
        first.turn(0);
        assertNotSame(Thread.currentThread(), next());
    }

    @Test
    void shouldTakePartOutOfTheTurnThatMovesIt() throws Exception {
        EventLoop worker = group.addWorker();
        EventLoop part = first.part();
        first.task(() -> group.during(() -> part.moveTo(worker))).schedule();
        LoopTask task = part.task(() -> threads.add(Thread.currentThread()));
        task.schedule();
        first.turn(0);
        assertNotSame(Thread.currentThread(), next());
        first.turn(0);
        assertTrue(threads.isEmpty());
    }

    @Test
    void shouldAskWorkersWhenMemoryHasGoneUnderTheFirst() throws Exception {
        EventLoop worker = group.addWorker();
        List<Boolean> asked = new ArrayList<>();
        group.during(() -> worker.addFaultHandler((fault, anybody) -> {
            asked.add(anybody);
            return true;
        }));
        first.task(() -> {
                    throw new InternalError("a fault occurred in an unsafe memory access operation");
                })
                .schedule();
        first.turn(0);
        assertEquals(List.of(false), asked);
    }

    @Test
    void shouldBeginNoTurnWhenStoppedAtAStandstill() throws Exception {
        EventLoop worker = group.addWorker();
        int[] turns = {0};
        LoopTask[] task = new LoopTask[1];
        task[0] = worker.task(() -> {
            turns[0]++;
            task[0].schedule();
        });
        worker.post(task[0]::schedule);
        int[] atStop = {0};
        group.during(() -> {
            group.stop();
            atStop[0] = turns[0];
        });
        group.close();
        assertEquals(atStop[0], turns[0]);
    }

    @Test
    void shouldStopTheFirstWhenAWorkerFails() throws Exception {
        EventLoop worker = group.addWorker();
        worker.post(() -> {
            throw new IllegalStateException("a bug");
        });
        first.run();
        assertInstanceOf(IllegalStateException.class, group.failure());
        group.during(() -> threads.add(Thread.currentThread())); // nobody waits for the one that has gone
        assertSame(Thread.currentThread(), next());
    }
}
