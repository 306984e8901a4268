package org.vportd.serial;

import java.util.BitSet;
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
    /** Ports that have gone, and whose notes are cleared with the next state. */
    private final BitSet left = new BitSet();

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
        left.clear();
        keeper = null;
        task.cancel();
        device.ports().forEach(port -> port.track(null));
    }

    void plugged(SerialPort port) {
        keep();
        if (keeper != null) {
            port.track(keeper.progress(port.id()));
        }
    }

    /** What the port had to put out is of no use to the next one. */
    void unplugged(SerialPort port) {
        if (keeper != null) {
            left.set(port.id());
            changed();
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
        StateKeeper to = keeper;
        if (!unkept || to == null) {
            return;
        }
        to.keep(device.save()); // which may find that this was the last time
        unkept = false; // now: if this is given up for something else, it is done once more
        for (int id = left.nextSetBit(0); id >= 0; id = left.nextSetBit(id + 1)) {
            to.progress(id).clear();
        }
        left.clear();
    }
}
