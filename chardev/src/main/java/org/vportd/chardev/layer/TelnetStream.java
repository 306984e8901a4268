package org.vportd.chardev.layer;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.vportd.handover.Parcel;
import org.vportd.loop.EventLoop;
import org.vportd.posix.IoVector;
import org.vportd.posix.MemoryFaultException;
import org.vportd.posix.NativeMemory;

/**
 * The server's side of telnet (RFC 854): says once how it wants to talk, takes commands out of the input, and doubles each
 * 0xff of the output. The answers to what it said are not looked at; a client that does not agree is served all the same.
 * The size of the client's window is asked for (RFC 1073) once the owner wants it; a client may tell it without that.
 *
 * <p>Output goes out from where it is. Memory that is changed by others while it is looked through may let a single 0xff
 * pass: whoever does that deceives only its own peer.
 */
public final class TelnetStream extends LayerStream {
    private static final byte IAC = (byte) 255;
    private static final int SE = 240;
    private static final int EOR = 239;
    private static final int BREAK = 243;
    private static final int SB = 250;
    private static final int WILL = 251;
    private static final int DONT = 254;
    private static final int OPTION_WINDOW_SIZE = 31;

    /** WILL ECHO, WILL SUPPRESS GO AHEAD, WILL BINARY, DO BINARY. */
    private static final int[] GREETING = {255, 251, 1, 255, 251, 3, 255, 251, 0, 255, 253, 0};
    /** DO EOR, WILL EOR, DO BINARY, WILL BINARY, DO TERMINAL TYPE, and the question for the terminal's type. */
    private static final int[] GREETING_3270 = {
        255, 253, 25, 255, 251, 25, 255, 253, 0, 255, 251, 0, 255, 253, 24, 255, 250, 24, 1, 255, 240
    };

    /** DO WINDOW SIZE. */
    private static final int[] SIZE_QUESTION = {255, 253, OPTION_WINDOW_SIZE};

    private static final int QUESTION_OFFSET = 24;
    private static final int OWN_LENGTH = 32;
    private static final int MAX_SUBNEGOTIATION = 8;
    private static final long MAX_ENCODED = 256 * 1024;

    /** What is spoken. */
    public enum Mode {
        /** Characters. */
        TELNET,
        /** The data stream of an IBM 3270 terminal: records end in IAC EOR, and whoever uses the stream escapes itself. */
        TN3270
    }

    private final Mode mode;
    /** One 0xff, then the greeting, then the question for the size. */
    private final long own = NativeMemory.allocate(OWN_LENGTH);

    /** What is left to be said of the greeting, later of the question. */
    private final IoVector greeting = new IoVector();

    private final IoVector out = new IoVector();
    private final byte[] subnegotiation = new byte[MAX_SUBNEGOTIATION];
    private int subnegotiationLength;
    private boolean inSubnegotiation;
    private boolean breakPending;
    private boolean resizePending;
    private boolean owesDouble;
    private boolean askedForSize;
    private @Nullable Parcel inherited;

    private TelnetStream(EventLoop loop, String name, Mode mode, Owner owner, @Nullable Parcel inherited) {
        super(loop, name, owner);
        this.mode = mode;
        NativeMemory.putByte(own, IAC);
        int[] bytes = mode == Mode.TN3270 ? GREETING_3270 : GREETING;
        put(bytes, own + 1);
        put(SIZE_QUESTION, own + QUESTION_OFFSET);
        greeting.add(own + 1, bytes.length);
        this.inherited = inherited;
        if (inherited != null) {
            unpack(inherited);
        }
    }

    // --- handover

    private void unpack(Parcel from) {
        unpackInput(from);
        greeting.clear();
        long at = Math.max(0, Math.min(OWN_LENGTH, from.number("unsaidAt", 0)));
        greeting.add(own + at, Math.min(OWN_LENGTH - at, from.number("unsaid", 0)));
        owesDouble = from.flag("owesDouble");
        askedForSize = from.flag("askedForSize");
        breakPending = from.flag("breakPending");
        resizePending = from.flag("resizePending");
        inSubnegotiation = from.flag("inSubnegotiation");
        byte[] noted = from.bytes("subnegotiation");
        subnegotiationLength = Math.min(noted.length, MAX_SUBNEGOTIATION);
        System.arraycopy(noted, 0, subnegotiation, 0, subnegotiationLength);
    }

