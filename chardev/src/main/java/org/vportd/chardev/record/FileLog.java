package org.vportd.chardev.record;

import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.chardev.OutputLog;
import org.vportd.handover.Parcel;
import org.vportd.loop.EventLoop;
import org.vportd.posix.IoVector;

/**
 * Keeps a copy of a chardev's output in a file: {@code logfile=PATH}, emptied at first unless {@code logappend=on}.
 *
 * <p>The bytes go from the front-end's own memory into the file. With {@code logtimestamp=on} each line is preceded by the
 * time at which it began; with {@code logmaxsize=SIZE} the file is put aside as {@code PATH.1} before it would grow beyond
 * that, and {@code logkeep=N} such files are kept, the newest as {@code .1}. What cannot be written is dropped: output is
 * never held up for its log.
 */
public final class FileLog implements OutputLog {
    /** The options of this log. */
    public static final Type TYPE = new Type() {
        @Override
        public Set<String> keys() {
            return Set.of("logfile", "logappend", "logmaxsize", "logkeep", "logtimestamp");
        }

        @Override
        public @Nullable OutputLog open(EventLoop loop, String id, Options options, ChardevServices services)
                throws ConfigException {
            return FileLog.open(loop, id, options, services, null);
        }

        @Override
        public @Nullable OutputLog open(
                EventLoop loop, String id, Options options, ChardevServices services, Parcel inherited)
                throws ConfigException {
            return FileLog.open(loop, id, options, services, inherited);
        }
    };

    private static final String IN_LINE = "in-line";
    private static final int MAX_KEPT = 1000;
    private static final int MIN_SIZE_BYTES = 1024;

    private final LogFile file;
    private final Consumer<IoVector> writer;
    private final @Nullable LineStamper stamper;
    private final IoVector piece = new IoVector();

    private FileLog(LogFile file, @Nullable LineStamper stamper) {
        this.file = file;
        this.writer = file::write;
        this.stamper = stamper;
    }

    private static @Nullable OutputLog open(
            EventLoop loop, String id, Options options, ChardevServices services, @Nullable Parcel inherited)
            throws ConfigException {
        String path = options.string("logfile");
        boolean appends = options.bool("logappend", false);
        boolean stamps = options.bool("logtimestamp", false);
        long maxBytes = options.size("logmaxsize", 0, MIN_SIZE_BYTES, Long.MAX_VALUE);
        int kept = (int) options.number("logkeep", 1, 1, MAX_KEPT);
        if (path == null) {
            require(options, "logmaxsize", "logfile");
            require(options, "logtimestamp", "logfile");
        }
        require(options, "logkeep", "logmaxsize");
        if (path == null) {
            return null;
        }
        LogFile.Limit limit = new LogFile.Limit(maxBytes, kept);
        LogFile file = inherited == null
                ? LogFile.open(loop, services, id, path, appends, limit)
                : LogFile.inherited(loop, id, inherited, limit);
        return new FileLog(file, stamps ? new LineStamper(inherited == null || !inherited.flag(IN_LINE)) : null);
    }

    private static void require(Options options, String key, String other) throws ConfigException {
        if (options.has(key) && !options.has(other)) {
            throw new ConfigException("'" + key + "' option requires '" + other + "' option");
        }
    }

    @Override
    public void record(IoVector data, long bytes) {
        piece.clear(); // a fault in the midst of the last record may have left some
        if (stamper == null) {
            piece.addPart(data, 0, bytes);
        } else {
            stamper.stamp(data, bytes, System.currentTimeMillis(), piece, writer);
        }
        file.write(piece);
    }

    @Override
    public void pack(Parcel into) {
        file.pack(into);
        into.put(IN_LINE, stamper != null && !stamper.isAtLineStart());
    }

    @Override
    public void begin() {
        file.begin();
    }

    @Override
    public void close() {
        file.close();
        piece.close();
        if (stamper != null) {
            stamper.close();
        }
    }
}
