package org.vportd.monitor;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.vportd.handover.Parcel;
import org.vportd.posix.Errno;
import org.vportd.posix.Fd;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;

/**
 * Descriptors that were passed with {@code add-fd}, in sets that paths can name: of those in {@code /dev/fdset/N}, the one
 * that was opened for what is wanted is taken. Loop thread only.
 */
final class DescriptorSets implements AutoCloseable {
    /** More than that are a mistake of the client's, which must not take all the descriptors of the process. */
    private static final int MAX_DESCRIPTORS = 256;

    private static final int KEPT_FLAGS = Posix.O_APPEND | Posix.O_NONBLOCK;

    private final Map<Long, Contents> sets = new TreeMap<>();

    /**
     * A descriptor.
     *
     * @param number what clients call it: its own, or the one that it had in another process
     * @param opaque what its owner wants to remember of it
     */
    record Member(Fd fd, long number, @Nullable String opaque) {
        Map<String, Object> toJson() {
            return opaque == null ? Map.of("fd", number) : Members.of("fd", number, "opaque", opaque);
        }
    }

    /** A member, and the number of the set that it is in. */
    record Added(long set, Member member) {}

    /** A set is there as long as it has members, or somebody uses what was opened by its path. */
    private static final class Contents {
        private final List<Member> members = new ArrayList<>();
        private final List<Fd> opened = new ArrayList<>();

        boolean isGone() {
            opened.removeIf(fd -> !fd.isOpen());
            return members.isEmpty() && opened.isEmpty();
        }
    }

    private Stream<Member> all() {
        return sets.values().stream().flatMap(set -> set.members.stream());
    }

    private void forgetUnused() {
        sets.values().removeIf(Contents::isGone);
    }

    /**
     * Keeps a descriptor.
     *
     * @param wanted the number of the set it is to be in, which need not exist; null for a new one
     */
    Added add(Fd fd, @Nullable Long wanted, @Nullable String opaque) throws QmpException {
        forgetUnused();
        if (all().count() == MAX_DESCRIPTORS) {
            fd.close();
            throw new QmpException("too many file descriptors are in sets already: limit=" + MAX_DESCRIPTORS);
        }
        long id = 0;
        if (wanted != null) {
            id = wanted;
        } else {
            while (sets.containsKey(id)) {
                id++;
            }
        }
        Member member = new Member(fd, freeNumber(fd.value()), opaque);
        sets.computeIfAbsent(id, any -> new Contents()).members.add(member);
        return new Added(id, member);
    }

    /** The descriptor's own number, unless one of another process is called by that. */
    private long freeNumber(long own) {
        Set<Long> taken = all().map(Member::number).collect(Collectors.toSet());
        long number = own;
        while (taken.contains(number)) {
            number++;
        }
        return number;
    }

    /** Closes one descriptor of a set, or all if it is null; what has been opened by its path stays open. */
    void remove(long id, @Nullable Long fd) throws QmpException {
        forgetUnused();
        Contents set = sets.get(id);
        List<Member> removed = set == null
                ? List.of()
                : set.members.stream()
                        .filter(member -> fd == null || member.number() == fd)
                        .toList();
        if (set == null || (removed.isEmpty() && fd != null)) {
            throw new QmpException(
                    "File descriptor named 'fdset-id:" + id + (fd == null ? "" : ", fd:" + fd) + "' not found");
        }
        removed.forEach(member -> member.fd().close());
        set.members.removeAll(removed);
        forgetUnused();
    }

    /** All sets, for clients. */
    List<Object> toJson() {
        forgetUnused();
        List<Object> all = new ArrayList<>();
        sets.forEach((id, set) -> all.add(Members.of(
                "fdset-id", id, "fds", set.members.stream().map(Member::toJson).toList())));
        return all;
    }

    /**
     * Opens a member of a set once more.
     *
     * @param set its number
     * @param flags as of open(2)
     * @throws PosixException if there is no such set, or nothing in it was opened for that
     */
    Fd open(String set, int flags) throws PosixException {
        forgetUnused();
        Contents contents = sets.get(number(set));
        if (contents == null) {
            throw new PosixException("open", Errno.ENOENT);
        }
        for (Member member : contents.members) {
            if (Posix.accessMode(member.fd()) == (flags & Posix.O_ACCMODE)) {
                Posix.addFlags(member.fd(), flags & KEPT_FLAGS);
                Fd opened = member.fd().duplicate();
                contents.opened.add(opened);
                return opened;
            }
        }
        throw new PosixException("open", Errno.EACCES);
    }

    private static long number(String set) throws PosixException {
        if (!set.matches("[0-9]{1,18}")) {
            throw new PosixException("open", Errno.EINVAL);
        }
        return Long.parseLong(set);
    }

    /** Packs them for {@link #unpack} in another process. */
    List<Parcel> pack() {
        List<Parcel> packed = new ArrayList<>();
        sets.forEach((id, set) -> set.members.forEach(member -> packed.add(new Parcel()
                .put("set", id)
                .put("number", member.number())
                .put("opaque", member.opaque())
                .put("fd", member.fd()))));
        return packed;
    }

    /** Has those of another process. */
    void unpack(List<Parcel> parcels) {
        for (Parcel parcel : parcels) {
            Fd fd = parcel.takeFd("fd");
            if (fd != null) {
                sets.computeIfAbsent(parcel.number("set", 0), any -> new Contents())
                        .members
                        .add(new Member(fd, parcel.number("number", fd.value()), parcel.text("opaque")));
            }
        }
    }

    @Override
    public void close() {
        all().forEach(member -> member.fd().close());
        sets.clear();
    }
}
