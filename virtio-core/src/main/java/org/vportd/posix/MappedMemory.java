package org.vportd.posix;

import org.agrona.UnsafeApi;
import org.jspecify.annotations.Nullable;

/**
 * A file mapped readable, writable and shared, left out of core dumps. Whoever owns it must outlive every address taken
 * from it: an access after {@link #close} kills the process.
 */
public final class MappedMemory implements AutoCloseable {
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_SHARED_NORESERVE = 0x4001;
    private static final int MADV_DONTDUMP = 16;
    private static final int HUGETLBFS_MAGIC = 0x958458f6;
    private static final int STATFS_LENGTH = 120;
    private static final int STATFS_BLOCK_SIZE_OFFSET = 8;
    private static final int PAGE_BYTES = 4096;
    private static final long ANYWHERE = 0;

    /** Of a file that can get shorter; null for others, so that many regions need no descriptors. */
    private final @Nullable Fd file;

    private boolean mapped = true;
    private final long fileEnd;
    private final long mapping;
    private final long mappingBytes;
    private final long address;

    private MappedMemory(@Nullable Fd file, long fileEnd, long mapping, long mappingBytes, long address) {
        this.file = file;
        this.fileEnd = fileEnd;
        this.mapping = mapping;
        this.mappingBytes = mappingBytes;
        this.address = address;
    }

    /**
     * Maps a part of a file. The descriptor may be closed afterwards: if the file can get shorter a duplicate is kept, see
     * {@link #isIntact}.
     *
     * @param offset where the part begins; need not be aligned, also not on huge pages
     * @param sizeBytes its length, at least 1
     * @throws PosixException if the kernel refuses, with {@link Errno#EINVAL} if the file is no regular one or ends before
     *     the part does
     */
    public static MappedMemory map(Fd fd, long offset, long sizeBytes) throws PosixException {
        FileStatus status = FileStatus.of(fd);
        if (!status.isRegular() || offset < 0 || sizeBytes <= 0 || offset > status.sizeBytes() - sizeBytes) {
            throw new PosixException("mmap", Errno.EINVAL);
        }
        long alignment = blockBytes(fd);
        long start = offset & -alignment;
        long length = offset - start + sizeBytes;
        length = (length + alignment - 1) & -alignment; // munmap of huge pages wants whole ones
        Fd file = Posix.isShrinkSealed(fd) ? null : fd.duplicate();
        long mapping = LibC.C.mmap(ANYWHERE, length, PROT_READ_WRITE, MAP_SHARED_NORESERVE, fd.value(), start);
        if (mapping == -1) {
            int errno = LibC.errno();
            if (file != null) {
                file.close();
            }
            throw new PosixException("mmap", errno);
        }
        LibC.C.madvise(mapping, length, MADV_DONTDUMP); // best effort: not every file system knows it
        return new MappedMemory(file, offset + sizeBytes, mapping, length, mapping + (offset - start));
    }

    private static long blockBytes(Fd fd) throws PosixException {
        long buffer = NativeMemory.allocate(STATFS_LENGTH);
        try {
            Posix.check("fstatfs", LibC.C.fstatfs(fd.value(), buffer));
            boolean huge = NativeMemory.getInt(buffer) == HUGETLBFS_MAGIC;
            long pageBytes = Math.max(PAGE_BYTES, UnsafeApi.pageSize());
            return huge ? NativeMemory.getLong(buffer + STATFS_BLOCK_SIZE_OFFSET) : pageBytes;
        } finally {
            NativeMemory.free(buffer);
        }
    }

    /** Where the part begins in this process. */
    public long address() {
        return address;
    }

    /** Whether the file may get shorter some time. */
    public boolean canVanish() {
        return file != null;
    }

    /** Whether the file still reaches as far as the part does: nobody has truncated it since. */
    public boolean isIntact() {
        try {
            return mapped && (file == null || FileStatus.of(file).sizeBytes() >= fileEnd);
        } catch (PosixException e) {
            return false;
        }
    }

    @Override
    public void close() {
        if (mapped) {
            mapped = false;
            if (file != null) {
                file.close();
            }
            LibC.C.munmap(mapping, mappingBytes);
        }
    }
}
