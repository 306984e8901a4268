package org.vportd.daemon;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Options;
import org.vportd.handover.Parcel;

/**
 * All that the daemon is told when it starts.
 *
 * @param statePath the file in which the devices' state outlives the process, or null
 * @param handoverPath where another process can come to take this one's place, or null
 * @param once whether to stop after the first session of any device
 * @param name what monitors are told this instance is called, or null
 * @param escape the key that begins a command to a multiplexer
 * @param objects what chardevs refer to, in order
 * @param chardevs the character devices, in order
 * @param monitors the monitors, in order
 * @param devices the devices and their ports
 * @param maxLoops over how many threads devices are spread at most
 * @param pollUs how long a thread looks for work at most before it sleeps, in microseconds
 * @param notices whether a person is told how to go on
 * @param passed descriptors for sets, from whoever has started the program
 */
record DaemonConfig(
        @Nullable String statePath,
        @Nullable String handoverPath,
        boolean once,
        @Nullable String name,
        byte escape,
        List<Options> objects,
        List<ChardevConfig> chardevs,
        List<MonitorConfig> monitors,
        DevicesConfig devices,
        int maxLoops,
        int pollUs,
        boolean notices,
        List<PassedFd> passed) {
    /** The same, but nobody is told how to go on. */
    DaemonConfig withoutNotices() {
        return new DaemonConfig(
                statePath,
                handoverPath,
                once,
                name,
                escape,
                objects,
                chardevs,
                monitors,
                devices,
                maxLoops,
                pollUs,
                false,
                passed);
    }

    /**
     * Packs what there is besides devices, chardevs and objects, for a process that takes over.
     *
     * @param present the monitors that there are by now
     */
    Parcel pack(List<MonitorConfig> present) {
        return new Parcel()
                .put("state_path", statePath)
                .put("handover_path", handoverPath)
                .put("once", once)
                .put("name", name)
                .put("escape", escape)
                .put("max_loops", maxLoops)
                .put("poll_us", pollUs)
                .put("monitors", present.stream().map(MonitorConfig::pack).toList());
    }

    /** What {@link #pack} has packed. */
    static DaemonConfig unpack(Parcel from) {
        return new DaemonConfig(
                from.text("state_path"),
                from.text("handover_path"),
                from.flag("once"),
                from.text("name"),
                (byte) from.number("escape", 1),
                List.of(),
                List.of(),
                from.parcels("monitors").stream().map(MonitorConfig::unpack).toList(),
                new DevicesConfig(List.of(), List.of()),
                (int) from.number("max_loops", 1),
                (int) from.number("poll_us", 0),
                false,
                List.of());
    }
}
