package org.vportd.posix;

import java.util.Arrays;

/** Pseudo-terminals and terminal modes. */
public final class Terminals {
    private static final int TERMIOS_LENGTH = 64;
    private static final int IFLAG_OFFSET = 0;
    private static final int OFLAG_OFFSET = 4;
    private static final int LFLAG_OFFSET = 12;
    /** Of {@code c_cc[VQUIT]}. */
    private static final int QUIT_KEY_OFFSET = 18;

    private static final byte NO_KEY = 0;
    private static final int NAME_LENGTH = 64;
    private static final int TCSANOW = 0;
    private static final int POLLHUP = 0x10;
    private static final int POLLFD_LENGTH = 8;
    private static final int REVENTS_OFFSET = 6;
    private static final long TIOCGPGRP = 0x540f;
    private static final long TIOCGWINSZ = 0x5413;
    private static final long TIOCSWINSZ = 0x5414;
    private static final int WINSIZE_LENGTH = 8;
    private static final int WS_COL_OFFSET = 2;
    private static final int OPOST = 1;
    private static final int ISIG = 1;
    /** {@code IGNBRK|BRKINT|PARMRK|ISTRIP|INLCR|IGNCR|ICRNL|IXON}. */
    private static final int COOKED_INPUT = 0x1 | 0x2 | 0x8 | 0x20 | 0x40 | 0x80 | 0x100 | 0x400;
    /** {@code ICANON|ECHO|ECHONL|IEXTEN}. */
    private static final int COOKED_LOCAL = 0x2 | 0x8 | 0x40 | 0x8000;

    private static final LibC C = LibC.C;

    private Terminals() {}

    /**
     * A new pseudo-terminal.
     *
     * @param master the program's end; never waits
     * @param slavePath what others open, for example {@code /dev/pts/3}
     */
    public record Pty(Fd master, String slavePath) {}

    /**
     * Makes a pseudo-terminal in raw mode. The slave has been opened and closed once, so that the master reports a hang-up
     * until somebody else opens it.
     */
    public static Pty openPty() throws PosixException {
        Fd master = new Fd(Posix.check(
                "posix_openpt", C.posix_openpt(Posix.O_RDWR | Posix.O_NOCTTY | Posix.O_NONBLOCK | Posix.O_CLOEXEC)));
        long name = NativeMemory.allocate(NAME_LENGTH);
        try {
            Posix.check("grantpt", C.grantpt(master.value()));
            Posix.check("unlockpt", C.unlockpt(master.value()));
            int error = C.ptsname_r(master.value(), name, NAME_LENGTH);
            if (error != 0) {
                throw new PosixException("ptsname_r", error);
            }
            String path = NativeMemory.getString(name);
            try (Fd slave = Posix.open(path, Posix.O_RDWR | Posix.O_NOCTTY, 0)) {
                Mode.of(slave).raw().apply(slave);
            }
            return new Pty(master, path);
        } catch (PosixException e) {
            master.close();
            throw e;
        } finally {
            NativeMemory.free(name);
        }
    }

    /** Whether the other end of a descriptor is closed, as poll(2) sees it now. */
    public static boolean isHungUp(Fd fd) throws PosixException {
        long pollfd = NativeMemory.allocate(POLLFD_LENGTH);
        try {
            NativeMemory.putInt(pollfd, fd.value());
            Posix.check("poll", C.poll(pollfd, 1, 0));
            return (NativeMemory.getShort(pollfd + REVENTS_OFFSET) & POLLHUP) != 0;
        } finally {
            NativeMemory.free(pollfd);
        }
    }

    /**
     * Whether the process may set a terminal's mode without being stopped for it: it is in the foreground there, or the
     * terminal is not the one that controls it.
     */
    public static boolean isForeground(Fd terminal) {
        long group = NativeMemory.allocate(Integer.BYTES);
        try {
            return C.ioctl(terminal.value(), TIOCGPGRP, group) < 0 || NativeMemory.getInt(group) == C.getpgid(0);
        } finally {
            NativeMemory.free(group);
        }
    }

