package org.vportd.chardev.layer;

import java.nio.charset.StandardCharsets;
import org.vportd.chardev.ByteStream;
import org.vportd.loop.EventLoop;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.PosixException;

/**
 * The server's side of WebSocket (RFC 6455): a stream of bytes in binary messages, whose boundaries mean nothing.
 *
 * <p>Output goes out from where it is, with headers in between. A frame that was begun is filled up with whatever is
 * written next; frames are small enough that a client which waits for whole messages does not wait long.
 */
public final class WebSocketStream extends LayerStream {
    private static final int OPCODE_CONTINUATION = 0;
    private static final int OPCODE_BINARY = 2;
    private static final int OPCODE_CLOSE = 8;
    private static final int OPCODE_PING = 9;
    private static final int OPCODE_PONG = 10;
    private static final int FIN = 0x80;
    private static final int RESERVED = 0x70;
    private static final int MASKED = 0x80;
    private static final int LENGTH_16 = 126;
    private static final int LENGTH_64 = 127;
    private static final int MASK_LENGTH = 4;

    private static final int STATUS_NORMAL = 1000;
    private static final int STATUS_PROTOCOL_ERROR = 1002;
    private static final int STATUS_UNSUPPORTED = 1003;

    private static final int MAX_FRAME = 16 * 1024;
    private static final int MAX_HEADER = 4;
    private static final int FRAMES_PER_WRITE = 16;
    private static final byte[] REQUEST_END = {'\r', '\n', '\r', '\n'};

    private final ControlFrames control = new ControlFrames();
    private final IoVector out = new IoVector();
    /** One header for each frame of a write, the one that may be sent in two parts first. */
    private final long headers = NativeMemory.allocate(FRAMES_PER_WRITE * MAX_HEADER);

    private final int[] headerLengths = new int[FRAMES_PER_WRITE];
    private final int[] frameLengths = new int[FRAMES_PER_WRITE];
    private int frames;
    /** What is left of the frame that was begun: of its header, which ends where the first header's place does, and data. */
    private int headerLeft;

    private int frameLeft;

    private boolean upgraded;
    private boolean inMessage;
    private long payloadLeft;
    private int mask;

    private WebSocketStream(EventLoop loop, String name, Owner owner) {
        super(loop, name, owner);
    }

    /**
     * Speaks WebSocket over another stream.
     *
     * @param name whose connection it is, for the log
     */
    public static Opener over(Opener lower, EventLoop loop, String name) {
        return owner -> open(lower, loop, name, owner);
    }

    private static ByteStream open(Opener lower, EventLoop loop, String name, Owner owner) throws PosixException {
        WebSocketStream stream = new WebSocketStream(loop, name, owner);
        stream.openOver(lower);
        return stream;
    }

    @Override
    void negotiate() {} // the client begins

    @Override
    boolean flush() {
        return headerLeft > 0 || frameLeft > 0 || control.flush(lower()); // never within a frame
    }

    @Override
    void flushed() {
        if (upgraded && !isReady() && isOpen()) {
            becomeReady();
        }
    }

    @Override
    void sayGoodbye() {
        if (isReady()) {
            control.close(STATUS_NORMAL);
        }
    }

    // --- output

    @Override
    long send(IoVector data) {
        long taken = 0;
        while (taken < data.bytes() && isReady() && flush() && !control.isClosing()) {
            encode(data, taken);
            long sent;
            try {
                sent = lower().write(out);
            } catch (InternalError | MemoryFaultException e) {
                if (taken == 0) {
                    throw e;
                }
                writableSoon(); // whoever comes for more then meets it again
                return taken;
            }
            boolean isShort = sent < out.bytes();
            taken += account(sent);
            if (isShort) {
                break;
            }
        }
        if (taken < data.bytes()) {
            waitForRoom();
        } else {
            flush(); // what had to wait for the end of the frame
        }
        return taken;
    }