    @Override
    public void pack(Parcel into) {
        packInput(into);
        into.put("unsaidAt", greeting.isEmpty() ? 0 : greeting.segmentAddress(0) - own)
                .put("unsaid", greeting.bytes())
                .put("owesDouble", owesDouble)
                .put("askedForSize", askedForSize)
                .put("breakPending", breakPending)
                .put("resizePending", resizePending)
                .put("inSubnegotiation", inSubnegotiation)
                .put("subnegotiation", Arrays.copyOf(subnegotiation, subnegotiationLength));
    }

    private static void put(int[] bytes, long address) {
        for (int i = 0; i < bytes.length; i++) {
            NativeMemory.putByte(address + i, (byte) bytes[i]);
        }
    }

    /**
     * Speaks telnet over another stream.
     *
     * @param name whose connection it is, for the log
     */
    public static Opener over(Opener lower, EventLoop loop, String name, Mode mode) {
        return over(lower, loop, name, mode, null);
    }

    /**
     * The same, perhaps in the middle of it.
     *
     * @param inherited what the stream of another process has put in, null if there was none
     */
    static Opener over(Opener lower, EventLoop loop, String name, Mode mode, @Nullable Parcel inherited) {
        return owner -> {
            TelnetStream stream = new TelnetStream(loop, name, mode, owner, inherited);
            stream.openOver(lower);
            return stream;
        };
    }

    @Override
    void negotiate() {
        if (inherited != null) {
            if (inherited.flag("ready")) {
                becomeReady();
            }
            inherited = null;
            writableSoon(); // nothing may be said before the next turn
        } else if (flush()) {
            becomeReady();
        }
    }

    @Override
    void flushed() {
        if (!isReady() && isOpen()) {
            becomeReady();
        }
    }

    @Override
    boolean flush() {
        if (!greeting.isEmpty()) {
            greeting.consume(lower().write(greeting));
            return greeting.isEmpty();
        }
        if (owesDouble) {
            out.clear();
            out.add(own, 1);
            owesDouble = lower().write(out) == 0;
        }
        return !owesDouble;
    }

    /** Not within a pair of 0xff that is half sent. */
    private void askForSize() {
        if (!askedForSize && mode == Mode.TELNET && !owesDouble && greeting.isEmpty() && owner().wantsSize()) {
            askedForSize = true;
            greeting.clear();
            greeting.add(own + QUESTION_OFFSET, SIZE_QUESTION.length);
            greeting.consume(lower().write(greeting)); // the rest goes out with the next flush
        }
    }

    // --- output

    @Override
    long send(IoVector data) {
        long taken = 0;
        while (taken < data.bytes() && greeting.isEmpty()) {
            long encoded;
            long sent;
            try {
                encoded = encode(data, taken);
                sent = lower().write(out);
            } catch (InternalError | MemoryFaultException e) {
                if (taken == 0) {
                    throw e;
                }
                writableSoon(); // whoever comes for more then meets it again
                return taken;
            }
            if (sent < out.bytes()) {
                waitForRoom();
                return taken + cutAt(sent);
            }
            owesDouble = false;
            taken += encoded;
        }
        if (taken < data.bytes()) {
            waitForRoom();
        }
        return taken;
    }

    /** Lays out a part of the data behind what is owed, and answers its length before encoding. */
    private long encode(IoVector data, long from) {
        out.clear();
        if (owesDouble) {
            out.add(own, 1);
        }
        if (mode == Mode.TN3270) {
            out.addPart(data, from, data.bytes() - from);
            return data.bytes() - from;
        }
        long skip = from;
        long encoded = 0;
        for (int i = 0; i < data.segments() && hasRoom(encoded); i++) {
            long length = data.segmentBytes(i);
            if (skip >= length) {
                skip -= length;
                continue;
            }
            encoded += encode(data.segmentAddress(i) + skip, length - skip, encoded);
            skip = 0;
        }
        return encoded;
    }

    private long encode(long address, long length, long encodedBefore) {
        long done = 0;
        while (done < length && hasRoom(encodedBefore + done)) {
            long left = Math.min(length - done, MAX_ENCODED);
            long run = ByteScan.indexOf(address + done, left, IAC);
            boolean found = run < left;
            out.add(address + done, found ? run + 1 : run);
            if (found) {
                out.add(own, 1);
                run++;
            }
            done += run;
        }
        return done;
    }

