package org.vportd.daemon;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Options;

/**
 * All that the daemon is told when it starts.
 *
 * @param socketPath where to listen for front-ends, or null
 * @param fd the descriptor to serve instead, or null; exactly one of the two is given
 * @param socketMode permissions of the socket file
 * @param statePath the file in which the device's state outlives the process, or null
 * @param once whether to stop after the first session
 * @param name what monitors are told this instance is called, or null
 * @param escape the key that begins a command to a multiplexer
 * @param objects what chardevs refer to, in order
 * @param chardevs the character devices, in order
 * @param monitors the monitors, in order
 * @param device the device and its ports
 * @param notices whether a person is told how to go on
 */
record DaemonConfig(
        @Nullable String socketPath,
        @Nullable Integer fd,
        int socketMode,
        @Nullable String statePath,
        boolean once,
        @Nullable String name,
        byte escape,
        List<Options> objects,
        List<ChardevConfig> chardevs,
        List<MonitorConfig> monitors,
        DeviceConfig device,
        boolean notices) {}
