package org.vportd.chardev.backend;

import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevType;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Opening;
import org.vportd.posix.Fd;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;

/**
 * A pair of FIFOs, {@code P.in} towards the front-end and {@code P.out} from it, or one special file {@code P} for both.
 * Each is opened for reading and writing, so that there never is a last reader or writer: nobody has to be there, and input
 * does not end.
 */
public final class PipeChardev extends FdChardev {
    /** The type {@code pipe}. */
    public static final ChardevType TYPE = new ChardevType() {
        @Override
        public String name() {
            return "pipe";
        }

        @Override
        public Set<String> keys() {
            return Set.of("path");
        }

        @Override
        public Chardev open(Opening opening) throws ConfigException {
            String path = opening.options().required("path", "chardev: pipe: no device path given");
            try {
                return opening.inherited() == null ? openPair(opening, path) : goOn(opening);
            } catch (PosixException e) {
                throw couldNotOpen(path, e);
            }
        }

        private Chardev goOn(Opening opening) throws ConfigException, PosixException {
            Fd output = opening.takeInherited(OUTPUT);
            return new PipeChardev(opening, takeInput(opening), output);
        }

        private Chardev openPair(Opening opening, String path) throws ConfigException, PosixException {
            Fd input = null;
            try {
                input = openPath(opening, path + ".in", Posix.O_RDWR);
                return new PipeChardev(opening, input, openPath(opening, path + ".out", Posix.O_RDWR));
            } catch (ConfigException e) {
                if (input != null) {
                    input.close();
                }
            }
            return openSingle(opening, path);
        }

        private Chardev openSingle(Opening opening, String path) throws ConfigException, PosixException {
            Fd input = openPath(opening, path, Posix.O_RDWR);
            Fd output;
            try {
                output = input.duplicate();
            } catch (PosixException e) {
                input.close();
                throw e;
            }
            return new PipeChardev(opening, input, output);
        }
    };

    private PipeChardev(Opening opening, @Nullable Fd input, Fd output) throws PosixException {
        super(opening, input, output);
    }

    @Override
    public String filename() {
        return "pipe";
    }
}
