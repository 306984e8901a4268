package org.vportd.posix;

/**
 * The address of a stream socket between a virtual machine and its host. No call here waits.
 *
 * <table>
 * <caption>struct sockaddr_vm (16 bytes)</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>2</td><td>svm_family</td></tr>
 * <tr><td>4</td><td>4</td><td>svm_port</td></tr>
 * <tr><td>8</td><td>4</td><td>svm_cid</td></tr>
 * </table>
 *
 * @param cid the machine, an unsigned number of 32 bits; {@code -1} as any when listening
 * @param port an unsigned number of 32 bits
 */
public record VsockAddress(int cid, int port) {
    private static final int AF_VSOCK = 40;
    private static final int SOCK_STREAM = 1;
    private static final int ADDRESS_LENGTH = 16;
    private static final int PORT_OFFSET = 4;
    private static final int CID_OFFSET = 8;

    /**
     * Binds a socket to it and listens.
     *
     * @throws PosixException with {@link Errno#EAFNOSUPPORT} where the kernel knows no such sockets
     */
    public Fd listen(int backlog) throws PosixException {
        return withSocket((fd, at) -> {
            Posix.check("bind", LibC.C.bind(fd.value(), at, ADDRESS_LENGTH));
            Posix.check("listen", LibC.C.listen(fd.value(), backlog));
        });
    }

    /** Starts to connect: once the socket is writable, {@link Sockets#connectError} tells how it went. */
    public Fd connect() throws PosixException {
        return withSocket((fd, at) -> Sockets.startToConnect(fd, at, ADDRESS_LENGTH));
    }

    private interface SocketCall {
        void on(Fd fd, long address) throws PosixException;
    }

    private Fd withSocket(SocketCall body) throws PosixException {
        Fd fd = Sockets.open(AF_VSOCK, SOCK_STREAM, 0);
        long address = NativeMemory.allocate(ADDRESS_LENGTH);
        try {
            NativeMemory.putShort(address, (short) AF_VSOCK);
            NativeMemory.putInt(address + PORT_OFFSET, port);
            NativeMemory.putInt(address + CID_OFFSET, cid);
            body.on(fd, address);
            return fd;
        } catch (PosixException e) {
            fd.close();
            throw e;
        } finally {
            NativeMemory.free(address);
        }
    }
}
