package org.vportd.monitor;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.chardev.WindowSize;
import org.vportd.chardev.builtin.BuiltinTypes;
import org.vportd.loop.EventLoop;
import org.vportd.loop.Standstill;
import org.vportd.monitor.json.JsonBudget;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;
import org.vportd.testing.OpenDescriptors;

/**
 * A monitor on a UNIX socket, the chardevs it works on, and devices, objects and a person's monitor that only remember what
 * they were asked. The test's own thread turns the loop; at the end, no descriptor may be open that was not before.
 */
final class MonitorRig implements AutoCloseable {
    static final Instant NOW = Instant.ofEpochSecond(1_234_567_890L, 654_321_000L);

    private static final long DEADLINE_NS = 20_000_000_000L;

    final Path folder = Files.createTempDirectory("vportd-qmp");
    final EventLoop loop;
    final Chardevs chardevs;
    final NamedDescriptors descriptors = new NamedDescriptors();
    final JsonBudget budget = new JsonBudget();
    final Monitors monitors;
    final List<String> asked = new ArrayList<>();

    @Nullable
    ConfigException refusal;

    @Nullable
    InternalError fault;

    boolean quit;
    private final List<QmpClient> clients = new ArrayList<>();
    private final long descriptorsBefore;
    private long skippedNs;

    MonitorRig() throws IOException {
        try (EventLoop first = EventLoop.open()) {
            first.turn(0); // loads what opens descriptors of its own
        }
        descriptorsBefore = OpenDescriptors.count();
        loop = EventLoop.open(() -> System.nanoTime() + skippedNs);
        chardevs = BuiltinTypes.table(loop, new ChardevServices() {
            @Override
            public @Nullable Fd takeDescriptor(String name) {
                return descriptors.take(name);
            }

            @Override
            public Fd openPassed(String set, int flags) throws PosixException {
                return descriptors.open(set, flags);
            }
        });
        monitors = new Monitors(
                new MonitorEnvironment(
                        loop,
                        Standstill.ALONE,
                        chardevs,
                        descriptors,
                        new RecordingDevices(),
                        new RecordingObjects(),
                        new FixedTree(),
                        () -> quit = true,
                        new VersionInfo(10, 0, 0, "vportd test"),
                        "rig"),
                InstantSource.fixed(NOW),
                budget);
        chardevs.observe((chardev, event) -> {
            if (event == ChardevEvent.OPENED || event == ChardevEvent.CLOSED) {
                monitors.chardevChanged(chardev.id(), event == ChardevEvent.OPENED, chardev.filename());
            }
        });
    }

    private void ask(String what) throws ConfigException {
        ConfigException refused = refusal;
        if (refused != null) {
            throw refused;
        }
        if (fault != null) {
            throw fault;
        }
        asked.add(what);
    }

    private final class RecordingDevices implements DeviceControl {
        @Override
        public Set<String> drivers() {
            return Set.of("vhost-user-serial", "virtconsole", "virtserialport");
        }

        @Override
        public Set<String> keys(String driver) {
            return switch (driver) {
                case "vhost-user-serial" -> Set.of("id", "max_ports", "socket-path");
                case "virtconsole", "virtserialport" -> Set.of("buffer", "bus", "chardev", "id", "name", "nr");
                default -> Set.of();
            };
        }

        @Override
        public void add(Options options) throws ConfigException {
            ask("add " + options);
        }

        @Override
        public void remove(String idOrPath) throws ConfigException {
            if (!idOrPath.equals("p1")) {
                throw DeviceNotFoundException.ofDevice(idOrPath);
            }
            ask("remove " + idOrPath);
            monitors.deviceDeleted("p1", "/machine/peripheral/p1");
        }

        @Override
        public void resizeConsole(String idOrPath, WindowSize size) throws ConfigException {
            if (!idOrPath.equals("p1")) {
                throw DeviceNotFoundException.ofDevice(idOrPath);
            }
            ask("resize " + idOrPath + " " + size);
        }

        @Override
        public void resizeConsole(long port, WindowSize size) throws ConfigException {
            ask("resize port " + port + " " + size);
        }
    }

    private final class RecordingObjects implements ObjectControl {
        @Override
        public void add(String type, String id, Options options) throws ConfigException {
            Fd passed = descriptors.take(options.string("fd", ""));
            if (passed != null) {
                passed.close();
            }
            ask("object " + type + " " + id + " " + options + (passed == null ? "" : " with its descriptor"));
        }

        @Override
        public Map<String, String> types() {
            return Map.of("sec0", "secret");
        }

        @Override
        public void remove(String id) throws ConfigException {
            ask("no object " + id);
        }
    }

    private static final class FixedTree implements DeviceTree {
        @Override
        public List<String> lines() {
            return List.of(
                    "bus: vs0.0", "  dev: virtserialport, id \"p1\"", "    port 1, guest on, host off, throttle off");
        }

        @Override
        public List<String> ports() {
            return List.of("p1: port 1, guest on, host off, throttle off");
        }

        @Override
        public List<String> ids() {
            return List.of("p1");
        }

        @Override
        public Map<String, Map<String, Object>> objects() {
            return Map.of("/machine/peripheral/p1", Map.of("type", "virtserialport", "nr", 1));
        }
    }

    /** The path of a file in the test's own folder. */
    String path(String name) {
        return folder.resolve(name).toString();
    }

    Chardev add(String options) throws ConfigException {
        return chardevs.add(Options.parse(options, "backend", warning -> {}));
    }

    /** Adds a monitor that listens at a socket of its own. */
    MonitorRig listen(String id) throws ConfigException {
        monitors.addQmp(add("socket,id=" + id + ",server=on,wait=off,path=" + path(id)), false);
        return this;
    }

    /** Connects to such a monitor. */
    QmpClient connect(String id) throws IOException {
        QmpClient client = new QmpClient(this, path(id));
        clients.add(client);
        return client;
    }

    /** A client of a monitor that has got through the negotiation. */
    static QmpClient ready(MonitorRig rig) throws Exception {
        return rig.listen("mon").connect("mon").negotiated();
    }

    void until(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + DEADLINE_NS;
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("did not happen: " + what);
            }
            loop.turn(5);
        }
    }

    /** Turns until nothing is left to do. */
    void settle() {
        int idle = 0;
        for (int turns = 0; idle < 3; turns++) {
            assertTrue(turns < 100_000, "the loop spins");
            idle = loop.turn(0) == 0 ? idle + 1 : 0;
        }
    }

    /** Lets time pass for timers. */
    void skip(long ns) {
        skippedNs += ns;
        settle();
    }

    @Override
    public void close() throws PosixException, IOException {
        clients.forEach(QmpClient::close);
        monitors.close();
        chardevs.close();
        loop.close();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : (Iterable<Path>) files.sorted(Comparator.reverseOrder())::iterator) {
                Files.delete(file);
            }
        }
        OpenDescriptors.assertNoneSince(descriptorsBefore);
    }
}
