package org.vportd.chardev;

import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.vportd.handover.Parcel;
import org.vportd.loop.EventLoop;
import org.vportd.posix.IoVector;

/** Keeps a copy of the output that a chardev has taken. Loop thread only; never fails and never waits for long. */
public interface OutputLog extends AutoCloseable {
    /** How a log is asked for, by options that every type of chardev has. */
    interface Type {
        /** The keys of those options. */
        Set<String> keys();

        /**
         * Opens one, if the options ask for it.
         *
         * @throws ConfigException if they do not fit, or the file cannot be had
         */
        @Nullable
        OutputLog open(EventLoop loop, String id, Options options, ChardevServices services) throws ConfigException;

        /**
         * Goes on with the log of another process, see {@link OutputLog#pack}. Those that have none to pass need not know.
         *
         * @throws ConfigException if it cannot
         */
        default @Nullable OutputLog open(
                EventLoop loop, String id, Options options, ChardevServices services, Parcel inherited)
                throws ConfigException {
            return open(loop, id, options, services);
        }
    }

    /**
     * Records output.
     *
     * @param data what was written, not consumed by this call
     * @param bytes how much of its front was taken, at least 1
     */
    void record(IoVector data, long bytes);

    /** Puts in what another process needs to go on with it; see {@link Chardev#pack}. */
    default void pack(Parcel into) {}

    /** Begins, see {@link Chardev#begin}: until now, nothing may have changed in what is there. */
    void begin();

    @Override
    void close();
}
