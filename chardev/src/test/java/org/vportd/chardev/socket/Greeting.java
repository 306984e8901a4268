package org.vportd.chardev.socket;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.vportd.chardev.ByteStream;
import org.vportd.chardev.ConfigException;
import org.vportd.loop.EventLoop;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.PosixException;

/**
 * A protocol for tests: the peer has to begin with the protocol's own letter, which never reaches the front-end; {@code !}
 * is a break, and a wrong beginning fails the handshake.
 */
final class Greeting implements ByteStream, ByteStream.Owner {
    private final char letter;
    private final Owner owner;
    private final ByteStream beneath;
    private final long memory = NativeMemory.allocate(1);
    private final IoVector buffer = new IoVector();
    private boolean ready;
    private boolean closed;

    private Greeting(char letter, Opener beneath, Owner owner) throws PosixException {
        this.letter = letter;
        this.owner = owner;
        this.beneath = beneath.open(this);
    }

    /** Every protocol is such a greeting; what was asked for is noted down. */
    static final class Layers implements SocketLayers {
        private final List<String> asked = new ArrayList<>();

        /** What was asked for. */
        List<String> asked() {
            return asked;
        }

        @Override
        public boolean isTlsCredentials(Object object) {
            return object instanceof String;
        }

        @Override
        public Layer tls(TlsRequest request) throws ConfigException {
            asked.add("tls credentials=" + request.credentials() + " authz=" + request.authorization() + " server="
                    + request.server() + " host=" + request.host());
            return layer('T');
        }

        @Override
        public Layer websocket() {
            asked.add("websocket");
            return layer('W');
        }

        @Override
        public Layer telnet(boolean tn3270) {
            asked.add(tn3270 ? "tn3270" : "telnet");
            return layer('t');
        }

        private Layer layer(char letter) {
            return new Layer() {
                @Override
                public Opener over(Opener beneath, EventLoop loop, String name) {
                    return owner -> new Greeting(letter, beneath, owner);
                }

                @Override
                public void acquire() {
                    asked.add("+" + letter);
                }

                @Override
                public void release() {
                    asked.add("-" + letter);
                }
            };
        }
    }

    @Override
    public boolean isReady() {
        return ready;
    }

    @Override
    public long write(IoVector data) {
        return beneath.write(data);
    }

    @Override
    public void acceptInput() {
        beneath.acceptInput();
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            beneath.close();
            buffer.close();
            NativeMemory.free(memory);
        }
    }

    @Override
    public IoVector receiveBuffers() {
        if (ready && owner.receiveBuffers().isEmpty()) {
            return owner.receiveBuffers();
        }
        buffer.clear();
        buffer.add(memory, 1);
        return buffer;
    }

    @Override
    public void received(long bytes) {
        char c = (char) NativeMemory.getByte(memory);
        if (ready && c == '!') {
            owner.breakReceived();
        } else if (ready) {
            byte[] one = String.valueOf(c).getBytes(StandardCharsets.ISO_8859_1);
            NativeMemory.put(one, 0, owner.receiveBuffers().segmentAddress(0), 1);
            owner.received(1);
        } else if (c == letter) {
            ready = true;
            owner.ready();
        } else {
            owner.ended();
        }
    }

    @Override
    public void ready() {
        // the peer's letter for this one is still to come
    }

    @Override
    public boolean isReceiving() {
        return !ready || owner.isReceiving();
    }

    @Override
    public void buffersGone(MemoryFaultException fault) {
        owner.buffersGone(fault);
    }

    @Override
    public void writable() {
        owner.writable();
    }

    @Override
    public void breakReceived() {
        owner.breakReceived();
    }

    @Override
    public void ended() {
        owner.ended();
    }
}
