package org.vportd.chardev.layer;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Random;

/** The client's side of WebSocket over streams that block: it fragments its messages and pings while it writes. */
final class WebSocketClient {
    static final String REQUEST = String.join(
            "\r\n",
            "GET / HTTP/1.1",
            "Host: localhost",
            "Connection: keep-alive, Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Protocol: chat, binary",
            "",
            "");

    private final DataInputStream in;
    private final OutputStream out;
    private final Random random = new Random(7);
    private long frameLeft;
    private int pongs;
    private int maxFrame;

    WebSocketClient(InputStream in, OutputStream out) {
        this.in = new DataInputStream(in);
        this.out = out;
    }

    /** Sends the request and answers the response. */
    String upgrade() throws IOException {
        return upgrade(REQUEST);
    }

    String upgrade(String request) throws IOException {
        out.write(request.getBytes(StandardCharsets.ISO_8859_1));
        out.flush();
        return response();
    }

    /** Reads up to an empty line. */
    String response() throws IOException {
        StringBuilder response = new StringBuilder();
        while (response.indexOf("\r\n\r\n") < 0) {
            int c = in.read();
            if (c < 0) {
                break;
            }
            response.append((char) c);
        }
        return response.toString();
    }

    /** A frame as a client sends it. */
    static byte[] frame(int first, byte[] payload, int mask) {
        ByteArrayOutputStream frame = new ByteArrayOutputStream();
        frame.write(first);
        if (payload.length < 126) {
            frame.write(0x80 | payload.length);
        } else if (payload.length < 65536) {
            frame.write(0x80 | 126);
            frame.write(payload.length >>> 8);
            frame.write(payload.length);
        } else {
            frame.write(0x80 | 127);
            for (int i = 7; i >= 0; i--) {
                frame.write((int) ((long) payload.length >>> (8 * i)));
            }
        }
        for (int i = 3; i >= 0; i--) {
            frame.write(mask >>> (8 * i));
        }
        for (int i = 0; i < payload.length; i++) {
            frame.write(payload[i] ^ (mask >>> (8 * (3 - i % 4))));
        }
        return frame.toByteArray();
    }

    static byte[] frame(int first, String payload) {
        return frame(first, payload.getBytes(StandardCharsets.ISO_8859_1), 0x12345678);
    }

    void send(byte[] bytes) throws IOException {
        out.write(bytes);
        out.flush();
    }

    /** One frame that a server has sent: its first byte, and its payload as text. */
    record Frame(int first, String payload) {}

    Frame receive() throws IOException {
        int first = in.readUnsignedByte();
        byte[] payload = in.readNBytes((int) length());
        return new Frame(first, new String(payload, StandardCharsets.ISO_8859_1));
    }

    private long length() throws IOException {
        int length = in.readUnsignedByte(); // not masked: that would be more than 127
        if (length > 127) {
            throw new IOException("a server's frame is masked");
        }
        return length == 126 ? in.readUnsignedShort() : length == 127 ? in.readLong() : length;
    }

    int pongs() {
        return pongs;
    }

    int maxFrame() {
        return maxFrame;
    }

    boolean isAtEnd() throws IOException {
        return in.read() < 0;
    }

    InputStream input() {
        return new InputStream() {
            @Override
            public int read() throws IOException {
                byte[] one = new byte[1];
                return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
            }

            @Override
            public int read(byte[] to, int offset, int length) throws IOException {
                while (frameLeft == 0 && length > 0) {
                    next();
                }
                int n = in.read(to, offset, (int) Math.min(length, frameLeft));
                frameLeft -= Math.max(0, n);
                return n;
            }
        };
    }

    private void next() throws IOException {
        int first = in.readUnsignedByte();
        long length = length();
        if (first == 0x82) {
            frameLeft = length;
            maxFrame = Math.max(maxFrame, (int) length);
        } else if (first == 0x8a) {
            in.readNBytes((int) length);
            pongs++;
        } else {
            throw new IOException("unexpected frame: first=" + first);
        }
    }

    OutputStream output() {
        return new OutputStream() {
            private boolean inMessage;

            @Override
            public void write(int b) throws IOException {
                write(new byte[] {(byte) b}, 0, 1);
            }

            @Override
            public void write(byte[] from, int offset, int length) throws IOException {
                int done = 0;
                while (done < length) {
                    int n = Math.min(length - done, random.nextInt(random.nextBoolean() ? 300 : 50_000));
                    byte[] part = new byte[n];
                    System.arraycopy(from, offset + done, part, 0, n);
                    boolean ends = random.nextBoolean();
                    send(frame((ends ? 0x80 : 0) | (inMessage ? 0 : 2), part, random.nextInt()));
                    inMessage = !ends;
                    done += n;
                    if (random.nextInt(10) == 0) {
                        send(frame(0x89, new byte[random.nextInt(126)], random.nextInt()));
                    }
                }
            }

            @Override
            public void flush() throws IOException {
                out.flush();
            }
        };
    }
}
