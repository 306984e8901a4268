package org.vportd.daemon;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A client of a socket chardev that does what it likes and never waits. All it says are letters from a to p. */
final class ChaosPeer implements AutoCloseable {
    private static final Pattern UNIX = Pattern.compile("(?:disconnected:)?unix:([^,]*),server=on");
    private static final Pattern INET = Pattern.compile("(?:disconnected:)?[a-z]+:127\\.0\\.0\\.1:(\\d+),server=on.*");
    private static final String[] BEGINNINGS = {
        "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003", // of a TLS handshake
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgr", // of that of a WebSocket
        String.join(
                "\r\n",
                "GET / HTTP/1.1",
                "Host: x",
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
                "Sec-WebSocket-Protocol: binary",
                "",
                ""),
    };

    private final SocketChannel channel;
    private final boolean isPlain;
    /** Whether what it says is data only after a handshake. */
    private final boolean hasHandshake;

    private final ByteBuffer buffer = ByteBuffer.allocate(16 * 1024);

    private ChaosPeer(SocketChannel channel, boolean isPlain, boolean hasHandshake) {
        this.channel = channel;
        this.isPlain = isPlain;
        this.hasHandshake = hasHandshake;
    }

    /** Connects to where a chardev listens; null if it does not, or has no room. */
    static @Nullable ChaosPeer connect(String filename) throws IOException {
        Matcher unix = UNIX.matcher(filename);
        Matcher inet = INET.matcher(filename);
        SocketAddress address;
        if (unix.matches()) {
            address = UnixDomainSocketAddress.of(unix.group(1));
        } else if (inet.matches()) {
            address = new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(inet.group(1)));
        } else {
            return null;
        }
        SocketChannel channel = unix.matches() ? SocketChannel.open(StandardProtocolFamily.UNIX) : SocketChannel.open();
        try {
            channel.configureBlocking(false);
            boolean unused = channel.connect(address);
            boolean isTelnet = filename.contains("telnet:");
            return new ChaosPeer(channel, unix.matches(), !unix.matches() && !isTelnet);
        } catch (IOException e) {
            channel.close();
            return null;
        }
    }

    private boolean isConnected() throws IOException {
        return channel.isConnected() || channel.finishConnect();
    }

    /** Writes letters, as many as there is room for. False if the other end has gone. */
    boolean write(SplittableRandom random, int length) {
        byte[] letters = new byte[length];
        for (int i = 0; i < length; i++) {
            letters[i] = (byte) ('a' + random.nextInt(16));
        }
        return write(ByteBuffer.wrap(letters));
    }

    /** Begins a handshake, which may be one that the other end wants. */
    boolean writeBeginning(SplittableRandom random) {
        return !hasHandshake || write(ISO_8859_1.encode(BEGINNINGS[random.nextInt(BEGINNINGS.length)]));
    }

    private boolean write(ByteBuffer data) {
        try {
            return !isConnected() || channel.write(data) >= 0;
        } catch (IOException e) {
            return false;
        }
    }

    /** Reads what is there. False if the other end has gone. */
    boolean read() {
        try {
            int n = isConnected() ? channel.read(buffer.clear()) : 0;
            for (int i = 0; isPlain && i < n; i++) {
                char c = (char) buffer.get(i);
                assertTrue(c >= 'a' && c <= 'p', () -> "not said by any client here: " + (int) c);
            }
            return n >= 0;
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
