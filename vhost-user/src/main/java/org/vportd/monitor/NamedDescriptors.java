package org.vportd.monitor;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.handover.Parcel;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;

/**
 * Descriptors that clients have passed, with {@code getfd} or into sets with {@code add-fd}. Of the former, each monitor has
 * its own names; what a command makes finds those of the monitor that the command came over. {@link
 * org.vportd.chardev.ChardevServices#takeDescriptor} is to call {@link #take}.
 */
public final class NamedDescriptors {
    private final DescriptorSets sets = new DescriptorSets();
    private @Nullable Names current;

    /** Makes it, with no command running. */
    public NamedDescriptors() {}

    /**
     * Takes a descriptor out of those of the monitor whose command is running; the caller then owns it.
     *
     * @return null if there is none of that name, or no command is running
     */
    public @Nullable Fd take(String name) {
        return current == null ? null : current.take(name);
    }

    /**
     * Opens a descriptor that a client has passed with {@code add-fd}. {@link
     * org.vportd.chardev.ChardevServices#openPassed} is to call it.
     *
     * @param set the number of the set it is in
     * @param flags as of open(2)
     * @throws PosixException if there is none that was opened for that
     */
    public Fd open(String set, int flags) throws PosixException {
        return sets.open(set, flags);
    }

    /**
     * Puts a descriptor into a set, which need not exist.
     *
     * @param fd closed if that fails
     * @throws ConfigException if there are too many
     */
    public void addToSet(Fd fd, long set, @Nullable String opaque) throws ConfigException {
        try {
            DescriptorSets.Member unused = sets.add(fd, set, opaque).member();
        } catch (QmpException e) {
            throw new ConfigException(String.valueOf(e.getMessage()));
        }
    }

    /** Packs the sets for {@link #unpackSets} in another process. */
    public List<Parcel> packSets() {
        return sets.pack();
    }

    /** Has the sets of another process. */
    public void unpackSets(List<Parcel> parcels) {
        sets.unpack(parcels);
    }

    /** Those that are in sets, whichever monitor they came over. */
    DescriptorSets sets() {
        return sets;
    }

    /** Whether a command of a monitor is running. */
    public boolean isCommandRunning() {
        return current != null;
    }

    /** Whether the command that is running came over the monitor with these names. */
    boolean isCurrent(Names names) {
        return current == names;
    }

    /** A command of a monitor begins. */
    void enter(Names names) {
        current = names;
    }

    /** The command has ended. */
    void leave() {
        current = null;
    }

    /** Those of one monitor. */
    static final class Names implements AutoCloseable {
        /** More than that are a mistake of the client's, which must not take all the descriptors of the process. */
        private static final int MAX_NAMES = 256;

        private final Map<String, Fd> byName = new HashMap<>();

        /** Keeps a descriptor, and closes the one that had the name before. */
        void put(String name, Fd descriptor) throws QmpException {
            if (byName.size() == MAX_NAMES && !byName.containsKey(name)) {
                descriptor.close();
                throw new QmpException("too many file descriptors have names already: limit=" + MAX_NAMES);
            }
            Fd replaced = byName.put(name, descriptor);
            if (replaced != null) {
                replaced.close();
            }
        }

        @Nullable
        Fd take(String name) {
            return byName.remove(name);
        }

        List<Parcel> pack() {
            return byName.entrySet().stream()
                    .map(each -> new Parcel().put("name", each.getKey()).put("fd", each.getValue()))
                    .toList();
        }

        void unpack(List<Parcel> parcels) {
            for (Parcel parcel : parcels) {
                Fd fd = parcel.takeFd("fd");
                if (fd != null) {
                    byName.put(String.valueOf(parcel.text("name")), fd);
                }
            }
        }

        @Override
        public void close() {
            byName.values().forEach(Fd::close);
            byName.clear();
        }
    }
}
