package org.vportd.posix;

import org.agrona.UnsafeApi;

/**
 * Pages that are mapped here already, apart from each other, mapped once more one behind the other. It lives as long as it
 * is not closed, even if the mappings that it was made of are; what it costs is address space.
 */
public final class MappedView implements AutoCloseable {
    private static final int PROT_NONE = 0;
    private static final int MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x4022;
    private static final int MREMAP_MAYMOVE_FIXED = 3;
    private static final int NO_FILE = -1;
    private static final long ANYWHERE = 0;

    private final long address;
    private final long bytes;
    private boolean mapped = true;

    private MappedView(long address, long bytes) {
        this.address = address;
        this.bytes = bytes;
    }

    /** The size of what can be put into a view. */
    public static int pageBytes() {
        return UnsafeApi.pageSize();
    }

    /**
     * Makes a view in which nothing can be accessed yet.
     *
     * @param bytes its length, rounded up to whole pages; at least 1
     */
    public static MappedView reserve(long bytes) throws PosixException {
        long page = pageBytes();
        long length = (bytes + page - 1) & -page;
        long address = LibC.C.mmap(ANYWHERE, length, PROT_NONE, MAP_PRIVATE_ANONYMOUS_NORESERVE, NO_FILE, 0);
        if (address == -1) {
            throw new PosixException("mmap", LibC.errno());
        }
        return new MappedView(address, length);
    }

    /** Where it begins. */
    public long address() {
        return address;
    }

    /**
     * Puts pages into the view.
     *
     * @param offset where they go, a multiple of {@link #pageBytes}
     * @param source where they are mapped shared, a multiple of {@link #pageBytes}
     * @param lengthBytes how much, rounded up to whole pages; lies within the view and within one mapping
     * @throws PosixException if the kernel cannot do that, as with huge pages
     */
    public void put(long offset, long source, long lengthBytes) throws PosixException {
        long page = pageBytes();
        if (!mapped || offset < 0 || (offset | source) % page != 0 || lengthBytes < 1 || lengthBytes > bytes - offset) {
            throw new PosixException("mremap", Errno.EINVAL);
        }
        long length = (lengthBytes + page - 1) & -page;
        // An old length of 0 maps the pages a second time instead of moving them.
        if (LibC.C.mremap(source, 0, length, MREMAP_MAYMOVE_FIXED, address + offset) == -1) {
            throw new PosixException("mremap", LibC.errno());
        }
    }

    @Override
    public void close() {
        if (mapped) {
            mapped = false;
            LibC.C.munmap(address, bytes);
        }
    }
}
