package org.vportd.bench.daemon;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.vportd.bench.peer.Direction;
import org.vportd.bench.peer.Wire;
import org.vportd.bench.report.Target;
import org.vportd.vhostuser.frontend.RingFormat;

/** All scenarios by name, and which of them a quick run makes. */
final class Catalogue {
    private static final int[] SIZES = {64, 1024, 4096, 32 * 1024, 64 * 1024};
    private static final int[] DEPTHS = {2, 4, 16, 64, 1024};
    private static final RingFormat IN_ORDER = new RingFormat(false, true);
    private static final RingFormat PACKED = new RingFormat(true, false);
    private static final RingFormat PACKED_IN_ORDER = new RingFormat(true, true);
    private static final double FLAT = 1.1;

    private static final List<String> QUICK = List.of(
            "start",
            "idle",
            "ping-64",
            "tx-unix-64",
            "tx-unix-1K",
            "tx-unix-4K",
            "tx-unix-32K",
            "rx-unix-64",
            "rx-unix-1K",
            "rx-unix-4K",
            "rx-unix-32K",
            "both-unix-4K",
            "tx-unix-4K-ports8",
            "tx-unix-4K-guests16",
            "tx-tcp-4K",
            "tx-null-64",
            "tx-null-64-packed-in-order",
            "tx-ringbuf-64",
            "idle-ports",
            "queue-size");

    private final Map<String, Scenario> all = new LinkedHashMap<>();

    Catalogue() {
        add(new StartUp("start", 10));
        add(new Idle("idle", 500));
        add(new RoundTrip("ping-64", 64));
        add(new RoundTrip("ping-4K", 4096));
        addSizes();
        addMany();
        addDepths();
        addWires();
        addRings();
        addScaling();
    }

    private void add(Scenario scenario) {
        all.put(scenario.name(), scenario);
    }

    private void add(Load load, String more) {
        String name =
                String.join("-", load.direction().name(), load.wire().name()).toLowerCase(Locale.ROOT);
        add(new Throughput(name + "-" + Load.size(load.blockBytes()) + more, load));
    }

    private void addSizes() {
        for (Direction direction : Direction.values()) {
            for (int size : SIZES) {
                add(Load.of(Wire.UNIX, direction, size), "");
            }
        }
    }

    private void addMany() {
        for (Direction direction : Direction.values()) {
            for (int ports : new int[] {8, 30}) {
                add(Load.of(Wire.UNIX, direction, 4096).withPorts(ports), "-ports" + ports);
            }
            add(Load.of(Wire.UNIX, direction, 4096).withGuests(16), "-guests16");
        }
        add(Load.of(Wire.UNIX, Direction.TX, 64).withPorts(8), "-ports8");
        add(Load.of(Wire.UNIX, Direction.TX, 64).withGuests(16), "-guests16");
    }

    private void addDepths() {
        for (int depth : DEPTHS) {
            add(Load.of(Wire.UNIX, Direction.TX, 64).withDepth(depth), "-depth" + depth);
            add(Load.of(Wire.UNIX, Direction.TX, 4096).withDepth(depth), "-depth" + depth);
            add(Load.of(Wire.UNIX, Direction.RX, 4096).withDepth(depth), "-depth" + depth);
            add(Load.of(Wire.NULL, Direction.TX, 64).withDepth(depth), "-depth" + depth);
        }
    }

    private void addWires() {
        for (Wire wire : Wire.values()) {
            if (wire != Wire.UNIX) {
                for (int size : SIZES) {
                    add(Load.of(wire, Direction.TX, size), "");
                }
            }
        }
        for (Wire wire : List.of(Wire.TCP, Wire.TLS, Wire.PIPE, Wire.PTY)) {
            for (int size : new int[] {64, 4096, 32 * 1024}) {
                add(Load.of(wire, Direction.RX, size), "");
            }
        }
    }

    private void addRings() {
        Map<String, RingFormat> formats = new LinkedHashMap<>();
        formats.put("-in-order", IN_ORDER);
        formats.put("-packed", PACKED);
        formats.put("-packed-in-order", PACKED_IN_ORDER);
        formats.forEach((name, format) -> {
            add(Load.of(Wire.UNIX, Direction.TX, 64).withFormat(format), name);
            add(Load.of(Wire.UNIX, Direction.RX, 64).withFormat(format), name);
            add(Load.of(Wire.UNIX, Direction.TX, 4096).withFormat(format), name);
            add(Load.of(Wire.UNIX, Direction.RX, 4096).withFormat(format), name);
            add(Load.of(Wire.NULL, Direction.TX, 64).withFormat(format), name);
            add(Load.of(Wire.RINGBUF, Direction.TX, 64).withFormat(format), name);
        });
        Load nothing = Load.of(Wire.NULL, Direction.TX, 64);
        add(new Comparison(
                "rings",
                nothing.withFormat(PACKED_IN_ORDER),
                nothing,
                Comparison.Measure.BUFFERS_PER_CORE,
                Target.atLeast(1)));
    }

    private void addScaling() {
        Load load = Load.of(Wire.UNIX, Direction.TX, 4096);
        addFlat("idle-ports", load.withIdlePorts(29), load);
        addFlat("idle-guests", load.withIdleGuests(15), load);
        addFlat("queue-size", load.withDepth(64).withQueueSize(1024), load.withDepth(64));
        addFlat("twice-the-data", load.withPorts(2), load);
        addFlat("larger-blocks", Load.of(Wire.UNIX, Direction.TX, 64 * 1024), Load.of(Wire.UNIX, Direction.TX, 32768));
    }

    private void addFlat(String name, Load load, Load base) {
        add(new Comparison(name, load, base, Comparison.Measure.CPU, Target.atMost(FLAT)));
    }

    /** The names of all. */
    List<String> names() {
        return List.copyOf(all.keySet());
    }

    /** Those of a quick run. */
    List<Scenario> quick() {
        return QUICK.stream().map(this::named).toList();
    }

    /** All of them. */
    List<Scenario> full() {
        return List.copyOf(all.values());
    }

    private Scenario named(String name) {
        Scenario scenario = all.get(name);
        if (scenario == null) {
            throw new IllegalArgumentException("no such scenario: name=" + name);
        }
        return scenario;
    }

    /**
     * Those that a list of names and beginnings of names stands for, in the order of the catalogue.
     *
     * @param onlyQuick whether beginnings stand for quick ones alone
     * @throws IllegalArgumentException if one stands for nothing
     */
    List<Scenario> select(List<String> patterns, boolean onlyQuick) {
        Set<Scenario> selected = new LinkedHashSet<>();
        for (String pattern : patterns) {
            if (all.containsKey(pattern)) {
                selected.add(named(pattern));
                continue;
            }
            List<Scenario> found = (onlyQuick ? quick() : full())
                    .stream()
                            .filter(scenario -> scenario.name().startsWith(pattern + "-"))
                            .toList();
            if (found.isEmpty()) {
                throw new IllegalArgumentException(
                        "no such scenario: name=" + pattern + "; there are " + String.join(", ", names()));
            }
            selected.addAll(found);
        }
        return List.copyOf(selected);
    }
}
