package org.vportd.monitor;

import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardevs;
import org.vportd.loop.EventLoop;
import org.vportd.loop.Standstill;

/**
 * What monitors work on.
 *
 * @param loop the loop they live on
 * @param standstill how everything a command may touch is held still
 * @param chardevs the chardevs they list, make and remove
 * @param descriptors where {@code chardevs} look for descriptors that clients have passed
 * @param devices the devices they add and remove
 * @param objects the objects they add and remove
 * @param tree the devices as people are shown them
 * @param quit ends the program soon, with status 0
 * @param version which version clients are told
 * @param name the name that the user has given to this instance, or null
 */
public record MonitorEnvironment(
        EventLoop loop,
        Standstill standstill,
        Chardevs chardevs,
        NamedDescriptors descriptors,
        DeviceControl devices,
        ObjectControl objects,
        DeviceTree tree,
        Runnable quit,
        VersionInfo version,
        @Nullable String name) {}
