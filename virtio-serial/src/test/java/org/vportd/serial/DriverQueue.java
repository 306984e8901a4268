package org.vportd.serial;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.LittleEndian;
import org.vportd.posix.NativeMemory;
import org.vportd.virtio.VirtioFeature;
import org.vportd.virtio.driver.DriverMemory;
import org.vportd.virtio.driver.QueueDriver;
import org.vportd.virtio.memory.GuestMemory;
import org.vportd.virtio.queue.PackedLayout;
import org.vportd.virtio.queue.QueueConfig;
import org.vportd.virtio.queue.SplitLayout;
import org.vportd.virtio.queue.VirtQueue;

/**
 * One queue from both ends: the driver's ring with buffers of its own, and what the transport holds of it. Kicks only if
 * the device wants that, so that a device which forgets to ask for kicks stands still.
 */
final class DriverQueue {
    private final DriverMemory memory;
    private final QueueDriver ring;
    private final long features;
    private final boolean indirect;
    private final Runnable kick;
    private @Nullable VirtQueue queue;
    private int base;
    private Runnable onCall = () -> {};
    private int calls;
    private int kicks;

    DriverQueue(DriverMemory memory, int size, long features, Runnable kick) {
        this.memory = memory;
        this.features = features;
        this.indirect = VirtioFeature.has(features, VirtioFeature.VIRTIO_F_INDIRECT_DESC);
        this.ring = QueueDriver.open(memory, size, features, indirect ? 16 : 0);
        this.base = ring.firstBase();
        this.kick = kick;
    }

    // --- the transport's part

    VirtQueue start(GuestMemory deviceMemory) {
        QueueConfig config = new QueueConfig(
                ring.size(),
                deviceMemory.guestRange(ring.descriptorAddress(), 1),
                deviceMemory.guestRange(ring.availAddress(), 1),
                deviceMemory.guestRange(ring.usedAddress(), 1),
                base,
                VirtioFeature.rings(features));
        VirtQueue started = VirtQueue.open(config, deviceMemory, this::called);
        queue = started;
        return started;
    }

    private void called() {
        calls++;
        onCall.run();
    }

    /** What to do, besides counting, when the device calls. */
    void whenCalled(Runnable action) {
        onCall = action;
    }

    boolean isStarted() {
        return queue != null;
    }

    /** After the device has given the queue back. */
    void stopped() {
        if (queue != null) {
            base = queue.base();
            queue.close();
            queue = null;
        }
    }

    int base() {
        return base;
    }

    /** The base when so many chains, of one descriptor each, have been returned in all. */
    int baseAfter(int chains) {
        if (!VirtioFeature.has(features, VirtioFeature.VIRTIO_F_RING_PACKED)) {
            return chains;
        }
        return PackedLayout.base(PackedLayout.advance(PackedLayout.FIRST_CURSOR, chains, ring.size()));
    }

    /** A new driver has come. */
    void reset() {
        ring.reset();
        base = ring.firstBase();
    }

    // --- the driver's part

    QueueDriver ring() {
        return ring;
    }

    int calls() {
        return calls;
    }

    int kicks() {
        return kicks;
    }

    /** Shows the device what was added, and kicks it if it wants that. */
    DriverQueue publish() {
        if (ring.publish() && queue != null) {
            kicks++;
            kick.run();
        }
        return this;
    }

    /** Kicks whether the device wants it or not. */
    void kickAnyway() {
        kick.run();
    }

    /** Adds a chain for the device to read, one descriptor a part. */
    DriverQueue add(byte[]... parts) {
        for (byte[] part : parts) {
            ring.readable(put(part), part.length);
        }
        submit(0);
        return this;
    }

    private void submit(long token) {
        int head = indirect ? ring.submitIndirect(token) : ring.submit(token);
        if (head == QueueDriver.FULL) {
            throw new AssertionError("ring is full: size=" + ring.size());
        }
    }

