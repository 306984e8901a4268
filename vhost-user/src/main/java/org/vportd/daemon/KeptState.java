package org.vportd.daemon;

import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.vportd.loop.EventLoop;
import org.vportd.serial.SerialDevice;
import org.vportd.serial.state.DeviceState;
import org.vportd.serial.state.StateFile;
import org.vportd.serial.state.StateFormatException;
import org.vportd.serial.state.StateRecord;

/**
 * The state of a device in a file that outlives the process. A file that cannot be used any more, for somebody else has cut
 * it, costs the device nothing but that.
 */
final class KeptState implements AutoCloseable {
    private static final System.Logger LOGGER = System.getLogger(KeptState.class.getName());

    private final EventLoop loop;
    private final String path;
    private final SerialDevice device;
    private final StateFile file;
    private final StateRecord record;
    private final EventLoop.FaultHandler faultHandler = this::mayBeGone;
    private boolean gone;

    private KeptState(EventLoop loop, String path, SerialDevice device, StateFile file, StateRecord record) {
        this.loop = loop;
        this.path = path;
        this.device = device;
        this.file = file;
        this.record = record;
        loop.addFaultHandler(faultHandler);
    }

    /**
     * Has a device remember what was kept of it, and keeps it from here on.
     *
     * @param device with its ports; it has no front-end yet
     * @return null if the file is something else, which has been said and is no reason not to start
     * @throws StartException if the file cannot be had, or another process has it
     */
    static @Nullable KeptState open(EventLoop loop, String path, SerialDevice device) throws StartException {
        try {
            StateFile file = StateFile.open(path);
            try {
                StateRecord record =
                        file.record(device.options().id(), device.options().maxPorts());
                KeptState kept = new KeptState(loop, path, device, file, record);
                DeviceState last = record.last();
                if (last != null) {
                    device.remember(last);
                    LOGGER.log(
                            System.Logger.Level.INFO,
                            "state file " + path + ": the guest of an earlier process is known");
                }
                device.keepIn(record);
                return kept;
            } catch (IOException | RuntimeException e) {
                file.close();
                throw e;
            }
        } catch (StateFormatException e) {
            LOGGER.log(System.Logger.Level.WARNING, "state file " + path + " is not used: " + e.getMessage());
            return null;
        } catch (IOException e) {
            throw new StartException("cannot use the state file: --state=" + path + ": " + e.getMessage());
        }
    }

    private boolean mayBeGone(InternalError fault, boolean anybody) {
        if (gone || (!anybody && record.isIntact())) {
            return false;
        }
        gone = true;
        LOGGER.log(System.Logger.Level.WARNING, "state file " + path + " has been cut, and is not used any more");
        device.keepNoMore();
        return true;
    }

    @Override
    public void close() {
        loop.removeFaultHandler(faultHandler);
        record.close();
        file.close();
    }
}