    /**
     * The size of a terminal's window, of a pseudo-terminal from either end.
     *
     * @param columns 0 if it is not known
     * @param rows 0 if it is not known
     */
    public record Size(int columns, int rows) {
        /** Reads the size that is set now; not known if the descriptor is no terminal. */
        public static Size of(Fd terminal) {
            long winsize = NativeMemory.allocate(WINSIZE_LENGTH);
            try {
                if (C.ioctl(terminal.value(), TIOCGWINSZ, winsize) < 0) {
                    return new Size(0, 0);
                }
                return new Size(
                        NativeMemory.getShort(winsize + WS_COL_OFFSET) & 0xffff,
                        NativeMemory.getShort(winsize) & 0xffff);
            } finally {
                NativeMemory.free(winsize);
            }
        }

        /** Sets it; programs on the terminal hear SIGWINCH. */
        public void apply(Fd terminal) throws PosixException {
            long winsize = NativeMemory.allocate(WINSIZE_LENGTH);
            try {
                NativeMemory.putShort(winsize, (short) rows);
                NativeMemory.putShort(winsize + WS_COL_OFFSET, (short) columns);
                NativeMemory.putInt(winsize + Integer.BYTES, 0); // in pixels: not known
                Posix.check("ioctl", C.ioctl(terminal.value(), TIOCSWINSZ, winsize));
            } finally {
                NativeMemory.free(winsize);
            }
        }
    }

    /** The modes of a terminal, as a value: the bytes of {@code struct termios}. */
    public static final class Mode {
        private final byte[] termios;

        private Mode(byte[] termios) {
            this.termios = termios;
        }

        /** Reads the modes a terminal has now. */
        public static Mode of(Fd terminal) throws PosixException {
            long buffer = NativeMemory.allocate(TERMIOS_LENGTH);
            try {
                Posix.check("tcgetattr", C.tcgetattr(terminal.value(), buffer));
                byte[] bytes = new byte[TERMIOS_LENGTH];
                NativeMemory.get(buffer, bytes, 0, TERMIOS_LENGTH);
                return new Mode(bytes);
            } finally {
                NativeMemory.free(buffer);
            }
        }

        /**
         * Modes that another process has read.
         *
         * @param bytes what {@link #bytes} has answered there
         */
        public static Mode of(byte[] bytes) {
            return new Mode(Arrays.copyOf(bytes, TERMIOS_LENGTH));
        }

        /** The modes as bytes, of this system's own form. */
        public byte[] bytes() {
            return termios.clone();
        }

        /** Sets the modes of a terminal. */
        public void apply(Fd terminal) throws PosixException {
            withCopy(buffer -> Posix.check("tcsetattr", C.tcsetattr(terminal.value(), TCSANOW, buffer)));
        }

        /** The same with bytes passed through unchanged in both directions. */
        public Mode raw() throws PosixException {
            return withCopy(C::cfmakeraw);
        }

        /**
         * The same for a console on the program's own terminal: no line editing, no echo, input unchanged, output still
         * processed.
         *
         * <p>The quit key is an ordinary one in any case: its signal has the virtual machine print its threads there.
         *
         * @param signals whether the interrupt and suspend keys still send signals
         */
        public Mode console(boolean signals) throws PosixException {
            return withCopy(buffer -> {
                NativeMemory.putInt(buffer + IFLAG_OFFSET, NativeMemory.getInt(buffer + IFLAG_OFFSET) & ~COOKED_INPUT);
                NativeMemory.putInt(buffer + OFLAG_OFFSET, NativeMemory.getInt(buffer + OFLAG_OFFSET) | OPOST);
                int local = NativeMemory.getInt(buffer + LFLAG_OFFSET) & ~COOKED_LOCAL;
                NativeMemory.putInt(buffer + LFLAG_OFFSET, signals ? local : local & ~ISIG);
                NativeMemory.putByte(buffer + QUIT_KEY_OFFSET, NO_KEY);
            });
        }

        private interface TermiosCall {
            void on(long buffer) throws PosixException;
        }

        private Mode withCopy(TermiosCall body) throws PosixException {
            long buffer = NativeMemory.allocate(TERMIOS_LENGTH);
            try {
                NativeMemory.put(termios, 0, buffer, TERMIOS_LENGTH);
                body.on(buffer);
                byte[] bytes = new byte[TERMIOS_LENGTH];
                NativeMemory.get(buffer, bytes, 0, TERMIOS_LENGTH);
                return new Mode(bytes);
            } finally {
                NativeMemory.free(buffer);
            }
        }
    }
}
