package org.vportd.chardev.backend;

import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevType;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Opening;
import org.vportd.chardev.Options;
import org.vportd.posix.Fd;
import org.vportd.posix.FileStatus;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;

/** Writes output to a file, and may take input from another one until that ends. */
public final class FileChardev extends FdChardev {
    /** The type {@code file}. */
    public static final ChardevType TYPE = new ChardevType() {
        @Override
        public String name() {
            return "file";
        }

        @Override
        public Set<String> keys() {
            return Set.of("path", "input-path", "append");
        }

        @Override
        public Chardev open(Opening opening) throws ConfigException {
            Options options = opening.options();
            String path = options.required("path", "chardev: file: no filename given");
            boolean append = options.bool("append", false);
            return opening.inherited() == null
                    ? open(opening, path, options.string("input-path"), append)
                    : goOn(opening, path);
        }

        private Chardev open(Opening opening, String path, @Nullable String inputPath, boolean append)
                throws ConfigException {
            Fd input = inputPath == null ? null : openPath(opening, inputPath, Posix.O_RDONLY);
            try {
                Fd output = openPath(opening, path, Posix.O_WRONLY | Posix.O_CREAT | (append ? Posix.O_APPEND : 0));
                return new FileChardev(opening, input, output, append);
            } catch (ConfigException e) {
                closeIfThere(input);
                throw e;
            } catch (PosixException e) {
                throw couldNotOpen(path, e);
            }
        }

        private Chardev goOn(Opening opening, String path) throws ConfigException {
            Fd output = opening.takeInherited(OUTPUT);
            try {
                return new FileChardev(opening, takeInput(opening), output, true);
            } catch (PosixException e) {
                throw couldNotOpen(path, e);
            }
        }

        private void closeIfThere(@Nullable Fd fd) {
            if (fd != null) {
                fd.close();
            }
        }
    };

    private final Fd file;
    /** Whether what is in the file stays. */
    private final boolean appends;

    private FileChardev(Opening opening, @Nullable Fd input, Fd output, boolean appends) throws PosixException {
        super(opening, input, output);
        this.file = output;
        this.appends = appends;
    }

    /** Only now is the file emptied: it may be the one that the predecessor writes to, or wrote to in vain. */
    @Override
    protected void begin(@Nullable Chardev predecessor) {
        try {
            if (!appends && FileStatus.of(file).isRegular()) {
                Posix.resize(file, 0);
            }
        } catch (PosixException e) {
            failed(e);
        }
    }

    @Override
    public String filename() {
        return "file";
    }
}
