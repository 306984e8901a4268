package org.vportd.chardev.backend;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevType;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.FdStream;
import org.vportd.chardev.OpenException;
import org.vportd.chardev.Opening;
import org.vportd.handover.Parcel;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTimer;
import org.vportd.loop.Watch;
import org.vportd.posix.Epoll;
import org.vportd.posix.Fd;
import org.vportd.posix.Inotify;
import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Poll;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Terminals;

/**
 * A new pseudo-terminal. Open while somebody has its slave open.
 *
 * <p>The kernel tells the master that the slave is closed, but not that it is opened. So while it is closed, inotify and,
 * in case the user has no instance of that left, a timer have the master looked at.
 *
 * <p>Nor does it tell the master that the window of whoever uses the slave has another size. While the front-end wants to
 * know that, the size is looked at once a second, and when input arrives, though not for every piece of it.
 */
public final class PtyChardev extends Chardev {
    /** The type {@code pty}. */
    public static final ChardevType TYPE = new ChardevType() {
        @Override
        public String name() {
            return "pty";
        }

        @Override
        public Set<String> keys() {
            return Set.of("path");
        }

        @Override
        public Chardev open(Opening opening) throws ConfigException {
            if (opening.inherited() != null) {
                return goOn(opening, opening.inherited());
            }
            Terminals.Pty pty;
            try {
                pty = Terminals.openPty();
            } catch (PosixException e) {
                throw new OpenException("Failed to create PTY: " + e.errorText());
            }
            String path = opening.options().string("path");
            try {
                PtyLink link = path == null
                        ? null
                        : PtyLink.make(path, pty.slavePath(), opening.predecessor(PtyChardev.class));
                return new PtyChardev(opening, pty, link);
            } catch (ConfigException e) {
                pty.master().close();
                throw e;
            }
        }

        private Chardev goOn(Opening opening, Parcel from) throws ConfigException {
            String slavePath = Objects.requireNonNullElse(from.text(SLAVE), "");
            String linkPath = from.text(LINK);
            Terminals.Pty pty = new Terminals.Pty(opening.takeInherited(MASTER), slavePath);
            return new PtyChardev(opening, pty, linkPath == null ? null : PtyLink.inherited(linkPath, slavePath));
        }
    };

    private static final String MASTER = "master";
    private static final String SLAVE = "slave";
    private static final String LINK = "link";
    private static final String CONNECTED = "connected";

    private static final Logger LOG = System.getLogger(PtyChardev.class.getName());
    private static final long LOOK_AGAIN_NS = TimeUnit.SECONDS.toNanos(1);
    private static final long LOOK_NOT_BEFORE_NS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final int DISCARD_LENGTH = 4096;
    /** More than a terminal buffers: 64 KiB on the way and 4 KiB to be read. */
    private static final int DISCARD_READS = 32;

    private final EventLoop loop;
    private final Fd master;
    private final String slavePath;
    private final @Nullable PtyLink link;
    private final LoopTimer lookAgain;
    private final @Nullable Inotify openings;
    private final @Nullable Watch openingsWatch;
    private @Nullable FdStream stream;
    private long sizeSeenNs;
    private @Nullable Parcel inherited;

    private PtyChardev(Opening opening, Terminals.Pty pty, @Nullable PtyLink link) {
        super(opening.id());
        this.loop = opening.loop();
        this.inherited = opening.inherited();
        this.master = pty.master();
        this.slavePath = pty.slavePath();
        this.link = link;
        this.lookAgain = loop.timer(this::look);
        this.openings = watchOpenings();
        this.openingsWatch = openings == null ? null : watch(openings);
        lookAgain.start(LOOK_AGAIN_NS);
    }

    private @Nullable Inotify watchOpenings() {
        Inotify inotify = null;
        try {
            inotify = Inotify.open();
            inotify.watchOpening(slavePath);
            return inotify;
        } catch (PosixException e) {
            LOG.log(Level.DEBUG, "no inotify for a terminal, the timer has to do: error=" + e.getMessage());
            if (inotify != null) {
                inotify.close();
            }
            return null;
        }
    }

    private @Nullable Watch watch(Inotify inotify) {
        try {
            return loop.watch(inotify.fd(), Epoll.EPOLLIN, events -> opened(inotify));
        } catch (PosixException e) {
            return null;
        }
    }

