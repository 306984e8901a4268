package org.vportd.daemon;

import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.secure.UserObjects;
import org.vportd.loop.EventLoop;
import org.vportd.monitor.NamedDescriptors;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;

/** What the daemon does for its chardevs. */
final class DaemonServices implements ChardevServices {
    private final EventLoop loop;
    private final UserObjects objects;
    private final NamedDescriptors descriptors;
    private final byte escape;
    private volatile int exitStatus; // a multiplexer may end the program from any loop

    DaemonServices(EventLoop loop, UserObjects objects, NamedDescriptors descriptors, byte escape) {
        this.loop = loop;
        this.objects = objects;
        this.descriptors = descriptors;
        this.escape = escape;
    }

    @Override
    public @Nullable Object object(String id) {
        return objects.find(id);
    }

    @Override
    public @Nullable Fd takeDescriptor(String name) {
        return descriptors.take(name);
    }

    @Override
    public Fd openPassed(String set, int flags) throws PosixException {
        return descriptors.open(set, flags);
    }

    @Override
    public void exit(int status) {
        exitStatus = status;
        loop.stop();
    }

    /** What the program is to exit with. */
    int exitStatus() {
        return exitStatus;
    }

    @Override
    public byte escape() {
        return escape;
    }
}
