package org.vportd.posix;

/**
 * What the kernel knows of a file, from {@code statx}, whose layout is the same on every architecture.
 *
 * @param mode type and permission bits, {@code st_mode}
 * @param sizeBytes the size of a regular file
 * @param device the device that holds it; with {@code inode} it identifies the file
 * @param inode the number on that device
 */
public record FileStatus(int mode, long sizeBytes, long device, long inode) {
    private static final int AT_FDCWD = -100;
    private static final int AT_SYMLINK_NOFOLLOW = 0x100;
    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int STATX_BASIC_STATS = 0x7ff;
    private static final int STATX_LENGTH = 256;
    private static final int MODE_OFFSET = 28;
    private static final int INODE_OFFSET = 32;
    private static final int SIZE_OFFSET = 40;
    private static final int DEVICE_MAJOR_OFFSET = 136;
    private static final int DEVICE_MINOR_OFFSET = 140;
    private static final int TYPE_MASK = 0xf000;

    /** Of an open file. */
    public static FileStatus of(Fd fd) throws PosixException {
        return statx(fd.value(), "", AT_EMPTY_PATH);
    }

    /** Of what a path names; a symbolic link is not followed. */
    public static FileStatus ofLink(String path) throws PosixException {
        return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
    }

    /** Of what a path leads to. */
    public static FileStatus of(String path) throws PosixException {
        return statx(AT_FDCWD, path, 0);
    }

    private static FileStatus statx(int directory, String path, int flags) throws PosixException {
        long buffer = NativeMemory.allocate(STATX_LENGTH);
        try {
            Posix.withPath("statx", path, name -> LibC.C.statx(directory, name, flags, STATX_BASIC_STATS, buffer));
            long major = NativeMemory.getInt(buffer + DEVICE_MAJOR_OFFSET);
            return new FileStatus(
                    NativeMemory.getShort(buffer + MODE_OFFSET) & 0xffff,
                    NativeMemory.getLong(buffer + SIZE_OFFSET),
                    (major << Integer.SIZE) | (NativeMemory.getInt(buffer + DEVICE_MINOR_OFFSET) & 0xffffffffL),
                    NativeMemory.getLong(buffer + INODE_OFFSET));
        } finally {
            NativeMemory.free(buffer);
        }
    }

    /** Whether it is a plain file; files in memory are. */
    public boolean isRegular() {
        return (mode & TYPE_MASK) == 0x8000;
    }

    /** Whether it is a socket. */
    public boolean isSocket() {
        return (mode & TYPE_MASK) == 0xc000;
    }

    /** Whether it is a pipe or FIFO. */
    public boolean isPipe() {
        return (mode & TYPE_MASK) == 0x1000;
    }

    /** Whether it is a symbolic link. */
    public boolean isLink() {
        return (mode & TYPE_MASK) == 0xa000;
    }

    /** Whether it has no type at all, as the kernel's own objects such as an eventfd. */
    public boolean isAnonymous() {
        return (mode & TYPE_MASK) == 0;
    }

    /** Whether two names lead to the same file. */
    public boolean isSameFile(FileStatus other) {
        return device == other.device && inode == other.inode;
    }
}
