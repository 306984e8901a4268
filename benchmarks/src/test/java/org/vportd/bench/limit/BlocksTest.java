package org.vportd.bench.limit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vportd.posix.IoVector;

class BlocksTest {
    @ParameterizedTest
    @CsvSource({"65536, 256, 64, 200000", "32768, 256, 64, 200000", "4096, 256, 64, 100000", "64, 256, 256, 16384"})
    void shouldReadIntoMostBlocksWhenACallGetsLess(int blockBytes, int blocks, int batch, long bytesPerCall)
            throws Exception {
        try (Blocks all = Blocks.toRead(blockBytes, blocks, batch)) {
            BitSet used = new BitSet();
            int calls = 2 * blocks * blockBytes / (int) bytesPerCall;
            for (int i = 0; i < calls; i++) {
                IoVector call = all.next();
                long n = Math.min(bytesPerCall, call.bytes());
                for (int k = 0; (long) k * blockBytes < n; k++) {
                    used.set((int) ((call.segmentAddress(k) - all.address()) / blockBytes));
                }
                all.used(n);
            }
            assertTrue(4 * used.cardinality() >= 3 * blocks, "used=" + used.cardinality());
        }
    }

    @ParameterizedTest
    @CsvSource({"65536, 256, 64", "64, 256, 256", "64, 256, 1"})
    void shouldWriteAllBlocksInTurn(int blockBytes, int blocks, int batch) throws Exception {
        try (Blocks all = Blocks.toWrite(blockBytes, blocks, batch)) {
            for (int i = 0; i < 2 * blocks; i += batch) {
                IoVector call = all.next();
                assertEquals((long) batch * blockBytes, call.bytes());
                assertEquals(all.address() + (long) (i % blocks) * blockBytes, call.segmentAddress(0));
                all.used(call.bytes());
            }
        }
    }
}
