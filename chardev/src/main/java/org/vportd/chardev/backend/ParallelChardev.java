package org.vportd.chardev.backend;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevType;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.OpenException;
import org.vportd.chardev.Opening;
import org.vportd.handover.Parcel;
import org.vportd.posix.Fd;
import org.vportd.posix.FileStatus;
import org.vportd.posix.IoVector;
import org.vportd.posix.ParallelPort;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;

/**
 * A parallel port of the host, claimed until {@link #close}. Always open, but a port's data pass by control calls that no
 * console makes: output is taken and dropped, and there is no input.
 */
public final class ParallelChardev extends Chardev {
    /** The type {@code parallel}. */
    public static final ChardevType TYPE = new ChardevType() {
        @Override
        public String name() {
            return "parallel";
        }

        @Override
        public Set<String> keys() {
            return Set.of("path");
        }

        @Override
        public Chardev open(Opening opening) throws ConfigException {
            String path = opening.options().required("path", "chardev: parallel: no device path given");
            Fd port = opening.inherited() == null
                    ? FdChardev.openPath(opening, path, Posix.O_RDWR)
                    : opening.takeInherited(PORT);
            boolean complete = false;
            try {
                Chardev chardev = claim(opening, path, port);
                complete = true;
                return chardev;
            } catch (PosixException e) {
                throw new OpenException("not a parallel port: " + e.errorText(), "path is '" + path + "'");
            } finally {
                if (!complete) {
                    port.close();
                }
            }
        }

        private Chardev claim(Opening opening, String path, Fd port) throws ConfigException, PosixException {
            FileStatus status = FileStatus.of(port);
            Key key = new Key(status.device(), status.inode());
            if (opening.inherited() != null) { // the claim has come along
                CLAIMED.add(key);
                return new ParallelChardev(opening.id(), port, key, true);
            }
            ParallelChardev before = opening.predecessor(ParallelChardev.class);
            if (before != null && before.key.equals(key)) {
                return new ParallelChardev(opening.id(), port, key, false);
            }
            if (!CLAIMED.add(key)) { // to claim it would wait for ourselves
                throw new ConfigException("parallel port '" + path + "' is in use by another chardev");
            }
            try {
                ParallelPort.claim(port);
            } catch (PosixException e) {
                CLAIMED.remove(key);
                throw e;
            }
            return new ParallelChardev(opening.id(), port, key, true);
        }
    };

    private static final Logger LOG = System.getLogger(ParallelChardev.class.getName());

    /** Static, as a claim is the process's. */
    private static final Set<Key> CLAIMED = ConcurrentHashMap.newKeySet();

    private static final String PORT = "port";

    private record Key(long device, long inode) {}

    private final Key key;
    private Fd port;
    private boolean claimed;

    private ParallelChardev(String id, Fd port, Key key, boolean claimed) {
        super(id);
        this.port = port;
        this.key = key;
        this.claimed = claimed;
        raise(ChardevEvent.OPENED);
    }

    /** A claim belongs to the open file: the one before hands over both. */
    @Override
    protected void begin(@Nullable Chardev predecessor) {
        if (!claimed && predecessor instanceof ParallelChardev before) {
            Fd unclaimed = port;
            port = before.port;
            claimed = before.claimed;
            before.port = unclaimed;
            before.claimed = false;
        }
    }

    @Override
    protected void pack(Parcel into) {
        into.put(PORT, port);
    }

    @Override
    public String filename() {
        return "parallel";
    }

    @Override
    protected long write(IoVector data) {
        return data.bytes();
    }

    @Override
    public void close() {
        if (claimed && !isHandedOver()) {
            claimed = false;
            CLAIMED.remove(key);
            try {
                ParallelPort.release(port);
            } catch (PosixException e) {
                LOG.log(Level.WARNING, "cannot release a parallel port: chardev=" + id() + " error=" + e.getMessage());
            }
        }
        port.close();
    }
}
