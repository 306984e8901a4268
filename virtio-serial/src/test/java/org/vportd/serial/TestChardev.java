package org.vportd.serial;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTask;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;
import org.vportd.posix.NativeMemory;

/**
 * A chardev whose peer is the test: it has as much room for output as the test allows, and input as the test feeds. Output
 * is kept, or compared with {@link Pattern}; input is text, or {@link Pattern}. Allocates nothing while patterns flow.
 */
class TestChardev extends Chardev {
    static final long UNLIMITED = Long.MAX_VALUE / 2;

    private final LoopTask inputTask;
    private final ByteArrayOutputStream output = new ByteArrayOutputStream();
    private final List<Boolean> frontendStates = new ArrayList<>();
    private long room = UNLIMITED;
    private boolean waitsForRoom;
    private boolean checksPattern;
    private boolean counts;
    private long takenBytes;
    private long droppedBytes;
    private int writes;
    private byte[] input = {};
    private boolean feedsPattern;
    private long inputAt;
    private long inputEnd;
    private long readLimit = UNLIMITED;

    TestChardev(EventLoop loop, String id) {
        super(id);
        inputTask = loop.task(this::pump);
    }

    private boolean outputGoesOn;
    private boolean losesOutput;

    /** The peer comes. */
    TestChardev open() {
        raise(ChardevEvent.OPENED);
        return this;
    }

    /** The peer leaves. */
    /** The peer's window has a size. */
    void resize(int columns, int rows) {
        raiseSize(columns, rows);
    }

    /** Whether the front-end wants to know that. */
    boolean isAskedForSize() {
        return wantsSize();
    }

    void hangUp() {
        waitsForRoom = false;
        raise(ChardevEvent.CLOSED);
    }

    /** Its input ends, while its output goes on, as with a file. */
    void endInput() {
        outputGoesOn = true;
        raise(ChardevEvent.CLOSED);
    }

    /** Takes so many bytes more and no others. */
    TestChardev limitRoom(long bytes) {
        room = bytes;
        return this;
    }

    /** The peer reads. */
    void makeRoom(long bytes) {
        room = Math.min(UNLIMITED, room + bytes);
        if (waitsForRoom) {
            waitsForRoom = false;
            writable();
        }
    }

    TestChardev checkPattern() {
        checksPattern = true;
        return this;
    }

    /** Looks at no output. */
    TestChardev countOnly() {
        counts = true;
        return this;
    }

    /** The bytes of output that the peer has got. */
    long takenBytes() {
        return takenBytes;
    }

    /** The bytes of output that came while there was no peer. */
    long droppedBytes() {
        return droppedBytes;
    }

    int writes() {
        return writes;
    }

    String text() {
        return output.toString(StandardCharsets.ISO_8859_1);
    }

    /** What the front-end has said of its own user, in order. */
    List<Boolean> frontendStates() {
        return frontendStates;
    }

    /** The peer sends text, once what it sent before has been taken. */
    void feed(String text) {
        byte[] bytes = new byte[(int) (inputEnd - inputAt) + text.length()];
        System.arraycopy(input, (int) inputAt, bytes, 0, (int) (inputEnd - inputAt));
        System.arraycopy(
                text.getBytes(StandardCharsets.ISO_8859_1), 0, bytes, (int) (inputEnd - inputAt), text.length());
        input = bytes;
        inputAt = 0;
        inputEnd = bytes.length;
        inputTask.schedule();
    }

    /** The peer sends so many bytes more of the pattern. */
    void feedPattern(long bytes) {
        feedsPattern = true;
        inputEnd += bytes;
        inputTask.schedule();
    }

    /** The most that one read takes. */
    void limitReads(long bytes) {
        readLimit = bytes;
    }

    /** The input that is still with the peer. */
    long pendingInput() {
        return inputEnd - inputAt;
    }

    /** The memory that input was to go to is gone. */
    void loseBuffers() {
        buffersGone(new MemoryFaultException("readv"));
    }

    boolean receives() {
        return isReceiving();
    }

    @Override
    public String filename() {
        return "test";
    }

    @Override
    public boolean takesOutput() {
        return isOpen() || outputGoesOn;
    }

    /** The memory of the next output turns out to be gone. */
    void loseOutput() {
        losesOutput = true;
    }

    @Override
    protected long write(IoVector data) {
        writes++;
        if (losesOutput) {
            losesOutput = false;
            throw new MemoryFaultException("writev");
        }
        if (!isOpen() && !outputGoesOn) {
            droppedBytes += data.bytes();
            return data.bytes();
        }
        long n = Math.min(room, data.bytes());
        room -= n;
        waitsForRoom = n < data.bytes();
        long left = n;
        for (int i = 0; left > 0; i++) {
            long part = Math.min(left, data.segmentBytes(i));
            take(data.segmentAddress(i), part);
            left -= part;
        }
        return n;
    }

    private void take(long address, long bytes) {
        if (checksPattern) {
            Pattern.check(address, takenBytes, bytes);
        } else if (!counts) {
            byte[] copy = new byte[(int) bytes];
            NativeMemory.get(address, copy, 0, copy.length);
            output.write(copy, 0, copy.length);
        }
        takenBytes += bytes;
    }

    @Override
    protected void acceptInput() {
        inputTask.schedule();
    }

    private void pump() {
        while (isOpen() && inputAt < inputEnd) {
            IoVector buffers = receiveBuffers();
            if (buffers.isEmpty()) {
                return;
            }
            long n = Math.min(Math.min(buffers.bytes(), inputEnd - inputAt), readLimit);
            long done = 0;
            for (int i = 0; done < n; i++) {
                long part = Math.min(n - done, buffers.segmentBytes(i));
                give(buffers.segmentAddress(i), part);
                done += part;
            }
            received(n);
        }
    }

    private void give(long address, long bytes) {
        if (feedsPattern) {
            Pattern.fill(address, inputAt, bytes);
        } else {
            NativeMemory.put(input, (int) inputAt, address, (int) bytes);
        }
        inputAt += bytes;
    }

    @Override
    protected void frontendOpened(boolean isOpen) {
        frontendStates.add(isOpen);
    }

    @Override
    public void close() {
        inputTask.cancel();
    }
}
