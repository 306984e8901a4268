package org.vportd.posix;

/**
 * Calls on descriptors. Data calls answer the bytes moved, 0 at the end of input, or {@link #WOULD_BLOCK}; they throw
 * {@link MemoryFaultException} when the memory named is gone and {@link PosixException} on any other failure.
 */
public final class Posix {
    /** The answer of a data call that cannot make progress now. */
    public static final int WOULD_BLOCK = -1;

    /** {@link #open}: for reading. */
    public static final int O_RDONLY = 0;
    /** {@link #open}: for writing. */
    public static final int O_WRONLY = 1;
    /** {@link #open}: for both. */
    public static final int O_RDWR = 2;
    /** {@link #open}: create the file if it is missing. */
    public static final int O_CREAT = 0x40;
    /** {@link #open}: with {@link #O_CREAT}, refuse if the name is taken already. */
    public static final int O_EXCL = 0x80;
    /** {@link #open}: a terminal does not become the controlling one. */
    public static final int O_NOCTTY = 0x100;
    /** {@link #open}: empty the file. */
    public static final int O_TRUNC = 0x200;
    /** {@link #open}: every write goes to the end. */
    public static final int O_APPEND = 0x400;
    /** {@link #open}, {@link #setNonBlocking}: calls never wait. */
    public static final int O_NONBLOCK = 0x800;

    static final int O_CLOEXEC = 0x80000;
    /** The part of the flags that is {@link #O_RDONLY}, {@link #O_WRONLY} or {@link #O_RDWR}. */
    public static final int O_ACCMODE = 3;

    private static final int F_GETFD = 1;
    private static final int F_SETFD = 2;
    private static final int F_GETFL = 3;
    private static final int F_SETFL = 4;
    private static final int F_DUPFD_CLOEXEC = 1030;
    private static final int F_GET_SEALS = 1034;
    private static final int F_ADD_SEALS = 1033;
    private static final int FD_CLOEXEC = 1;
    private static final int FIONREAD = 0x541b;
    private static final int TIOCOUTQ = 0x5411;
    private static final int LOCK_EXCLUSIVE_NONBLOCK = 6;
    private static final int MFD_CLOEXEC = 1;
    private static final int MFD_ALLOW_SEALING = 2;
    private static final LibC C = LibC.C;

    private Posix() {}

    /** Opens a path, close-on-exec. The mode is that of a file created, before the umask. */
    public static Fd open(String path, int flags, int mode) throws PosixException {
        long name = NativeMemory.allocateString(path);
        try {
            int fd;
            do {
                fd = C.open(name, flags | O_CLOEXEC, mode);
            } while (fd < 0 && LibC.errno() == Errno.EINTR);
            return new Fd(check("open", fd));
        } finally {
            NativeMemory.free(name);
        }
    }

    /** Reads into the ranges of a vector, in order. */
    public static long readv(Fd fd, IoVector into) throws PosixException {
        while (true) {
            long n = C.readv(fd.value(), into.address(), into.callSegments());
            if (n >= 0) {
                return n;
            }
            if (retryAfter("readv", LibC.errno())) {
                return WOULD_BLOCK;
            }
        }
    }

    /** Writes the ranges of a vector, in order; nothing is consumed. */
    public static long writev(Fd fd, IoVector from) throws PosixException {
        while (true) {
            long n = C.writev(fd.value(), from.address(), from.callSegments());
            if (n >= 0) {
                return n;
            }
            if (retryAfter("writev", LibC.errno())) {
                return WOULD_BLOCK;
            }
        }
    }

    /** Reads into one range. */
    public static long read(Fd fd, long address, long lengthBytes) throws PosixException {
        while (true) {
            long n = C.read(fd.value(), address, lengthBytes);
            if (n >= 0) {
                return n;
            }
            if (retryAfter("read", LibC.errno())) {
                return WOULD_BLOCK;
            }
        }
    }

