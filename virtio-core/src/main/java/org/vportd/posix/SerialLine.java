package org.vportd.posix;

import java.util.Arrays;

/**
 * Calls on serial lines: their parameters, breaks and modem lines. Parameters go through {@code struct termios2}, which
 * takes any speed; its layout is that of the architectures the program runs on.
 *
 * <table>
 * <caption>struct termios2</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>4</td><td>c_iflag</td></tr>
 * <tr><td>4</td><td>4</td><td>c_oflag</td></tr>
 * <tr><td>8</td><td>4</td><td>c_cflag</td></tr>
 * <tr><td>12</td><td>4</td><td>c_lflag</td></tr>
 * <tr><td>16</td><td>1</td><td>c_line</td></tr>
 * <tr><td>17</td><td>19</td><td>c_cc</td></tr>
 * <tr><td>36</td><td>4</td><td>c_ispeed</td></tr>
 * <tr><td>40</td><td>4</td><td>c_ospeed</td></tr>
 * </table>
 */
public final class SerialLine {
    /** {@link #modemLines}: data terminal ready, set by us. */
    public static final int TIOCM_DTR = 0x2;
    /** {@link #modemLines}: request to send, set by us. */
    public static final int TIOCM_RTS = 0x4;
    /** {@link #modemLines}: clear to send. */
    public static final int TIOCM_CTS = 0x20;
    /** {@link #modemLines}: carrier detected. */
    public static final int TIOCM_CAR = 0x40;
    /** {@link #modemLines}: ringing. */
    public static final int TIOCM_RNG = 0x80;
    /** {@link #modemLines}: data set ready. */
    public static final int TIOCM_DSR = 0x100;

    private static final long TCGETS2 = 0x802c542aL;
    private static final long TCSETS2 = 0x402c542bL;
    private static final long TIOCOUTQ = 0x5411;
    private static final long TIOCMGET = 0x5415;
    private static final long TIOCMSET = 0x5418;
    private static final long TIOCSBRK = 0x5427;
    private static final long TIOCCBRK = 0x5428;

    private static final int LENGTH = 44;
    private static final int IFLAG_OFFSET = 0;
    private static final int OFLAG_OFFSET = 4;
    private static final int CFLAG_OFFSET = 8;
    private static final int LFLAG_OFFSET = 12;
    private static final int VTIME_OFFSET = 17 + 5;
    private static final int VMIN_OFFSET = 17 + 6;
    private static final int ISPEED_OFFSET = 36;
    private static final int OSPEED_OFFSET = 40;

    private static final int INPCK = 0x10;
    private static final int IXON = 0x400;
    private static final int IXANY = 0x800;
    private static final int IXOFF = 0x1000;
    /** {@code IGNBRK|BRKINT|IGNPAR|PARMRK|INPCK|ISTRIP|INLCR|IGNCR|ICRNL|IUCLC}. */
    private static final int COOKED_INPUT = 0x3ff;

    private static final int OPOST = 0x1;
    /** {@code ISIG|ICANON|ECHO|ECHOE|ECHOK|ECHONL|IEXTEN}. */
    private static final int COOKED_LOCAL = 0x1 | 0x2 | 0x8 | 0x10 | 0x20 | 0x40 | 0x8000;

    private static final int CBAUD = 0x100f;
    private static final int BOTHER = 0x1000;
    /** The speeds that have a name, from {@code B50} on; those of the second half have {@code BOTHER} added. */
    private static final int[] SLOW = {50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400
    };

    private static final int[] FAST = {
        57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000, 1500000, 2000000, 2500000, 3000000,
        3500000, 4000000
    };
    private static final int CIBAUD_SHIFT = 16;
    private static final int CSIZE = 0x30;
    private static final int CSIZE_SHIFT = 4;
    private static final int CSTOPB = 0x40;
    private static final int CREAD = 0x80;
    private static final int PARENB = 0x100;
    private static final int PARODD = 0x200;
    private static final int CLOCAL = 0x800;
    private static final int CMSPAR = 0x40000000;
    private static final int CRTSCTS = 0x80000000;

    private static final LibC C = LibC.C;

    private SerialLine() {}

    /** The check bit that follows the data bits. */
    public enum Parity {
        /** There is none. */
        NONE,
        /** The number of ones is even. */
        EVEN,
        /** The number of ones is odd. */
        ODD
    }

    /** How a receiver holds its sender up. */
    public enum FlowControl {
        /** It cannot. */
        NONE,
        /** By wires of their own. */
        RTSCTS,
        /** By two characters among the data, which then cannot be data. */
        XONXOFF
    }

    /**
     * How bytes travel over a line.
     *
     * @param baud bits per second, at least 1
     * @param dataBits 5 to 8
     * @param stopBits 1 or 2
     */
    public record Parameters(int baud, int dataBits, Parity parity, int stopBits, FlowControl flow) {}

