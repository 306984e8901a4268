package org.vportd.daemon;

import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.handover.Parcel;
import org.vportd.loop.EventLoop;
import org.vportd.monitor.NamedDescriptors;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;
import org.vportd.serial.PortNames;
import org.vportd.serial.SerialDevice;
import org.vportd.serial.SerialListener;
import org.vportd.serial.state.DeviceStateCodec;
import org.vportd.serial.state.StateFile;
import org.vportd.serial.state.StateFormatException;
import org.vportd.vhostuser.backend.BackendOptions;
import org.vportd.vhostuser.backend.VhostUserBackend;
import org.vportd.virtio.DeviceStateException;

/** One device, and the socket it is served through. Whoever changes it holds up the loop that it lives on. */
final class Controller implements AutoCloseable {
    private static final System.Logger LOGGER = System.getLogger(Controller.class.getName());

    private final EventLoop loop;
    private final DeviceConfig config;
    private final BackendOptions options;
    private final SerialDevice device;
    private @Nullable FrontendSocket socket;
    private @Nullable VhostUserBackend backend;
    private @Nullable KeptState kept;
    private boolean placed;

    /**
     * Makes a device that is not served yet.
     *
     * @param loop its own part of a loop
     * @param handover whether it can be handed over to another process
     * @throws ConfigException if an option is out of range
     */
    Controller(EventLoop loop, DeviceConfig config, boolean handover, PortNames names, SerialListener listener)
            throws ConfigException {
        this.loop = loop;
        this.config = config;
        this.options = config.backend().withHandover(handover);
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
            VhostUserBackend made = newBackend(listener, onSessionEnd);
            backend = made;
            socket = opened;
            if (listening) {
                LOGGER.log(
                        System.Logger.Level.INFO,
                        "listening on " + (where.path() == null ? where : where.path()) + ": device=" + id());
            } else {
                made.serve(opened.fd());
            }
        } catch (PosixException e) {
            opened.close();
            opened.fd().close();
            throw new StartException("cannot watch the socket for front-ends: " + where + ": " + e.getMessage());
        }
    }

    private VhostUserBackend newBackend(@Nullable Fd listener, SessionEnd onSessionEnd) throws PosixException {
        boolean listening = listener != null;
        return new VhostUserBackend(loop, device, options, listener, () -> onSessionEnd.ended(listening));
    }

    /** Hears that a front-end has left. Loop thread of the device. */
    @FunctionalInterface
    interface SessionEnd {
        /** A front-end has left; another one may come if somebody still listens. */
        void ended(boolean listening);
    }

    // --- handover

    /** Whether nothing is half done that another process could not go on with. */
    boolean isAtRest() {
        return backend == null || backend.isAtRest();
    }

    /** Packs the device and its session for {@link #takeOver} in another process. It stands still until {@link #goOn}. */
    Parcel pack() {
        VhostUserBackend serving = backend;
        Parcel session = serving == null ? null : serving.pack();
        Parcel parcel = new Parcel()
                .put("options", config.source().canonical())
                .put("connected", session != null)
                .put("session", session == null ? new Parcel() : session)
                .put("state", device.saveState());
        SocketConfig where = config.socket();
        if (where != null) {
            parcel.put("socket_path", where.path())
                    .put("socket_mode", where.mode())
                    .put("socket_fd", where.fd());
        }
        if (socket != null && socket.fd().isOpen() && serving != null && serving.isListening()) {
            parcel.put("listener", socket.fd());
        }
        return parcel;
    }

    /** The handover has failed, or has succeeded and this is where the device goes on. */
    void goOn() {
        if (backend != null) {
            backend.goOn();
        }
    }

    /** Another process goes on with the device. */
    void handedOver() {
        if (socket != null) {
            socket.handedOver();
        }
        if (kept != null) {
            kept.handedOver();
        }
    }

    /** What {@link #pack} has said the device is to be. */
    static DeviceConfig config(Parcel from) throws ConfigException {
        Options options = Options.parse(String.valueOf(from.text("options")), "driver", warning -> {});
        String path = from.text("socket_path");
        String fd = from.text("socket_fd");
        DeviceConfig config = DeviceConfig.parse(options, id -> false);
        return path == null && fd == null
                ? config
                : config.withSocket(new SocketConfig(path, (int) from.number("socket_mode", 0), fd));
    }

    /** Comes to where a device of another process is, with all its ports. It begins to work with {@link #goOn}. */
    void takeOver(Parcel from, @Nullable StateFile file, SessionEnd onSessionEnd) throws IOException {
        boolean connected = from.flag("connected");
        try {
            if (connected) {
                device.restoreState(from.bytes("state"));
            } else {
                device.remember(DeviceStateCodec.decode(from.bytes("state"))); // its guest may come back, or another
            }
        } catch (DeviceStateException | StateFormatException e) {
            throw new IOException("device '" + id() + "' cannot be taken over: " + e.getMessage(), e);
        }
        if (file != null) {
            kept = KeptState.takeOver(loop, file, device);
        }
        Fd listener = from.takeFd("listener");
        if (listener != null) {
            socket = FrontendSocket.takeOver(listener, from.text("socket_path"));
        }
        VhostUserBackend made = newBackend(listener, onSessionEnd);
        backend = made;
        if (connected) {
            made.takeOver(from.parcel("session"));
        }
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
