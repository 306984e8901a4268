package org.vportd.monitor;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.Fd;

/** Descriptors that a client has passed along with its bytes, until a command takes one. */
final class PassedDescriptors {
    private List<Fd> passed = List.of();

    /** Keeps those that came last, which are what the next command can name; nobody has asked for those before. */
    void put(List<Fd> descriptors) {
        drop();
        passed = descriptors;
    }

    /** Takes the first one and closes the others; null if there is none. */
    @Nullable
    Fd take() {
        if (passed.isEmpty()) {
            return null;
        }
        Fd first = passed.get(0);
        passed = passed.subList(1, passed.size());
        drop();
        return first;
    }

    /** Closes all. */
    void drop() {
        passed.forEach(Fd::close);
        passed = List.of();
    }
}
