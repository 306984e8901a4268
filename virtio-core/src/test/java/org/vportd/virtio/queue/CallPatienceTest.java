package org.vportd.virtio.queue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vportd.virtio.driver.QueueDriver;

@Timeout(30)
class CallPatienceTest {
    private final CallPatience patience = new CallPatience();

    @Test
    void shouldGoOnWhileItMostlyPays() {
        for (int i = 0; i < 1000; i++) {
            assertTrue(patience.isWorthwhile());
            if (i % 4 == 3) {
                patience.wasted();
            } else {
                patience.paid();
            }
        }
    }

    @Test
    void shouldEndWhenItDoesNotPayAndTryNowAndThen() {
        assertEquals(4, grantedWhenWasted(1000));
        assertEquals(3, grantedWhenWasted(3 * CallPatience.TRIAL));
    }

    @Test
    void shouldBeginAgainWhenATrialPays() {
        int unused = grantedWhenWasted(100);
        while (!patience.isWorthwhile()) {}
        patience.paid();

        assertTrue(patience.isWorthwhile());
        patience.wasted();
        assertFalse(patience.isWorthwhile());
    }

    private int grantedWhenWasted(int calls) {
        int granted = 0;
        for (int i = 0; i < calls; i++) {
            if (patience.isWorthwhile()) {
                granted++;
                patience.wasted();
            }
        }
        return granted;
    }

    @ParameterizedTest
    @EnumSource(RingFormat.class)
    void shouldCallEachTimeWhenTheDriverDoesNotLook(RingFormat format) throws Exception {
        try (QueueFixture f = new QueueFixture(format, 8, true)) {
            long buffer = f.data(10);
            for (int i = 1; i <= 3000; i++) {
                f.driver.addReadable(buffer, 10, i);
                f.driver.publish();
                takeAll(f.queue);
                assertEquals(i, f.calls);
                assertTrue(f.driver.poll());
                f.driver.enableCalls();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(RingFormat.class)
    void shouldSpareCallsOfADriverThatSpins(RingFormat format) throws Exception {
        try (QueueFixture f = new QueueFixture(format, 8, true)) {
            SpinningDriver driver = new SpinningDriver(f.driver, f.data(10));
            Thread thread = new Thread(driver, "driver");
            thread.start();
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            int taken = 0;
            while (taken < f.calls + 50 && System.nanoTime() - end < 0) {
                taken += takeAll(f.queue);
            }
            driver.stopped = true;
            while (thread.isAlive()) {
                taken += takeAll(f.queue); // the last one must come back, too
            }

            assertTrue(taken >= f.calls + 50, "spared=" + (taken - f.calls));
            assertEquals(taken, driver.returned);
        }
    }

    private static int takeAll(VirtQueue queue) {
        queue.walkReadable();
        int chains = queue.windowChains();
        if (chains > 0) {
            queue.consume(queue.segments().bytes());
            queue.publish();
        }
        return chains;
    }

    /** Has one buffer under way at a time and looks for it until it is back, as Linux's console driver does. */
    private static final class SpinningDriver implements Runnable {
        private final QueueDriver driver;
        private final long buffer;
        private volatile boolean stopped;
        private int returned;

        SpinningDriver(QueueDriver driver, long buffer) {
            this.driver = driver;
            this.buffer = buffer;
        }

        @Override
        public void run() {
            while (!stopped) {
                driver.addReadable(buffer, 10, 0);
                driver.publish();
                while (!driver.poll()) {
                    Thread.onSpinWait();
                }
                returned++;
                driver.enableCalls();
            }
        }
    }
}
