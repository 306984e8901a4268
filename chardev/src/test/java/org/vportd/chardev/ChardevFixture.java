package org.vportd.chardev;

import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.vportd.chardev.builtin.BuiltinTypes;
import org.vportd.testing.OpenDescriptors;

/** A loop and a table of chardevs of all types; at its end no descriptor is open that was not before. */
public final class ChardevFixture implements AutoCloseable {
    private final Deque<AutoCloseable> opened = new ArrayDeque<>();
    private final List<String> log = new ArrayList<>();
    private final Logger root = Logger.getLogger("org.vportd.chardev");
    private final long descriptorsBefore;
    private final TestLoop loop;
    private final Chardevs chardevs;
    private final Handler logHandler = new Handler() {
        @Override
        public void publish(LogRecord entry) {
            log.add(entry.getLevel() + " " + entry.getMessage());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    /** Makes an empty one. */
    public ChardevFixture() throws IOException {
        this(ChardevServices.NONE);
    }

    /** Makes an empty one in a program that offers something. */
    public ChardevFixture(ChardevServices services) throws IOException {
        try (TestLoop first = new TestLoop()) {
            first.settle(); // loads what opens descriptors of its own
        }
        descriptorsBefore = OpenDescriptors.count();
        loop = new TestLoop();
        chardevs = BuiltinTypes.table(loop.loop(), services);
        root.addHandler(logHandler);
        root.setUseParentHandlers(false);
    }

    /** The loop. */
    public TestLoop loop() {
        return loop;
    }

    /** The table. */
    public Chardevs chardevs() {
        return chardevs;
    }

    /** Makes a chardev from options in QEMU's syntax. */
    public Chardev add(String options) throws ConfigException {
        return chardevs.add(Options.parse(options, "backend", warning -> {}));
    }

    /** The message with which such options are refused. */
    public String refusal(String options) {
        ConfigException refused = assertThrows(ConfigException.class, () -> add(options));
        return String.valueOf(refused.getMessage());
    }

    /** Makes a chardev and attaches a front-end that takes input without limit. */
    public RecordingHandler front(String options) throws ConfigException {
        return attach(add(options)).grant(1 << 30);
    }

    /** Attaches a front-end that takes no input for now. */
    public RecordingHandler attach(Chardev chardev) {
        return closing(new RecordingHandler()).attach(chardev);
    }

    /** Has something closed at the end, before the chardevs are. */
    public <T extends AutoCloseable> T closing(T closeable) {
        opened.push(closeable);
        return closeable;
    }

    /** The log so far, a line {@code LEVEL message} for each entry. */
    public List<String> log() {
        return log;
    }

    @Override
    public void close() throws IOException {
        closeAll();
        OpenDescriptors.assertNoneSince(descriptorsBefore);
    }

    /** The same, together with a second table and its loop. */
    void close(Chardevs others, TestLoop theirs) throws IOException {
        closeAll();
        others.close();
        theirs.settle();
        theirs.close();
        OpenDescriptors.assertNoneSince(descriptorsBefore);
    }

    private void closeAll() {
        root.removeHandler(logHandler);
        root.setUseParentHandlers(true);
        for (AutoCloseable closeable : opened) {
            try {
                closeable.close();
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        }
        chardevs.close();
        loop.settle(); // what says goodbye to a peer that has gone finds that out
        loop.close();
    }
}
