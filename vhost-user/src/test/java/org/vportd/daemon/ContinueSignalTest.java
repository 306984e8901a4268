package org.vportd.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.vportd.loop.EventLoop;

class ContinueSignalTest {
    @Test
    @DisplayName("CH-22 SIGCONT reaches the loop, on its own thread")
    void shouldRunOnLoopWhenProcessGoesOn() throws Exception {
        AtomicInteger runs = new AtomicInteger();
        Thread test = Thread.currentThread();
        try (EventLoop loop = EventLoop.open();
                ContinueSignal signal = ContinueSignal.handle(loop, () -> {
                    assertEquals(test, Thread.currentThread());
                    runs.incrementAndGet();
                })) {
            String pid = String.valueOf(ProcessHandle.current().pid());
            assertEquals(0, new ProcessBuilder("kill", "-CONT", pid).start().waitFor());
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
            while (runs.get() == 0 && System.nanoTime() - deadline < 0) {
                loop.turn(100);
            }
            assertNotNull(signal);
            assertTrue(runs.get() > 0, "the signal did not arrive");
        }
    }
}
