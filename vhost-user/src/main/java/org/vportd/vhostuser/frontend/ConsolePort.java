package org.vportd.vhostuser.frontend;

import java.io.IOException;
import org.vportd.posix.NativeMemory;
import org.vportd.virtio.driver.DriverMemory;
import org.vportd.virtio.driver.QueueDriver;

/** One port as a guest's driver has it: its state, and its two rings with their buffers. Neither method here waits. */
public final class ConsolePort {
    private final int id;
    private final DriverRing rx;
    private final DriverRing tx;
    private final DriverMemory memory;
    private final int bufferBytes;
    private final int buffers;
    private final long rxBuffers;
    private final long txBuffers;

    /** Receive buffers that have come back, in order. */
    private final int[] filled;

    private final int[] filledBytes;
    private int filledHead;
    private int filledCount;
    private int filledOffset;

    private final int[] freeTx;
    private int freeTxCount;

    private boolean present;
    private boolean console;
    private boolean hostOpen;
    private boolean guestOpen;
    private String name = "";
    private int cols;
    private int rows;

    ConsolePort(int id, DriverRing rx, DriverRing tx, DriverMemory memory, int bufferBytes) {
        this.id = id;
        this.rx = rx;
        this.tx = tx;
        this.memory = memory;
        this.bufferBytes = bufferBytes;
        this.buffers = buffersOf(rx.driver().size());
        this.rxBuffers = memory.allocate((long) buffers * bufferBytes, 1);
        this.txBuffers = memory.allocate((long) buffers * bufferBytes, 1);
        this.filled = new int[buffers];
        this.filledBytes = new int[buffers];
        this.freeTx = new int[buffers];
        forget();
    }

    static int buffersOf(int queueSize) {
        return Math.min(queueSize, 1024);
    }

    /** Back to what a port is that nobody knows of; the rings have been reset. */
    void forget() {
        filledHead = 0;
        filledCount = 0;
        filledOffset = 0;
        freeTxCount = buffers;
        for (int i = 0; i < buffers; i++) {
            freeTx[i] = i;
        }
        clearState();
    }

    private void clearState() {
        present = false;
        console = false;
        hostOpen = false;
        guestOpen = false;
        name = "";
        cols = 0;
        rows = 0;
    }

    /** The port has come: gives the device all buffers that it does not have yet. */
    void add() throws IOException {
        present = true;
        if (rx.driver().outstanding() == 0 && filledCount == 0) {
            for (int i = 0; i < buffers; i++) {
                rx.driver().addWritable(rxBuffers + (long) i * bufferBytes, bufferBytes, i);
            }
            rx.publish();
        }
    }

    /** The port has gone; its buffers stay in the rings. */
    void remove() {
        clearState();
    }

    void setConsole() {
        console = true;
    }

    void setHostOpen(boolean open) {
        hostOpen = open;
    }

    void setGuestOpen(boolean open) {
        guestOpen = open;
    }

    void setName(String text) {
        name = text;
    }

    void setSize(int columns, int lines) {
        cols = columns;
        rows = lines;
    }

    /** The number of the port. */
    public int id() {
        return id;
    }

    /** Whether the device has announced it. */
    public boolean isPresent() {
        return present;
    }

    /** Whether it is a console. */
    public boolean isConsole() {
        return console;
    }

    /** Whether the device has said that its side is open. */
    public boolean isHostOpen() {
        return hostOpen;
    }

    /** Whether the driver has said that its side is open. */
    public boolean isGuestOpen() {
        return guestOpen;
    }

    /** Its name; empty if it has none. */
    public String name() {
        return name;
    }

    /** The columns of the console; 0 if unknown. */
    public int cols() {
        return cols;
    }

    /** The lines of the console; 0 if unknown. */
    public int rows() {
        return rows;
    }

    /** The receive queue. Whoever adds to it directly must not call {@link #read}. */
    public DriverRing rx() {
        return rx;
    }

    /** The transmit queue. Whoever adds to it directly must not call {@link #write}. */
    public DriverRing tx() {
        return tx;
    }

    /** The size of each of its buffers. */
    int bufferBytes() {
        return bufferBytes;
    }

    /** Where a receive buffer lies, by its token. */
    long rxBufferAddress(int buffer) {
        return rxBuffers + (long) buffer * bufferBytes;
    }

    /** Takes back the buffers that the device has returned. */
    void poll() {
        QueueDriver driver = tx.driver();
        while (driver.poll()) {
            freeTx[freeTxCount++] = (int) driver.usedToken();
        }
        driver = rx.driver();
        while (filledCount < buffers && driver.poll()) {
            int slot = (filledHead + filledCount) % buffers;
            filled[slot] = (int) driver.usedToken();
            filledBytes[slot] = (int) driver.usedBytes();
            filledCount++;
        }
    }

    /** Whether the device has taken and returned everything written. */
    public boolean isFlushed() {
        poll();
        return tx.driver().outstanding() == 0;
    }

    /**
     * Puts bytes into transmit buffers, as many as fit.
     *
     * @return the bytes taken
     */
    public int write(byte[] from, int offset, int length) throws IOException {
        poll();
        int done = 0;
        while (done < length && freeTxCount > 0) {
            int n = Math.min(bufferBytes, length - done);
            int buffer = freeTx[--freeTxCount];
            long address = txBuffers + (long) buffer * bufferBytes;
            NativeMemory.put(from, offset + done, memory.hostAddress(address), n);
            tx.driver().addReadable(address, n, buffer);
            done += n;
        }
        tx.publish();
        return done;
    }

    /**
     * Takes bytes that have arrived, and gives emptied buffers to the device again.
     *
     * @return the bytes taken; 0 if there are none
     */
    public int read(byte[] to, int offset, int length) throws IOException {
        poll();
        int done = 0;
        while (filledCount > 0 && (done < length || filledBytes[filledHead] == filledOffset)) {
            int buffer = filled[filledHead];
            int n = Math.min(filledBytes[filledHead] - filledOffset, length - done);
            long address = rxBufferAddress(buffer);
            NativeMemory.get(memory.hostAddress(address) + filledOffset, to, offset + done, n);
            done += n;
            filledOffset += n;
            if (filledOffset == filledBytes[filledHead]) {
                filledHead = (filledHead + 1) % buffers;
                filledCount--;
                filledOffset = 0;
                rx.driver().addWritable(address, bufferBytes, buffer);
            }
        }
        rx.publish();
        return done;
    }
}
