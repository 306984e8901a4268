package org.vportd.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vportd.loop.EventLoop;

class ProcessSignalTest {
    @ParameterizedTest
    @ValueSource(strings = {"CONT", "WINCH"})
    @DisplayName("CH-22 a signal reaches the loop, on its own thread")
    void shouldRunOnLoopWhenSignalComes(String name) throws Exception {
        AtomicInteger runs = new AtomicInteger();
        Thread test = Thread.currentThread();
        try (EventLoop loop = EventLoop.open();
                ProcessSignal signal = ProcessSignal.handle(loop, name, () -> {
                    assertEquals(test, Thread.currentThread());
                    runs.incrementAndGet();
                })) {
            String pid = String.valueOf(ProcessHandle.current().pid());
            assertEquals(0, new ProcessBuilder("kill", "-" + name, pid).start().waitFor());
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
            while (runs.get() == 0 && System.nanoTime() - deadline < 0) {
                loop.turn(100);
            }
            assertNotNull(signal);
            assertTrue(runs.get() > 0, "the signal did not arrive");
        }
    }
}
