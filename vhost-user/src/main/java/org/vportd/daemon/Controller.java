package org.vportd.daemon;

import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.loop.EventLoop;
import org.vportd.monitor.NamedDescriptors;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;
import org.vportd.serial.PortNames;
import org.vportd.serial.SerialDevice;
import org.vportd.serial.SerialListener;
import org.vportd.serial.state.StateFile;
import org.vportd.vhostuser.backend.VhostUserBackend;

/** One device, and the socket it is served through. Whoever changes it holds up the loop that it lives on. */
final class Controller implements AutoCloseable {
    private static final System.Logger LOGGER = System.getLogger(Controller.class.getName());

    private final EventLoop loop;
    private final DeviceConfig config;
    private final SerialDevice device;
    private @Nullable FrontendSocket socket;
    private @Nullable VhostUserBackend backend;
    private @Nullable KeptState kept;
    private boolean placed;

    /**
     * Makes a device that is not served yet.
     *
     * @param loop its own part of a loop
     * @throws ConfigException if an option is out of range
     */
    Controller(EventLoop loop, DeviceConfig config, PortNames names, SerialListener listener) throws ConfigException {
        this.loop = loop;
        this.config = config;
        this.device = new SerialDevice(loop, config.serial(), names, listener);
        if (device.queueCount() > VhostUserBackend.MAX_QUEUES) {
            LOGGER.log(
                    System.Logger.Level.WARNING,
                    "vhost-user reaches " + VhostUserBackend.MAX_QUEUES + " queues, which is 127 ports: device="
                            + device.options().id() + " max_ports="
                            + device.options().maxPorts());
        }
    }

    EventLoop loop() {
        return loop;
    }

    SerialDevice device() {
        return device;
    }

    String id() {
        return device.options().id();
    }

    /** Where its front-end comes from. */
    @Nullable
    SocketConfig socket() {
        return config.socket();
    }

    /** Whether it has been given to one of the loops for good. */
    boolean isPlaced() {
        return placed;
    }

    void setPlaced() {
        placed = true;
    }

    /** Whether a front-end is connected. */
    boolean isConnected() {
        return backend != null && backend.isConnected();
    }

    /** Has the device go on where one before it was killed, and be followed in the same way. Not served yet. */
    void keepIn(StateFile file) throws StartException {
        kept = KeptState.begin(loop, file, device);
    }

    /**
     * Lets front-ends come.
     *
     * @param onSessionEnd told after each of them, with whether another one can come
     */
    void serve(SocketConfig where, NamedDescriptors passed, SessionEnd onSessionEnd) throws StartException {
        FrontendSocket opened = FrontendSocket.open(where, passed);
        boolean listening = opened.isListening();
        Fd listener = listening ? opened.fd() : null;
        try {
            VhostUserBackend made =
                    new VhostUserBackend(loop, device, config.backend(), listener, () -> onSessionEnd.ended(listening));
            backend = made;
            socket = opened;
            if (listening) {
                LOGGER.log(System.Logger.Level.INFO, "listening: device=" + id() + " " + where);
            } else {
                made.serve(opened.fd());
            }
        } catch (PosixException e) {
            opened.close();
            opened.fd().close();
            throw new StartException("cannot watch the socket for front-ends: " + where + ": " + e.getMessage());
        }
    }

    /** Hears that a front-end has left. Loop thread of the device. */
    @FunctionalInterface
    interface SessionEnd {
        /** A front-end has left; another one may come if somebody still listens. */
        void ended(boolean listening);
    }

    /** Ends the session, lets go of the socket, and unplugs nothing: ports let their chardevs go. */
    @Override
    public void close() {
        if (socket != null) {
            socket.close(); // first: while the socket lives, no other file can be taken for it
            socket = null;
        }
        if (backend != null) {
            backend.close();
            backend = null;
        }
        if (kept != null) {
            kept.close();
            kept = null;
        }
        device.close();
    }
}
