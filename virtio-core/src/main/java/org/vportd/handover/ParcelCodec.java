package org.vportd.handover;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.vportd.posix.Fd;

/**
 * A parcel as bytes, and the descriptors in it as a list that the bytes refer to.
 *
 * <pre>{@code
 *   parcel: count, then for each value: name, tag, value
 *   name, text, bytes: length, then so many bytes (names and texts in UTF-8)
 *   number: 8 bytes   descriptor: index   parcels: count, then each
 *   count, length, index: 4 bytes, all of it big-endian
 * }</pre>
 */
final class ParcelCodec {
    private static final int NUMBER = 1;
    private static final int TEXT = 2;
    private static final int BYTES = 3;
    private static final int DESCRIPTOR = 4;
    private static final int PARCEL = 5;
    private static final int PARCELS = 6;

    private ParcelCodec() {}

    /** Writes a parcel; its descriptors are added to the list, and stay their owners'. */
    static byte[] encode(Parcel parcel, List<Fd> descriptors) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            write(parcel, new DataOutputStream(bytes), descriptors);
        } catch (IOException e) {
            throw new IllegalStateException(e); // memory takes everything
        }
        return bytes.toByteArray();
    }

    private static void write(Parcel parcel, DataOutputStream out, List<Fd> descriptors) throws IOException {
        out.writeInt(parcel.values().size());
        for (Map.Entry<String, Object> entry : parcel.values().entrySet()) {
            writeBytes(entry.getKey().getBytes(StandardCharsets.UTF_8), out);
            writeValue(entry.getValue(), out, descriptors);
        }
    }

    private static void writeValue(Object value, DataOutputStream out, List<Fd> descriptors) throws IOException {
        if (value instanceof Long number) {
            out.writeByte(NUMBER);
            out.writeLong(number);
        } else if (value instanceof String text) {
            out.writeByte(TEXT);
            writeBytes(text.getBytes(StandardCharsets.UTF_8), out);
        } else if (value instanceof byte[] bytes) {
            out.writeByte(BYTES);
            writeBytes(bytes, out);
        } else if (value instanceof Fd fd) {
            out.writeByte(DESCRIPTOR);
            out.writeInt(descriptors.size());
            descriptors.add(fd);
        } else if (value instanceof Parcel inner) {
            out.writeByte(PARCEL);
            write(inner, out, descriptors);
        } else {
            List<?> parcels = (List<?>) value;
            out.writeByte(PARCELS);
            out.writeInt(parcels.size());
            for (Object each : parcels) {
                write((Parcel) each, out, descriptors);
            }
        }
    }

    private static void writeBytes(byte[] bytes, DataOutputStream out) throws IOException {
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    /**
     * Reads a parcel, which the descriptors belong to from here on.
     *
     * @throws IOException if the bytes are not those of one; the descriptors are closed then
     */
    static Parcel decode(byte[] bytes, List<Fd> descriptors) throws IOException {
        List<Fd> left = new ArrayList<>(descriptors);
        try {
            DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
            return read(in, left);
        } catch (IOException | RuntimeException e) {
            descriptors.forEach(Fd::close);
            throw new IOException("parcel cannot be read: " + e.getMessage(), e);
        }
    }

    private static Parcel read(DataInputStream in, List<Fd> descriptors) throws IOException {
        Parcel parcel = new Parcel();
        int count = in.readInt();
        for (int i = 0; i < count; i++) {
            String name = new String(readBytes(in), StandardCharsets.UTF_8);
            parcel.putValue(name, readValue(in, descriptors));
        }
        return parcel;
    }

    private static Object readValue(DataInputStream in, List<Fd> descriptors) throws IOException {
        int tag = in.readByte();
        return switch (tag) {
            case NUMBER -> in.readLong();
            case TEXT -> new String(readBytes(in), StandardCharsets.UTF_8);
            case BYTES -> readBytes(in);
            case DESCRIPTOR -> descriptors.get(in.readInt());
            case PARCEL -> read(in, descriptors);
            case PARCELS -> {
                List<Parcel> parcels = new ArrayList<>();
                for (int left = in.readInt(); left > 0; left--) {
                    parcels.add(read(in, descriptors));
                }
                yield parcels;
            }
            default -> throw new IOException("unknown tag: " + tag);
        };
    }

    private static byte[] readBytes(DataInputStream in) throws IOException {
        int length = in.readInt();
        if (length < 0 || length > in.available()) {
            throw new IOException("length is out of range: " + length);
        }
        return in.readNBytes(length);
    }
}
