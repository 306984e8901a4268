package org.vportd.chardev.backend;

import java.util.Set;
import org.vportd.chardev.Chardev;
import org.vportd.chardev.ChardevEvent;
import org.vportd.chardev.ChardevType;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Opening;
import org.vportd.handover.Parcel;
import org.vportd.posix.IoVector;
import org.vportd.posix.NativeMemory;

/** Keeps the newest output in memory until it is read by command; always open, takes all, no input. */
public final class RingbufChardev extends Chardev {
    /** The type {@code ringbuf}. */
    public static final ChardevType TYPE = new Type("ringbuf");

    /** The same under its old name, {@code memory}. */
    public static final ChardevType MEMORY_TYPE = new Type("memory");

    private static final int DEFAULT_SIZE_BYTES = 65536;
    private static final int MAX_SIZE_BYTES = 1 << 30;

    private static final String CONTENTS = "contents";

    private final String typeName;
    private final byte[] ring;
    /** The end of a write that is larger than the ring. */
    private final IoVector newest = new IoVector();

    /** Bytes ever put in and ever taken out; the ring index is the low bits. */
    private long produced;

    private long consumed;

    private record Type(String name) implements ChardevType {
        @Override
        public Set<String> keys() {
            return Set.of("size");
        }

        @Override
        public Chardev open(Opening opening) throws ConfigException {
            long size = opening.options().size("size", DEFAULT_SIZE_BYTES, 0, MAX_SIZE_BYTES);
            if (Long.bitCount(size) != 1) {
                throw new ConfigException("size of ringbuf chardev must be power of two", "got " + size);
            }
            RingbufChardev chardev = new RingbufChardev(name, opening.id(), (int) size);
            if (opening.inherited() != null) {
                chardev.append(opening.inherited().bytes(CONTENTS));
            }
            return chardev;
        }
    }

    private RingbufChardev(String typeName, String id, int sizeBytes) {
        super(id);
        this.typeName = typeName;
        this.ring = new byte[sizeBytes];
        raise(ChardevEvent.OPENED);
    }

    @Override
    public String filename() {
        return typeName;
    }

    @Override
    protected long write(IoVector data) {
        long bytes = data.bytes();
        if (bytes <= ring.length) {
            append(data);
        } else {
            newest.clear();
            newest.addPart(data, bytes - ring.length, ring.length); // the rest would be overwritten by the same write
            append(newest);
        }
        return bytes;
    }

    private void append(IoVector data) {
        int index = (int) produced & (ring.length - 1);
        for (int i = 0; i < data.segments(); i++) {
            long address = data.segmentAddress(i);
            int length = (int) data.segmentBytes(i);
            int untilEnd = ring.length - index;
            if (length < untilEnd) {
                NativeMemory.get(address, ring, index, length);
                index += length;
            } else {
                NativeMemory.get(address, ring, index, untilEnd);
                index = length - untilEnd;
                NativeMemory.get(address + untilEnd, ring, 0, index);
            }
        }
        advance((int) data.bytes());
    }

    private void advance(int lengthBytes) {
        produced += lengthBytes;
        consumed = Math.max(consumed, produced - ring.length);
    }

    /** Puts bytes behind the output that is kept, as if the front-end had written them. */
    public void append(byte[] bytes) {
        for (byte b : bytes) {
            ring[(int) produced & (ring.length - 1)] = b;
            advance(1);
        }
    }

    /** The bytes that are kept. */
    public int size() {
        return (int) (produced - consumed);
    }

    /**
     * Takes the oldest bytes out.
     *
     * @param maxBytes how many at most, at least 0
     */
    public byte[] read(int maxBytes) {
        byte[] bytes = oldest(Math.min(size(), maxBytes));
        consumed += bytes.length;
        return bytes;
    }

    private byte[] oldest(int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = ring[(int) (consumed + i) & (ring.length - 1)];
        }
        return bytes;
    }

    @Override
    protected void pack(Parcel into) {
        into.put(CONTENTS, oldest(size()));
    }

    @Override
    public void close() {
        newest.close();
    }
}
