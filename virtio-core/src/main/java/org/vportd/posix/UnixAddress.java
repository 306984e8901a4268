package org.vportd.posix;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The address of a UNIX stream socket: a path, or a name in Linux's abstract namespace. No call here waits. */
public final class UnixAddress {
    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM_FLAGS = 1 | Posix.O_NONBLOCK | Posix.O_CLOEXEC;
    private static final int PATH_OFFSET = 2;
    private static final int PATH_LENGTH = 108;

    /** What follows the family in {@code struct sockaddr_un}. */
    private final byte[] path;

    private UnixAddress(byte[] path) {
        this.path = path;
    }

    /**
     * The address that is a file.
     *
     * @throws IOException if it is longer than 108 bytes; one of that length has no NUL at its end, which Linux does without
     */
    public static UnixAddress ofPath(String path) throws IOException {
        byte[] bytes = checked(path, PATH_LENGTH);
        if (path.isEmpty() || path.indexOf('\0') >= 0) {
            throw new IOException("UNIX socket path is empty or contains a NUL character");
        }
        return new UnixAddress(Arrays.copyOf(bytes, Math.min(bytes.length + 1, PATH_LENGTH)));
    }

    /**
     * The address that is a name only.
     *
     * @param tight whether the name ends with its last character; otherwise NULs fill it up to its greatest length
     * @throws IOException if it is longer than {@link Sockets#MAX_UNIX_PATH_BYTES}
     */
    public static UnixAddress ofAbstract(String name, boolean tight) throws IOException {
        byte[] bytes = checked(name, Sockets.MAX_UNIX_PATH_BYTES);
        byte[] path = new byte[tight ? 1 + bytes.length : PATH_LENGTH];
        System.arraycopy(bytes, 0, path, 1, bytes.length);
        return new UnixAddress(path);
    }

    private static byte[] checked(String name, int maxBytes) throws IOException {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        if (bytes.length > maxBytes) {
            throw new IOException("UNIX socket path '" + name + "' is too long");
        }
        return bytes;
    }

    /** Binds a socket to it and listens. A file gets mode 0666 less the process's umask. */
    public Fd listen(int backlog) throws PosixException {
        return withSocket((fd, at, length) -> {
            Posix.check("bind", LibC.C.bind(fd, at, length));
            Posix.check("listen", LibC.C.listen(fd, backlog));
        });
    }

    /**
     * Connects to whoever listens there.
     *
     * @throws PosixException with {@link Errno#EAGAIN} if too many others wait to be accepted, {@link Errno#ENOENT},
     *     {@link Errno#ECONNREFUSED} and the like
     */
    public Fd connect() throws PosixException {
        return withSocket((fd, at, length) -> Posix.check("connect", LibC.C.connect(fd, at, length)));
    }

    private interface AddressCall {
        void on(int fd, long address, int length) throws PosixException;
    }

    private Fd withSocket(AddressCall body) throws PosixException {
        Fd fd = new Fd(Posix.check("socket", LibC.C.socket(AF_UNIX, SOCK_STREAM_FLAGS, 0)));
        long address = NativeMemory.allocate(PATH_OFFSET + PATH_LENGTH);
        try {
            NativeMemory.putShort(address, (short) AF_UNIX);
            NativeMemory.put(path, 0, address + PATH_OFFSET, path.length);
            body.on(fd.value(), address, PATH_OFFSET + path.length);
            return fd;
        } catch (PosixException e) {
            fd.close();
            throw e;
        } finally {
            NativeMemory.free(address);
        }
    }
}
