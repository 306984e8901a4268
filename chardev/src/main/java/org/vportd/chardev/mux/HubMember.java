package org.vportd.chardev.mux;

import org.jspecify.annotations.Nullable;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevFrontend;
import org.vportd.chardev.ChardevHandler;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.WindowSize;
import org.vportd.handover.Parcel;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;
import org.vportd.posix.NativeMemory;

/**
 * A hub's place for one chardev, whichever that is at the time: how far it is ahead of what the hub has taken, and what is
 * still to be replayed to it.
 */
final class HubMember implements ChardevHandler {
    private final HubChardev hub;
    private final HubOptions.Member options;
    private final ChardevFrontend frontend = new ChardevFrontend(this);
    private final IoVector rest = new IoVector();
    private long ahead;
    private long skippedBytes;
    private boolean open;
    private @Nullable WindowSize size;
    private long replay;
    private final IoVector replayed = new IoVector();

    HubMember(HubChardev hub, HubOptions.Member options) {
        this.hub = hub;
        this.options = options;
    }

    /** Goes on where another hub's member with the same chardev stands, which will let go of that. */
    void inherit(HubMember former) {
        ahead = former.ahead;
        skippedBytes = former.skippedBytes;
        open = former.open;
        size = former.size;
        replay = former.replay;
        replayed.addPart(former.replayed, 0, former.replayed.bytes());
        former.replay = 0;
    }

    /** Goes on where a multiplexer stands that will let go of the chardev. */
    void inherit(MuxChardev former, Chardev to) {
        ahead = former.hadOf(to);
        open = to.isOpen();
        replay(former.begunFor(to));
    }

    Parcel pack() {
        return options.pack()
                .put("ahead", ahead)
                .put("skipped", skippedBytes)
                .put("open", open)
                .put("unreplayed", unreplayed());
    }

    /** Goes on where the member of another process stands; a peer that did not come along is met as one that has left. */
    void unpack(Parcel from, Chardev to) {
        skippedBytes = from.number("skipped", 0);
        open = from.flag("open") && to.isOpen();
        if (to.takesOutput()) {
            ahead = from.number("ahead", 0);
            replay(from.bytes("unreplayed"));
        }
    }

    void attach(Chardev to) throws ConfigException {
        frontend.attach(to);
    }

    void detach() {
        frontend.detach();
        forgetReplay();
        rest.close();
    }

    HubOptions.Member options() {
        return options;
    }

    String id() {
        return options.id();
    }

    ChardevFrontend frontend() {
        return frontend;
    }

    boolean takesOutput() {
        return frontend.takesOutput();
    }

    boolean isOpen() {
        return open;
    }

    /** The size of its peer's window, null if that is not there or not known. */
    @Nullable
    WindowSize size() {
        return size;
    }

    long ahead() {
        return ahead;
    }

    long skippedBytes() {
        return skippedBytes;
    }

    /** Whether the hub's front-end is to wait for this one. */
    boolean throttles() {
        return options.slow() == HubOptions.Slow.THROTTLE;
    }

    /** Writes what it has not had yet of data that begins where the hub stands. */
    void offer(IoVector data) {
        if (ahead < data.bytes()) {
            ahead += write(data, ahead);
        }
    }

    private long write(IoVector data, long skip) {
        if (!flushReplay()) {
            return 0;
        }
        if (skip == 0) {
            return frontend.write(data);
        }
        rest.clear();
        rest.addPart(data, skip, data.bytes());
        return frontend.write(rest);
    }

    /** The hub has taken so many bytes, whether or not this one has had them. */
    void advance(long bytes) {
        skippedBytes += Math.max(0, bytes - ahead);
        ahead = Math.max(0, ahead - bytes);
    }

    /** Takes from what the front-end is about to lose, if it has had all that the front-end still holds. */
    void spill(IoVector data, long heldBytes) {
        long had = ahead - heldBytes;
        forget(heldBytes);
        if (had < 0) {
            skippedBytes += data.bytes();
        } else if (had < data.bytes()) {
            skippedBytes += data.bytes() - had - write(data, had);
        }
    }

    /** Has had so much of what the hub is offered next. */
    void skip(long bytes) {
        ahead = bytes;
    }

    /** Only so much of what the front-end still holds will be written again. */
    void forget(long keptBytes) {
        ahead = Math.min(ahead, keptBytes);
    }

    // --- replay

    /** What there was no room for. */
    byte[] unreplayed() {
        return Multiplexer.bytes(replayed);
    }

    private void replay(byte[] bytes) {
        replay = Multiplexer.restore(bytes, replayed);
    }

    private void startReplay() {
        forgetReplay();
        if (options.replayBytes() > 0) {
            ahead = 0; // of another's peer: to this one, everything behind the history is new
            replay = hub.history().copy(options.replayBytes(), replayed);
            flushReplay();
        }
    }

    private boolean flushReplay() {
        if (!replayed.isEmpty()) {
            replayed.consume(frontend.write(replayed));
            if (!replayed.isEmpty()) {
                return false;
            }
        }
        if (replay != 0) {
            forgetReplay();
        }
        return true;
    }

    private void forgetReplay() {
        replayed.close();
        NativeMemory.free(replay);
        replay = 0;
    }

    // --- ChardevHandler

    @Override
    public IoVector receiveBuffers() {
        return hub.buffersFor(this);
    }

    @Override
    public void received(long bytes) {
        hub.receivedFrom(this, bytes);
    }

    @Override
    public void buffersGone(MemoryFaultException fault) {
        hub.memberBuffersGone(fault);
    }

    @Override
    public boolean isReceiving() {
        return hub.isReceivingFor(this);
    }

    @Override
    public boolean wantsSize() {
        return hub.wantsSizeOfMembers();
    }

    @Override
    public void resized(WindowSize newSize) {
        size = newSize;
        hub.memberResized();
    }

    @Override
    public void onWritable() {
        flushReplay();
        hub.memberWritable();
    }

    @Override
    public void onEvent(ChardevEvent event) {
        if (event == ChardevEvent.OPENED) {
            if (!open) { // otherwise another chardev goes on in the place of the last one
                open = true;
                startReplay();
            }
            hub.memberOpened(this);
        } else if (event == ChardevEvent.CLOSED) {
            open = false;
            size = null;
            if (!takesOutput()) {
                forget(0);
                forgetReplay();
            }
            hub.memberClosed(this);
        } else if (event == ChardevEvent.BREAK) {
            hub.memberBreak(this);
        }
    }
}
