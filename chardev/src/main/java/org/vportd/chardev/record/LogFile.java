package org.vportd.chardev.record;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.OpenException;
import org.vportd.handover.Parcel;
import org.vportd.loop.EventLoop;
import org.vportd.posix.Errno;
import org.vportd.posix.Fd;
import org.vportd.posix.FileStatus;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;

/**
 * The file of a log, which never waits and never fails: what it cannot take is dropped, and the user is told once until it
 * works again. All writes go to the end, so several logs may share a file.
 */
final class LogFile implements AutoCloseable {
    private static final Logger LOG = System.getLogger(LogFile.class.getName());
    /** How long a failure that comes back is not told again. */
    private static final long QUIET_NS = TimeUnit.SECONDS.toNanos(10);

    private static final long ROTATE_AGAIN_NS = TimeUnit.SECONDS.toNanos(1);
    private static final int FLAGS = Posix.O_CREAT | Posix.O_APPEND | Posix.O_NONBLOCK | Posix.O_NOCTTY;

    private static final String FILE = "file";
    private static final String PATH = "path";
    private static final String LOST = "lost";

    private final EventLoop loop;
    private final String id;
    private final String path;
    private final boolean appends;
    private final Limit limit;
    private final IoVector part = new IoVector();
    private Fd fd;
    private long sizeBytes;
    private long rotateAfterNs;
    private long quietUntilNs;
    private long lostBytes;
    private boolean failing;
    private boolean told;
    private boolean cannotRotate;

    /**
     * How long it may grow.
     *
     * @param maxBytes the size not to go beyond, 0 for none
     * @param kept how many older files there are at most
     */
    record Limit(long maxBytes, int kept) {}

    private LogFile(EventLoop loop, String id, String path, Fd fd, boolean appends, Limit limit) {
        this.loop = loop;
        this.id = id;
        this.path = path;
        this.fd = fd;
        this.appends = appends;
        this.limit = limit;
        this.rotateAfterNs = loop.nanoTime();
        this.quietUntilNs = rotateAfterNs;
    }

    /** Opens or makes the file; what is in it stays until {@link #begin}. */
    static LogFile open(EventLoop loop, ChardevServices services, String id, String path, boolean appends, Limit limit)
            throws ConfigException {
        if (path.isEmpty() || path.indexOf('\0') >= 0) {
            throw new OpenException("Could not create '" + path.replace('\0', '?') + "': No such file or directory");
        }
        Fd fd = null;
        try {
            fd = open(services, path);
            boolean isFile = FileStatus.of(fd).isRegular() && !path.startsWith(ChardevServices.PASSED_PREFIX);
            if (limit.maxBytes() > 0 && !isFile) {
                throw new ConfigException("'logmaxsize' option requires a regular file", "logfile is '" + path + "'");
            }
            String name = limit.maxBytes() > 0 ? Path.of(path).toRealPath().toString() : path;
            LogFile file = new LogFile(loop, id, name, fd, appends, limit);
            fd = null;
            return file;
        } catch (PosixException e) {
            throw new OpenException("Could not create '" + path + "': " + e.errorText());
        } catch (IOException e) { // a link that leads elsewhere by now
            throw new OpenException("Could not create '" + path + "': " + e.getMessage());
        } finally {
            if (fd != null) {
                fd.close();
            }
        }
    }

    /** Goes on at the end of what another process has written. */
    static LogFile inherited(EventLoop loop, String id, Parcel from, Limit limit) throws ConfigException {
        Fd fd = from.takeFd(FILE);
        String path = from.text(PATH);
        if (fd == null || path == null) {
            throw new ConfigException("no log was handed over");
        }
        LogFile file = new LogFile(loop, id, path, fd, true, limit);
        file.lostBytes = from.number(LOST, 0);
        return file;
    }

    /** Puts in what {@link #inherited} needs; how long the file is will be seen there. */
    void pack(Parcel into) {
        into.put(FILE, fd).put(PATH, path).put(LOST, lostBytes);
    }

