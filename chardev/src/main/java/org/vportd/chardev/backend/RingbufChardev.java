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
    private final int capacity;
    /** Not on the heap, which is small. */
    private long ring;

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
            RingbufChardev chardev;
            try {
                chardev = new RingbufChardev(name, opening.id(), (int) size);
            } catch (OutOfMemoryError e) {
                throw new ConfigException("not enough memory for ringbuf chardev", "size=" + size);
            }
            if (opening.inherited() != null) {
                chardev.append(opening.inherited().bytes(CONTENTS));
            }
            return chardev;
        }
    }

    private RingbufChardev(String typeName, String id, int sizeBytes) {
        super(id);
        this.typeName = typeName;
        this.capacity = sizeBytes;
        this.ring = NativeMemory.reserve(sizeBytes);
        raise(ChardevEvent.OPENED);
    }

    @Override
    public String filename() {
        return typeName;
    }

    @Override
    protected long write(IoVector data) {
        long bytes = data.bytes();
        if (bytes <= capacity) {
            append(data);
        } else {
            newest.clear();
            newest.addPart(data, bytes - capacity, capacity); // the rest would be overwritten by the same write
            append(newest);
        }
        return bytes;
    }

    private void append(IoVector data) {
        data.copyToRing(ring, capacity, place(produced));
        advance((int) data.bytes());
    }

    private int place(long position) {
        return (int) position & (capacity - 1);
    }

    private void advance(int lengthBytes) {
        produced += lengthBytes;
        consumed = Math.max(consumed, produced - capacity);
    }

    /** Puts bytes behind the output that is kept, as if the front-end had written them. */
    public void append(byte[] bytes) {
        for (int done = 0; done < bytes.length; ) {
            int place = place(produced);
            int n = Math.min(bytes.length - done, capacity - place);
            NativeMemory.put(bytes, done, ring + place, n);
            advance(n);
            done += n;
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
        int place = place(consumed);
        int untilEnd = Math.min(length, capacity - place);
        NativeMemory.get(ring + place, bytes, 0, untilEnd);
        NativeMemory.get(ring, bytes, untilEnd, length - untilEnd);
        return bytes;
    }

    @Override
    protected void pack(Parcel into) {
        into.put(CONTENTS, oldest(size()));
    }

    @Override
    public void close() {
        newest.close();
        consumed = produced; // nothing is there to be read any more
        NativeMemory.free(ring);
        ring = 0;
    }
}
