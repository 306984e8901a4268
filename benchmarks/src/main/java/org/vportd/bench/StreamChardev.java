package org.vportd.bench;

import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.FdStream;
import org.vportd.loop.EventLoop;
import org.vportd.posix.Fd;
import org.vportd.posix.IoVector;
import org.vportd.posix.PosixException;

/** One end of a socketpair as a character device that is always connected. */
final class StreamChardev extends Chardev {
    private final FdStream stream;

    StreamChardev(EventLoop loop, Fd fd) throws PosixException {
        super("bench");
        this.stream = new FdStream(loop, fd, fd, new Owner());
        raise(ChardevEvent.OPENED);
    }

    private final class Owner extends StreamOwner {
        @Override
        public void ended() {
            raise(ChardevEvent.CLOSED);
        }
    }

    @Override
    public String filename() {
        return "bench";
    }

    @Override
    protected long write(IoVector data) {
        return stream.write(data);
    }

    @Override
    protected void acceptInput() {
        stream.acceptInput();
    }

    @Override
    public void close() {
        stream.close();
    }
}
