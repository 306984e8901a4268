package org.vportd.vhostuser.backend;

import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.vportd.loop.EventLoop;

/**
 * Finds out that memory shared with the front-end has gone, and ends the session then. Where it has, reads may give zeros
 * for long before a fault is reported; so it is also looked for while the driver works.
 */
final class MemoryWatch {
    private static final long CHECK_NS = TimeUnit.SECONDS.toNanos(1);

    private final EventLoop loop;
    private final SessionMemory memory;
    private final SessionInflight inflight;
    private final Consumer<String> onFatal;
    private boolean gone;
    private boolean canVanish;
    private long checkedNs;

    /** Watches the memory of a session, which {@code onFatal} ends. */
    MemoryWatch(EventLoop loop, SessionMemory memory, SessionInflight inflight, Consumer<String> onFatal) {
        this.loop = loop;
        this.memory = memory;
        this.inflight = inflight;
        this.onFatal = onFatal;
    }

    /** Whether some of it is known to have gone: nothing may be started on it any more. */
    boolean isGone() {
        return gone;
    }

    /** Whether all of it is there now. */
    boolean isIntact() {
        return memory.table().isIntact() && inflight.isIntact();
    }

    /** Looks now. */
    void check() {
        canVanish = memory.table().canVanish();
        checkedNs = loop.nanoTime();
        if (canVanish && !gone && !isIntact()) {
            end("its file has been truncated");
        }
    }

    /** Looks if the last look was over a second ago. */
    void checkIfDue() {
        if (canVanish && loop.nanoTime() - checkedNs > CHECK_NS) {
            check();
        }
    }

    /** An access has failed. */
    void fault(Throwable cause) {
        if (cause instanceof InternalError late && isIntact()) {
            throw late; // not ours, as far as can be seen: the loop asks everybody
        }
        if (!gone) {
            end(String.valueOf(cause.getMessage()));
        }
    }

    private void end(String why) {
        gone = true;
        onFatal.accept("guest memory has gone: " + why);
    }
}
