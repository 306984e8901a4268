package org.vportd.vhostuser.backend;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.vportd.handover.Parcel;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;
import org.vportd.vhostuser.protocol.FrontendRequest;
import org.vportd.vhostuser.protocol.MemoryTable;
import org.vportd.vhostuser.protocol.RegionDescription;
import org.vportd.vhostuser.protocol.VhostUserRequestException;

/**
 * What a front-end has said that nobody can ask it again: its memory and its logs, with their descriptors. A session in
 * another process comes to where this one is by hearing the same.
 */
final class SessionJournal implements AutoCloseable {
    private final List<Region> regions = new ArrayList<>();
    private final Map<FrontendRequest, Entry> latest = new EnumMap<>(FrontendRequest.class);

    private record Region(RegionDescription description, Fd file) {}

    private record Entry(ByteBuffer payload, Fd descriptor) {}

    /** Whether a request is one of those that are kept. */
    static boolean keeps(FrontendRequest request) {
        return switch (request) {
            case SET_MEM_TABLE,
                    ADD_MEM_REG,
                    REM_MEM_REG,
                    SET_LOG_BASE,
                    SET_LOG_FD,
                    SET_INFLIGHT_FD,
                    SET_BACKEND_REQ_FD -> true;
            default -> false;
        };
    }

    /** Makes descriptors of our own, for whoever carries the request out takes those that came. */
    static List<Fd> duplicate(List<Fd> descriptors) throws VhostUserRequestException {
        List<Fd> copies = new ArrayList<>();
        try {
            for (Fd fd : descriptors) {
                copies.add(fd.duplicate());
            }
            return copies;
        } catch (PosixException e) {
            copies.forEach(Fd::close);
            throw new VhostUserRequestException("descriptor cannot be kept: " + e.getMessage());
        }
    }

    /** A request has been carried out; the descriptors are owned from here on. */
    void add(FrontendRequest request, ByteBuffer payload, List<Fd> descriptors) throws VhostUserRequestException {
        switch (request) {
            case SET_MEM_TABLE -> {
                closeRegions();
                List<RegionDescription> all = MemoryTable.decode(payload).regions();
                for (int i = 0; i < all.size(); i++) {
                    regions.add(new Region(all.get(i), descriptors.get(i)));
                }
            }
            case ADD_MEM_REG -> regions.add(new Region(RegionDescription.decodeSingle(payload), descriptors.get(0)));
            case REM_MEM_REG -> {
                descriptors.forEach(Fd::close); // none is needed for that
                remove(RegionDescription.decodeSingle(payload));
            }
            default -> {
                Entry before = latest.put(request, new Entry(payload, descriptors.get(0)));
                if (before != null) {
                    before.descriptor().close();
                }
            }
        }
    }

    private void remove(RegionDescription gone) {
        for (Region region : regions) {
            if (region.description().guestAddress() == gone.guestAddress()
                    && region.description().userAddress() == gone.userAddress()
                    && region.description().sizeBytes() == gone.sizeBytes()) {
                region.file().close();
                regions.remove(region);
                return;
            }
        }
    }

    /** The requests that lead to where things are, in an order in which they can be carried out. */
    List<Parcel> pack() {
        List<Parcel> requests = new ArrayList<>();
        for (Region region : regions) {
            ByteBuffer payload =
                    ByteBuffer.allocate(RegionDescription.SINGLE_LENGTH).order(ByteOrder.nativeOrder());
            region.description().encodeSingle(payload);
            requests.add(pack(FrontendRequest.ADD_MEM_REG, payload.flip(), region.file()));
        }
        latest.forEach((request, entry) -> requests.add(pack(request, entry.payload(), entry.descriptor())));
        return requests;
    }

    private static Parcel pack(FrontendRequest request, ByteBuffer payload, Fd descriptor) {
        byte[] bytes = new byte[payload.remaining()];
        payload.duplicate().get(bytes);
        return new Parcel().put("request", request.id()).put("payload", bytes).put("descriptor", descriptor);
    }

    private void closeRegions() {
        regions.forEach(region -> region.file().close());
        regions.clear();
    }

    @Override
    public void close() {
        closeRegions();
        latest.values().forEach(entry -> entry.descriptor().close());
        latest.clear();
    }
}
