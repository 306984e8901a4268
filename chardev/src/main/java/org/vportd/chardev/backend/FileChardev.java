package org.vportd.chardev.backend;

import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevType;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.loop.EventLoop;
import org.vportd.posix.Fd;
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
        public Chardev open(EventLoop loop, String id, Options options) throws ConfigException {
            String path = options.string("path");
            if (path == null) {
                throw new ConfigException("chardev: file: no filename given");
            }
            return open(loop, id, path, options.string("input-path"), options.bool("append", false));
        }

        /** The input comes first: if it cannot be opened, the output has not been emptied. */
        private Chardev open(EventLoop loop, String id, String path, @Nullable String inputPath, boolean append)
                throws ConfigException {
            Fd input = inputPath == null ? null : openPath(inputPath, Posix.O_RDONLY);
            try {
                int start = append ? Posix.O_APPEND : Posix.O_TRUNC;
                Fd output = openPath(path, Posix.O_WRONLY | Posix.O_CREAT | start);
                return new FileChardev(loop, id, input, output);
            } catch (ConfigException e) {
                closeIfThere(input);
                throw e;
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

    private FileChardev(EventLoop loop, String id, @Nullable Fd input, Fd output) throws PosixException {
        super(loop, id, input, output);
    }

    @Override
    public String filename() {
        return "file";
    }
}
