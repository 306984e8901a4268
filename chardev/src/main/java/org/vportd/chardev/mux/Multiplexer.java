package org.vportd.chardev.mux;

import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Opening;
import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;

/**
 * A chardev that is the front-end of others. A hub is never made of multiplexers, nor one multiplexer put over another one
 * other than over a hub, so there are no circles.
 */
abstract class Multiplexer extends Chardev {
    Multiplexer(String id) {
        super(id);
    }

    /** Whether a chardev is one of those it is the front-end of. */
    abstract boolean uses(Chardev other);

    /** Detaches from one of those, for another that takes its place; nobody hears of it. */
    abstract void letGo(Chardev other);

    /** How much of what its only front-end writes next one of those has had already. */
    abstract long hadOf(Chardev other);

    /** What one of those is to get before that: it has been begun, and there was no room. */
    abstract byte[] begunFor(Chardev other);

    /** Whether a chardev is free for a new multiplexer: nobody uses it but the one whose place that takes. */
    static boolean isFree(Chardev other, @Nullable Chardev predecessor) {
        return !other.isBusy() || (predecessor instanceof Multiplexer former && former.uses(other));
    }

    /** Copies bytes that are to be handed over. */
    static byte[] bytes(long address, long length) {
        byte[] bytes = new byte[(int) length];
        NativeMemory.get(address, bytes, 0, bytes.length);
        return bytes;
    }

    /** The same of what is in one segment, or none. */
    static byte[] bytes(IoVector range) {
        return range.isEmpty() ? new byte[0] : bytes(range.segmentAddress(0), range.segmentBytes(0));
    }

    /** Puts bytes that were handed over into memory of their own, which the caller frees; 0 if there are none. */
    static long restore(byte[] bytes, IoVector to) {
        if (bytes.length == 0) {
            return 0;
        }
        long memory = NativeMemory.allocate(bytes.length);
        NativeMemory.put(bytes, 0, memory, bytes.length);
        to.add(memory, bytes.length);
        return memory;
    }

    /** Refuses to make one in the place of a chardev that another one uses. */
    static void checkNotUsedByAnother(Opening opening) throws ConfigException {
        Chardev predecessor = opening.predecessor();
        if (predecessor == null) {
            return;
        }
        for (Chardev other : opening.chardevs().all()) {
            if (other instanceof Multiplexer user && user.uses(predecessor)) {
                throw new ConfigException(
                        "chardev: multiplexers can't be stacked",
                        "chardev '" + user.id() + "' uses '" + predecessor.id() + "'");
            }
        }
    }
}