    private boolean hasRoom(long encoded) {
        return encoded < MAX_ENCODED && out.segments() < IoVector.MAX_SEGMENTS_PER_CALL - 1;
    }

    /** Only so many encoded bytes were sent: how many of the data's that are, and whether one half of a pair is owed. */
    private long cutAt(long sent) {
        long left = sent;
        long dataBytes = 0;
        for (int i = 0; i < out.segments(); i++) {
            boolean isDouble = out.segmentAddress(i) == own;
            if (left == 0) {
                owesDouble = isDouble;
                break;
            }
            long n = Math.min(left, out.segmentBytes(i));
            left -= n;
            dataBytes += isDouble ? 0 : n;
            owesDouble = false;
            if (n < out.segmentBytes(i)) {
                break;
            }
        }
        return dataBytes;
    }

    // --- input

    @Override
    boolean decode() {
        if (!isReady()) {
            return false;
        }
        askForSize();
        if (breakPending) {
            breakPending = false;
            owner().breakReceived();
            return true;
        }
        if (resizePending) {
            resizePending = false;
            owner().resized(numberAt(1), numberAt(3));
            return true;
        }
        long start = raw.address();
        long write = start;
        int read = 0;
        int available = raw.bytes();
        while (read < available && !breakPending && !resizePending) {
            long from = start + read;
            int left = available - read;
            int run = (int) ByteScan.indexOf(from, left, IAC);
            if (run > 0) {
                if (inSubnegotiation) {
                    note(from, run);
                } else {
                    write = keep(from, write, run);
                }
                read += run;
                continue;
            }
            int length = commandLength(from, left);
            if (length == 0) {
                break; // the rest of it is still to come
            }
            int kept = inSubnegotiation ? subnegotiationCommand(from) : command(from);
            write = keep(from, write, kept);
            read += length;
        }
        raw.consume(read);
        setPlain(start, (int) (write - start));
        return write > start || breakPending || resizePending;
    }

    private static long keep(long from, long to, int bytes) {
        if (from != to) {
            NativeMemory.copy(from, to, bytes);
        }
        return to + bytes;
    }

    /** The length of the command that begins here, 0 if it is not complete. */
    private static int commandLength(long address, int available) {
        if (available < 2) {
            return 0;
        }
        int code = NativeMemory.getByte(address + 1) & 0xff;
        int length = code >= WILL && code <= DONT ? 3 : 2;
        return available < length ? 0 : length;
    }

    /** Deals with a command within the data; answers how many bytes of it are data. */
    private int command(long address) {
        int code = NativeMemory.getByte(address + 1) & 0xff;
        if (code == (IAC & 0xff)) {
            return 1;
        }
        if (code == BREAK) {
            breakPending = true;
        } else if (mode == Mode.TN3270) {
            return code == EOR || code == SB || code == SE ? 2 : 0;
        } else if (code == SB) {
            inSubnegotiation = true;
            subnegotiationLength = 0;
        }
        return 0;
    }

    /** Deals with a command within a subnegotiation; any but an escaped 0xff ends it. */
    private int subnegotiationCommand(long address) {
        int code = NativeMemory.getByte(address + 1) & 0xff;
        if (code == (IAC & 0xff)) {
            note(address, 1);
            return 0;
        }
        inSubnegotiation = false;
        if (code != SE) {
            return command(address); // its end is missing; the client goes on with something else
        }
        if (subnegotiationLength == 5 && subnegotiation[0] == OPTION_WINDOW_SIZE) {
            resizePending = true;
        }
        return 0;
    }

    private int numberAt(int index) {
        return (subnegotiation[index] & 0xff) << Byte.SIZE | (subnegotiation[index + 1] & 0xff);
    }

    /** Remembers the beginning of a subnegotiation. */
    private void note(long address, int bytes) {
        int n = Math.min(bytes, MAX_SUBNEGOTIATION - subnegotiationLength);
        NativeMemory.get(address, subnegotiation, subnegotiationLength, n);
        subnegotiationLength += n;
    }

    @Override
    void free() {
        greeting.close();
        out.close();
        NativeMemory.free(own);
    }
}
