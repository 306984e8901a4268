package org.vportd.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class IoVectorTest {
    @Test
    void shouldAgreeWithModelWhenOperationsAreRandom() {
        for (int seed = 0; seed < 50; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            List<Long> model = new ArrayList<>(); // one entry for each byte
            try (IoVector vector = new IoVector()) {
                for (int i = 0; i < 500; i++) {
                    switch (random.nextInt(4)) {
                        case 0, 1 -> {
                            long address = random.nextLong(1L << 40);
                            int length = random.nextInt(20);
                            vector.add(address, length);
                            for (int b = 0; b < length; b++) {
                                model.add(address + b);
                            }
                        }
                        case 2 -> {
                            int n = random.nextInt(model.size() + 1);
                            vector.consume(n);
                            model.subList(0, n).clear();
                        }
                        default -> {
                            int n = random.nextInt(model.size() + 1);
                            vector.truncate(n);
                            model.subList(model.size() - n, model.size()).clear();
                        }
                    }
                    assertEquals(model, bytes(vector), "seed=" + seed);
                    assertEquals(model.size(), vector.bytes());
                    assertEquals(model.isEmpty(), vector.isEmpty());
                }
            }
        }
    }

    private static List<Long> bytes(IoVector vector) {
        List<Long> bytes = new ArrayList<>();
        for (int i = 0; i < vector.segments(); i++) {
            assertTrue(vector.segmentBytes(i) > 0);
            for (long b = 0; b < vector.segmentBytes(i); b++) {
                bytes.add(vector.segmentAddress(i) + b);
            }
        }
        return bytes;
    }

    @Test
    void shouldThrowWhenMoreIsTakenThanThereIs() {
        try (IoVector vector = new IoVector()) {
            vector.add(1000, 10);
            assertThrows(IllegalArgumentException.class, () -> vector.consume(11));
            assertThrows(IllegalArgumentException.class, () -> vector.truncate(11));
        }
    }

    @Test
    void shouldLimitOneCallWhenThereAreManySegments() {
        try (IoVector vector = new IoVector()) {
            for (int i = 0; i < 3000; i++) {
                vector.add(i + 1, 1);
            }
            assertEquals(IoVector.MAX_SEGMENTS_PER_CALL, vector.callSegments());
            vector.consume(2500);
            assertEquals(500, vector.callSegments());
        }
    }
}
