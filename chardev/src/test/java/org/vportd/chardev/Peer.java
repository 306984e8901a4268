package org.vportd.chardev;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.vportd.posix.Fd;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;

/** The outside of a chardev: descriptors that the test reads from and writes to without ever waiting. */
public final class Peer implements AutoCloseable {
    private static final int BUFFER_LENGTH = 1 << 20;

    private final Fd in;
    private final Fd out;
    private final long memory = NativeMemory.allocate(BUFFER_LENGTH);
    private final ByteArrayOutputStream read = new ByteArrayOutputStream();
    private long patternRead;
    private long patternWritten;
    private boolean closed;

    /** One that uses one descriptor both ways. */
    public Peer(Fd both) {
        this(both, both);
    }

    /** One that reads from one descriptor and writes to another; it owns both. */
    public Peer(Fd in, Fd out) {
        this.in = in;
        this.out = out;
    }

    /** The descriptor it reads from. */
    public Fd fd() {
        return in;
    }

    /** Writes text and answers how much was taken. */
    public int write(String text) throws PosixException {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        NativeMemory.put(bytes, 0, memory, bytes.length);
        return (int) Math.max(0, Posix.write(out, memory, bytes.length));
    }

    /** Reads what there is and answers all that was ever read. */
    public String text() {
        try {
            long n = Posix.read(in, memory, BUFFER_LENGTH);
            while (n > 0) {
                byte[] bytes = new byte[(int) n];
                NativeMemory.get(memory, bytes, 0, bytes.length);
                read.write(bytes, 0, bytes.length);
                n = Posix.read(in, memory, BUFFER_LENGTH);
            }
        } catch (IOException e) {
            // nothing more to come
        }
        return read.toString(StandardCharsets.ISO_8859_1);
    }

    /** Whether the other end has gone: all has been read and nothing can follow. */
    public boolean isAtEnd() {
        try {
            return Posix.read(in, memory, BUFFER_LENGTH) == 0;
        } catch (PosixException e) {
            return true;
        }
    }

    /** Goes on writing the pattern where another peer has left off. */
    public void continuePattern(long from) {
        patternWritten = from;
    }

    /** Writes the next part of the pattern. */
    public void writePattern(long bytes) throws PosixException {
        Pattern.fill(memory, patternWritten, bytes);
        patternWritten += Math.max(0, Posix.write(out, memory, bytes));
    }

    /** Reads the next part of the pattern and compares it. */
    public void readPattern(long bytes) throws PosixException {
        long n = Posix.read(in, memory, bytes);
        if (n > 0) {
            Pattern.check(memory, patternRead, n);
            patternRead += n;
        }
    }

    /** How much of the pattern has been read. */
    public long patternRead() {
        return patternRead;
    }

    /** How much of the pattern has been written. */
    public long patternWritten() {
        return patternWritten;
    }

    /** Closes the descriptor it writes to. */
    public void closeOutput() {
        out.close();
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            in.close();
            out.close();
            NativeMemory.free(memory);
        }
    }
}
