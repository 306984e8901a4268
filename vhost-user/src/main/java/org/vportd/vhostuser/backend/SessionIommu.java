package org.vportd.vhostuser.backend;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTimer;
import org.vportd.posix.MappedView;
import org.vportd.posix.PosixException;
import org.vportd.vhostuser.protocol.IotlbMessage;
import org.vportd.vhostuser.protocol.VhostUserRequestException;
import org.vportd.virtio.LimitedLog;
import org.vportd.virtio.VirtioFeature;
import org.vportd.virtio.memory.GuestMemory;
import org.vportd.virtio.memory.Iotlb;
import org.vportd.virtio.queue.DriverFaultException;
import org.vportd.virtio.queue.VirtQueue;

/**
 * A session's view through the guest's IOMMU (vhost-user "IOMMU support"), in force while VIRTIO_F_ACCESS_PLATFORM is
 * negotiated: asks for translations that are missing, without waiting for them, and has queues go on when they come. A
 * translation that goes is out of use when {@link #carryOut} returns, and with it the front-end's answer.
 *
 * <p>Rings are compared by the addresses that the front-end gave, windows of queues by where their buffers are mapped here.
 */
final class SessionIommu implements Iotlb.Listener, AutoCloseable {
    /** The most translations kept. */
    static final int MAX_TRANSLATIONS = 8192;
    /** The most that are asked for at once. */
    static final int MAX_MISSES = 64;

    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(1);

    private final Vring[] rings;
    private final GuestMemory memory;
    private final LimitedLog log;
    private final Consumer<IotlbMessage> sender;
    private final Consumer<Vring> suspender;
    private final BiConsumer<Vring, DriverFaultException> breaker;
    private final Iotlb iotlb = new Iotlb(MAX_TRANSLATIONS, this);
    private final long[] missing = new long[MAX_MISSES];
    private final int[] missingFor = new int[MAX_MISSES];
    private final LoopTimer patience;
    private int misses;
    private boolean active;
    private boolean news;

    /**
     * Makes the view of a session.
     *
     * @param rings those of the session
     * @param sender sends requests to the front-end, as soon as it can
     * @param suspender stops a ring until it can be started again
     * @param breaker stops a ring for good
     * @param onLate run when translations do not come: whatever waits shall ask once more
     */
    SessionIommu(
            EventLoop loop,
            Vring[] rings,
            GuestMemory memory,
            LimitedLog log,
            Consumer<IotlbMessage> sender,
            Consumer<Vring> suspender,
            BiConsumer<Vring, DriverFaultException> breaker,
            Runnable onLate) {
        this.rings = rings;
        this.memory = memory;
        this.log = log;
        this.sender = sender;
        this.suspender = suspender;
        this.breaker = breaker;
        this.patience = loop.timer(() -> {
            giveUpWaiting();
            onLate.run();
        });
    }

    /** Features have been chosen; rings are stopped if this makes a difference. */
    void setFeatures(long features) {
        boolean chosen = VirtioFeature.has(features, VirtioFeature.VIRTIO_F_ACCESS_PLATFORM);
        if (chosen != active) {
            active = chosen;
            clear();
        }
    }

    /** Whether addresses are to be translated. */
    boolean isActive() {
        return active;
    }

    /** Forgets everything: the front-end does not tell of translations that go while no ring runs. */
    void clear() {
        iotlb.clear();
        misses = 0;
        news = false;
        patience.cancel();
    }

    /** The table of regions has changed; rings are stopped. */
    void memoryChanged() {
        iotlb.retranslate(memory);
    }

    /** The queue uses translated addresses, if there are any. */
    void translate(VirtQueue queue) {
        if (active) {
            queue.translateThrough(iotlb);
        }
    }

    // --- requests of the front-end

    /** Carries out IOTLB_MSG. */
    void carryOut(IotlbMessage message) throws VhostUserRequestException {
        if (!active) {
            throw new VhostUserRequestException("IOTLB message without VIRTIO_F_ACCESS_PLATFORM: " + message);
        }
        message.check();
        switch (message.type()) {
            case IotlbMessage.UPDATE -> update(message);
            case IotlbMessage.INVALIDATE -> invalidate(message.iova(), message.sizeBytes());
            case IotlbMessage.ACCESS_FAIL -> refuse(message.iova());
            default -> throw new VhostUserRequestException("IOTLB message has a bad type: " + message);
        }
    }

    private void update(IotlbMessage message) throws VhostUserRequestException {
        long iova = message.iova();
        long size = message.sizeBytes();
        boolean replaces = iotlb.differs(iova, size, message.userAddress(), message.permission());
        if (!iotlb.update(iova, size, message.userAddress(), message.permission(), memory)) {
            throw new VhostUserRequestException("IOTLB update is not within one memory region: " + message);
        }
        if (replaces) {
            suspendRings(iova, size);
        }
        int left = 0;
        for (int i = 0; i < misses; i++) {
            if (Long.compareUnsigned(missing[i] - iova, size) >= 0) {
                missing[left] = missing[i];
                missingFor[left] = missingFor[i];
                left++;
            }
        }
        misses = left;
        if (misses == 0) {
            patience.cancel();
        }
        news = true;
    }

    private void invalidate(long iova, long size) {
        if (size == 0) {
            iotlb.clear();
            suspendRings(0, -1);
        } else {
            iotlb.invalidate(iova, size);
            suspendRings(iova, size);
        }
    }

