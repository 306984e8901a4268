package org.vportd.posix;

/** A parallel port of the host, through the kernel's {@code ppdev}. */
public final class ParallelPort {
    private static final long PPCLAIM = 0x708b;
    private static final long PPRELEASE = 0x708c;

    private ParallelPort() {}

    /** Gets the port for us alone. Waits while another driver of the kernel has it. */
    public static void claim(Fd fd) throws PosixException {
        Posix.check("ioctl(PPCLAIM)", LibC.C.ioctl(fd.value(), PPCLAIM, 0));
    }

    /** Gives the port back; closing its last descriptor does the same. */
    public static void release(Fd fd) throws PosixException {
        Posix.check("ioctl(PPRELEASE)", LibC.C.ioctl(fd.value(), PPRELEASE, 0));
    }
}
