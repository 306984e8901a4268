package org.vportd.daemon;

import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.vportd.loop.EventLoop;
import org.vportd.serial.SerialDevice;
import org.vportd.serial.SerialOptions;
import org.vportd.serial.state.DeviceState;
import org.vportd.serial.state.StateFile;
import org.vportd.serial.state.StateFormatException;
import org.vportd.serial.state.StateKeeper;
import org.vportd.serial.state.StateRecord;
import org.vportd.virtio.queue.QueueProgress;

/**
 * The state of a device in a file that outlives the process. A file that cannot be used any more, for somebody else has cut
 * it, costs the device nothing but that.
 */
final class KeptState implements StateKeeper, AutoCloseable {
    private static final System.Logger LOGGER = System.getLogger(KeptState.class.getName());

    private final EventLoop loop;
    private final SerialDevice device;
    private final StateRecord record;
    private final EventLoop.FaultHandler faultHandler = this::mayBeGone;
    private boolean gone;

    private KeptState(EventLoop loop, SerialDevice device, StateRecord record) {
        this.loop = loop;
        this.device = device;
        this.record = record;
        loop.addFaultHandler(faultHandler);
    }

    /**
     * Opens the file for all devices.
     *
     * @return null if it is something else, which has been said and is no reason not to start
     * @throws StartException if it cannot be had, or another process has it
     */
    static @Nullable StateFile openFile(String path) throws StartException {
        try {
            return StateFile.open(path);
        } catch (StateFormatException e) {
            LOGGER.log(System.Logger.Level.WARNING, "state file " + path + " is not used: " + e.getMessage());
            return null;
        } catch (IOException e) {
            throw new StartException("cannot use the state file: --state=" + path + ": " + e.getMessage());
        }
    }

    /**
     * Has a device remember what was kept of it, and keeps it from here on.
     *
     * @param loop the device's
     * @param device with its ports; it has no front-end yet
     */
    static KeptState begin(EventLoop loop, StateFile file, SerialDevice device) throws StartException {
        String id = device.options().id();
        try {
            StateRecord record = file.record(id, device.options().maxPorts());
            KeptState kept = new KeptState(loop, device, record);
            DeviceState last = record.last();
            if (last != null) {
                device.remember(last);
                LOGGER.log(System.Logger.Level.INFO, "the guest of an earlier process is known: device=" + id);
            }
            device.keepIn(kept);
            return kept;
        } catch (IOException e) {
            throw new StartException("cannot use the state file: device=" + id + ": " + e.getMessage());
        }
    }

    /** Keeps a device that has been handed over from a process that has kept it in this file. */
    static KeptState takeOver(EventLoop loop, StateFile file, SerialDevice device) throws IOException {
        SerialOptions options = device.options();
        StateRecord record = file.record(options.id(), options.maxPorts());
        KeptState kept = new KeptState(loop, device, record);
        device.keepIn(kept);
        return kept;
    }

    /** Keeps nothing any more: another process does. */
    void handedOver() {
        device.keepElsewhere();
    }

    private boolean mayBeGone(InternalError fault, boolean anybody) {
        if (gone || (!anybody && record.isIntact())) {
            return false;
        }
        giveUp();
        return true;
    }

    private void giveUp() {
        gone = true;
        LOGGER.log(
                System.Logger.Level.WARNING,
                "the state file has been cut, and is not used any more: device="
                        + device.options().id());
        device.keepElsewhere();
    }

    /** Looks first: a fault may be reported late, to whoever is at work then, such as a monitor. */
    @Override
    public void keep(DeviceState state) {
        if (record.isIntact()) {
            record.keep(state);
        } else {
            giveUp();
        }
    }

    @Override
    public QueueProgress progress(int port) {
        return record.progress(port);
    }

    @Override
    public void close() {
        device.keepNoMore(); // with what the end of the session has changed
        loop.removeFaultHandler(faultHandler);
        record.close();
    }
}
