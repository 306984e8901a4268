package org.vportd.posix;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NativeMemoryTest {
    private static final int LENGTH = 2048;
    private static final int MAX_COPY = 600;

    private final byte[] model = new byte[LENGTH];
    private final long memory = NativeMemory.allocate(LENGTH);

    NativeMemoryTest() {
        new Random(1).nextBytes(model);
        NativeMemory.put(model, 0, memory, LENGTH);
    }

    @AfterEach
    void free() {
        NativeMemory.free(memory);
    }

    private byte[] contents() {
        byte[] bytes = new byte[LENGTH];
        NativeMemory.get(memory, bytes, 0, LENGTH);
        return bytes;
    }

    /** Lengths around the one from which the virtual machine copies, at any alignment, and over each other. */
    @ParameterizedTest
    @ValueSource(ints = {700, 1301, -3, -8, 3, 8, 255, 256, 257})
    void shouldCopyAnyLengthWhenRangesMayOverlap(int distance) {
        for (int length = 0; length <= MAX_COPY; length++) {
            int from = distance < 0 ? -distance : length % 7;
            System.arraycopy(model, from, model, from + distance, length);
            NativeMemory.copy(memory + from, memory + from + distance, length);
            assertArrayEquals(model, contents(), "length=" + length);
        }
    }

    @Test
    void shouldFillOnlyItsPartOfAnArrayWhenGettingAnyLength() {
        for (int length = 0; length <= MAX_COPY; length++) {
            byte[] bytes = new byte[MAX_COPY + 16];
            byte[] expected = bytes.clone();
            System.arraycopy(model, length % 9, expected, length % 5, length);
            NativeMemory.get(memory + length % 9, bytes, length % 5, length);
            assertArrayEquals(expected, bytes, "length=" + length);
        }
    }

    @Test
    void shouldReadHighValuesWithoutSign() {
        Arrays.fill(model, (byte) 0xfe);
        NativeMemory.put(model, 0, memory, LENGTH);
        assertEquals(0xfefe, LittleEndian.getU16(memory + 1));
    }
}
