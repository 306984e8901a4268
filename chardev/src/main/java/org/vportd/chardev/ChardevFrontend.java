package org.vportd.chardev;

import org.jspecify.annotations.Nullable;
import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;

/**
 * The handle through which a port, a monitor or a multiplexer uses a chardev. Its user never keeps the chardev itself, so
 * that another one can be put in its place.
 */
public final class ChardevFrontend {
    private final ChardevHandler handler;
    private @Nullable Chardev chardev;
    /** Taken by a chardev that has been replaced, and not put out: comes before everything else. */
    private final IoVector owed = new IoVector();

    private long owedMemory;
    private boolean open;
    private boolean frozen;

    /** Makes a handle without a chardev. */
    public ChardevFrontend(ChardevHandler handler) {
        this.handler = handler;
    }

    ChardevHandler handler() {
        return handler;
    }

    /**
     * Connects to a chardev; if that is open, the handler hears OPENED before this returns.
     *
     * @throws ConfigException if it has a front-end already, or as many as it can have
     */
    public void attach(Chardev backend) throws ConfigException {
        if (chardev != null) {
            throw new IllegalStateException("has a chardev already: id=" + chardev.id());
        }
        backend.checkPlace();
        Chardev place = backend.place();
        chardev = place;
        place.setFrontend(this);
        owe(backend.nextDebt());
        place.frontendOpened(open);
        if (place.isOpen()) {
            handler.onEvent(ChardevEvent.OPENED);
        }
        tellSize(place);
        place.acceptInput(); // what waits comes after OPENED
    }

    /**
     * Puts another chardev in the place of the present one, which has let go of this front-end already.
     *
     * @param wasOpen whether the present one was open
     * @param successor has a place left
     */
    void moveTo(Chardev successor, boolean wasOpen) {
        Chardev place = successor.place();
        chardev = place;
        place.setFrontend(this);
        place.frontendOpened(open);
        if (place.isOpen()) {
            happened(ChardevEvent.OPENED);
        } else if (wasOpen) {
            happened(ChardevEvent.CLOSED);
        }
        tellSize(place);
        if (chardev == place) {
            writable(); // what the other one had not taken is tried anew
        }
        if (chardev == place) {
            place.acceptInput();
        }
    }

    private void tellSize(Chardev place) {
        WindowSize size = place.windowSize();
        if (chardev == place && size != null) {
            handler.resized(size);
        }
    }

    /** Lets the chardev go until {@link #moveTo}; tells whether it was open. */
    boolean leave() {
        Chardev left = chardev;
        if (left == null) {
            throw new IllegalStateException("has no chardev");
        }
        boolean wasOpen = left.isOpen();
        left.setFrontend(null);
        chardev = null;
        return wasOpen;
    }

    /** Lets the chardev go to another process: from now on nothing is taken here, and the handler hears nothing. */
    void freeze() {
        if (chardev != null) {
            chardev.dropFrontend();
            chardev = null;
            frozen = true;
            dropOwed();
        }
    }

    /** Lets the chardev go. The handler hears nothing. */
    public void detach() {
        if (chardev != null) {
            chardev.forget(0); // whoever comes next has something else to write
        }
        passOn();
    }

    /** Lets the chardev go to another handle, which goes on writing where this one is. The handler hears nothing. */
    public void passOn() {
        if (chardev != null) {
            chardev.frontendOpened(false);
            chardev.setFrontend(null);
            chardev = null;
        }
        dropOwed();
    }

    /** Whether there is a chardev. */
    public boolean isAttached() {
        return chardev != null;
    }

    /** The id of the chardev, empty if there is none. */
    public String chardevId() {
        return chardev == null ? "" : chardev.id();
    }

    /** Stands for the peer of the chardev, see {@link Chardev#peer}; null without a chardev. */
    public @Nullable Object peer() {
        return chardev == null ? null : chardev.peer();
    }

    /** Whether there is a chardev with a peer. */
    public boolean isBackendOpen() {
        return chardev != null && chardev.isOpen();
    }

    /** Whether output goes anywhere now. */
    public boolean takesOutput() {
        return frozen || (chardev != null && chardev.takesOutput());
    }

    /** Whether the handle's own user is there, see {@link #setOpen}. */
    public boolean isOpen() {
        return open;
    }

    /** Tells the chardev whether the handle's own user is there. */
    public void setOpen(boolean isOpen) {
        if (open != isOpen) {
            open = isOpen;
            if (chardev != null) {
                chardev.frontendOpened(isOpen);
            }
        }
    }

    /**
     * Writes to the chardev.
     *
     * @return as {@link Chardev#write}; without a chardev all is taken and dropped, unless it was handed over
     */
    public long write(IoVector data) {
        if (chardev != null) {
            return flushOwed(chardev) ? chardev.output(data) : 0;
        }
        return frozen ? 0 : data.bytes();
    }

    /** What is to be written before anything else. */
    public byte[] owed() {
        byte[] bytes = new byte[(int) owed.bytes()];
        if (bytes.length > 0) {
            NativeMemory.get(owed.segmentAddress(0), bytes, 0, bytes.length);
        }
        return bytes;
    }

    /** Has bytes written before anything else, from when the chardev has room. */
    public void owe(byte[] bytes) {
        if (bytes.length > 0) {
            long memory = NativeMemory.allocate(owed.bytes() + bytes.length);
            int before = owed.copyTo(memory, (int) owed.bytes());
            NativeMemory.put(bytes, 0, memory + before, bytes.length);
            dropOwed();
            owedMemory = memory;
            owed.add(memory, before + bytes.length);
        }
    }

    private boolean flushOwed(Chardev to) {
        if (owedMemory == 0) {
            return true;
        }
        owed.consume(to.output(owed));
        if (owed.isEmpty()) {
            dropOwed();
        }
        return owed.isEmpty();
    }

    private void dropOwed() {
        if (owedMemory != 0) {
            owed.close();
            NativeMemory.free(owedMemory);
            owedMemory = 0;
        }
    }

    /** The chardev has room. */
    void writable() {
        if (chardev == null || flushOwed(chardev)) {
            handler.onWritable();
        }
    }

    /** Something happened to the chardev. */
    void happened(ChardevEvent event) {
        if (event == ChardevEvent.CLOSED && !takesOutput()) {
            dropOwed(); // it is not for the next peer
        }
        handler.onEvent(event);
    }

    /** Says that data which comes after what was not taken is going to be lost, see {@link Chardev#spill}. */
    public void spill(IoVector data, long heldBytes) {
        if (chardev != null) {
            chardev.spill(data, owed.bytes() + heldBytes);
        }
    }

    /** Says that what was not taken will not be written again, except for its beginning, see {@link Chardev#forget}. */
    public void forget(long keptBytes) {
        if (chardev != null) {
            chardev.forget(owed.bytes() + keptBytes);
        }
    }

    /** Tells the chardev to look for room, or for its absence, again. */
    public void acceptInput() {
        if (chardev != null) {
            chardev.acceptInput();
        }
    }
}
