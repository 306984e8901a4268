package org.vportd.vhostuser.frontend;

import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.EventFd;
import org.vportd.posix.Fd;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Poll;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;
import org.vportd.virtio.driver.DriverMemory;
import org.vportd.virtio.driver.QueueDriver;

/** A ring of the driver with the descriptors that go with it: the kick, and both ends of the call. */
public final class DriverRing implements AutoCloseable {
    private static final int CALL_BUFFER_BYTES = 4096;

    private final int index;
    private final DriverMemory memory;
    private final QueueDriver driver;
    private final EventFd kick;
    private final Fd callHeard;
    private final Fd callGiven;
    private final long callBuffer = NativeMemory.allocate(CALL_BUFFER_BYTES);
    private @Nullable VhostUserFrontend inband;
    private long kicks;
    private long calls;

    /**
     * Makes a ring that is empty.
     *
     * @param index the queue
     * @param callSocket whether calls come through a stream socket
     */
    DriverRing(int index, DriverMemory memory, QueueDriver driver, boolean callSocket) throws PosixException {
        this.index = index;
        this.memory = memory;
        this.driver = driver;
        this.kick = EventFd.open(0);
        if (callSocket) {
            Fd[] pair = Sockets.pair();
            this.callHeard = pair[0];
            this.callGiven = pair[1];
        } else {
            try (EventFd event = EventFd.open(0)) {
                this.callHeard = event.fd().duplicate();
            }
            this.callGiven = callHeard.duplicate();
        }
    }

    /** The queue. */
    public int index() {
        return index;
    }

    /** The ring itself. */
    public QueueDriver driver() {
        return driver;
    }

    /** Kicks and calls are messages of a front-end from here on, or, with null, go through descriptors. */
    void notifyThrough(@Nullable VhostUserFrontend messages) {
        inband = messages;
    }

    /** Shows the device what was added, and kicks it if it wants that. */
    public void publish() throws IOException {
        if (driver.publish()) {
            kick();
        }
    }

    /** Kicks the device, wanted or not. */
    public void kick() throws IOException {
        kicks++;
        if (inband == null) {
            kick.signal();
        } else {
            inband.vrings().kick(index);
        }
    }

    /** How many kicks were sent. */
    public long kicks() {
        return kicks;
    }

    /** How many calls were heard; those that came together count as one. */
    public long calls() {
        return calls;
    }

    /** Takes the calls that have come. */
    boolean takeCalls() throws IOException {
        boolean called = inband == null
                ? Posix.read(callHeard, callBuffer, CALL_BUFFER_BYTES) > 0
                : inband.backendRequests().takeCall(index);
        if (called) {
            calls++;
        }
        return called;
    }

    /**
     * Takes the calls that have come, and tells how many there were; they do not count as {@link #calls}. Only for calls
     * through eventfds, and not for two threads at a time.
     */
    long drainCalls() throws PosixException {
        return Posix.read(callHeard, callBuffer, Long.BYTES) == Long.BYTES ? NativeMemory.getLong(callBuffer) : 0;
    }

    /** Waits until there is a call, or what may be one. */
    void awaitCall(int timeoutMs) throws IOException {
        Fd channel = inband == null ? null : inband.backendRequests().channel();
        Poll.await(channel == null ? callHeard : channel, Poll.POLLIN, timeoutMs);
    }

    Fd kickFd() {
        return kick.fd();
    }

    /** The end that the driver listens to. */
    Fd callHeard() {
        return callHeard;
    }

    /** The end that the back-end gets. */
    Fd callGiven() {
        return callGiven;
    }

    long userAddress(long guestAddress) {
        return memory.hostAddress(guestAddress); // our own mapping is the front-end's address space
    }

    @Override
    public void close() {
        if (callHeard.isOpen()) {
            kick.close();
            callHeard.close();
            callGiven.close();
            NativeMemory.free(callBuffer);
        }
    }
}
