package org.vportd.guest;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * The bytes that {@code portsend} in the guest and {@link HostPeer} send: 4096 bytes of a generator modulo 2^31, repeated,
 * where each 4096 begin with their little-endian 64-bit position plus the seed.
 */
final class TestPattern {
    private static final int PAGE_LENGTH = 4096;

    private final byte[] page = new byte[PAGE_LENGTH];
    private final long seed;

    TestPattern(int seed) {
        this.seed = seed;
        long state = seed & 0x7fff_ffffL;
        for (int i = 0; i < PAGE_LENGTH; i++) {
            state = (state * 1_103_515_245L + 12_345) & 0x7fff_ffffL;
            page[i] = (byte) (state >> 16);
        }
    }

    /** Fills an array with the pattern from a position on, a multiple of 4096. */
    void fill(byte[] target, long position) {
        ByteBuffer buffer = ByteBuffer.wrap(target).order(ByteOrder.LITTLE_ENDIAN);
        for (int offset = 0; offset < target.length; offset += PAGE_LENGTH) {
            buffer.put(offset, page, 0, Math.min(PAGE_LENGTH, target.length - offset));
            if (target.length - offset >= Long.BYTES) {
                buffer.putLong(offset, position + offset + seed);
            }
        }
    }

    /** The checksum of so many bytes from the start. */
    String sha256(long bytes) {
        return sha256(0, bytes);
    }

    /** The checksum of the bytes from a position on, a multiple of 4096, up to another. */
    String sha256(long start, long end) {
        MessageDigest digest = newDigest();
        byte[] block = new byte[8 * PAGE_LENGTH];
        for (long position = start; position < end; position += block.length) {
            fill(block, position);
            digest.update(block, 0, (int) Math.min(block.length, end - position));
        }
        return hex(digest);
    }

    static MessageDigest newDigest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every Java platform has it
        }
    }

    static String hex(MessageDigest digest) {
        return HexFormat.of().formatHex(digest.digest());
    }
}