    /** The front-end has no translation: whoever waits for it waits in vain. */
    private void refuse(long iova) {
        for (Vring ring : rings) {
            VirtQueue queue = ring.queue();
            if (queue != null && queue.isAwaiting(iova)) {
                breaker.accept(
                        ring, new DriverFaultException("IOMMU has no translation: addr=0x" + Long.toHexString(iova)));
            }
        }
    }

    private void suspendRings(long iova, long size) {
        for (Vring ring : rings) {
            if (ring.touches(iova, size)) {
                suspender.accept(ring);
                news = true; // it may be wanted back at once
            }
        }
    }

    /** Whether it makes sense to look again what can be done; asked once after each request. */
    boolean takeNews() {
        boolean any = news;
        news = false;
        return any;
    }

    // --- rings

    /** Whether all of a ring is translated; what is not is asked for. */
    boolean isTranslated(Iterable<RingPart> parts) {
        boolean all = true;
        for (RingPart part : parts) {
            long at = part.address();
            long left = part.bytes();
            while (left > 0) {
                int entry = iotlb.entryOf(at);
                long n = Iotlb.PAGE_BYTES - (at & (Iotlb.PAGE_BYTES - 1));
                if (entry != Iotlb.NO_ENTRY) {
                    n = iotlb.bytesLeft(entry, at);
                } else {
                    all = false;
                    if (!missing(at, part.permission())) {
                        return false;
                    }
                }
                at += Math.min(n, left);
                left -= Math.min(n, left);
            }
        }
        return all;
    }

    /** Where a part of a ring that is translated is mapped here; if its pages are apart, they are mapped once more. */
    long ringPart(RingPart part, List<MappedView> views) throws VhostUserRequestException {
        long host = 0;
        boolean apart = false;
        long at = part.address();
        for (long left = part.bytes(); left > 0; ) {
            int entry = permitted(part, at);
            long found = iotlb.hostAddress(entry, at);
            host = host == 0 ? found : host;
            apart |= found != host + (at - part.address());
            long n = Math.min(left, iotlb.bytesLeft(entry, at));
            at += n;
            left -= n;
        }
        return apart ? view(part, views) : host;
    }

    private int permitted(RingPart part, long at) throws VhostUserRequestException {
        int entry = iotlb.entryOf(at);
        if (entry == Iotlb.NO_ENTRY) {
            throw refused(part, "is not translated");
        }
        if (!iotlb.permits(entry, part.permission())) {
            denied(at, part.permission());
            throw refused(part, "may not be accessed");
        }
        return entry;
    }

    /** Guests that have no large pages to spare put a large ring together from small ones. */
    private long view(RingPart part, List<MappedView> views) throws VhostUserRequestException {
        long page = MappedView.pageBytes();
        long start = part.address() & -page;
        long end = part.address() + part.bytes();
        try {
            MappedView view = MappedView.reserve(end - start);
            views.add(view);
            for (long at = start; at != end; ) {
                long inPart = at == start ? part.address() : at;
                int entry = permitted(part, inPart);
                long n = Math.min(end - inPart, iotlb.bytesLeft(entry, inPart));
                view.put(at - start, iotlb.hostAddress(entry, inPart) - (inPart - at), inPart - at + n);
                at = inPart + n;
            }
            return view.address() + (part.address() - start);
        } catch (PosixException e) {
            throw refused(part, "is not in one piece in memory");
        }
    }

    private static VhostUserRequestException refused(RingPart part, String what) {
        return new VhostUserRequestException("ring " + what + " behind the IOMMU: part=" + part.name() + " iova=0x"
                + Long.toHexString(part.address()) + " bytes=" + part.bytes());
    }

    // --- what queues miss

    @Override
    public boolean missing(long iova, int permission) {
        for (int i = 0; i < misses; i++) {
            boolean samePage = (missing[i] ^ iova) < Iotlb.PAGE_BYTES && (missing[i] ^ iova) >= 0;
            if (samePage && (missingFor[i] & permission) == permission) {
                return true;
            }
        }
        if (misses == MAX_MISSES) {
            return false;
        }
        missing[misses] = iova;
        missingFor[misses] = permission;
        misses++;
        if (!patience.isActive()) {
            patience.start(PATIENCE_NS);
        }
        sender.accept(IotlbMessage.miss(iova, permission));
        return true;
    }

    /** There is another way to the front-end: what it was asked before may not have reached it. */
    void askAgain() {
        for (int i = 0; i < misses; i++) {
            sender.accept(IotlbMessage.miss(missing[i], missingFor[i]));
        }
    }

    /** What was asked for may be asked for again: the message may have got lost, or the driver's mapping come late. */
    private void giveUpWaiting() {
        if (misses > 0) {
            log.warn("front-end does not translate: iova=0x" + Long.toHexString(missing[0]) + " and " + (misses - 1)
                    + " more");
        }
        misses = 0;
    }

    @Override
    public void denied(long iova, int permission) {
        sender.accept(IotlbMessage.accessFail(iova, permission));
    }

    // --- what goes

    @Override
    public void revoked(long hostAddress, long sizeBytes) {
        for (Vring ring : rings) {
            VirtQueue queue = ring.queue();
            if (queue != null && queue.holds(hostAddress, sizeBytes)) {
                queue.resumeAt(queue.rewind());
            }
        }
    }

    @Override
    public void revokedMany() {
        for (Vring ring : rings) {
            VirtQueue queue = ring.queue();
            if (queue != null && queue.windowChains() > 0) {
                queue.resumeAt(queue.rewind());
            }
        }
    }

    @Override
    public void close() {
        patience.cancel();
    }
}
