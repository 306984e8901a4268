package org.vportd.serial;

import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_CONSOLE_PORT;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_PORT_ADD;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_PORT_NAME;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_PORT_OPEN;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_PORT_REMOVE;
import static org.vportd.serial.ConsoleLayout.VIRTIO_CONSOLE_RESIZE;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.serial.state.DeviceState;
import org.vportd.serial.state.PortState;
import org.vportd.serial.state.WaitingMessage;
import org.vportd.virtio.queue.VirtQueue;

/**
 * Whether the driver that comes next is one that is known: one whose front-end has left and may be back, or one that was
 * served elsewhere. A driver that begins anew begins its rings anew, which is how a living one is told from it.
 *
 * <pre>{@code
 *   NOBODY --front-end leaves, state remembered--> MAYBE --rings go on--> state taken over
 *     |                                              +----rings are new, or other features--> reset
 *     +-------------state restored---------------> KNOWN --any ring starts--> state taken over
 * }</pre>
 */
final class Handover {
    private final SerialDevice device;
    private final ControlChannel control;
    private Expected expected = Expected.NOBODY;
    /** What is to be taken over; without it, what the ports and the control channel have themselves. */
    private @Nullable DeviceState state;

    private long features;
    /** The state was kept by a process that is gone, with all its connections. */
    private boolean fromThePast;

    private enum Expected {
        NOBODY,
        MAYBE,
        KNOWN
    }

    Handover(SerialDevice device, ControlChannel control) {
        this.device = device;
        this.control = control;
    }

    /** Whether it is still open who comes; queues must not be served then. */
    boolean isPending() {
        return expected != Expected.NOBODY;
    }

    void forget() {
        expected = Expected.NOBODY;
        state = null;
    }

    // --- who comes

    /** The front-end has left, and its guest may come back with another one. */
    void frontendLeaves() {
        device.ports().forEach(SerialPort::driverLeaves);
        if (expected == Expected.NOBODY) {
            features = device.driverFeatures();
            device.ports().forEach(SerialPort::guestLeaves);
        }
        expected = Expected.MAYBE; // also if it was known: another front-end may bring another guest
    }

    /** A driver that has chosen other features is another one. */
    void checkFeatures(long chosen) {
        if (expected == Expected.MAYBE && chosen != features) {
            device.reset();
        }
    }

    /** Expects a driver, for certain or perhaps; the device has been reset. */
    void restore(DeviceState expectedState, boolean certain) {
        state = expectedState;
        fromThePast = !certain;
        features = expectedState.features();
        expected = certain ? Expected.KNOWN : Expected.MAYBE;
    }

    /**
     * A queue starts. Takes over the state if the driver is the one expected, resets the device if it is not.
     *
     * @return whether it is clear now, and queues can be served
     */
    boolean decide(int index, VirtQueue queue) {
        if (expected == Expected.MAYBE) {
            // The one queue that no driver does without for long: every other one may be unused, as if it were new.
            int telling = device.isMultiport() ? ConsoleLayout.CONTROL_TX_QUEUE : ConsoleLayout.txQueue(0);
            if (index != telling) {
                return false;
            }
            if (queue.isNew()) {
                device.reset();
                return true;
            }
        }
        DeviceState elsewhere = state;
        forget();
        if (elsewhere == null) {
            device.ports().forEach(SerialPort::guestReturns);
        } else {
            takeOver(elsewhere);
        }
        return true;
    }

    // --- the state

    DeviceState save() {
        DeviceState elsewhere = state;
        if (elsewhere == null) {
            List<PortState> ports =
                    device.ports().stream().map(SerialPort::save).toList();
            return new DeviceState(
                    device.driverFeatures(),
                    device.options().maxPorts(),
                    control.keepsMessages(),
                    ports,
                    control.messages());
        }
        List<PortState> ports = new ArrayList<>(); // nothing has come of it yet but what was put out past the queues
        for (PortState port : elsewhere.ports()) {
            SerialPort local = device.port(port.id());
            ports.add(local == null ? port : port.withBacklog(join(port.backlog(), local.backlog())));
        }
        return elsewhere.with(ports, elsewhere.messages());
    }

    private static byte[] join(byte[] first, byte[] second) {
        byte[] both = new byte[first.length + second.length];
        System.arraycopy(first, 0, both, 0, first.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }

    /** Refuses the state of a device that is not like this one. */
    void check(DeviceState other) throws ConfigException {
        if (other.maxPorts() != device.options().maxPorts()) {
            throw refusal("max_ports differs: here=" + device.options().maxPorts() + " there=" + other.maxPorts());
        }
        if ((other.features() & ~device.features()) != 0) {
            throw refusal("the driver has features that are not offered here: features=0x"
                    + Long.toHexString(other.features() & ~device.features()));
        }
        for (SerialPort port : device.ports()) {
            if (other.port(port.id()) == null) {
                throw refusal("a port is not there: id=" + port.id() + " type="
                        + port.options().type().optionName());
            }
        }
        for (PortState there : other.ports()) {
            check(there);
        }
        for (WaitingMessage message : other.messages()) {
            check(message);
        }
    }

    private void check(PortState there) throws ConfigException {
        SerialPort here = device.port(there.id());
        if (here == null) {
            throw refusal("a port is not here: id=" + there.id() + " type=" + there.typeName());
        }
        if (!here.isMeantBy(there)) {
            throw refusal("a port differs: id=" + there.id() + " here="
                    + describe(here.options().type().optionName(), here.name()) + " there="
                    + describe(there.typeName(), there.name()));
        }
        if (there.backlog().length > here.backlogCapacity()) {
            throw refusal("a console has more output waiting than it can keep here: id=" + there.id() + " buffer="
                    + here.backlogCapacity() + " waiting=" + there.backlog().length);
        }
    }

    private static String describe(String type, @Nullable String name) {
        return type + (name == null ? " without name" : " named " + name);
    }

    private static void check(WaitingMessage message) throws ConfigException {
        switch (message.event()) {
            case VIRTIO_CONSOLE_PORT_ADD,
                    VIRTIO_CONSOLE_PORT_REMOVE,
                    VIRTIO_CONSOLE_CONSOLE_PORT,
                    VIRTIO_CONSOLE_RESIZE,
                    VIRTIO_CONSOLE_PORT_OPEN,
                    VIRTIO_CONSOLE_PORT_NAME -> {}
            default ->
                throw refusal(
                        "a message waits that no driver is sent: id=" + message.port() + " event=" + message.event());
        }
    }

    private static ConfigException refusal(String reason) {
        return new ConfigException("state of another device: " + reason);
    }

    /** The driver keeps what it knows, and hears what is different. */
    private void takeOver(DeviceState elsewhere) {
        if (elsewhere.ready()) {
            control.restore(elsewhere.messages());
        }
        for (PortState port : elsewhere.ports()) {
            SerialPort here = device.port(port.id());
            if (port.announced() && (here == null || !here.isMeantBy(port))) {
                control.removed(port.id());
            }
        }
        for (SerialPort here : device.ports()) {
            PortState port = elsewhere.port(here.id());
            if (port != null && here.isMeantBy(port)) {
                here.restore(port, control, fromThePast);
            } else if (elsewhere.ready()) {
                here.announce(control);
            }
        }
    }
}
