package org.vportd.chardev.backend;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.OpenException;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;

/**
 * The symbolic link by which users find a pseudo-terminal. One that replaces another terminal's gets a name of its own at
 * first: whoever opens the link meets the old terminal or the new one, never none.
 */
final class PtyLink implements AutoCloseable {
    private static final Logger LOG = System.getLogger(PtyLink.class.getName());

    private final String path;
    private final String target;
    private @Nullable String temporary;

    private PtyLink(String path, String target, @Nullable String temporary) {
        this.path = path;
        this.target = target;
        this.temporary = temporary;
    }

    /**
     * Makes a link.
     *
     * @param predecessor whose link it may replace, in {@link #begin}
     */
    static PtyLink make(String path, String target, @Nullable PtyChardev predecessor) throws ConfigException {
        if (path.indexOf('\0') >= 0) {
            throw new ConfigException("Failed to create PTY symlink: the path contains a NUL character");
        }
        boolean replaces = predecessor != null && leadsTo(path, predecessor.slavePath());
        String name = replaces ? path + ".new-" + Path.of(target).getFileName() : path; // the terminal is ours alone
        try {
            Posix.symlink(target, name);
        } catch (PosixException e) {
            throw new OpenException("Failed to create PTY symlink: " + e.errorText());
        }
        return new PtyLink(path, target, replaces ? name : null);
    }

    /** One that is there already, made by another process. */
    static PtyLink inherited(String path, String target) {
        return new PtyLink(path, target, null);
    }

    /** Where it is. */
    String path() {
        return path;
    }

    /** Puts it in the place of the one before. */
    void begin() {
        if (temporary != null) {
            try {
                Posix.rename(temporary, path);
                temporary = null;
            } catch (PosixException e) {
                LOG.log(
                        Level.WARNING,
                        "cannot replace the link to a terminal: path=" + path + " error=" + e.getMessage());
            }
        }
    }

    private static boolean leadsTo(String path, String target) {
        try {
            Path link = Path.of(path);
            return Files.isSymbolicLink(link)
                    && Files.readSymbolicLink(link).toString().equals(target);
        } catch (IOException e) {
            return false;
        }
    }

    /** Removes it, if it still is ours: a terminal's name is unique while the master is open, so the target tells. */
    @Override
    public void close() {
        String name = temporary == null ? path : temporary;
        if (leadsTo(name, target)) {
            try {
                Posix.unlink(name);
            } catch (PosixException e) {
                LOG.log(
                        Level.WARNING,
                        "cannot remove the link to a terminal: path=" + name + " error=" + e.getMessage());
            }
        }
    }
}
