package org.vportd.daemon;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Options;

/**
 * All that the daemon is told when it starts.
 *
 * @param statePath the file in which the devices' state outlives the process, or null
 * @param once whether to stop after the first session of any device
 * @param name what monitors are told this instance is called, or null
 * @param escape the key that begins a command to a multiplexer
 * @param objects what chardevs refer to, in order
 * @param chardevs the character devices, in order
 * @param monitors the monitors, in order
 * @param devices the devices and their ports
 * @param maxLoops over how many threads devices are spread at most
 * @param notices whether a person is told how to go on
 */
record DaemonConfig(
        @Nullable String statePath,
        boolean once,
        @Nullable String name,
        byte escape,
        List<Options> objects,
        List<ChardevConfig> chardevs,
        List<MonitorConfig> monitors,
        DevicesConfig devices,
        int maxLoops,
        boolean notices) {}
