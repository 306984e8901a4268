package org.vportd.posix;

import java.util.ArrayList;
import java.util.List;

/**
 * A connected UNIX stream socket over which descriptors travel with the bytes ({@code SCM_RIGHTS}). Never waits. One
 * thread.
 *
 * <table>
 * <caption>struct msghdr (56 bytes) and struct cmsghdr (16), 64-bit Linux</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>16</td><td>8</td><td>msg_iov</td></tr>
 * <tr><td>24</td><td>8</td><td>msg_iovlen</td></tr>
 * <tr><td>32</td><td>8</td><td>msg_control</td></tr>
 * <tr><td>40</td><td>8</td><td>msg_controllen</td></tr>
 * <tr><td>48</td><td>4</td><td>msg_flags</td></tr>
 * <tr><td>0</td><td>8</td><td>cmsg_len</td></tr>
 * <tr><td>8</td><td>4</td><td>cmsg_level</td></tr>
 * <tr><td>12</td><td>4</td><td>cmsg_type</td></tr>
 * </table>
 */
public final class MessageSocket implements AutoCloseable {
    /** The most descriptors one message may bring; more are closed and count as {@link #isTruncated truncated}. */
    public static final int MAX_DESCRIPTORS = 128;

    static final int MSGHDR_LENGTH = 56;
    static final int IOV_OFFSET = 16;
    static final int IOVLEN_OFFSET = 24;
    private static final int CONTROL_OFFSET = 32;
    private static final int CONTROLLEN_OFFSET = 40;
    static final int FLAGS_OFFSET = 48;
    private static final int CMSG_LEVEL_OFFSET = 8;
    private static final int CMSG_TYPE_OFFSET = 12;
    private static final int CMSG_HEADER_LENGTH = 16;
    private static final int CONTROL_LENGTH = CMSG_HEADER_LENGTH + MAX_DESCRIPTORS * Integer.BYTES;
    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;
    static final int MSG_CTRUNC = 8;
    static final int MSG_DONTWAIT = 0x40;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int MSG_CMSG_CLOEXEC = 0x40000000;

    private final Fd fd;
    private final long header;
    private final long iovec;
    private final long control;
    private final List<Fd> received = new ArrayList<>();
    private boolean truncated;

    /** Takes ownership of a connected socket. */
    public MessageSocket(Fd fd) {
        this.fd = fd;
        this.header = NativeMemory.allocate(MSGHDR_LENGTH + 16 + CONTROL_LENGTH);
        this.iovec = header + MSGHDR_LENGTH;
        this.control = iovec + 16;
    }

    /** The descriptor, still owned by this object. */
    public Fd fd() {
        return fd;
    }

    /**
     * Receives bytes, and keeps the descriptors that came with them for {@link #takeDescriptors}.
     *
     * @return as {@link Posix} says
     */
    public long receive(long address, int lengthBytes) throws PosixException {
        while (true) {
            prepare(address, lengthBytes, control, CONTROL_LENGTH);
            long n = LibC.C.recvmsg(fd.value(), header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
            if (n >= 0) {
                collect();
                return n;
            }
            if (Posix.retryAfter("recvmsg", LibC.errno())) {
                return Posix.WOULD_BLOCK;
            }
        }
    }

    private void collect() {
        truncated |= (NativeMemory.getInt(header + FLAGS_OFFSET) & MSG_CTRUNC) != 0;
        long end = control + NativeMemory.getLong(header + CONTROLLEN_OFFSET);
        long at = control;
        while (at + CMSG_HEADER_LENGTH <= end) {
            long length = NativeMemory.getLong(at);
            if (NativeMemory.getInt(at + CMSG_LEVEL_OFFSET) == SOL_SOCKET
                    && NativeMemory.getInt(at + CMSG_TYPE_OFFSET) == SCM_RIGHTS) {
                for (long d = at + CMSG_HEADER_LENGTH; d + Integer.BYTES <= at + length; d += Integer.BYTES) {
                    received.add(new Fd(NativeMemory.getInt(d)));
                }
            }
            at += Math.max(CMSG_HEADER_LENGTH, (length + 7) & -8L);
        }
    }

    /** Hands over the descriptors received since the last call; whoever takes them closes them. */
    public List<Fd> takeDescriptors() {
        List<Fd> taken = List.copyOf(received);
        received.clear();
        return taken;
    }

    /** The number of descriptors waiting for {@link #takeDescriptors}. */
    public int descriptors() {
        return received.size();
    }

    /** Whether the kernel ever had to drop descriptors, for want of room or because the process has too many. */
    public boolean isTruncated() {
        return truncated;
    }

    /**
     * Sends bytes with descriptors attached to the first of them; the caller keeps the descriptors.
     *
     * @return as {@link Posix} says; the descriptors have gone if it is above 0
     */
    public long send(long address, int lengthBytes, List<Fd> descriptors) throws PosixException {
        if (descriptors.size() > MAX_DESCRIPTORS) {
            throw new IllegalArgumentException("too many descriptors: " + descriptors.size());
        }
        int payload = descriptors.size() * Integer.BYTES;
        for (int i = 0; i < descriptors.size(); i++) {
            NativeMemory.putInt(
                    control + CMSG_HEADER_LENGTH + (long) i * Integer.BYTES,
                    descriptors.get(i).value());
        }
        NativeMemory.putLong(control, CMSG_HEADER_LENGTH + payload);
        NativeMemory.putInt(control + CMSG_LEVEL_OFFSET, SOL_SOCKET);
        NativeMemory.putInt(control + CMSG_TYPE_OFFSET, SCM_RIGHTS);
        while (true) {
            prepare(
                    address,
                    lengthBytes,
                    payload == 0 ? 0 : control,
                    payload == 0 ? 0 : (CMSG_HEADER_LENGTH + payload + 7) & -8);
            long n = LibC.C.sendmsg(fd.value(), header, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (n >= 0) {
                return n;
            }
            if (Posix.retryAfter("sendmsg", LibC.errno())) {
                return Posix.WOULD_BLOCK;
            }
        }
    }

    private void prepare(long address, int lengthBytes, long controlAddress, int controlLength) {
        NativeMemory.putLong(iovec, address);
        NativeMemory.putLong(iovec + 8, lengthBytes);
        NativeMemory.putLong(header + IOV_OFFSET, iovec);
        NativeMemory.putLong(header + IOVLEN_OFFSET, 1);
        NativeMemory.putLong(header + CONTROL_OFFSET, controlAddress);
        NativeMemory.putLong(header + CONTROLLEN_OFFSET, controlLength);
        NativeMemory.putInt(header + FLAGS_OFFSET, 0);
    }

    /** Closes the socket and every descriptor nobody has taken. */
    @Override
    public void close() {
        if (fd.isOpen()) {
            fd.close();
            takeDescriptors().forEach(Fd::close);
            NativeMemory.free(header);
        }
    }
}
