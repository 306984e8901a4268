package org.vportd.chardev;

import org.jspecify.annotations.Nullable;
import org.vportd.loop.EventLoop;
import org.vportd.posix.Fd;
import org.vportd.posix.IoVector;
import org.vportd.posix.PosixException;

/** The least that makes a stream a chardev: open until the stream ends. */
final class StreamChardev extends Chardev {
    private final FdStream stream;

    StreamChardev(EventLoop loop, @Nullable Fd input, @Nullable Fd output) throws PosixException {
        super("test");
        this.stream = new FdStream(loop, input, output, new Owner());
        raise(ChardevEvent.OPENED);
    }

    private final class Owner extends StreamOwner {
        @Override
        public void ended() {
            stream.close();
            raise(ChardevEvent.CLOSED);
        }
    }

    @Override
    public String filename() {
        return "test";
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