    /**
     * Sets the parameters; bytes pass unchanged, and whether a carrier is there does not matter.
     *
     * @return those that the line has now: a driver takes what its hardware can do
     */
    public static Parameters apply(Fd line, Parameters wanted) throws PosixException {
        long termios = NativeMemory.allocate(LENGTH);
        try {
            Posix.check("ioctl(TCGETS2)", C.ioctl(line.value(), TCGETS2, termios));
            put(wanted, termios);
            Posix.check("ioctl(TCSETS2)", C.ioctl(line.value(), TCSETS2, termios));
            Posix.check("ioctl(TCGETS2)", C.ioctl(line.value(), TCGETS2, termios));
            return get(termios);
        } finally {
            NativeMemory.free(termios);
        }
    }

    /** The parameters of a line. */
    public static Parameters parameters(Fd line) throws PosixException {
        long termios = NativeMemory.allocate(LENGTH);
        try {
            Posix.check("ioctl(TCGETS2)", C.ioctl(line.value(), TCGETS2, termios));
            return get(termios);
        } finally {
            NativeMemory.free(termios);
        }
    }

    private static void put(Parameters wanted, long termios) {
        int xonXoff = wanted.flow() == FlowControl.XONXOFF ? IXON | IXOFF : 0;
        int check = wanted.parity() == Parity.NONE ? 0 : INPCK; // what fails it reads as NUL
        change(termios + IFLAG_OFFSET, COOKED_INPUT | IXON | IXANY | IXOFF, xonXoff | check);
        change(termios + OFLAG_OFFSET, OPOST, 0);
        change(termios + LFLAG_OFFSET, COOKED_LOCAL, 0);
        int control = speedBits(wanted.baud()) | CREAD | CLOCAL | ((wanted.dataBits() - 5) << CSIZE_SHIFT);
        control |= wanted.stopBits() == 2 ? CSTOPB : 0;
        control |= switch (wanted.parity()) {
            case NONE -> 0;
            case EVEN -> PARENB;
            case ODD -> PARENB | PARODD;
        };
        control |= wanted.flow() == FlowControl.RTSCTS ? CRTSCTS : 0;
        int ours = CBAUD | (CBAUD << CIBAUD_SHIFT) | CSIZE | CSTOPB | PARENB | PARODD | CMSPAR | CRTSCTS;
        change(termios + CFLAG_OFFSET, ours, control);
        NativeMemory.putByte(termios + VMIN_OFFSET, (byte) 1);
        NativeMemory.putByte(termios + VTIME_OFFSET, (byte) 0);
        NativeMemory.putInt(termios + ISPEED_OFFSET, wanted.baud());
        NativeMemory.putInt(termios + OSPEED_OFFSET, wanted.baud());
    }

    /** The name of a speed if it has one, as programs that do not know {@code struct termios2} take others for 0. */
    private static int speedBits(int baud) {
        int slow = Arrays.binarySearch(SLOW, baud);
        int fast = Arrays.binarySearch(FAST, baud);
        return slow >= 0 ? slow + 1 : BOTHER | Math.max(0, fast + 1);
    }

    private static void change(long address, int clear, int set) {
        NativeMemory.putInt(address, (NativeMemory.getInt(address) & ~clear) | set);
    }

    private static Parameters get(long termios) {
        int input = NativeMemory.getInt(termios + IFLAG_OFFSET);
        int control = NativeMemory.getInt(termios + CFLAG_OFFSET);
        Parity parity = (control & PARENB) == 0 ? Parity.NONE : (control & PARODD) == 0 ? Parity.EVEN : Parity.ODD;
        FlowControl flow = (control & CRTSCTS) != 0
                ? FlowControl.RTSCTS
                : (input & IXON) != 0 ? FlowControl.XONXOFF : FlowControl.NONE;
        return new Parameters(
                NativeMemory.getInt(termios + OSPEED_OFFSET),
                5 + ((control & CSIZE) >> CSIZE_SHIFT),
                parity,
                (control & CSTOPB) == 0 ? 1 : 2,
                flow);
    }

    /** The bytes that have been written but not sent. */
    public static int unsent(Fd line) throws PosixException {
        return getInt("ioctl(TIOCOUTQ)", line, TIOCOUTQ);
    }

    /** Begins or ends a break. To begin one waits for what is unsent, so there should be nothing. */
    public static void setBreak(Fd line, boolean on) throws PosixException {
        Posix.check(on ? "ioctl(TIOCSBRK)" : "ioctl(TIOCCBRK)", C.ioctl(line.value(), on ? TIOCSBRK : TIOCCBRK, 0));
    }

    /** The state of the lines beside the data, a mask of {@code TIOCM_} bits; a pseudo-terminal has none. */
    public static int modemLines(Fd line) throws PosixException {
        return getInt("ioctl(TIOCMGET)", line, TIOCMGET);
    }

    /** Sets those of the lines beside the data that are ours. */
    public static void setModemLines(Fd line, int mask) throws PosixException {
        long value = NativeMemory.allocate(Integer.BYTES);
        try {
            NativeMemory.putInt(value, mask);
            Posix.check("ioctl(TIOCMSET)", C.ioctl(line.value(), TIOCMSET, value));
        } finally {
            NativeMemory.free(value);
        }
    }

    private static int getInt(String call, Fd fd, long request) throws PosixException {
        long value = NativeMemory.allocate(Integer.BYTES);
        try {
            Posix.check(call, C.ioctl(fd.value(), request, value));
            return NativeMemory.getInt(value);
        } finally {
            NativeMemory.free(value);
        }
    }
}
