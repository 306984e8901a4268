package org.vportd.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class MappedViewTest {
    private static final long PAGE = MappedView.pageBytes();

    @Test
    void shouldShowPagesOneBehindTheOther() throws Exception {
        try (Fd file = Posix.memoryFile("view", 8 * PAGE);
                MappedMemory memory = MappedMemory.map(file, 0, 8 * PAGE)) {
            for (int i = 0; i < 8; i++) {
                LittleEndian.putInt(memory.address() + i * PAGE, i);
            }
            long mappings = mappings();
            try (MappedView view = MappedView.reserve(4 * PAGE - 5)) {
                view.put(0, memory.address() + 7 * PAGE, PAGE);
                view.put(PAGE, memory.address() + 2 * PAGE, 2 * PAGE);
                view.put(3 * PAGE, memory.address(), 1);
                int[] expected = {7, 2, 3, 0};
                for (int i = 0; i < 4; i++) {
                    assertEquals(expected[i], LittleEndian.getInt(view.address() + i * PAGE));
                }
                LittleEndian.putInt(view.address() + PAGE, 77);
                assertEquals(77, LittleEndian.getInt(memory.address() + 2 * PAGE), "it is the same page");
                LittleEndian.putInt(memory.address(), 88);
                assertEquals(88, LittleEndian.getInt(view.address() + 3 * PAGE));
            }
            assertEquals(mappings, mappings());
            assertEquals(88, LittleEndian.getInt(memory.address()), "the pages are still where they were");
        }
    }

    @Test
    void shouldRefuseWhatCannotBe() throws Exception {
        try (Fd file = Posix.memoryFile("view", 2 * PAGE);
                MappedMemory memory = MappedMemory.map(file, 0, 2 * PAGE)) {
            MappedView view = MappedView.reserve(2 * PAGE);
            for (long[] bad : new long[][] {
                {1, 0, PAGE}, {0, 1, PAGE}, {-PAGE, 0, PAGE}, {PAGE, 0, PAGE + 1}, {0, 0, 0}, {0, 0, 2 * PAGE + 1}
            }) {
                assertThrows(PosixException.class, () -> view.put(bad[0], memory.address() + bad[1], bad[2]));
            }
            view.close();
            view.close();
            assertThrows(PosixException.class, () -> view.put(0, memory.address(), PAGE));
        }
    }

    private static long mappings() throws Exception {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.filter(line -> line.contains("memfd:view")).count();
        }
    }
}
