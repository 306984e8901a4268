package org.vportd.vhostuser.protocol;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * All memory regions at once: the payload of SET_MEM_TABLE (vhost-user "Multiple memory regions description"). It may be
 * longer than its regions: user-mode Linux always sends two slots.
 *
 * <table>
 * <caption>8 + 32 n bytes, or more</caption>
 * <tr><th>offset</th><th>size</th><th>field</th></tr>
 * <tr><td>0</td><td>4</td><td>count n</td></tr>
 * <tr><td>4</td><td>4</td><td>padding</td></tr>
 * <tr><td>8</td><td>32 n</td><td>{@link RegionDescription regions}</td></tr>
 * </table>
 *
 * @param regions in the order of the descriptors that come with them
 */
public record MemoryTable(List<RegionDescription> regions) {
    /** Bytes before the first region. */
    public static final int HEADER_LENGTH = 8;
    /** The most regions that fit a message. Most front-ends stop at 8, some do not. */
    public static final int MAX_REGIONS = (MessageHeader.MAX_PAYLOAD_BYTES - HEADER_LENGTH) / RegionDescription.LENGTH;

    /** Copies the list. */
    public MemoryTable {
        regions = List.copyOf(regions);
    }

    /** Reads a payload and checks each region, but not the regions against each other. */
    public static MemoryTable decode(ByteBuffer from) throws VhostUserRequestException {
        PayloadCheck.atLeast("memory table", from, HEADER_LENGTH);
        int count = from.getInt();
        from.getInt();
        if (count < 1 || count > MAX_REGIONS) {
            throw new VhostUserRequestException("memory table has a bad number of regions: count="
                    + Integer.toUnsignedString(count) + " max=" + MAX_REGIONS);
        }
        PayloadCheck.atLeast("memory table", from, (long) count * RegionDescription.LENGTH);
        List<RegionDescription> regions = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            regions.add(RegionDescription.decode(from).check());
        }
        return new MemoryTable(regions);
    }

    /** Writes the payload. */
    public void encode(ByteBuffer to) {
        to.putInt(regions.size()).putInt(0);
        regions.forEach(region -> region.encode(to));
    }

    /**
     * Checks that there is one descriptor for each region.
     *
     * @throws VhostUserRequestException if there are more or fewer
     */
    public MemoryTable checkDescriptors(int count) throws VhostUserRequestException {
        if (count != regions.size()) {
            throw new VhostUserRequestException("memory table needs a descriptor for each region: regions="
                    + regions.size() + " descriptors=" + count);
        }
        return this;
    }
}
