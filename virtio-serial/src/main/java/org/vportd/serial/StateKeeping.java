package org.vportd.serial;

import org.jspecify.annotations.Nullable;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTask;
import org.vportd.serial.state.StateKeeper;

/** Has what is known of a device's driver kept outside of the process, whenever that changes. */
final class StateKeeping {
    private final SerialDevice device;
    private final LoopTask task;
    private @Nullable StateKeeper keeper;
    private boolean unkept;

    StateKeeping(SerialDevice device, EventLoop loop) {
        this.device = device;
        this.task = loop.task(this::keep);
    }

    void begin(StateKeeper newKeeper) {
        keeper = newKeeper;
        device.ports().forEach(this::plugged);
    }

    /** Leaves what has been kept as it is. */
    void end() {
        keeper = null;
        task.cancel();
        device.ports().forEach(port -> port.track(null));
    }

    void plugged(SerialPort port) {
        if (keeper != null) {
            port.track(keeper.progress(port.id()));
        }
    }

    void unplugged(SerialPort port) {
        if (keeper != null) {
            keeper.progress(port.id()).clear(); // it was in what this port had to put out
        }
    }

    /** Something has changed that has to be kept, in this turn of the loop at the latest. */
    void changed() {
        if (keeper != null) {
            unkept = true;
            task.schedule();
        }
    }

    /** Keeps what has changed. */
    void keep() {
        if (unkept && keeper != null) {
            unkept = false;
            keeper.keep(device.save());
        }
    }
}