    /** Lays out frames: the rest of the one that was begun, and then whole ones. */
    private void encode(IoVector data, long from) {
        out.clear();
        frames = 0;
        long position = from;
        while (position < data.bytes() && frames < FRAMES_PER_WRITE) {
            if (frames > 0 || (headerLeft == 0 && frameLeft == 0)) {
                begin(frames, (int) Math.min(MAX_FRAME, data.bytes() - position));
            } else {
                headerLengths[0] = headerLeft;
                frameLengths[0] = frameLeft;
            }
            long n = Math.min(frameLengths[frames], data.bytes() - position);
            out.add(headers + (long) (frames + 1) * MAX_HEADER - headerLengths[frames], headerLengths[frames]);
            out.addPart(data, position, n);
            position += n;
            frames++;
        }
    }

    private void begin(int frame, int length) {
        long end = headers + (long) (frame + 1) * MAX_HEADER;
        frameLengths[frame] = length;
        if (length < LENGTH_16) {
            headerLengths[frame] = 2;
            NativeMemory.putByte(end - 1, (byte) length);
        } else {
            headerLengths[frame] = 4;
            NativeMemory.putByte(end - 3, (byte) LENGTH_16);
            NativeMemory.putByte(end - 2, (byte) (length >>> Byte.SIZE));
            NativeMemory.putByte(end - 1, (byte) length);
        }
        NativeMemory.putByte(end - headerLengths[frame], (byte) (FIN | OPCODE_BINARY));
    }

    /** Only so many encoded bytes were sent: how many of the data's that are; remembers what a begun frame lacks. */
    private long account(long sent) {
        long left = sent;
        long dataBytes = 0;
        boolean wasBegun = headerLeft > 0 || frameLeft > 0;
        for (int i = 0; i < frames; i++) {
            if (left < headerLengths[i]) {
                if (left > 0 || (i == 0 && wasBegun)) {
                    cutHeader(i, headerLengths[i] - (int) left);
                }
                break;
            }
            left -= headerLengths[i];
            headerLeft = 0;
            int n = (int) Math.min(left, frameLengths[i]);
            left -= n;
            dataBytes += n;
            frameLeft = frameLengths[i] - n;
            if (frameLeft > 0) {
                break;
            }
        }
        return dataBytes;
    }

    private void cutHeader(int frame, int bytesLeft) {
        long end = headers + (long) (frame + 1) * MAX_HEADER;
        NativeMemory.copy(end - bytesLeft, headers + MAX_HEADER - bytesLeft, bytesLeft);
        headerLeft = bytesLeft;
        frameLeft = frameLengths[frame];
    }

    // --- input

    @Override
    boolean decode() {
        if (!upgraded) {
            return upgrade();
        }
        if (!isReady()) {
            return false;
        }
        return payloadLeft > 0 ? decodePayload() : decodeHeader();
    }

    private boolean upgrade() {
        int length = requestLength();
        if (length < 0 && raw.bytes() < Handshake.MAX_REQUEST_LENGTH) {
            return false;
        }
        Handshake handshake = Handshake.tooLong();
        if (length >= 0) {
            byte[] request = new byte[length];
            NativeMemory.get(raw.address(), request, 0, length);
            raw.consume(length + REQUEST_END.length);
            handshake = Handshake.answer(new String(request, StandardCharsets.ISO_8859_1));
        }
        control.say(handshake.response().getBytes(StandardCharsets.ISO_8859_1));
        upgraded = handshake.isAccepted();
        boolean isSent = flush();
        if (!upgraded) {
            fail(handshake.failure());
            return false;
        }
        if (isSent) {
            becomeReady();
        }
        return isSent;
    }

    private int requestLength() {
        int searched = Math.min(raw.bytes(), Handshake.MAX_REQUEST_LENGTH) - REQUEST_END.length;
        for (int i = 0; i <= searched; i++) {
            int matched = 0;
            while (matched < REQUEST_END.length
                    && NativeMemory.getByte(raw.address() + i + matched) == REQUEST_END[matched]) {
                matched++;
            }
            if (matched == REQUEST_END.length) {
                return i;
            }
        }
        return -1;
    }

