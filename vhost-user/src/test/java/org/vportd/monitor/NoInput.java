package org.vportd.monitor;

import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevHandler;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;

/** A front-end that reads nothing and hears nothing. */
class NoInput implements ChardevHandler {
    private final IoVector none = new IoVector();

    @Override
    public IoVector receiveBuffers() {
        return none;
    }

    @Override
    public void received(long bytes) {
        throw new AssertionError("there was no room");
    }

    @Override
    public void buffersGone(MemoryFaultException fault) {
        throw new AssertionError(fault);
    }

    @Override
    public boolean isReceiving() {
        return true;
    }

    @Override
    public void onWritable() {}

    @Override
    public void onEvent(ChardevEvent event) {}
}
