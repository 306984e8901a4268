package org.vportd.vhostuser.backend;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.vportd.posix.EventFd;
import org.vportd.posix.Fd;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.PosixException;
import org.vportd.vhostuser.protocol.MemoryTable;
import org.vportd.vhostuser.protocol.RegionDescription;
import org.vportd.vhostuser.protocol.VringAddress;
import org.vportd.vhostuser.protocol.VringFd;
import org.vportd.vhostuser.protocol.VringState;
import org.vportd.virtio.VirtioFeature;
import org.vportd.virtio.driver.DriverMemory;
import org.vportd.virtio.driver.QueueDriver;

/** A guest as its front-end sees it: memory and rings in it. */
final class TestGuest implements AutoCloseable {
    static final int RING_SIZE = 8;

    private static final long MEMORY_BYTES = 1 << 20;

    final DriverMemory memory;
    private final long features;
    final List<Ring> rings = new ArrayList<>();

    TestGuest(DriverMemory memory, int ringCount) throws PosixException {
        this(memory, ringCount, 0);
    }

    /** One whose rings are as features have it. */
    TestGuest(DriverMemory memory, int ringCount, long features) throws PosixException {
        this.memory = memory;
        this.features = features;
        for (int i = 0; i < ringCount; i++) {
            rings.add(new Ring(i));
        }
    }

    static TestGuest open(int ringCount, long features) throws PosixException {
        return new TestGuest(DriverMemory.open(MEMORY_BYTES), ringCount, features);
    }

    /** The features its rings are made for. */
    long features() {
        return features;
    }

    Ring ring(int index) {
        return rings.get(index);
    }

    List<RegionDescription> regions() {
        return memory.regions().stream()
                .map(r -> new RegionDescription(r.guestAddress(), r.sizeBytes(), r.userAddress(), r.fileOffset()))
                .toList();
    }

    RegionDescription region() {
        return regions().get(0);
    }

    Consumer<ByteBuffer> table() {
        return new MemoryTable(regions())::encode;
    }

    Fd[] files() {
        return memory.regions().stream().map(DriverMemory.Region::file).toArray(Fd[]::new);
    }

    Fd file() {
        return files()[0];
    }

    @Override
    public void close() {
        rings.forEach(Ring::close);
        memory.close();
    }

    /** One ring and its descriptors. */
    final class Ring implements AutoCloseable {
        final int index;
        final QueueDriver driver;
        final EventFd kick = EventFd.open(0);
        final EventFd call = EventFd.open(0);
        final EventFd error = EventFd.open(0);

        private Ring(int index) throws PosixException {
            this.index = index;
            this.driver = QueueDriver.open(memory, RING_SIZE, features, 0);
        }

        Consumer<ByteBuffer> state(int num) {
            return new VringState(index, num)::encode;
        }

        /** Where the ring begins or goes on. */
        int base() {
            boolean packed = VirtioFeature.has(features, VirtioFeature.VIRTIO_F_RING_PACKED);
            return packed ? driver.baseInMemory() : driver.availIndex();
        }

        Consumer<ByteBuffer> num() {
            return state(RING_SIZE);
        }

        VringAddress where() {
            return new VringAddress(
                    index,
                    0,
                    memory.hostAddress(driver.descriptorAddress()),
                    memory.hostAddress(driver.usedAddress()),
                    memory.hostAddress(driver.availAddress()),
                    -1L);
        }

        Consumer<ByteBuffer> address() {
            return where()::encode;
        }

        Consumer<ByteBuffer> withFd() {
            return new VringFd(index, false)::encode;
        }

        Consumer<ByteBuffer> withoutFd() {
            return new VringFd(index, true)::encode;
        }

        /** Makes a chain with a text available; whether there is need to kick. */
        boolean put(String text) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            long at = memory.allocate(bytes.length, 1);
            NativeMemory.put(bytes, 0, memory.hostAddress(at), bytes.length);
            driver.addReadable(at, bytes.length, 0);
            return driver.publish();
        }

        /** Makes a chain with a text available and kicks. */
        void write(String text) throws PosixException {
            put(text);
            kick.signal();
        }

        /** Takes what the device has returned; how many chains. */
        int takeUsed() {
            int n = 0;
            while (driver.poll()) {
                n++;
            }
            return n;
        }

        /** Whether there was a call since the last time. */
        boolean takeCall() throws PosixException {
            return call.drain() > 0;
        }

        @Override
        public void close() {
            kick.close();
            call.close();
            error.close();
        }
    }
}
