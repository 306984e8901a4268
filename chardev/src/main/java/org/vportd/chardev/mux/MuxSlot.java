package org.vportd.chardev.mux;

import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.WindowSize;
import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;

/** The part of a multiplexer that one front-end uses, with what was typed ahead for it. */
final class MuxSlot extends Chardev {
    static final int TYPE_AHEAD_BYTES = 32;

    private final MuxChardev mux;
    private final long typedAhead = NativeMemory.allocate(TYPE_AHEAD_BYTES);
    private final IoVector rest = new IoVector();
    private int typedBytes;
    private boolean waitsForRoom;
    /** How much of what its front-end writes next the chardev under the multiplexer has had already. */
    private long had;

    MuxSlot(MuxChardev mux) {
        super(mux.id());
        this.mux = mux;
    }

    @Override
    public String filename() {
        return mux.filename();
    }

    @Override
    protected void frontendChanged(boolean isThere) {
        if (isThere) {
            mux.occupied(this);
        } else {
            waitsForRoom = false;
            had = 0;
            mux.vacated(this);
        }
    }

    @Override
    public boolean takesOutput() {
        return mux.takesOutput();
    }

    @Override
    protected long write(IoVector data) {
        long n = had == 0 ? mux.writeFor(data) : writeRest(data);
        waitsForRoom |= n < data.bytes();
        return n;
    }

    private long writeRest(IoVector data) {
        long skipped = Math.min(had, data.bytes());
        rest.clear();
        rest.addPart(data, skipped, data.bytes());
        had -= skipped;
        return skipped + (rest.isEmpty() ? 0 : mux.writeFor(rest));
    }

    /** Leaves out what comes first of the next output. */
    void skip(long bytes) {
        had = bytes;
    }

    long had() {
        return had;
    }

    @Override
    protected void spill(IoVector data, long heldBytes) {
        had = Math.min(had, heldBytes);
    }

    @Override
    protected void forget(long keptBytes) {
        had = Math.min(had, keptBytes);
    }

    void roomAgain() {
        if (waitsForRoom) {
            waitsForRoom = false;
            writable();
        }
    }

    void happened(ChardevEvent event) {
        raise(event);
    }

    void resized(WindowSize size) {
        raiseSize(size.columns(), size.rows());
    }

    boolean isSizeWanted() {
        return wantsSize();
    }

    // --- input

    /** How much it can be given now: what it takes, or keeps. */
    int room(int most) {
        if (typedBytes == 0) {
            return (int)
                    Math.max(TYPE_AHEAD_BYTES, Math.min(most, receiveBuffers().bytes()));
        }
        return TYPE_AHEAD_BYTES - typedBytes;
    }

    byte[] typedAhead() {
        return Multiplexer.bytes(typedAhead, typedBytes);
    }

    void restore(byte[] typed) {
        typedBytes = Math.min(typed.length, TYPE_AHEAD_BYTES);
        NativeMemory.put(typed, 0, typedAhead, typedBytes);
    }

    boolean hasRoomSoon() {
        return typedBytes < TYPE_AHEAD_BYTES || isReceiving();
    }

    /** Gives it input, or keeps that for it; answers how much. */
    int give(long address, int length) {
        int given = typedBytes == 0 ? deliver(address, length) : 0;
        int kept = Math.min(length - given, TYPE_AHEAD_BYTES - typedBytes);
        NativeMemory.copy(address + given, typedAhead + typedBytes, kept);
        typedBytes += kept;
        return given + kept;
    }

    @Override
    protected void acceptInput() {
        mux.slotAcceptsInput();
    }

    void giveTypedAhead() {
        int given = typedBytes == 0 ? 0 : deliver(typedAhead, typedBytes);
        if (given > 0) {
            typedBytes -= given;
            NativeMemory.copy(typedAhead + given, typedAhead, typedBytes);
        }
    }

    @Override
    public void close() {
        rest.close();
        NativeMemory.free(typedAhead);
    }
}
