package org.vportd.chardev.socket;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.security.SecureRandom;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.OpenException;
import org.vportd.handover.Parcel;
import org.vportd.posix.Errno;
import org.vportd.posix.Fd;
import org.vportd.posix.FileStatus;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.UnixAddress;

/**
 * The file of a listening UNIX socket: what another program left there is removed if nobody listens at it any more, and
 * ours at the end if it still is ours.
 */
final class UnixPath {
    private static final Logger LOG = System.getLogger(UnixPath.class.getName());

    private static final String PATH = "path";
    private static final String DEVICE = "device";
    private static final String INODE = "inode";

    private final String path;
    private final FileStatus ours;

    private UnixPath(String path, FileStatus ours) {
        this.path = path;
        this.ours = ours;
    }

    /** One that another process has made. */
    static UnixPath inherited(Parcel from) {
        FileStatus ours = new FileStatus(0, 0, from.number(DEVICE, 0), from.number(INODE, 0));
        return new UnixPath(String.valueOf(from.text(PATH)), ours);
    }

    /** What {@link #inherited} needs: the path, and by what to tell whether the file still is ours. */
    Parcel pack() {
        return new Parcel().put(PATH, path).put(DEVICE, ours.device()).put(INODE, ours.inode());
    }

    /** A socket that listens and the file it listens at. */
    record Bound(Fd listener, UnixPath file) {}

    /**
     * Binds and listens.
     *
     * @throws ConfigException if the path is too long or cannot be had; a live socket, a link or anything else is left alone
     */
    static Bound listen(String path, int backlog) throws ConfigException {
        UnixAddress address;
        try {
            address = UnixAddress.ofPath(path);
        } catch (IOException e) {
            throw new OpenException(String.valueOf(e.getMessage()));
        }
        removeStale(path, address);
        try {
            Fd listener = address.listen(backlog);
            try {
                return new Bound(listener, new UnixPath(path, FileStatus.ofLink(path)));
            } catch (PosixException e) {
                listener.close();
                throw e;
            }
        } catch (PosixException e) {
            throw new OpenException("Failed to bind socket to " + path + ": " + e.errorText());
        }
    }

    /**
     * Binds to a path that nobody has, in the folder for temporary files, and listens.
     *
     * @throws ConfigException if nothing can be made there
     */
    static Bound listenAnywhere(int backlog) throws ConfigException {
        String folder = System.getenv("TMPDIR");
        String prefix = (folder == null || folder.isEmpty() ? "/tmp" : folder) + "/vportd-socket-";
        return listen(prefix + Long.toHexString(new SecureRandom().nextLong()), backlog);
    }

    private static void removeStale(String path, UnixAddress address) throws ConfigException {
        FileStatus found;
        try {
            found = FileStatus.ofLink(path);
        } catch (PosixException e) {
            return; // nothing there, or bind will say what is wrong
        }
        if (!found.isSocket()) {
            throw new OpenException(
                    "Failed to unlink socket " + path + ": it is not a socket", "remove it if it is not needed");
        }
        if (!isStale(address)) {
            throw new OpenException(
                    "Failed to bind socket to " + path + ": Address already in use", "somebody listens there");
        }
        try {
            Posix.unlink(path);
        } catch (PosixException e) {
            if (e.errno() != Errno.ENOENT) {
                throw new OpenException("Failed to unlink socket " + path + ": " + e.errorText());
            }
        }
    }

    private static boolean isStale(UnixAddress address) {
        try {
            address.connect().close();
            return false;
        } catch (PosixException e) {
            return e.errno() == Errno.ECONNREFUSED || e.errno() == Errno.ENOENT;
        }
    }

    /** The path by which it was made. */
    String path() {
        return path;
    }

    /** Whether another path leads to the very same file, which is still there then. */
    boolean isAt(String other) {
        try {
            return other.indexOf('\0') < 0 && FileStatus.ofLink(other).isSameFile(ours);
        } catch (PosixException e) {
            return false;
        }
    }

    /** Removes the file. Before the socket is closed, as that keeps the inode's number from being given to another file. */
    void remove() {
        try {
            if (FileStatus.ofLink(path).isSameFile(ours)) {
                Posix.unlink(path);
            }
        } catch (PosixException e) {
            LOG.log(Level.DEBUG, "socket file is gone: path=" + path + " error=" + e.getMessage());
        }
    }
}
