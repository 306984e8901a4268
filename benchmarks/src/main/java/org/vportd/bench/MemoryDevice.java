package org.vportd.bench;

import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.Chardevs;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.chardev.builtin.BuiltinTypes;
import org.vportd.loop.EventLoop;
import org.vportd.posix.PosixException;

/** A device whose channel is connected to nothing outside of this process. */
final class MemoryDevice implements AutoCloseable {
    final DeviceSetup setup;
    private final EventLoop loop;
    private final Chardevs chardevs;

    /** Makes one with a character device of the shipped ones. */
    MemoryDevice(MemoryChardevs chardev, Rings rings) throws PosixException, ConfigException {
        loop = EventLoop.open();
        chardevs = BuiltinTypes.table(loop, ChardevServices.NONE);
        Chardev made = chardevs.add("c", Options.parse(chardev.options, "backend", warning -> {}));
        setup = new DeviceSetup(loop, made, rings);
    }

    /** Makes one with a source of input. */
    MemoryDevice(SourceChardev source, Rings rings) throws PosixException, ConfigException {
        loop = EventLoop.open();
        chardevs = BuiltinTypes.table(loop, ChardevServices.NONE);
        setup = new DeviceSetup(loop, source, rings);
    }

    @Override
    public void close() {
        setup.close();
        chardevs.close();
        loop.close();
    }
}
