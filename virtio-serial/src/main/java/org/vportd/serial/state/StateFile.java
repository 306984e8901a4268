package org.vportd.serial.state;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.Fd;
import org.vportd.posix.FileStatus;
import org.vportd.posix.MappedMemory;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;

/**
 * The file in which the devices of a process keep what they know of their drivers, so that a process that was killed can be
 * followed by one that goes on. It belongs to one process at a time, and to this machine: numbers are in its order.
 *
 * <table>
 * <caption>The file: one page, then the records of devices, each on pages of its own</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>8</td><td>magic</td></tr>
 * <tr><td>8</td><td>4</td><td>version</td></tr>
 * </table>
 */
public final class StateFile implements AutoCloseable {
    static final long MAGIC = 0x4653_5444_5254_5056L; // "VPTRDTSF", in the order of most machines
    static final int VERSION = 1;
    static final int VERSION_OFFSET = 8;
    static final int PAGE_BYTES = 4096;

    private static final System.Logger LOGGER = System.getLogger(StateFile.class.getName());
    private static final int MODE = 0600;

    private final String path;
    private final Fd file;

    private StateFile(String path, Fd file) {
        this.path = path;
        this.file = file;
    }

    /**
     * Opens the file, or makes it. One of another version is begun anew, with a warning.
     *
     * @throws IOException if that is not possible, or another process uses it
     * @throws StateFormatException if it is something else, which is left as it is
     */
    public static StateFile open(String path) throws IOException, StateFormatException {
        Fd file = Posix.open(path, Posix.O_RDWR | Posix.O_CREAT, MODE);
        try {
            if (!FileStatus.of(file).isRegular()) {
                throw new IOException("it is no regular file");
            }
            if (!Posix.lock(file)) {
                throw new IOException("another process uses it");
            }
            StateFile opened = new StateFile(path, file);
            opened.checkHeader();
            return opened;
        } catch (IOException | StateFormatException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    /** Goes on with a file that another process has opened and passed on, and still has. */
    public static StateFile takeOver(Fd file, String path) {
        return new StateFile(path, file);
    }

    /** The file, still owned by this object, for a process that follows. */
    public Fd file() {
        return file;
    }

    /** Where it is. */
    public String path() {
        return path;
    }

    private void checkHeader() throws IOException, StateFormatException {
        if (FileStatus.of(file).sizeBytes() == 0) {
            begin();
            return;
        }
        if (FileStatus.of(file).sizeBytes() < PAGE_BYTES) {
            throw new StateFormatException("it is something else than the state of devices");
        }
        int version;
        try (MappedMemory header = MappedMemory.map(file, 0, PAGE_BYTES)) {
            if (NativeMemory.getLong(header.address()) != MAGIC) {
                throw new StateFormatException("it is something else than the state of devices");
            }
            version = NativeMemory.getInt(header.address() + VERSION_OFFSET);
        }
        if (version != VERSION) {
            warn("it has an unknown version, and is begun anew: version=" + version + " known=" + VERSION);
            begin();
        }
    }

    private void begin() throws PosixException {
        Posix.resize(file, 0);
        Posix.resize(file, PAGE_BYTES);
        try (MappedMemory header = MappedMemory.map(file, 0, PAGE_BYTES)) {
            NativeMemory.putInt(header.address() + VERSION_OFFSET, VERSION);
            NativeMemory.putLong(header.address(), MAGIC);
        }
    }

    /**
     * The record of a device; it is made if there is none that fits, with a warning if there was one for another device
     * layout.
     *
     * @param id what the device is called
     * @param maxPorts the most ports it can have
     */
    public StateRecord record(String id, int maxPorts) throws IOException {
        byte[] name = id.getBytes(StandardCharsets.UTF_8);
        if (name.length > StateRecord.MAX_ID_BYTES) {
            throw new IOException("id of a device is too long: bytes=" + name.length);
        }
        long end = FileStatus.of(file).sizeBytes();
        long offset = PAGE_BYTES;
        while (offset + PAGE_BYTES <= end) {
            StateRecord.Header header = header(offset);
            if (header == null || header.bytes() > end - offset) {
                warn("it is damaged from a place on, where it is begun anew: offset=" + offset);
                break;
            }
            if (header.id().equals(id)) {
                if (header.maxPorts() == maxPorts) {
                    return open(offset, maxPorts);
                }
                warn("what is kept of a device is for another layout, and not used: id=" + id + " max_ports="
                        + header.maxPorts() + " here=" + maxPorts);
                discard(offset);
            }
            offset += header.bytes();
        }
        Posix.resize(file, offset); // what is there is the beginning of a record at most
        Posix.resize(file, offset + StateRecord.bytes(maxPorts));
        try (MappedMemory memory = MappedMemory.map(file, offset, StateRecord.bytes(maxPorts))) {
            StateRecord.make(memory.address(), name, maxPorts);
        }
        return open(offset, maxPorts);
    }

    private StateRecord open(long offset, int maxPorts) throws PosixException {
        return new StateRecord(path, MappedMemory.map(file, offset, StateRecord.bytes(maxPorts)), maxPorts);
    }

    private StateRecord.@Nullable Header header(long offset) throws PosixException {
        try (MappedMemory memory = MappedMemory.map(file, offset, PAGE_BYTES)) {
            return StateRecord.Header.read(memory.address());
        }
    }

    private void discard(long offset) throws PosixException {
        try (MappedMemory memory = MappedMemory.map(file, offset, PAGE_BYTES)) {
            StateRecord.discard(memory.address());
        }
    }

    private void warn(String what) {
        LOGGER.log(System.Logger.Level.WARNING, "state file " + path + ": " + what);
    }

    /** Lets another process have the file. */
    @Override
    public void close() {
        file.close();
    }
}
