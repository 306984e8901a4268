package org.vportd.chardev.layer;

import org.vportd.chardev.ByteStream;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.posix.IoVector;
import org.vportd.posix.PosixException;

/** The least that makes a stream of protocols a chardev: open from when it is ready until it ends. */
final class LayerChardev extends Chardev {
    private final ByteStream stream;
    private boolean ended;
    private boolean closed;
    private String resized = "";

    LayerChardev(ByteStream.Opener opener) throws PosixException {
        super("test");
        stream = opener.open(new Owner());
        if (stream.isReady()) {
            raise(ChardevEvent.OPENED);
        }
    }

    private final class Owner extends StreamOwner {
        @Override
        public void ready() {
            raise(ChardevEvent.OPENED);
        }

        @Override
        public void breakReceived() {
            raise(ChardevEvent.BREAK);
        }

        @Override
        public void resized(int columns, int rows) {
            resized = columns + "x" + rows;
        }

        @Override
        public void ended() {
            if (ended) {
                throw new AssertionError("ended twice");
            }
            ended = true;
            close();
            if (isOpen()) {
                raise(ChardevEvent.CLOSED);
            }
        }
    }

    ByteStream stream() {
        return stream;
    }

    boolean hasEnded() {
        return ended;
    }

    /** The size of the window that the peer has told last. */
    String window() {
        return resized;
    }

    @Override
    public String filename() {
        return "test";
    }

    @Override
    protected long write(IoVector data) {
        return closed ? data.bytes() : stream.write(data);
    }

    @Override
    protected void acceptInput() {
        if (!closed) {
            stream.acceptInput();
        }
    }

    @Override
    public void close() {
        closed = true;
        stream.close();
    }
}
