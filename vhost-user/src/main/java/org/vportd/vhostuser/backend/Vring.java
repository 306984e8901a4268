package org.vportd.vhostuser.backend;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.vportd.handover.Parcel;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopPoll;
import org.vportd.loop.Watch;
import org.vportd.posix.Doorbell;
import org.vportd.posix.Epoll;
import org.vportd.posix.Fd;
import org.vportd.posix.MappedView;
import org.vportd.posix.PosixException;
import org.vportd.vhostuser.protocol.VhostUserRequestException;
import org.vportd.vhostuser.protocol.VringAddress;
import org.vportd.virtio.VirtioFeature;
import org.vportd.virtio.memory.Iotlb;
import org.vportd.virtio.queue.PackedLayout;
import org.vportd.virtio.queue.QueueConfig;
import org.vportd.virtio.queue.SplitLayout;
import org.vportd.virtio.queue.VirtQueue;

/**
 * What the front-end has said of one ring (vhost-user "Ring states"), and the queue while it runs.
 *
 * <pre>{@code
 *   configured (num, address, base) --kick given--> started --enabled--> running
 *                     ^                                |                    |
 *                     +------- GET_VRING_BASE ---------+-- disabled, memory-+
 * }</pre>
 */
final class Vring implements AutoCloseable {
    private final int index;
    private int num;
    private @Nullable VringAddress address;
    private int base;
    /** The front-end has given the base, or the queue has; otherwise it is that of a new ring. */
    private boolean baseKnown;

    private boolean enabled;
    private boolean started;
    private boolean broken;
    private @Nullable Doorbell kick;
    private @Nullable Watch kickWatch;
    private @Nullable Doorbell call;
    private @Nullable Doorbell error;
    private @Nullable VirtQueue queue;
    private @Nullable LoopPoll poll;
    /** What the queue lies in while it runs. */
    private List<RingPart> runningParts = List.of();
    /** Mappings that were made for it. */
    private final List<MappedView> views = new ArrayList<>();

    Vring(int index) {
        this.index = index;
    }

    int index() {
        return index;
    }

    /** The running queue, or null. */
    @Nullable
    VirtQueue queue() {
        return queue;
    }

    /** Where it lies, or null if that has not been said. */
    @Nullable
    VringAddress address() {
        return address;
    }

    boolean isBroken() {
        return broken;
    }

    /** Whether all that the front-end has to say before the ring can run has been said. */
    boolean isReady() {
        return started && enabled && !broken && num > 0 && address != null && queue == null;
    }

    void setNum(int value, long features) throws VhostUserRequestException {
        checkSize(value, features);
        checkStopped("num");
        num = value;
        broken = false;
    }

    private void checkSize(int value, long features) throws VhostUserRequestException {
        boolean inRange = value >= 1 && value <= QueueConfig.MAX_SIZE;
        if (!inRange || (!isPacked(features) && Integer.bitCount(value) != 1)) {
            throw new VhostUserRequestException((isPacked(features)
                            ? "packed ring size is not within 1 to "
                            : "ring size is no power of two up to ")
                    + QueueConfig.MAX_SIZE + ": queue=" + index + " num=" + Integer.toUnsignedString(value));
        }
    }

    private static boolean isPacked(long features) {
        return VirtioFeature.has(features, VirtioFeature.VIRTIO_F_RING_PACKED);
    }

    /** Takes the place to go on at: an index, or two cursors if the ring is packed. */
    void setBase(int value, long features) throws VhostUserRequestException {
        checkStopped("base");
        if (num > 0) {
            checkBase(value, features);
        }
        base = value;
        baseKnown = true;
        broken = false;
    }

    private void checkBase(int value, long features) throws VhostUserRequestException {
        if (isPacked(features) && !PackedLayout.isBase(value, num)) {
            throw new VhostUserRequestException("base is outside of the ring: queue=" + index + " base=0x"
                    + Integer.toHexString(value) + " num=" + num);
        }
    }

    private int base(long features) {
        if (isPacked(features)) {
            return baseKnown ? base : PackedLayout.FIRST_BASE;
        }
        return base & 0xffff;
    }

