package org.vportd.bench;

import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.posix.IoVector;

/** Has as much input as there is room for, and does not care what bytes that are. */
final class SourceChardev extends Chardev {
    SourceChardev() {
        super("source");
        raise(ChardevEvent.OPENED);
    }

    @Override
    public String filename() {
        return "source";
    }

    @Override
    protected long write(IoVector data) {
        return data.bytes();
    }

    @Override
    protected void acceptInput() {
        IoVector room = receiveBuffers();
        while (!room.isEmpty()) {
            received(room.bytes());
            room = receiveBuffers();
        }
    }

    @Override
    public void close() {}
}
