package org.vportd.virtio.queue;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vportd.posix.NativeMemory;
import org.vportd.virtio.driver.QueueDriver;

/** A queue that is simply gone, and another one that goes on from what was noted. */
class QueueProgressTest {
    private final long words = NativeMemory.allocate(QueueProgress.LENGTH);
    private final QueueProgress progress = new QueueProgress(words);

    @AfterEach
    void free() {
        NativeMemory.free(words);
    }

    @ParameterizedTest
    @EnumSource(RingFormat.class)
    @DisplayName(
            "Whenever a device is gone after it has consumed something, the next one consumes all the rest and no more")
    void goesOnExactly(RingFormat format) throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        progress.clear();
        try (QueueFixture f = new QueueFixture(format, format.sizeNear(16), false)) {
            int written = 0;
            ByteArrayOutputStream expected = new ByteArrayOutputStream();
            ByteArrayOutputStream consumed = new ByteArrayOutputStream();
            f.queue.track(progress);
            for (int step = 0; step < 3000; step++) {
                switch (random.nextInt(6)) {
                    case 0, 1 -> {
                        int length = random.nextInt(40); // also none
                        byte[] bytes = QueueFixture.pattern(written, length);
                        if (f.driver.addReadable(f.data(bytes), length, 0) != QueueDriver.FULL) {
                            expected.writeBytes(bytes);
                            written += length;
                            f.driver.publish();
                        }
                    }
                    case 2, 3 -> {
                        f.queue.walkReadable();
                        byte[] window = f.window();
                        int n = random.nextInt(window.length + 1);
                        consumed.write(window, 0, n);
                        f.queue.consume(n);
                    }
                    case 4 -> f.queue.publish();
                    default -> { // a crash
                        while (f.driver.poll()) {
                            // what it has shown is the driver's again
                        }
                        f.queue.close();
                        f.queue = f.newQueue(format.isPacked() ? f.driver.baseInMemory() : f.driver.availIndex(), true);
                        f.queue.track(progress);
                        f.queue.resumeAt(progress.at(f.queue.base()));
                    }
                }
                while (f.driver.poll()) {
                    // room again
                }
            }
            f.queue.walkReadable();
            consumed.writeBytes(f.window());
            assertArrayEquals(expected.toByteArray(), consumed.toByteArray(), "seed=" + seed);
        }
    }

    @Test
    @DisplayName("What was noted at another place of the ring is not used")
    void forgetsOtherPlaces() {
        progress.clear();
        assertEquals(HeldPosition.NONE, progress.at(0));
        assertEquals(HeldPosition.NONE, progress.at(0xffff));
        progress.consumed(7, 100);
        progress.returning(9, 3);
        assertEquals(new HeldPosition(7, 100), progress.at(7));
        assertEquals(HeldPosition.NONE, progress.at(8));
        assertEquals(new HeldPosition(9, 3), progress.at(9));
        progress.consumed(9, 5);
        assertEquals(new HeldPosition(9, 5), progress.at(9), "the newer one");
        progress.consumed(0xffff, 1);
        assertEquals(new HeldPosition(0xffff, 1), progress.at(0xffff));
        progress.clear();
        assertEquals(HeldPosition.NONE, progress.at(9));
    }
}
