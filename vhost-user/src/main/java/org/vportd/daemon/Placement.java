package org.vportd.daemon;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.Chardevs;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopGroup;
import org.vportd.posix.PosixException;
import org.vportd.serial.SerialPort;

/**
 * Spreads devices over threads. Each new device goes where there are fewest; whatever is connected with each other through
 * chardevs, monitors included, lives on one and the same thread. At a standstill only.
 */
final class Placement {
    private static final System.Logger LOGGER = System.getLogger(Placement.class.getName());

    private final LoopGroup group;
    private final EventLoop first;
    private final int maxLoops;
    private final Chardevs chardevs;
    private final DeviceTable devices;
    /** The chardevs that monitors use. */
    private final Supplier<List<String>> monitored;

    Placement(
            LoopGroup group,
            EventLoop first,
            int maxLoops,
            Chardevs chardevs,
            DeviceTable devices,
            Supplier<List<String>> monitored) {
        this.group = group;
        this.first = first;
        this.maxLoops = maxLoops;
        this.chardevs = chardevs;
        this.devices = devices;
        this.monitored = monitored;
    }

    /** Puts everything where it belongs now. */
    void settle() {
        for (Controller controller : devices.controllers()) {
            if (!controller.isPlaced()) {
                controller.loop().moveTo(emptiest());
                controller.setPlaced();
            }
        }
        Links links = new Links();
        links.add(first); // what is linked to it comes to it
        devices.controllers().forEach(controller -> links.add(controller.loop()));
        monitored.get().forEach(id -> link(links, first, id));
        for (Controller controller : devices.controllers()) {
            for (SerialPort port : controller.device().ports()) {
                link(links, controller.loop(), port.chardevId());
            }
        }
        for (Chardev chardev : chardevs.all()) {
            chardev.uses().forEach(id -> link(links, chardevs.partOf(chardev), id));
        }
        links.gather();
    }

    private void link(Links links, EventLoop user, String chardevId) {
        Chardev chardev = chardevs.find(chardevId);
        if (chardev != null) {
            links.link(user, chardevs.partOf(chardev));
        }
    }

    /** The loop with the fewest devices; a new one as long as all have some and there may be more. */
    private EventLoop emptiest() {
        EventLoop best = first;
        long fewest = Long.MAX_VALUE;
        List<EventLoop> loops = group.loops();
        for (EventLoop loop : loops) {
            long count = devices.controllers().stream()
                    .filter(each -> each.isPlaced() && each.loop().isTogetherWith(loop))
                    .count();
            if (count < fewest) {
                fewest = count;
                best = loop;
            }
        }
        return fewest > 0 && loops.size() < maxLoops ? oneMore(best) : best;
    }

    private EventLoop oneMore(EventLoop otherwise) {
        try {
            return group.addWorker();
        } catch (PosixException e) {
            LOGGER.log(System.Logger.Level.WARNING, "no further thread for devices: " + e.getMessage());
            return otherwise;
        }
    }

    /** Sets of parts that are linked with each other, each with the part that was added first at its head. */
    private static final class Links {
        private final Map<EventLoop, EventLoop> towardsHead = new HashMap<>();
        private final Map<EventLoop, Integer> ranks = new LinkedHashMap<>();

        void add(EventLoop part) {
            if (ranks.putIfAbsent(part, ranks.size()) == null) {
                towardsHead.put(part, part);
            }
        }

        void link(EventLoop a, EventLoop b) {
            add(a);
            add(b);
            EventLoop headOfA = head(a);
            EventLoop headOfB = head(b);
            boolean aLeads = rank(headOfA) <= rank(headOfB);
            towardsHead.put(aLeads ? headOfB : headOfA, aLeads ? headOfA : headOfB);
        }

        private int rank(EventLoop part) {
            return Objects.requireNonNull(ranks.get(part));
        }

        private EventLoop head(EventLoop part) {
            EventLoop next = Objects.requireNonNull(towardsHead.get(part));
            return next == part ? part : head(next);
        }

        void gather() {
            ranks.keySet().forEach(part -> part.moveTo(head(part)));
        }
    }
}
