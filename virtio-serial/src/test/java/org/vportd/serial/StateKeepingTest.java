package org.vportd.serial;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.vportd.loop.EventLoop;
import org.vportd.posix.NativeMemory;
import org.vportd.serial.state.DeviceState;
import org.vportd.serial.state.StateKeeper;
import org.vportd.virtio.queue.QueueProgress;

/** When state is kept. */
class StateKeepingTest {
    private static final SerialOptions OPTIONS = SerialOptions.defaults().withMaxPorts(4);

    /** Loses memory of others in the middle of keeping, as often as wanted. */
    private static final class Keeper implements StateKeeper, AutoCloseable {
        private final long notes = NativeMemory.allocate((long) OPTIONS.maxPorts() * QueueProgress.LENGTH);
        private final List<DeviceState> kept = new ArrayList<>();
        private int faults;

        @Override
        public void keep(DeviceState state) {
            if (faults-- > 0) {
                throw new InternalError("a fault occurred");
            }
            kept.add(state);
        }

        @Override
        public QueueProgress progress(int port) {
            return new QueueProgress(notes + (long) port * QueueProgress.LENGTH);
        }

        @Override
        public void close() {
            NativeMemory.free(notes);
        }
    }

    @Test
    void shouldKeepOnceMoreWhenGivenUp() throws Exception {
        try (EventLoop loop = EventLoop.open();
                Keeper keeper = new Keeper();
                SerialDevice device = new SerialDevice(loop, OPTIONS, new PortNames(), SerialListener.NONE)) {
            loop.addFaultHandler((fault, anybody) -> true);
            SerialPort port = device.addPort(PortOptions.of(PortOptions.Type.VIRTSERIALPORT), null);
            device.keepIn(keeper);
            keeper.faults = 1;
            device.removePort(port);
            loop.turn(0);
            assertEquals(0, keeper.kept.size());
            loop.turn(0);
            assertEquals(1, keeper.kept.size());
            assertEquals(List.of(), keeper.kept.get(0).ports());
        }
    }
}
