package org.vportd.monitor;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.Errno;
import org.vportd.posix.Fd;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;

/**
 * Descriptors that clients have passed with {@code add-fd}, in sets that paths can name: of those in {@code /dev/fdset/N},
 * the one that was opened for what is wanted is taken. Loop thread only.
 */
final class DescriptorSets implements AutoCloseable {
    /** More than that are a mistake of the client's, which must not take all the descriptors of the process. */
    private static final int MAX_DESCRIPTORS = 256;

    private static final int KEPT_FLAGS = Posix.O_APPEND | Posix.O_NONBLOCK;

    private final Map<Long, List<Member>> sets = new TreeMap<>();

    /**
     * A descriptor.
     *
     * @param opaque what its owner wants to remember of it
     */
    private record Member(Fd fd, @Nullable String opaque) {
        Map<String, Object> toJson() {
            return opaque == null ? Map.of("fd", fd.value()) : Members.of("fd", fd.value(), "opaque", opaque);
        }
    }

    /**
     * Keeps a descriptor.
     *
     * @param wanted the number of the set it is to be in, which need not exist; null for a new one
     * @return the number of the set
     */
    long add(Fd fd, @Nullable Long wanted, @Nullable String opaque) throws QmpException {
        if (sets.values().stream().mapToInt(List::size).sum() == MAX_DESCRIPTORS) {
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
        sets.computeIfAbsent(id, any -> new ArrayList<>()).add(new Member(fd, opaque));
        return id;
    }

    /** Closes one descriptor of a set, or all if it is null; what has been opened by its path stays open. */
    void remove(long id, @Nullable Long fd) throws QmpException {
        List<Member> members = sets.getOrDefault(id, List.of());
        List<Member> removed = members.stream()
                .filter(member -> fd == null || member.fd().value() == fd)
                .toList();
        if (removed.isEmpty()) {
            throw new QmpException(
                    "File descriptor named 'fdset-id:" + id + (fd == null ? "" : ", fd:" + fd) + "' not found");
        }
        removed.forEach(member -> member.fd().close());
        members.removeAll(removed);
        if (members.isEmpty()) {
            sets.remove(id);
        }
    }

    /** All sets, for clients. */
    List<Object> toJson() {
        List<Object> all = new ArrayList<>();
        sets.forEach((id, members) -> all.add(Members.of(
                "fdset-id", id, "fds", members.stream().map(Member::toJson).toList())));
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
        List<Member> members = sets.get(number(set));
        if (members == null) {
            throw new PosixException("open", Errno.ENOENT);
        }
        for (Member member : members) {
            if (Posix.accessMode(member.fd()) == (flags & Posix.O_ACCMODE)) {
                Posix.addFlags(member.fd(), flags & KEPT_FLAGS);
                return member.fd().duplicate();
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

    @Override
    public void close() {
        sets.values().forEach(members -> members.forEach(member -> member.fd().close()));
        sets.clear();
    }
}