    /** Writes one range. */
    public static long write(Fd fd, long address, long lengthBytes) throws PosixException {
        while (true) {
            long n = C.write(fd.value(), address, lengthBytes);
            if (n >= 0) {
                return n;
            }
            if (retryAfter("write", LibC.errno())) {
                return WOULD_BLOCK;
            }
        }
    }

    /** Answers true to give up with {@link #WOULD_BLOCK}, false to call again; throws on a real failure. */
    static boolean retryAfter(String call, int errno) throws PosixException {
        return switch (errno) {
            case Errno.EINTR -> false;
            case Errno.EAGAIN -> true;
            case Errno.EFAULT -> throw new MemoryFaultException(call);
            default -> throw new PosixException(call, errno);
        };
    }

    /** Sets or clears the mode in which calls never wait. The mode belongs to the open file and is shared. */
    public static void setNonBlocking(Fd fd, boolean on) throws PosixException {
        int flags = check("fcntl", C.fcntl(fd.value(), F_GETFL, 0));
        check("fcntl", C.fcntl(fd.value(), F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
    }

    /** Whether calls on the open file never wait. */
    public static boolean isNonBlocking(Fd fd) throws PosixException {
        return (check("fcntl", C.fcntl(fd.value(), F_GETFL, 0)) & O_NONBLOCK) != 0;
    }

    /** Sets flags such as {@link #O_APPEND} of the open file, which all its descriptors share. */
    public static void addFlags(Fd fd, int flags) throws PosixException {
        int present = check("fcntl", C.fcntl(fd.value(), F_GETFL, 0));
        check("fcntl", C.fcntl(fd.value(), F_SETFL, present | flags));
    }

    /** How a file was opened: {@link #O_RDONLY}, {@link #O_WRONLY} or {@link #O_RDWR}. */
    public static int accessMode(Fd fd) throws PosixException {
        return check("fcntl", C.fcntl(fd.value(), F_GETFL, 0)) & O_ACCMODE;
    }

    /** Keeps an inherited descriptor from programs that are started later. */
    public static void setCloseOnExec(Fd fd) throws PosixException {
        int flags = check("fcntl", C.fcntl(fd.value(), F_GETFD, 0));
        check("fcntl", C.fcntl(fd.value(), F_SETFD, flags | FD_CLOEXEC));
    }

    /**
     * Whether a number is a descriptor that the parent process gave us: whatever the program has opened itself is
     * close-on-exec, and what came through an exec cannot be.
     */
    public static boolean isInherited(int number) {
        return number >= 0 && C.fcntl(number, F_GETFD, 0) == 0;
    }

    /** Whether a number inherited from the parent process is an open descriptor. */
    public static boolean isDescriptor(int number) {
        return number >= 0 && C.fcntl(number, F_GETFD, 0) >= 0;
    }

    static int duplicate(int fd) throws PosixException {
        return check("fcntl", C.fcntl(fd, F_DUPFD_CLOEXEC, 0));
    }

    /** Makes a pipe; both ends never wait. Index 0 is the reading end. */
    public static Fd[] pipe() throws PosixException {
        long pair = NativeMemory.allocate(2 * Integer.BYTES);
        try {
            check("pipe2", C.pipe2(pair, O_NONBLOCK | O_CLOEXEC));
            return pairAt(pair);
        } finally {
            NativeMemory.free(pair);
        }
    }

    static Fd[] pairAt(long address) {
        return new Fd[] {new Fd(NativeMemory.getInt(address)), new Fd(NativeMemory.getInt(address + Integer.BYTES))};
    }

    /** Makes an anonymous file in memory of the given size, open to {@link #sealShrink sealing}. */
    public static Fd memoryFile(String name, long sizeBytes) throws PosixException {
        long text = NativeMemory.allocateString(name);
        try {
            Fd fd = new Fd(check("memfd_create", C.memfd_create(text, MFD_CLOEXEC | MFD_ALLOW_SEALING)));
            try {
                resize(fd, sizeBytes);
                return fd;
            } catch (PosixException e) {
                fd.close();
                throw e;
            }
        } finally {
            NativeMemory.free(text);
        }
    }

    /** Locks a file for as long as it is open; false if another process has. */
    public static boolean lock(Fd fd) throws PosixException {
        if (C.flock(fd.value(), LOCK_EXCLUSIVE_NONBLOCK) == 0) {
            return true;
        }
        int errno = LibC.errno();
        if (errno == Errno.EAGAIN) {
            return false;
        }
        throw new PosixException("flock", errno);
    }

    /** Cuts or extends a file. */
    public static void resize(Fd fd, long sizeBytes) throws PosixException {
        check("ftruncate", C.ftruncate(fd.value(), sizeBytes));
    }

    /** Forbids for good that a memory file gets shorter. */
    public static void sealShrink(Fd fd) throws PosixException {
        check("fcntl", C.fcntl(fd.value(), F_ADD_SEALS, 2));
    }

    /** Forbids for good that a memory file gets shorter or longer, or gets other seals. */
    public static void sealSize(Fd fd) throws PosixException {
        check("fcntl", C.fcntl(fd.value(), F_ADD_SEALS, 7));
    }

    /** Whether a file can never get shorter; false for files that know no seals. */
    public static boolean isShrinkSealed(Fd fd) {
        int seals = C.fcntl(fd.value(), F_GET_SEALS, 0);
        return seals >= 0 && (seals & 2) != 0;
    }

    /** The bytes that could be read now; 0 also if the kind of file cannot tell. */
    public static int unread(Fd fd) {
        return count(fd, FIONREAD);
    }

    /** The bytes written that the other end has not received yet; 0 also if the kind of file cannot tell. */
    public static int unsent(Fd fd) {
        return count(fd, TIOCOUTQ);
    }

    private static int count(Fd fd, int request) {
        long count = NativeMemory.allocate(Integer.BYTES);
        try {
            return C.ioctl(fd.value(), request, count) < 0 ? 0 : NativeMemory.getInt(count);
        } finally {
            NativeMemory.free(count);
        }
    }

    /** Whether a descriptor is a terminal. */
    public static boolean isTerminal(Fd fd) {
        return C.isatty(fd.value()) == 1;
    }

    /** Removes a name from the file system. */
    public static void unlink(String path) throws PosixException {
        withPath("unlink", path, C::unlink);
    }

    /** Makes a symbolic link at {@code path}. */
    public static void symlink(String target, String path) throws PosixException {
        long text = NativeMemory.allocateString(target);
        try {
            withPath("symlink", path, name -> C.symlink(text, name));
        } finally {
            NativeMemory.free(text);
        }
    }

    /** Gives a file another name, in place of whatever has that name. */
    public static void rename(String from, String to) throws PosixException {
        long text = NativeMemory.allocateString(from);
        try {
            withPath("rename", to, name -> C.rename(text, name));
        } finally {
            NativeMemory.free(text);
        }
    }

    /** Makes a FIFO. */
    public static void makeFifo(String path, int mode) throws PosixException {
        withPath("mkfifo", path, name -> C.mkfifo(name, mode));
    }

    /** Sets the process's file mode mask and answers the former one. */
    public static int umask(int mask) {
        return C.umask(mask);
    }

    /** The user the process acts as. */
    public static int effectiveUser() {
        return C.geteuid();
    }

    /** A call on one path. */
    interface PathCall {
        int on(long path);
    }

    static int withPath(String call, String path, PathCall body) throws PosixException {
        long name = NativeMemory.allocateString(path);
        try {
            return check(call, body.on(name));
        } finally {
            NativeMemory.free(name);
        }
    }

    static int check(String call, int result) throws PosixException {
        if (result < 0) {
            throw new PosixException(call, LibC.errno());
        }
        return result;
    }
}
