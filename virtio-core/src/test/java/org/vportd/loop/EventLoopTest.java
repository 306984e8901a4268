package org.vportd.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vportd.posix.Epoll;
import org.vportd.posix.EventFd;
import org.vportd.posix.PosixException;

@Timeout(30)
class EventLoopTest {
    private long now;
    private EventLoop loop;
    private final List<String> log = new ArrayList<>();

    @BeforeEach
    void open() throws PosixException {
        loop = EventLoop.open(() -> now);
    }

    @AfterEach
    void close() {
        loop.close();
    }

    @Test
    void shouldFireTimersInOrderWhenTheirTimeHasCome() {
        loop.timer(() -> log.add("c")).start(30);
        loop.timer(() -> log.add("a")).start(10);
        loop.timer(() -> log.add("b")).start(20);
        loop.turn(0);
        assertEquals(List.of(), log);
        now = 20;
        loop.turn(0);
        assertEquals(List.of("a", "b"), log);
        now = 30;
        loop.turn(0);
        assertEquals(List.of("a", "b", "c"), log);
    }

    @Test
    void shouldLookAtEventsBetweenTasksThatTakeLong() throws PosixException {
        try (EventFd event = EventFd.open(1)) {
            Watch watch = loop.watch(event.fd(), Epoll.EPOLLIN, ready -> log.add("event"));
            for (String name : List.of("a", "b", "c", "d")) {
                loop.task(() -> {
                            log.add(name);
                            now += TimeUnit.MICROSECONDS.toNanos(300);
                        })
                        .schedule();
            }
            loop.turn(0);
            loop.turn(0);
            loop.turn(0);
            assertEquals(List.of("event", "a", "b", "event", "c", "d", "event"), log);
            watch.close();
        }
    }

    @Test
    void shouldHandleNothingFurtherWhenStoppedNow() {
        loop.timer(() -> log.add("timer")).start(0);
        loop.timer(() -> {
                    log.add("last");
                    loop.stopNow();
                })
                .start(-1);
        loop.task(() -> log.add("task")).schedule();
        loop.run();
        assertEquals(List.of("last"), log);
    }

    @Test
    void shouldNotFireTimerWhenCancelled() {
        LoopTimer timer = loop.timer(() -> log.add("x"));
        timer.start(10);
        assertTrue(timer.isActive());
        timer.cancel();
        assertFalse(timer.isActive());
        timer.cancel();
        now = 100;
        loop.turn(0);
        assertEquals(List.of(), log);
    }

    @Test
    void shouldFireOnceAtTheLaterTimeWhenTimerIsStartedAgain() {
        LoopTimer timer = loop.timer(() -> log.add("x"));
        timer.start(10);
        timer.start(50);
        now = 20;
        loop.turn(0);
        assertEquals(List.of(), log);
        now = 50;
        loop.turn(0);
        loop.turn(0);
        assertEquals(List.of("x"), log);
    }

    @Test
    void shouldFireInOrderWhenClockWraps() {
        now = Long.MAX_VALUE - 5;
        loop.timer(() -> log.add("late")).start(20);
        loop.timer(() -> log.add("early")).start(1);
        now += 1;
        loop.turn(0);
        assertEquals(List.of("early"), log);
        now += 20;
        loop.turn(0);
        assertEquals(List.of("early", "late"), log);
    }

