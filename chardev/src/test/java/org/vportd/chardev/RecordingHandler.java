package org.vportd.chardev;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;
import org.vportd.posix.NativeMemory;

/** A front-end that takes as much input as the test allows and remembers what it hears. */
public final class RecordingHandler implements ChardevHandler, AutoCloseable {
    private static final int CAPACITY = 65536;

    private final long memory = NativeMemory.allocate(CAPACITY);
    private final IoVector buffers = new IoVector();
    private final List<ChardevEvent> events = new ArrayList<>();
    private final ByteArrayOutputStream input = new ByteArrayOutputStream();
    private final ChardevFrontend frontend = new ChardevFrontend(this);
    private long credit;
    private boolean receiving = true;
    private boolean checksPattern;
    private long receivedBytes;
    private int writableCalls;
    private int faults;
    private final List<WindowSize> sizes = new ArrayList<>();
    private boolean wantsSize;
    private boolean closed;
    private Runnable onWritable = () -> {};

    /** The handle it hears through. */
    public ChardevFrontend frontend() {
        return frontend;
    }

    /** Attaches to a chardev. */
    public RecordingHandler attach(Chardev chardev) {
        try {
            frontend.attach(chardev);
            return this;
        } catch (ConfigException e) {
            throw new AssertionError(e);
        }
    }

    /** Compares input with {@link Pattern} instead of keeping it. */
    public RecordingHandler checkingPattern() {
        checksPattern = true;
        return this;
    }

    /** Allows so many bytes more, and tells the chardev. */
    public RecordingHandler grant(long bytes) {
        credit += bytes;
        frontend.acceptInput();
        return this;
    }

    /** Whether room will come. */
    public void setReceiving(boolean isReceiving) {
        receiving = isReceiving;
        frontend.acceptInput();
    }

    /** What to do when there is room for output. */
    public void whenWritable(Runnable action) {
        onWritable = action;
    }

    /** What has happened so far. */
    public List<ChardevEvent> events() {
        return events;
    }

    /** How often something has happened. */
    public long count(ChardevEvent event) {
        return events.stream().filter(e -> e == event).count();
    }

    /** The input so far, as Latin-1 text. */
    public String text() {
        return input.toString(StandardCharsets.ISO_8859_1);
    }

    /** The amount of input so far. */
    public long receivedBytes() {
        return receivedBytes;
    }

    /** How often there was said to be room for output. */
    public int writableCalls() {
        return writableCalls;
    }

    /** How often the buffers were found gone. */
    public int faults() {
        return faults;
    }

    /** Writes text, in as many segments as it has characters. */
    public long write(String text) {
        return write(text, 1);
    }

    /** Writes text, in segments of so many characters. */
    public long write(String text, int segmentLength) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        long address = NativeMemory.allocate(Math.max(1, bytes.length));
        try (IoVector data = new IoVector()) {
            NativeMemory.put(bytes, 0, address, bytes.length);
            for (int i = 0; i < bytes.length; i += segmentLength) {
                data.add(address + i, Math.min(segmentLength, bytes.length - i));
            }
            return frontend.write(data);
        } finally {
            NativeMemory.free(address);
        }
    }

    /** Has it want the size of the peer's window; to be called before it is attached. */
    public RecordingHandler wantingSize() {
        wantsSize = true;
        return this;
    }

    /** The sizes it was told so far. */
    public List<WindowSize> sizes() {
        return sizes;
    }

    @Override
    public boolean wantsSize() {
        return wantsSize;
    }

    @Override
    public void resized(WindowSize size) {
        sizes.add(size);
    }

    @Override
    public IoVector receiveBuffers() {
        buffers.clear();
        long room = Math.min(credit, CAPACITY);
        buffers.add(memory, room / 3);
        buffers.add(memory + room / 3, room - room / 3);
        return buffers;
    }

    @Override
    public void received(long bytes) {
        if (bytes < 1 || bytes > credit) {
            throw new AssertionError("received=" + bytes + " credit=" + credit);
        }
        credit -= bytes;
        if (checksPattern) {
            Pattern.check(memory, receivedBytes, bytes);
        } else {
            byte[] copy = new byte[(int) bytes];
            NativeMemory.get(memory, copy, 0, copy.length);
            input.write(copy, 0, copy.length);
        }
        receivedBytes += bytes;
    }

    @Override
    public void buffersGone(MemoryFaultException fault) {
        faults++;
    }

    @Override
    public boolean isReceiving() {
        return receiving;
    }

    @Override
    public void onWritable() {
        writableCalls++;
        onWritable.run();
    }

    @Override
    public void onEvent(ChardevEvent event) {
        events.add(event);
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            frontend.detach();
            buffers.close();
            NativeMemory.free(memory);
        }
    }
}
