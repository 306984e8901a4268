package org.vportd.virtio.memory;

import org.jspecify.annotations.Nullable;
import org.vportd.posix.Errno;
import org.vportd.posix.Fd;
import org.vportd.posix.MappedMemory;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;

/**
 * The bitmap in which a device notes the pages of guest memory that it has written, for a front-end that copies the memory
 * elsewhere meanwhile (vhost-user "Migration"). Page {@code p} is bit {@code p % 8} of byte {@code p / 8}; the front-end
 * takes bits out at any time, so they are set atomically.
 *
 * <p>That is what guest memory never sees from here: a JVM may not survive it if the file is truncated. Hence only a file
 * that is sealed against that is taken.
 */
public final class DirtyLog implements AutoCloseable {
    /** Bytes of a page of the log, whatever the machine's own are. */
    public static final int PAGE_BYTES = 4096;

    private static final int PAGE_SHIFT = 12;
    private static final int WORD_BITS = Integer.SIZE;
    private static final int WORD_MASK = WORD_BITS - 1;
    private static final int WORD_SHIFT = 5;

    private final @Nullable MappedMemory mapping;
    private final long pages;
    private final long words;
    /** The bit of the first word that stands for page 0: the log need not begin where a word does. */
    private final int firstBit;

    private final Runnable onMark;
    private boolean told;

    private DirtyLog(@Nullable MappedMemory mapping, long sizeBytes, Runnable onMark) {
        long address = mapping == null ? 0 : mapping.address();
        this.mapping = mapping;
        this.pages = sizeBytes * Byte.SIZE;
        this.words = address & -Integer.BYTES; // of the same page of the mapping
        this.firstBit = (int) (address - words) * Byte.SIZE;
        this.onMark = onMark;
    }

    /**
     * Maps a log. The descriptor may be closed afterwards.
     *
     * @param offset where the log begins in the file
     * @param sizeBytes its length; one of length 0 holds nothing
     * @param onMark told of the first mark, and of the first one after each {@link #rearm}
     * @throws PosixException if it cannot be mapped; with {@link Errno#EPERM} if the file may get shorter
     */
    public static DirtyLog map(Fd fd, long offset, long sizeBytes, Runnable onMark) throws PosixException {
        if (sizeBytes == 0) {
            return new DirtyLog(null, 0, onMark);
        }
        if (!Posix.isShrinkSealed(fd)) {
            throw new PosixException("mmap", Errno.EPERM);
        }
        return new DirtyLog(MappedMemory.map(fd, offset, sizeBytes), sizeBytes, onMark);
    }

    /**
     * Marks the pages of a range that has been written.
     *
     * @param guestAddress its guest-physical address
     * @param lengthBytes its length, 0 or more
     * @return whether the log reaches as far; nothing is marked if it does not
     */
    public boolean mark(long guestAddress, long lengthBytes) {
        if (lengthBytes == 0) {
            return true;
        }
        long end = guestAddress + lengthBytes - 1;
        long page = guestAddress >>> PAGE_SHIFT;
        long last = end >>> PAGE_SHIFT;
        if (Long.compareUnsigned(end, guestAddress) < 0 || last >= pages) {
            return false;
        }
        long bit = page + firstBit;
        long lastBit = last + firstBit;
        while (bit <= lastBit) {
            long lastOfWord = Math.min(lastBit, bit | WORD_MASK);
            int mask = -1 << (int) (bit & WORD_MASK) & -1 >>> (int) (WORD_MASK - (lastOfWord & WORD_MASK));
            NativeMemory.setBits(words + (bit >>> WORD_SHIFT) * Integer.BYTES, mask);
            bit = lastOfWord + 1;
        }
        if (!told) {
            told = true;
            onMark.run();
        }
        return true;
    }

    /** Has the next mark told again. */
    public void rearm() {
        told = false;
    }

    @Override
    public void close() {
        if (mapping != null) {
            mapping.close();
        }
    }
}
