package org.vportd.chardev.layer;

import org.vportd.chardev.ByteStream;
import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;

/**
 * What a WebSocket server says besides data: the answer to the upgrade, pongs and the last frame. One thing is being sent;
 * at most one pong and one close wait behind it. Of several pings only the latest is answered (RFC 6455 section 5.5.3).
 */
final class ControlFrames {
    /** How long the payload of a control frame is at most. */
    static final int MAX_PAYLOAD = 125;

    private static final int SLOT_LENGTH = 1024;
    private static final int PONG_SLOT = SLOT_LENGTH;
    private static final int CLOSE_SLOT = 2 * SLOT_LENGTH;
    private static final byte FIN_PONG = (byte) 0x8a;
    private static final byte FIN_CLOSE = (byte) 0x88;

    private final long memory = NativeMemory.allocate(3 * SLOT_LENGTH);
    private final IoVector current = new IoVector();
    private int pongLength;
    private int closeLength;
    private boolean closes;

    /** Sends text, before anything else. */
    void say(byte[] text) {
        NativeMemory.put(text, 0, memory, text.length);
        current.add(memory, text.length);
    }

    /** Answers a ping. */
    void pong(long payload, int bytes) {
        if (!closes) {
            pongLength = frame(PONG_SLOT, FIN_PONG, bytes);
            NativeMemory.copy(payload, memory + PONG_SLOT + 2, bytes);
        }
    }

    /** Says why it is over, once; nothing can follow. */
    void close(int status) {
        if (!closes) {
            closes = true;
            closeLength = frame(CLOSE_SLOT, FIN_CLOSE, 2);
            NativeMemory.putByte(memory + CLOSE_SLOT + 2, (byte) (status >>> Byte.SIZE));
            NativeMemory.putByte(memory + CLOSE_SLOT + 3, (byte) status);
        }
    }

    private int frame(int slot, byte code, int payloadBytes) {
        NativeMemory.putByte(memory + slot, code);
        NativeMemory.putByte(memory + slot + 1, (byte) payloadBytes);
        return 2 + payloadBytes;
    }

    /** Whether the last frame has been asked for. */
    boolean isClosing() {
        return closes;
    }

    /** Sends what there is; true if nothing is left. */
    boolean flush(ByteStream to) {
        while (next()) {
            current.consume(to.write(current));
            if (!current.isEmpty()) {
                return false;
            }
        }
        return true;
    }

    private boolean next() {
        if (current.isEmpty() && pongLength > 0) {
            NativeMemory.copy(memory + PONG_SLOT, memory, pongLength);
            current.add(memory, pongLength);
            pongLength = 0;
        } else if (current.isEmpty() && closeLength > 0) {
            current.add(memory + CLOSE_SLOT, closeLength);
            closeLength = 0;
        }
        return !current.isEmpty();
    }

    void free() {
        current.close();
        NativeMemory.free(memory);
    }
}