    private void opened(Inotify inotify) {
        try {
            inotify.drain();
        } catch (PosixException e) {
            LOG.log(Level.WARNING, "cannot read inotify: error=" + e.getMessage());
        }
        look();
    }

    /** Looks whether the slave is open, or was and has left something; if so already, what size the window has. */
    private void look() {
        if (stream != null) {
            lookAtSize();
            return;
        }
        try {
            int state = Poll.now(master, Poll.POLLIN);
            if ((state & Poll.POLLHUP) == 0 || (state & Poll.POLLIN) != 0) {
                connect();
                return;
            }
        } catch (PosixException e) {
            LOG.log(Level.WARNING, "cannot use the terminal now: chardev=" + id() + " error=" + e.getMessage());
        }
        lookAgain.start(LOOK_AGAIN_NS);
    }

    private void connect() throws PosixException {
        Fd connected = master.duplicate();
        stream = new FdStream(loop, connected, connected, new Peer());
        lookAgain.cancel();
        raise(ChardevEvent.OPENED);
        lookAtSize();
    }

    private void lookAtSize() {
        if (stream != null && wantsSize()) {
            sizeSeenNs = loop.nanoTime();
            Terminals.Size size = Terminals.Size.of(master);
            raiseSize(size.columns(), size.rows());
            lookAgain.start(LOOK_AGAIN_NS);
        }
    }

    private final class Peer extends StreamOwner {
        /** Who types may have changed the window before. */
        @Override
        public void received(long bytes) {
            super.received(bytes);
            if (lookAgain.isActive() && loop.nanoTime() - sizeSeenNs > LOOK_NOT_BEFORE_NS) {
                lookAtSize();
            }
        }

        @Override
        public void ended() {
            disconnect();
        }
    }

    private void disconnect() {
        if (stream != null) {
            stream.close();
            stream = null;
        }
        discardInput();
        lookAgain.start(LOOK_AGAIN_NS);
        raise(ChardevEvent.CLOSED);
        if (master.isOpen()) {
            look(); // it may have been opened again meanwhile
        }
    }

    /** What the peer had sent goes with it; otherwise it would look like a peer. */
    private void discardInput() {
        long buffer = NativeMemory.allocate(DISCARD_LENGTH);
        try {
            boolean gone = (Poll.now(master, Poll.POLLIN) & Poll.POLLHUP) != 0; // or somebody new is there already
            for (int i = 0; gone && i < DISCARD_READS && Posix.read(master, buffer, DISCARD_LENGTH) > 0; i++) {
                // dropped
            }
        } catch (PosixException e) {
            // EIO: nothing is left and nobody is there
        } finally {
            NativeMemory.free(buffer);
        }
    }

    @Override
    protected void begin(@Nullable Chardev predecessor) {
        if (link != null) {
            link.begin();
        }
        if (inherited != null) {
            begin(inherited);
            inherited = null;
        }
    }

    /** If the slave has been closed since, that is found out as ever: what was written before is read first. */
    private void begin(Parcel from) {
        lookAgain.start(0);
        try {
            if (from.flag(CONNECTED)) {
                connect();
            }
        } catch (PosixException e) {
            LOG.log(Level.WARNING, "cannot use the terminal now: chardev=" + id() + " error=" + e.getMessage());
        }
    }

    @Override
    protected void pack(Parcel into) {
        into.put(MASTER, master).put(SLAVE, slavePath).put(CONNECTED, stream != null);
        if (link != null) {
            into.put(LINK, link.path());
        }
    }

    /** What others open, for example {@code /dev/pts/3}. */
    public String slavePath() {
        return slavePath;
    }

    @Override
    public String filename() {
        return "pty:" + slavePath;
    }

    @Override
    public Optional<String> notice() {
        return Optional.of("char device redirected to " + slavePath + " (label " + id() + ")");
    }

    @Override
    protected long write(IoVector data) {
        return stream == null ? data.bytes() : stream.write(data);
    }

    @Override
    protected void acceptInput() {
        if (stream != null) {
            if (!lookAgain.isActive() && wantsSize()) {
                lookAgain.start(0); // the front-end is a new one
            }
            stream.acceptInput();
        }
    }

    @Override
    public void close() {
        lookAgain.cancel();
        if (stream != null) {
            stream.close();
            stream = null;
        }
        if (openingsWatch != null) {
            openingsWatch.close();
        }
        if (openings != null) {
            openings.close();
        }
        if (link != null && !isHandedOver()) {
            link.close();
        }
        master.close();
    }
}