    /**
     * Takes the addresses; whether they lie in memory is checked now if it can be, and in any case at the start.
     *
     * @param memory finds them, or null if it cannot be checked now
     */
    void setAddress(VringAddress value, RingPart.@Nullable Translation memory, long features)
            throws VhostUserRequestException {
        value.checkAlignment(isPacked(features));
        VringAddress old = address;
        if (queue != null
                && old != null
                && old.descriptorAddress() == value.descriptorAddress()
                && old.usedAddress() == value.usedAddress()
                && old.availAddress() == value.availAddress()) {
            address = value; // only the log flag may change while the ring runs
            return;
        }
        checkStopped("address");
        if (num > 0 && memory != null) {
            config(value, memory, features);
        }
        address = value;
        broken = false;
    }

    private void checkStopped(String what) throws VhostUserRequestException {
        if (queue != null) {
            throw new VhostUserRequestException("ring is running: queue=" + index + " field=" + what);
        }
    }

    /** Everything the queue needs to know, addresses translated. */
    QueueConfig config(RingPart.Translation memory, long features) throws VhostUserRequestException {
        VringAddress current = knownAddress();
        checkSize(num, features); // the format may not have been known before
        checkBase(base(features), features);
        return config(current, memory, features);
    }

    private VringAddress knownAddress() {
        VringAddress current = address;
        if (current == null) {
            throw new IllegalStateException("ring has no address: queue=" + index);
        }
        return current;
    }

    /** The descriptors, the driver's area and the device's, at the addresses that the front-end gave. */
    List<RingPart> parts(long features) {
        return parts(knownAddress(), features);
    }

    private List<RingPart> parts(VringAddress at, long features) {
        boolean packed = isPacked(features);
        boolean eventIdx = VirtioFeature.has(features, VirtioFeature.VIRTIO_F_EVENT_IDX);
        long availBytes = packed ? PackedLayout.EVENT_LENGTH : SplitLayout.availBytes(num, eventIdx);
        long usedBytes = packed ? PackedLayout.EVENT_LENGTH : SplitLayout.usedBytes(num, eventIdx);
        int descriptorUse = packed ? Iotlb.READ | Iotlb.WRITE : Iotlb.READ;
        long descriptorBytes = SplitLayout.descriptorBytes(num);
        return List.of(
                new RingPart("descriptor", at.descriptorAddress(), descriptorBytes, descriptorUse),
                new RingPart("available", at.availAddress(), availBytes, Iotlb.READ),
                new RingPart("used", at.usedAddress(), usedBytes, Iotlb.READ | Iotlb.WRITE));
    }

    private QueueConfig config(VringAddress at, RingPart.Translation memory, long features)
            throws VhostUserRequestException {
        closeViews();
        List<RingPart> parts = parts(at, features);
        long[] hosts = new long[parts.size()];
        for (int i = 0; i < hosts.length; i++) {
            try {
                hosts[i] = memory.of(parts.get(i), views);
            } catch (VhostUserRequestException e) {
                closeViews();
                throw new VhostUserRequestException(e.getMessage() + " queue=" + index);
            }
        }
        return new QueueConfig(num, hosts[0], hosts[1], hosts[2], base(features), VirtioFeature.rings(features));
    }

    /** Whether it runs, and lies in a range of the addresses that the front-end gives rings in. */
    boolean touches(long start, long length) {
        return queue != null && runningParts.stream().anyMatch(part -> part.touches(start, length));
    }

    void setEnabled(boolean on) {
        enabled = on;
    }

    /** The ring is started: there is something that will kick it. */
    void setStarted() {
        started = true;
    }

    /**
     * Takes the descriptor that kicks come through; it is closed if it is refused, as with the other two.
     *
     * @param onKick told the ring's index at each kick
     */
    void setKick(EventLoop loop, Fd fd, IntConsumer onKick) throws VhostUserRequestException {
        Doorbell bell = bell("kick", fd);
        try {
            closeKick();
            kick = bell;
            kickWatch = loop.watch(bell.fd(), Epoll.EPOLLIN | Epoll.EPOLLRDHUP | Epoll.EPOLLET, events -> {
                if (!bell.answer()) {
                    closeKick(); // nobody can kick any more; what was kicked is looked at
                }
                onKick.accept(index);
            });
            started = true;
        } catch (PosixException e) {
            closeKick();
            throw new VhostUserRequestException("kick cannot be watched: queue=" + index + " error=" + e.getMessage());
        }
    }