    private boolean decodePayload() {
        int n = (int) Math.min(payloadLeft, raw.bytes());
        if (n == 0) {
            return false;
        }
        mask = ByteScan.unmask(raw.address(), n, mask);
        setPlain(raw.address(), n);
        raw.consume(n);
        payloadLeft -= n;
        return true;
    }

    private boolean decodeHeader() {
        if (raw.bytes() < 2) {
            return false;
        }
        int first = byteAt(0);
        int second = byteAt(1);
        int opcode = first & 0xf;
        boolean isFinal = (first & FIN) != 0;
        boolean isData = opcode == OPCODE_BINARY || opcode == OPCODE_CONTINUATION;
        int length = second & ~MASKED;
        if (!isFinal && !isData) {
            return refuse(STATUS_PROTOCOL_ERROR, "only binary websocket frames may be fragmented");
        }
        if (!isData && opcode != OPCODE_CLOSE && opcode != OPCODE_PING && opcode != OPCODE_PONG) {
            return refuse(
                    STATUS_UNSUPPORTED,
                    String.format("unsupported opcode: 0x%04x; ", opcode)
                            + "only binary, close, ping, and pong websocket frames are supported");
        }
        if ((second & MASKED) == 0) {
            return refuse(STATUS_PROTOCOL_ERROR, "client websocket frames must be masked");
        }
        if ((first & RESERVED) != 0) {
            return refuse(STATUS_PROTOCOL_ERROR, "websocket extensions are not supported");
        }
        if (!isData) {
            return length >= LENGTH_16
                    ? refuse(STATUS_PROTOCOL_ERROR, "websocket control frame is too large")
                    : decodeControl(opcode, length);
        }
        if (inMessage == (opcode == OPCODE_BINARY)) {
            return refuse(STATUS_PROTOCOL_ERROR, "websocket frames of a message are out of order");
        }
        return decodeData(length, isFinal);
    }

    private boolean decodeData(int shortLength, boolean isFinal) {
        int lengthBytes = shortLength == LENGTH_64 ? Long.BYTES : shortLength == LENGTH_16 ? Short.BYTES : 0;
        int headerLength = 2 + lengthBytes + MASK_LENGTH;
        if (raw.bytes() < headerLength) {
            return false;
        }
        long length = lengthBytes == 0 ? shortLength : 0;
        for (int i = 0; i < lengthBytes; i++) {
            length = length << Byte.SIZE | byteAt(2 + i);
        }
        if (length < 0) {
            return refuse(STATUS_PROTOCOL_ERROR, "websocket frame is too large");
        }
        mask = NativeMemory.getInt(raw.address() + headerLength - MASK_LENGTH);
        raw.consume(headerLength);
        payloadLeft = length;
        inMessage = !isFinal;
        return true;
    }

    private boolean decodeControl(int opcode, int length) {
        int headerLength = 2 + MASK_LENGTH;
        if (raw.bytes() < headerLength + length) {
            return false;
        }
        long payload = raw.address() + headerLength;
        ByteScan.unmask(payload, length, NativeMemory.getInt(payload - MASK_LENGTH));
        int status = length >= 2 ? byteAt(headerLength) << Byte.SIZE | byteAt(headerLength + 1) : STATUS_NORMAL;
        raw.consume(headerLength + length);
        if (opcode == OPCODE_PING) {
            control.pong(payload, length);
            flush();
        } else if (opcode == OPCODE_CLOSE) {
            control.close(length == 1 ? STATUS_PROTOCOL_ERROR : status);
            flush();
            end();
            return false;
        }
        return true;
    }

    private boolean refuse(int status, String what) {
        control.close(status);
        flush();
        fail(what);
        return false;
    }

    private int byteAt(int offset) {
        return NativeMemory.getByte(raw.address() + offset) & 0xff;
    }

    @Override
    void free() {
        out.close();
        control.free();
        NativeMemory.free(headers);
    }
}