    private static Fd open(ChardevServices services, String path) throws PosixException {
        try {
            return services.openPath(path, FLAGS | Posix.O_WRONLY);
        } catch (PosixException e) {
            if (e.errno() == Errno.ENXIO) { // a FIFO: it keeps the beginning for the one who will read it
                return Posix.open(path, FLAGS | Posix.O_RDWR, 0666);
            }
            throw e;
        }
    }

    /** Empties the file, unless it is appended to. */
    void begin() {
        try {
            FileStatus status = FileStatus.of(fd);
            if (status.isRegular()) {
                if (!appends) {
                    Posix.resize(fd, 0);
                }
                sizeBytes = appends ? status.sizeBytes() : 0;
            }
        } catch (PosixException e) {
            failed(e.errorText());
        }
    }

    /** Writes all and takes it out of {@code data}. */
    void write(IoVector data) {
        while (!data.isEmpty()) {
            long room = room(data.bytes());
            long n = writeOnce(room < data.bytes() ? front(data, room) : data);
            if (n <= 0) {
                lostBytes += data.bytes();
                data.clear();
                return;
            }
            sizeBytes += n;
            data.consume(n);
            if (failing) {
                works();
            }
        }
    }

    private IoVector front(IoVector data, long bytes) {
        part.clear();
        part.addPart(data, 0, bytes);
        return part;
    }

    private long writeOnce(IoVector data) {
        try {
            long n = Posix.writev(fd, data);
            if (n <= 0) {
                failed("nobody reads it");
            }
            return n;
        } catch (PosixException | MemoryFaultException e) {
            failed(String.valueOf(e.getMessage()));
            return -1;
        }
    }

    private void failed(String reason) {
        long now = loop.nanoTime();
        if (!failing && now - quietUntilNs >= 0) {
            quietUntilNs = now + QUIET_NS;
            told = true;
            LOG.log(
                    Level.WARNING,
                    "cannot write to the log, output is not recorded: chardev=" + id + " logfile=" + path + " error="
                            + reason);
        }
        failing = true;
    }

    private void works() {
        failing = false;
        if (told) {
            told = false;
            LOG.log(Level.INFO, "log goes on: chardev=" + id + " logfile=" + path + " lost_bytes_so_far=" + lostBytes);
        }
    }

    /** How much of the next bytes goes into the file; a record is split only if it is larger than any file. */
    private long room(long bytes) {
        if (limit.maxBytes() == 0) {
            return bytes;
        }
        if (sizeBytes > 0 && bytes > limit.maxBytes() - sizeBytes) {
            rotate();
        }
        return sizeBytes < limit.maxBytes() ? limit.maxBytes() - sizeBytes : bytes; // better too large than lost
    }

    private void rotate() {
        if (rotateAfterNs - loop.nanoTime() > 0) {
            return;
        }
        String fresh = path + ".new";
        Fd next = null;
        try {
            remove(fresh);
            next = Posix.open(fresh, FLAGS | Posix.O_WRONLY | Posix.O_EXCL, 0666); // first: this is what may fail
            for (int i = limit.kept() - 1; i > 0; i--) {
                rename(path + "." + i, path + "." + (i + 1));
            }
            rename(path, path + ".1");
            Posix.rename(fresh, path);
            fd.close();
            fd = next;
            sizeBytes = 0;
            cannotRotate = false;
        } catch (PosixException e) {
            if (next != null) {
                next.close();
            }
            rotateAfterNs = loop.nanoTime() + ROTATE_AGAIN_NS;
            if (!cannotRotate) {
                cannotRotate = true;
                LOG.log(
                        Level.WARNING,
                        "cannot begin a new log, the old one grows: chardev=" + id + " logfile=" + path + " error="
                                + e.getMessage());
            }
        }
    }

    private static void remove(String path) throws PosixException {
        try {
            Posix.unlink(path);
        } catch (PosixException e) {
            ignoreMissing(e);
        }
    }

    private static void rename(String from, String to) throws PosixException {
        try {
            Posix.rename(from, to);
        } catch (PosixException e) {
            ignoreMissing(e);
        }
    }

    private static void ignoreMissing(PosixException e) throws PosixException {
        if (e.errno() != Errno.ENOENT) {
            throw e;
        }
    }

    @Override
    public void close() {
        fd.close();
        part.close();
    }
}
