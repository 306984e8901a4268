package org.vportd.serial;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.ChardevType;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Opening;
import org.vportd.chardev.Options;
import org.vportd.chardev.OutputLog;
import org.vportd.chardev.mux.HubChardev;
import org.vportd.chardev.mux.MuxChardev;
import org.vportd.loop.EventLoop;

/** A table of {@link TestChardev}s, hubs and muxes, that are made from options. */
final class TestChardevs implements AutoCloseable {
    private static final OutputLog.Type NO_LOG = new OutputLog.Type() {
        @Override
        public Set<String> keys() {
            return Set.of();
        }

        @Override
        public @Nullable OutputLog open(EventLoop loop, String id, Options options, ChardevServices services) {
            return null;
        }
    };

    private final Chardevs table;
    private final Map<String, TestChardev> newest = new HashMap<>();
    private int closed;

    /** {@code test}: {@code open=on} if its peer is there, {@code room=N}, {@code fail=on} if it cannot be made. */
    private final class Type implements ChardevType {
        @Override
        public String name() {
            return "test";
        }

        @Override
        public Set<String> keys() {
            return Set.of("open", "room", "fail");
        }

        @Override
        public Chardev open(Opening opening) throws ConfigException {
            Options options = opening.options();
            if (options.bool("fail", false)) {
                throw new ConfigException("cannot be made");
            }
            TestChardev made = new TestChardev(opening.loop(), opening.id()) {
                @Override
                public void close() {
                    closed++;
                    super.close();
                }
            };
            made.limitRoom(options.size("room", TestChardev.UNLIMITED, 0, TestChardev.UNLIMITED));
            if (options.bool("open", false)) {
                made.open();
            }
            newest.put(opening.id(), made);
            return made;
        }
    }

    TestChardevs(EventLoop loop) {
        table = new Chardevs(
                loop,
                List.of(new Type(), HubChardev.TYPE, HubChardev.MUX_BE_TYPE, MuxChardev.TYPE),
                NO_LOG,
                ChardevServices.NONE);
    }

    Chardevs table() {
        return table;
    }

    Chardev add(String options) throws ConfigException {
        return table.add(parse(options));
    }

    TestChardev addTest(String options) throws ConfigException {
        return test(add(options).id());
    }

    /** The newest one under an id. */
    TestChardev test(String id) {
        TestChardev found = newest.get(id);
        if (found == null) {
            throw new AssertionError("none under this id: " + id);
        }
        return found;
    }

    TestChardev changeTest(String id, String options) throws ConfigException {
        change(id, options);
        return test(id);
    }

    Chardev change(String id, String options) throws ConfigException {
        return table.change(id, parse(options));
    }

    /** How many have been closed. */
    int closed() {
        return closed;
    }

    private static Options parse(String options) {
        return Options.parse(options, "backend", warning -> {});
    }

    @Override
    public void close() {
        table.close();
    }
}
