package org.vportd.chardev;

import org.jspecify.annotations.Nullable;
import org.vportd.handover.Parcel;
import org.vportd.loop.EventLoop;
import org.vportd.posix.Fd;

/**
 * What a chardev is made from.
 *
 * @param loop the loop it will live on
 * @param id the name it gets
 * @param options what the user asks for
 * @param chardevs the others that exist
 * @param services what the program around it offers
 * @param predecessor the one whose place it is to take, in use until {@link Chardev#begin}; or null
 * @param inherited what the same chardev of another process has put in, see {@link Chardev#pack}, to go on with instead of
 *     opening anew; null if there was none
 */
public record Opening(
        EventLoop loop,
        String id,
        Options options,
        Chardevs chardevs,
        ChardevServices services,
        @Nullable Chardev predecessor,
        @Nullable Parcel inherited) {
    /** The predecessor if it is of a certain class, otherwise null. */
    public <T extends Chardev> @Nullable T predecessor(Class<T> type) {
        return type.isInstance(predecessor) ? type.cast(predecessor) : null;
    }

    /**
     * Takes an inherited descriptor, without which the chardev cannot go on.
     *
     * @throws ConfigException if it was not passed
     */
    public Fd takeInherited(String name) throws ConfigException {
        Fd fd = inherited == null ? null : inherited.takeFd(name);
        if (fd == null) {
            throw new ConfigException("nothing was handed over as '" + name + "'");
        }
        return fd;
    }
}
