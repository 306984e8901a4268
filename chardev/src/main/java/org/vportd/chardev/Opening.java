package org.vportd.chardev;

import org.jspecify.annotations.Nullable;
import org.vportd.loop.EventLoop;

/**
 * What a chardev is made from.
 *
 * @param loop the loop it will live on
 * @param id the name it gets
 * @param options what the user asks for
 * @param chardevs the others that exist
 * @param services what the program around it offers
 * @param predecessor the one whose place it is to take, in use until {@link Chardev#begin}; or null
 */
public record Opening(
        EventLoop loop,
        String id,
        Options options,
        Chardevs chardevs,
        ChardevServices services,
        @Nullable Chardev predecessor) {
    /** The predecessor if it is of a certain class, otherwise null. */
    public <T extends Chardev> @Nullable T predecessor(Class<T> type) {
        return type.isInstance(predecessor) ? type.cast(predecessor) : null;
    }
}