    @Test
    void shouldKeepHeapInOrderWhenManyTimersComeAndGo() {
        List<Integer> fired = new ArrayList<>();
        List<LoopTimer> timers = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            int delay = i * 7919 % 200;
            LoopTimer timer = loop.timer(() -> fired.add(delay));
            timer.start(delay);
            timers.add(timer);
        }
        List<Integer> expected = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            if (i % 3 == 0) {
                timers.get(i).cancel();
            } else {
                expected.add(i * 7919 % 200);
            }
        }
        expected.sort(null);
        now = 1000;
        loop.turn(0);
        assertEquals(expected, fired);
    }

    @Test
    void shouldRunTaskOnceWhenScheduledTwice() {
        LoopTask task = loop.task(() -> log.add("t"));
        task.schedule();
        task.schedule();
        loop.turn(-1); // does not wait while a task is scheduled
        loop.turn(0);
        assertEquals(List.of("t"), log);
    }

    @Test
    void shouldRunTaskInNextTurnWhenItSchedulesItself() {
        List<LoopTask> self = new ArrayList<>();
        LoopTask task = loop.task(() -> {
            log.add("t");
            self.get(0).schedule();
        });
        self.add(task);
        task.schedule();
        loop.turn(-1);
        assertEquals(List.of("t"), log);
        loop.turn(-1);
        assertEquals(List.of("t", "t"), log);
    }

    @Test
    void shouldNotRunTaskWhenCancelled() {
        LoopTask task = loop.task(() -> log.add("t"));
        task.schedule();
        task.cancel();
        loop.turn(0);
        assertEquals(List.of(), log);
    }

    @Test
    void shouldCallHandlerWhenDescriptorIsReadable() throws Exception {
        try (EventFd event = EventFd.open(0)) {
            Watch watch = loop.watch(event.fd(), Epoll.EPOLLIN, events -> log.add("events=" + events));
            loop.turn(0);
            event.signal();
            loop.turn(0);
            event.drain();
            loop.turn(0);
            watch.close();
            assertEquals(List.of("events=1"), log);
        }
    }

    @Test
    void shouldDropEventWhenWatchIsClosedInTheSameTurn() throws Exception {
        try (EventFd a = EventFd.open(1);
                EventFd b = EventFd.open(1)) {
            List<Watch> watches = new ArrayList<>();
            ReadyHandler closeBoth = events -> {
                log.add("first");
                watches.forEach(Watch::close);
            };
            watches.add(loop.watch(a.fd(), Epoll.EPOLLIN, closeBoth));
            watches.add(loop.watch(b.fd(), Epoll.EPOLLIN, closeBoth));
            loop.turn(0);
            assertEquals(List.of("first"), log);
        }
    }

    @Test
    void shouldNotHandStaleEventToNewWatchWhenSlotIsReusedInTheSameTurn() throws Exception {
        try (EventFd a = EventFd.open(1);
                EventFd b = EventFd.open(1);
                EventFd quiet = EventFd.open(0)) {
            List<Watch> watches = new ArrayList<>();
            ReadyHandler replace = events -> {
                watches.forEach(Watch::close);
                watches.clear();
                watches.add(watch(quiet, "stale"));
                watches.add(watch(a, "stale"));
            };
            watches.add(loop.watch(a.fd(), Epoll.EPOLLIN, replace));
            watches.add(loop.watch(b.fd(), Epoll.EPOLLIN, replace));
            loop.turn(0);
            assertEquals(List.of(), log);
            watches.forEach(Watch::close);
        }
    }

    private Watch watch(EventFd event, String name) {
        try {
            return loop.watch(event.fd(), Epoll.EPOLLIN, events -> log.add(name));
        } catch (PosixException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void shouldRunCommandsInOrderOnLoopThreadWhenPostedFromOthers() throws Exception {
        AtomicReference<Thread> ranOn = new AtomicReference<>();
        Thread poster = new Thread(() -> {
            for (int i = 0; i < 1000; i++) {
                String name = Integer.toString(i);
                loop.post(() -> log.add(name));
            }
            loop.post(() -> {
                ranOn.set(Thread.currentThread());
                loop.stop();
            });
        });
        poster.start();
        loop.run();
        poster.join();
        assertSame(Thread.currentThread(), ranOn.get());
        assertEquals(1000, log.size());
        assertEquals("999", log.get(999));
    }

    @Test
    void shouldWakeUpWhenCommandIsPostedWhileWaiting() throws Exception {
        Thread runner = new Thread(loop::run);
        runner.start();
        loop.post(() -> log.add("one"));
        loop.post(loop::stop);
        runner.join(TimeUnit.SECONDS.toMillis(20));
        assertFalse(runner.isAlive());
        assertEquals(List.of("one"), log);
    }

    @Test
    void shouldRefuseCommandWhenTooManyWait() {
        for (int i = 0; i < EventLoop.COMMAND_CAPACITY; i++) {
            loop.post(() -> {});
        }
        assertThrows(IllegalStateException.class, () -> loop.post(() -> {}));
        loop.turn(0);
        loop.post(() -> log.add("room"));
        loop.turn(0);
        assertEquals(List.of("room"), log);
    }

    @Test
    void shouldReturnWhenStoppedBeforeItRuns() {
        loop.stop();
        loop.run();
        assertEquals(List.of(), log);
    }

    @Test
    void shouldAllocateNothingPerTurnWhenNothingIsRegisteredAnew() throws Exception {
        try (EventFd event = EventFd.open(0)) {
            int[] fired = new int[2];
            LoopTask task = loop.task(() -> fired[0]++);
            LoopTimer timer = loop.timer(() -> fired[1]++);
            Watch watch = loop.watch(event.fd(), Epoll.EPOLLIN, events -> {
                drain(event);
                task.schedule();
                timer.start(1);
            });
            turns(event, 20_000);
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            long before = threads.getCurrentThreadAllocatedBytes();
            turns(event, 20_000);
            long allocated = threads.getCurrentThreadAllocatedBytes() - before;
            assertTrue(allocated < 20_000, "allocated=" + allocated);
            assertEquals(40_000, fired[0]);
            assertTrue(fired[1] == 40_000, "timers=" + fired[1]);
            watch.close();
        }
    }

    private void turns(EventFd event, int count) throws PosixException {
        for (int i = 0; i < count; i++) {
            event.signal();
            loop.turn(0);
            now += 2;
            loop.turn(0);
        }
    }

    private static void drain(EventFd event) {
        try {
            event.drain();
        } catch (PosixException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void shouldGoOnAndMissNoEventWhenAFaultIsClaimed() throws PosixException {
        try (EventFd faulty = EventFd.open(1);
                EventFd other = EventFd.open(1)) {
            int changes = Epoll.EPOLLIN | Epoll.EPOLLET;
            boolean[] thrown = new boolean[1];
            Watch first = loop.watch(faulty.fd(), changes, events -> {
                if (!thrown[0]) {
                    thrown[0] = true;
                    throw new InternalError("fault in memory of others");
                }
            });
            Watch second = loop.watch(other.fd(), changes, events -> log.add("event"));
            loop.addFaultHandler((fault, anybody) -> {
                log.add("fault " + anybody);
                return anybody;
            });
            loop.turn(0);
            assertEquals(List.of("fault false", "fault true"), log);
            loop.turn(0);
            assertEquals(List.of("fault false", "fault true", "event"), log);
            first.close();
            second.close();
        }
    }

    @Test
    void shouldDoTaskAgainThatAFaultHasInterrupted() {
        loop.addFaultHandler((fault, anybody) -> true);
        loop.task(() -> {
                    log.add("task");
                    if (log.size() == 1) {
                        throw new InternalError("fault in memory of others");
                    }
                })
                .schedule();
        loop.task(() -> log.add("next")).schedule();
        loop.turn(0);
        loop.turn(0);
        assertEquals(List.of("task", "next", "task"), log);
        loop.turn(0);
        assertEquals(3, log.size());
    }

    @Test
    void shouldTolerateEchoesOfAClaimedFaultForAWhile() {
        EventLoop.FaultHandler onlyOnce = (fault, anybody) -> log.isEmpty() && log.add("claimed");
        loop.addFaultHandler(onlyOnce);
        Runnable fail = () -> {
            throw new InternalError("fault in memory of others");
        };
        loop.task(fail).schedule();
        loop.turn(0);
        loop.task(fail).schedule();
        loop.turn(0);
        assertEquals(List.of("claimed"), log);
        now = TimeUnit.SECONDS.toNanos(2);
        loop.task(fail).schedule();
        assertThrows(InternalError.class, () -> loop.turn(0));
    }

    @Test
    void shouldThrowFaultOnWhenNobodyClaimsIt() {
        loop.addFaultHandler((fault, anybody) -> false);
        loop.task(() -> {
                    throw new InternalError("a fault of the virtual machine itself");
                })
                .schedule();
        assertThrows(InternalError.class, () -> loop.turn(0));
    }

    @Test
    void shouldEndRunWhenNobodyClaimsAFault() {
        loop.addFaultHandler((fault, anybody) -> false);
        loop.task(() -> {
                    loop.stop(); // so that a loop that goes on fails the test instead of hanging
                    throw new InternalError("a fault of the virtual machine itself");
                })
                .schedule();
        assertThrows(InternalError.class, loop::run);
    }
}
