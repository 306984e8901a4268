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
 * @param once whether to stop after the first session
 * @param chardevs the character devices, in order
 * @param device the device and its ports
 * @param notices whether a person is told how to go on
 */
record DaemonConfig(
        @Nullable String socketPath,
        @Nullable Integer fd,
        int socketMode,
        boolean once,
        List<Options> chardevs,
        DeviceConfig device,
        boolean notices) {}
