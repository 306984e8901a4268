package org.vportd.chardev.layer;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import org.vportd.chardev.ByteStream;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTask;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;
import org.vportd.posix.NativeMemory;

/** A connection that takes a few bytes at a time, so that output is cut everywhere. */
final class TrickleStream implements ByteStream {
    private final Owner owner;
    private final LoopTask writableTask;
    private final ByteArrayOutputStream output = new ByteArrayOutputStream();
    private int portion;
    private boolean faulty;
    private boolean dropping;
    private boolean closed;

    TrickleStream(EventLoop loop, int portion, Owner owner) {
        this.owner = owner;
        this.portion = portion;
        this.writableTask = loop.task(owner::writable);
    }

    /** How much is taken at a time from now on. */
    void setPortion(int bytes) {
        portion = bytes;
    }

    /** Has all memory seem to be gone. */
    void setFaulty(boolean isFaulty) {
        faulty = isFaulty;
    }

    /** Takes everything from now on, and forgets it. */
    void setDropping() {
        dropping = true;
    }

    String text() {
        return output.toString(StandardCharsets.ISO_8859_1);
    }

    byte[] bytes() {
        return output.toByteArray();
    }

    /** Has input arrive. */
    void give(byte[] input) {
        IoVector buffers = owner.receiveBuffers();
        long memory = NativeMemory.allocate(input.length);
        NativeMemory.put(input, 0, memory, input.length);
        int n = buffers.copyFrom(memory, input.length);
        NativeMemory.free(memory);
        if (n < input.length) {
            throw new AssertionError("no room for input");
        }
        owner.received(n);
    }

    @Override
    public long write(IoVector data) {
        if (closed) {
            throw new AssertionError("written after the end");
        }
        if (dropping) {
            return data.bytes();
        }
        if (faulty) {
            throw new MemoryFaultException("test");
        }
        int n = (int) Math.min(portion, data.bytes());
        byte[] taken = new byte[n];
        long memory = NativeMemory.allocate(n + 1L);
        data.copyTo(memory, n);
        NativeMemory.get(memory, taken, 0, n);
        NativeMemory.free(memory);
        output.write(taken, 0, n);
        if (n < data.bytes() && n > 0) {
            writableTask.schedule();
        }
        return n;
    }

    @Override
    public void acceptInput() {}

    @Override
    public void close() {
        closed = true;
        writableTask.cancel();
    }
}