    void setCall(@Nullable Fd fd) throws VhostUserRequestException {
        Doorbell bell = fd == null ? null : bell("call", fd);
        if (call != null) {
            call.close();
        }
        call = bell;
        if (queue != null && bell != null) {
            bell.ring(); // calls may have gone to the old one
        }
    }

    void setError(@Nullable Fd fd) throws VhostUserRequestException {
        Doorbell bell = fd == null ? null : bell("err", fd);
        if (error != null) {
            error.close();
        }
        error = bell;
    }

    /** Makes a bell of a descriptor, or closes it. */
    private Doorbell bell(String what, Fd fd) throws VhostUserRequestException {
        try {
            Doorbell bell = Doorbell.of(fd);
            if (bell != null) {
                return bell;
            }
            fd.close();
        } catch (PosixException e) {
            fd.close();
            throw new VhostUserRequestException(what + " is unusable: queue=" + index + " error=" + e.getMessage());
        }
        throw new VhostUserRequestException(what + " is no eventfd, pipe or stream socket: queue=" + index);
    }

    /** Rings for the driver; false if there is no descriptor to do it with. */
    boolean call() {
        if (call == null) {
            return false;
        }
        call.ring();
        return true;
    }

    /** Tells the front-end that the ring is broken; false if there is no descriptor to do it with. */
    boolean error() {
        if (error == null) {
            return false;
        }
        error.ring();
        return true;
    }

    void run(VirtQueue running, List<RingPart> parts, LoopPoll polled) {
        queue = running;
        poll = polled;
        runningParts = parts;
    }

    /** Nobody looks at it by himself any more. */
    void stopPolling() {
        if (poll != null) {
            poll.cancel();
        }
    }

    /** The queue has been given back by the device: notes where to go on. */
    void suspend() {
        if (queue != null) {
            stopPolling();
            base = queue.base();
            baseKnown = true;
            queue.close();
            queue = null;
            closeViews();
        }
    }

    private void closeViews() {
        views.forEach(MappedView::close);
        views.clear();
    }

    void markBroken() {
        broken = true;
    }

    /** GET_VRING_BASE: the ring is stopped until it gets a new kick. Answers where it would go on. */
    int stop(long features) {
        started = false;
        broken = false;
        closeKick();
        if (call != null) {
            call.close();
            call = null;
        }
        return base(features);
    }

    private void closeKick() {
        if (kickWatch != null) {
            kickWatch.close();
            kickWatch = null;
        }
        if (kick != null) {
            kick.close();
            kick = null;
        }
    }

    /** Packs it as it is while suspended. */
    Parcel pack() {
        Parcel parcel = new Parcel()
                .put("num", num)
                .put("base", base)
                .put("base_known", baseKnown)
                .put("enabled", enabled)
                .put("started", started)
                .put("broken", broken)
                .put("kick", kick == null ? null : kick.fd())
                .put("call", call == null ? null : call.fd())
                .put("err", error == null ? null : error.fd());
        VringAddress where = address;
        if (where != null) {
            ByteBuffer payload = ByteBuffer.allocate(VringAddress.LENGTH).order(ByteOrder.nativeOrder());
            where.encode(payload);
            parcel.put("address", payload.array());
        }
        return parcel;
    }

    /** Becomes what it was in another process. What the driver has kicked for in the meantime is looked at as ever. */
    void unpack(Parcel from, EventLoop loop, IntConsumer onKick) throws VhostUserRequestException {
        num = (int) from.number("num", 0);
        base = (int) from.number("base", 0);
        baseKnown = from.flag("base_known");
        if (from.has("address")) {
            address = VringAddress.decode(ByteBuffer.wrap(from.bytes("address")).order(ByteOrder.nativeOrder()));
        }
        Fd kickFd = from.takeFd("kick");
        if (kickFd != null) {
            setKick(loop, kickFd, onKick);
        }
        Fd callFd = from.takeFd("call");
        if (callFd != null) {
            setCall(callFd);
        }
        Fd errorFd = from.takeFd("err");
        if (errorFd != null) {
            setError(errorFd);
        }
        enabled = from.flag("enabled");
        started = from.flag("started");
        broken = from.flag("broken");
    }

    /** Forgets everything; the queue has been suspended before. */
    @Override
    public void close() {
        stop(0);
        closeViews();
        if (error != null) {
            error.close();
            error = null;
        }
        enabled = false;
        num = 0;
        address = null;
        base = 0;
        baseKnown = false;
    }
}
