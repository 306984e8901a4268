package org.vportd.daemon;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.vportd.monitor.NamedDescriptors;
import org.vportd.posix.Errno;
import org.vportd.posix.Fd;
import org.vportd.posix.FileStatus;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.posix.UnixAddress;

/**
 * The socket that front-ends come through: a path we bind and remove again, or a descriptor we inherit. The file is never
 * open to more users than asked for, not even for a moment.
 */
final class FrontendSocket implements AutoCloseable {
    private static final int BACKLOG = 16;
    private static final int ALL_PERMISSIONS = 0777;

    private final Fd fd;
    private final @Nullable String path;
    private final @Nullable FileStatus bound;
    private boolean handedOver;

    private FrontendSocket(Fd fd, @Nullable String path, @Nullable FileStatus bound) {
        this.fd = fd;
        this.path = path;
        this.bound = bound;
    }

    /**
     * Binds a path, where a socket that nobody listens on any more is replaced and anything else is left alone, or takes a
     * descriptor that is open already.
     *
     * @param passed those that have a name
     */
    static FrontendSocket open(SocketConfig config, NamedDescriptors passed) throws StartException {
        String path = config.path();
        return path != null ? bind("socket-path", path, config.mode()) : inherit(String.valueOf(config.fd()), passed);
    }

    /**
     * Binds a path.
     *
     * @param option what errors call it
     */
    static FrontendSocket bind(String option, String path, int mode) throws StartException {
        removeStale(option, path);
        int umask = Posix.umask(ALL_PERMISSIONS & ~mode);
        try {
            Fd fd = Sockets.listenUnix(path, BACKLOG);
            return new FrontendSocket(fd, path, FileStatus.ofLink(path));
        } catch (IOException e) {
            throw new StartException("cannot listen on " + option + "=" + path + ": " + reason(e));
        } finally {
            Posix.umask(umask);
        }
    }

    private static String reason(IOException e) {
        return e instanceof PosixException posix ? posix.errorText() : String.valueOf(e.getMessage());
    }

    private static void removeStale(String option, String path) throws StartException {
        FileStatus there;
        try {
            there = FileStatus.ofLink(path);
        } catch (PosixException e) {
            if (e.errno() == Errno.ENOENT && isDirectoryThere(path)) {
                return;
            }
            throw new StartException("cannot listen on " + option + "=" + path + ": " + e.errorText());
        }
        if (!there.isSocket()) {
            throw new StartException("cannot listen on " + option + "=" + path + ": there is a file that is no socket");
        }
        try {
            UnixAddress.ofPath(path).connect().close();
            throw new StartException("cannot listen on " + option + "=" + path + ": somebody listens there already");
        } catch (IOException refused) {
            if (refused instanceof PosixException busy && busy.errno() == Errno.EAGAIN) {
                throw new StartException(
                        "cannot listen on " + option + "=" + path + ": somebody listens there already");
            }
            if (!(refused instanceof PosixException posix) || posix.errno() != Errno.ECONNREFUSED) {
                throw new StartException("cannot listen on " + option + "=" + path + ": " + reason(refused));
            }
        }
        try {
            Posix.unlink(path);
        } catch (PosixException e) {
            throw new StartException("cannot remove the stale socket " + option + "=" + path + ": " + e.errorText());
        }
    }

    private static boolean isDirectoryThere(String path) {
        Path parent = Path.of(path).toAbsolutePath().getParent();
        return parent != null && parent.toFile().isDirectory();
    }

    private static FrontendSocket inherit(String name, NamedDescriptors passed) throws StartException {
        Fd fd = passed.take(name);
        if (fd == null && passed.isCommandRunning()) { // numbers are the business of whoever started the process
            throw new StartException("fd=" + name + " has not been passed with getfd");
        }
        if (fd == null) {
            fd = ofParent(name);
        }
        if (!Sockets.isUnixStream(fd)) {
            fd.close();
            throw new StartException("fd=" + name + " is not a UNIX stream socket");
        }
        try {
            Posix.setCloseOnExec(fd);
            Posix.setNonBlocking(fd, true);
        } catch (PosixException e) {
            fd.close();
            throw new StartException("fd=" + name + " is unusable: " + e.errorText());
        }
        return new FrontendSocket(fd, null, null);
    }

    private static Fd ofParent(String name) throws StartException {
        try {
            int number = Integer.parseInt(name);
            if (number >= 0 && Posix.isDescriptor(number)) {
                return new Fd(number);
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new StartException("fd=" + name + " is not an open descriptor");
    }

    /** Goes on with a socket of another process, and the file that belongs to it. */
    static FrontendSocket takeOver(Fd fd, @Nullable String path) throws PosixException {
        return new FrontendSocket(fd, path, path == null ? null : FileStatus.ofLink(path));
    }

    /** From here on the file is another process's. */
    void handedOver() {
        handedOver = true;
    }

    /** Whether it listens; otherwise it is one end of a connection. */
    boolean isListening() throws StartException {
        try {
            return Sockets.isListening(fd);
        } catch (PosixException e) {
            throw new StartException("socket for front-ends is unusable: " + e.errorText());
        }
    }

    /** The socket; whoever serves it closes it. */
    Fd fd() {
        return fd;
    }

    /** Removes the path, if it is still ours. */
    @Override
    public void close() {
        if (path == null || bound == null || handedOver) {
            return;
        }
        try {
            if (bound.isSameFile(FileStatus.ofLink(path))) {
                Posix.unlink(path);
            }
        } catch (PosixException e) {
            System.getLogger(FrontendSocket.class.getName())
                    .log(System.Logger.Level.DEBUG, "socket path is gone already: " + e.getMessage());
        }
    }
}
