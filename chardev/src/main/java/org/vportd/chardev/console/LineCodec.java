package org.vportd.chardev.console;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;

/**
 * Lines as bytes: for each the number of columns that are used, then for each of these the character plus one, and the
 * rendition where it is another one than before. Numbers take 7 bits of each byte, the low ones first; the lowest bit of a
 * character's number tells whether a rendition follows.
 */
final class LineCodec {
    private static final int BITS = 7;
    private static final int MORE = 1 << BITS;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    /** Adds a line. */
    void write(Line line) {
        int used = line.used();
        number(used);
        long rendition = Rendition.DEFAULT;
        for (int column = 0; column < used; column++) {
            boolean changes = line.rendition(column) != rendition;
            rendition = line.rendition(column);
            number((line.character(column) + 1L) << 1 | (changes ? 1 : 0));
            if (changes) {
                number(rendition);
            }
        }
    }

    private void number(long value) {
        long rest = value;
        while (rest >= MORE) {
            out.write((int) (rest & (MORE - 1)) | MORE);
            rest >>>= BITS;
        }
        out.write((int) rest);
    }

    /** How many bytes there are so far. */
    int size() {
        return out.size();
    }

    byte[] bytes() {
        return out.toByteArray();
    }

    static Reader reader(byte[] bytes) {
        return new Reader(ByteBuffer.wrap(bytes));
    }

    /** Reads the lines again. */
    record Reader(ByteBuffer in) {
        boolean hasMore() {
            return in.hasRemaining();
        }

        /** The next line, cut off if it is longer. */
        Line read(int columns) {
            Line line = new Line(columns);
            int used = (int) number();
            long rendition = Rendition.DEFAULT;
            for (int column = 0; column < used; column++) {
                long character = number();
                if ((character & 1) != 0) {
                    rendition = number();
                }
                if (column < columns) {
                    line.restore(column, (int) (character >> 1) - 1, rendition);
                }
            }
            return line;
        }

        private long number() {
            long value = 0;
            int b = MORE;
            for (int shift = 0; (b & MORE) != 0; shift += BITS) {
                b = in.get();
                value |= (long) (b & (MORE - 1)) << shift;
            }
            return value;
        }
    }
}
