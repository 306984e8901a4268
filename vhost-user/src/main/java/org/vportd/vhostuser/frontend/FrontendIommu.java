package org.vportd.vhostuser.frontend;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.vportd.vhostuser.protocol.IotlbMessage;
import org.vportd.virtio.driver.DriverMemory;

/**
 * The IOMMU of a simulated guest: every address that the driver gives the device is one of its own, which is in no region
 * that the back-end knows, and is mapped page by page when the back-end asks for it. Mappings can go at any time, and pages
 * can be elsewhere afterwards.
 */
public final class FrontendIommu {
    /** What is mapped at once. */
    public static final long PAGE_BYTES = DriverMemory.PAGE_BYTES;

    /** How far guest-physical addresses, as regions tell them, are from those of the driver. */
    static final long GUEST_OFFSET = 1L << 44;

    private final VhostUserFrontend frontend;
    private final DriverMemory memory;
    private final List<Long> mapped = new ArrayList<>();
    private long misses;
    private long faults;

    FrontendIommu(VhostUserFrontend frontend, DriverMemory memory) {
        this.frontend = frontend;
        this.memory = memory;
    }

    /** Answers a request of the back-end; a miss of an address that the driver does not have gets no answer. */
    void answer(IotlbMessage request) throws IOException {
        if (request.type() != IotlbMessage.MISS) {
            faults++;
            return;
        }
        misses++;
        long page = request.iova() & -PAGE_BYTES;
        if (!memory.contains(page)) {
            return;
        }
        int both = IotlbMessage.READ | IotlbMessage.WRITE;
        frontend.translate(IotlbMessage.update(page, PAGE_BYTES, memory.hostAddress(page), both));
        if (!mapped.contains(page)) {
            mapped.add(page);
        }
    }

    /** The pages that the back-end may know, in the order they were mapped. */
    public List<Long> mapped() {
        return List.copyOf(mapped);
    }

    /** How many translations were asked for. */
    public long misses() {
        return misses;
    }

    /** How often the back-end was not permitted what it wanted. */
    public long faults() {
        return faults;
    }

    /** Takes the mapping of a page back: the back-end does not use it any more when this returns. */
    public void unmap(long page) throws IOException {
        mapped.remove(page);
        frontend.translate(IotlbMessage.invalidate(page, PAGE_BYTES));
    }

    /** Takes all mappings back. */
    public void unmapAll() throws IOException {
        mapped.clear();
        frontend.translate(IotlbMessage.invalidate(0, -1));
    }

    /** Takes the mapping of a page back and moves what is in it elsewhere; what is left behind is overwritten. */
    public void move(long page) throws IOException {
        unmap(page);
        memory.movePage(page);
    }
}
