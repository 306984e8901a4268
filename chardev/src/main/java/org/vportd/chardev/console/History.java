package org.vportd.chardev.console;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The lines that have left the screen at its top: the newest of them. */
final class History {
    private static final int MAX_PACKED_BYTES = 64 << 20;

    private final @Nullable Line[] ring;
    private int next;
    private int size;

    /** Makes an empty one. */
    History(int maxLines) {
        ring = new Line[maxLines];
    }

    /** Keeps a line; answers one that is not needed any more, if there is one, to be used again. */
    @Nullable
    Line add(Line line) {
        if (ring.length == 0) {
            return line;
        }
        Line oldest = ring[next];
        ring[next] = line;
        next = (next + 1) % ring.length;
        size = Math.min(size + 1, ring.length);
        return oldest;
    }

    void clear() {
        Arrays.fill(ring, null);
        next = 0;
        size = 0;
    }

    /** The newest lines, the newest of them first, and not more than a handover should have to carry. */
    byte[] pack() {
        LineCodec codec = new LineCodec();
        for (int i = 1; i <= size && codec.size() < MAX_PACKED_BYTES; i++) {
            Line line = ring[Math.floorMod(next - i, ring.length)];
            if (line != null) {
                codec.write(line);
            }
        }
        return codec.bytes();
    }

    void unpack(byte[] packed, int columns) {
        LineCodec.Reader reader = LineCodec.reader(packed);
        Deque<Line> oldestFirst = new ArrayDeque<>();
        while (reader.hasMore() && oldestFirst.size() < ring.length) {
            oldestFirst.addFirst(reader.read(columns));
        }
        oldestFirst.forEach(this::add);
    }

    /** How many lines there are. */
    int size() {
        return size;
    }

    /** The newest lines, the oldest of them first. */
    List<String> newest(int lines) {
        int count = Math.max(0, Math.min(lines, size));
        List<String> texts = new ArrayList<>(count);
        for (int i = count; i > 0; i--) {
            Line line = ring[Math.floorMod(next - i, ring.length)];
            if (line != null) {
                texts.add(line.text());
            }
        }
        return texts;
    }
}
