package org.vportd.chardev.backend;

import java.util.Set;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevType;
import org.vportd.chardev.Opening;
import org.vportd.posix.IoVector;

/** Takes all output and drops it; never open, no input. */
public final class NullChardev extends Chardev {
    /** The type {@code null}. */
    public static final ChardevType TYPE = new ChardevType() {
        @Override
        public String name() {
            return "null";
        }

        @Override
        public Set<String> keys() {
            return Set.of();
        }

        @Override
        public Chardev open(Opening opening) {
            return new NullChardev(opening.id());
        }
    };

    private NullChardev(String id) {
        super(id);
    }

    @Override
    public String filename() {
        return "null";
    }

    @Override
    protected long write(IoVector data) {
        return data.bytes();
    }

    @Override
    public void close() {}
}
