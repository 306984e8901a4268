package org.vportd.chardev.console;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevType;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Opening;
import org.vportd.chardev.Options;
import org.vportd.handover.Parcel;
import org.vportd.loop.LoopTask;
import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;

/**
 * A text console without a window: output goes to a terminal in memory, whose screen and history can be looked at and which
 * can be typed to. Always open, takes all. Loop thread only.
 */
public final class VcChardev extends Chardev {
    /** The type {@code vc}. */
    public static final ChardevType TYPE = new ChardevType() {
        @Override
        public String name() {
            return "vc";
        }

        @Override
        public Set<String> keys() {
            return Set.of("cols", "rows", "width", "height", "scrollback");
        }

        @Override
        public Chardev open(Opening opening) throws ConfigException {
            return VcChardev.open(opening);
        }
    };

    private static final int DEFAULT_COLUMNS = 80;
    private static final int DEFAULT_ROWS = 24;
    private static final int DEFAULT_HISTORY_LINES = 512;
    private static final int MAX_COLUMNS = 1000;
    private static final int MAX_ROWS = 500;
    private static final int MAX_HISTORY_LINES = 100_000;
    private static final int FONT_WIDTH = 8;
    private static final int FONT_HEIGHT = 16;

    private static final int CHUNK_LENGTH = 4096;
    /** Answers to the program's questions leave most of the room to what is typed. */
    private static final int MAX_ANSWERS_LENGTH = 256;

    private final Screen screen;
    private final EscapeParser parser;
    private final TypedInput input = new TypedInput();
    private final LoopTask deliverTask;
    private final byte[] chunk = new byte[CHUNK_LENGTH];

    private VcChardev(Opening opening, int columns, int rows, int historyLines) {
        super(opening.id());
        this.deliverTask = opening.loop().task(this::deliver);
        this.screen = new Screen(columns, rows, historyLines);
        this.parser = new EscapeParser(screen, new ControlFunctions(screen, this::answer));
        if (opening.inherited() == null) {
            showTitle();
        } else {
            unpack(opening.inherited());
        }
        raise(ChardevEvent.OPENED);
        raiseSize(columns, rows);
    }

    private void unpack(Parcel from) {
        screen.unpack(from.parcel("screen"));
        parser.unpack(from.parcel("parser"));
        type(from.bytes("typed"));
    }

    @Override
    protected void pack(Parcel into) {
        into.put("screen", screen.pack()).put("parser", parser.pack()).put("typed", input.contents());
    }

    private void showTitle() {
        String name = id().replaceAll("\\p{Cntrl}", "?");
        byte[] title = ("\033[44m" + name + " console\033[0m\r\n").getBytes(StandardCharsets.UTF_8);
        parser.feed(title, 0, title.length);
    }

    private static Chardev open(Opening opening) throws ConfigException {
        Options options = opening.options();
        int columns = dimension(options, "cols", "width", FONT_WIDTH, MAX_COLUMNS);
        int rows = dimension(options, "rows", "height", FONT_HEIGHT, MAX_ROWS);
        int historyLines = (int) options.number("scrollback", DEFAULT_HISTORY_LINES, 0, MAX_HISTORY_LINES);
        return new VcChardev(
                opening, columns == 0 ? DEFAULT_COLUMNS : columns, rows == 0 ? DEFAULT_ROWS : rows, historyLines);
    }

    /** The number of characters, given as such or in pixels, which win; 0 if it is not given. */
    private static int dimension(Options options, String characters, String pixels, int font, int max)
            throws ConfigException {
        long count = options.number(characters, 0, 1, max);
        long size = options.number(pixels, 0, font, (long) max * font);
        return (int) (size == 0 ? count : size / font);
    }

    @Override
    public String filename() {
        return "vc";
    }

    @Override
    protected long write(IoVector data) {
        for (int i = 0; i < data.segments(); i++) {
            long address = data.segmentAddress(i);
            long left = data.segmentBytes(i);
            while (left > 0) {
                int n = (int) Math.min(left, CHUNK_LENGTH);
                NativeMemory.get(address, chunk, 0, n);
                parser.feed(chunk, 0, n);
                address += n;
                left -= n;
            }
        }
        return data.bytes();
    }

    private void answer(byte[] text) {
        if (input.size() + text.length <= MAX_ANSWERS_LENGTH) { // a program that does not read its answers gets no more
            input.add(text, text.length);
            deliverTask.schedule(); // it is still writing
        }
    }

    /**
     * Types bytes, for example {@code ESC [ A} for the arrow upwards.
     *
     * @return how many were taken; the rest has to wait until the program has read some
     */
    public int type(byte[] bytes) {
        int taken = input.add(bytes, bytes.length);
        deliverTask.schedule();
        return taken;
    }

    /**
     * Types text, in UTF-8.
     *
     * @return how many characters of the string were taken; none is taken in part
     */
    public int type(String text) {
        int end = 0;
        int bytes = 0;
        while (end < text.length()) {
            int next = text.offsetByCodePoints(end, 1);
            bytes += text.substring(end, next).getBytes(StandardCharsets.UTF_8).length;
            if (bytes > input.room()) {
                break;
            }
            end = next;
        }
        type(text.substring(0, end).getBytes(StandardCharsets.UTF_8));
        return end;
    }

    /** How many bytes that were typed have not been read yet. */
    public int unreadInput() {
        return input.size();
    }

    @Override
    protected void acceptInput() {
        if (input.size() > 0) {
            deliverTask.schedule();
        }
    }

    private void deliver() {
        int delivered;
        do {
            delivered = deliver(input.address(), input.contiguous());
            input.drop(delivered);
        } while (delivered > 0); // the rest waits until acceptInput
    }

    /** What is on the screen now. */
    public ScreenView screen() {
        return screen.view();
    }

    /**
     * One place of the screen, with its colours; null outside of it.
     *
     * @param row from 0 at the top
     * @param column from 0 on the left
     */
    public @Nullable Cell cell(int row, int column) {
        boolean inside = row >= 0 && row < screen.rows() && column >= 0 && column < screen.columns();
        return inside ? screen.cell(row, column) : null;
    }

    /**
     * The newest lines that have left the screen at its top.
     *
     * @param lines how many at most
     * @return the oldest of them first
     */
    public List<String> history(int lines) {
        return screen.history(lines);
    }

    /** How many lines the history has. */
    public int historySize() {
        return screen.historySize();
    }

    @Override
    public void close() {
        deliverTask.cancel();
        input.close();
    }
}