    /** Sends text in one descriptor a part, as one chain. */
    void send(String... parts) {
        byte[][] bytes = new byte[parts.length][];
        for (int i = 0; i < parts.length; i++) {
            bytes[i] = parts[i].getBytes(StandardCharsets.ISO_8859_1);
        }
        add(bytes).publish();
    }

    private long put(byte[] bytes) {
        long address = memory.allocate(Math.max(1, bytes.length), 1);
        NativeMemory.put(bytes, 0, memory.hostAddress(address), bytes.length);
        return address;
    }

    /** Adds a chain for the device to write, one descriptor a length. */
    DriverQueue post(int... lengths) {
        long address = -1;
        for (int length : lengths) {
            long part = memory.allocate(Math.max(1, length), 1); // adjacent to the one before
            address = address == -1 ? part : address;
            ring.writable(part, length);
        }
        submit(address);
        return this;
    }

    /** Posts buffers of a length until no descriptor is left. */
    DriverQueue fill(int length) {
        while (ring.free() > 0) {
            post(length);
        }
        return publish();
    }

    /** Takes back chains that the device has read; fails if it says that it has written to one. */
    int completed() {
        int count = 0;
        while (ring.poll()) {
            if (ring.usedBytes() != 0) {
                throw new AssertionError("device claims to have written: len=" + ring.usedBytes());
            }
            count++;
        }
        return count;
    }

    /** Takes back chains that the device has written. */
    List<byte[]> filled() {
        List<byte[]> all = new ArrayList<>();
        while (ring.poll()) {
            byte[] bytes = new byte[(int) ring.usedBytes()];
            if (bytes.length > 0) {
                NativeMemory.get(memory.hostAddress(ring.usedToken()), bytes, 0, bytes.length);
            }
            all.add(bytes);
        }
        return all;
    }

    /** Takes back chains that the device has written, and posts as many again. */
    List<byte[]> filledAndPosted(int length) {
        List<byte[]> all = filled();
        for (int i = 0; i < all.size(); i++) {
            post(length);
        }
        publish();
        return all;
    }

    /** All that the device has written since the last time, as text. */
    String text() {
        StringBuilder text = new StringBuilder();
        filled().forEach(bytes -> text.append(new String(bytes, StandardCharsets.ISO_8859_1)));
        return text.toString();
    }

    // --- what no driver does

    /** Writes a descriptor past all rules. */
    void descriptor(int index, long address, long length, int flags, int next) {
        long entry = memory.hostAddress(ring.descriptorAddress() + (long) index * SplitLayout.DESC_LENGTH);
        LittleEndian.putLong(entry, address);
        LittleEndian.putLong(
                entry + SplitLayout.DESC_LEN_OFFSET, (length & 0xffff_ffffL) | (long) flags << 32 | (long) next << 48);
    }

    /** Makes a chain available past all rules, and kicks. */
    void offer(int head) {
        long avail = memory.hostAddress(ring.availAddress());
        int index = LittleEndian.getU16(avail + SplitLayout.IDX_OFFSET);
        enter(index, head);
        setAvailIndex(index + 1);
    }

    /** Writes an entry of the available ring without making it available. */
    void enter(int index, int head) {
        int slot = index & (ring.size() - 1);
        LittleEndian.putU16(memory.hostAddress(ring.availAddress()) + SplitLayout.RING_OFFSET + 2L * slot, head);
    }

    /** Claims so many chains, and kicks. */
    void setAvailIndex(int index) {
        putAvailIndex(index);
        kick.run();
    }

    /** Claims so many chains. */
    void putAvailIndex(int index) {
        LittleEndian.putU16(memory.hostAddress(ring.availAddress()) + SplitLayout.IDX_OFFSET, index);
    }

    /** The used index as it stands in memory. */
    int usedIndex() {
        return LittleEndian.getU16(memory.hostAddress(ring.usedAddress()) + SplitLayout.IDX_OFFSET);
    }
}
