package org.vportd.chardev.mux;

import org.vportd.handover.Parcel;
import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;

/** The newest output of a hub, for members that join late. Holds no memory while nobody wants it. */
final class HubHistory implements AutoCloseable {
    private final IoVector part = new IoVector();
    private long memory;
    private int capacity;
    private int end;
    private int length;

    /** Takes over what another one has kept. */
    void inherit(HubHistory former) {
        memory = former.memory;
        capacity = former.capacity;
        end = former.end;
        length = former.length;
        former.memory = 0;
        former.close();
    }

    /** How many bytes it keeps at most, and those it has. */
    void pack(Parcel into) {
        byte[] bytes = new byte[length];
        int start = capacity == 0 ? 0 : Math.floorMod(end - length, capacity);
        int first = Math.min(length, capacity - start);
        NativeMemory.get(memory + start, bytes, 0, first);
        NativeMemory.get(memory, bytes, first, length - first);
        into.put("capacity", capacity).put("newest", bytes);
    }

    void unpack(Parcel from) {
        reserve((int) from.number("capacity", 0));
        try (IoVector newest = new IoVector()) {
            long copy = Multiplexer.restore(from.bytes("newest"), newest);
            record(newest, newest.bytes());
            NativeMemory.free(copy);
        }
    }

    /** Keeps so many bytes from now on, at least what was kept before. */
    void reserve(int bytes) {
        if (bytes <= capacity) {
            return;
        }
        long grown = NativeMemory.allocate(bytes);
        int kept = length;
        copyTo(grown, kept);
        NativeMemory.free(memory);
        memory = grown;
        capacity = bytes;
        length = kept;
        end = kept % capacity;
    }

    /** Adds the front of the data. */
    void record(IoVector data, long bytes) {
        if (capacity == 0) {
            return;
        }
        long kept = Math.min(bytes, capacity);
        part.clear();
        part.addPart(data, bytes - kept, kept);
        end = part.copyToRing(memory, capacity, end); // if the data's memory vanishes on the way, nothing has changed
        length = (int) Math.min(capacity, length + kept);
    }

    private void copyTo(long address, int newest) {
        if (newest > 0) {
            int start = Math.floorMod(end - newest, capacity);
            int first = Math.min(newest, capacity - start);
            NativeMemory.copy(memory + start, address, first);
            NativeMemory.copy(memory, address + first, newest - first);
        }
    }

    /**
     * Copies the newest bytes into memory of their own, which the caller frees.
     *
     * @param to the range is added here
     * @return its address, 0 if there is nothing
     */
    long copy(int maxBytes, IoVector to) {
        int n = Math.min(maxBytes, length);
        if (n == 0) {
            return 0;
        }
        long address = NativeMemory.allocate(n);
        copyTo(address, n);
        to.add(address, n);
        return address;
    }

    @Override
    public void close() {
        part.close();
        NativeMemory.free(memory);
        memory = 0;
        capacity = 0;
        length = 0;
        end = 0;
    }
}
