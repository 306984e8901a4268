package org.vportd.vhostuser.backend;

import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.vportd.loop.EventLoop;
import org.vportd.loop.Watch;
import org.vportd.posix.Doorbell;
import org.vportd.posix.Epoll;
import org.vportd.posix.Fd;
import org.vportd.posix.PosixException;
import org.vportd.vhostuser.protocol.VhostUserRequestException;
import org.vportd.vhostuser.protocol.VringAddress;
import org.vportd.virtio.VirtioFeature;
import org.vportd.virtio.memory.GuestMemory;
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

    /** Takes the addresses; whether they lie in memory is checked now if it can be, and in any case at the start. */
    void setAddress(VringAddress value, GuestMemory memory, long features) throws VhostUserRequestException {
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
        if (num > 0 && memory.size() > 0) {
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
    QueueConfig config(GuestMemory memory, long features) throws VhostUserRequestException {
        VringAddress current = address;
        if (current == null) {
            throw new IllegalStateException("ring has no address: queue=" + index);
        }
        checkSize(num, features); // the format may not have been known before
        checkBase(base(features), features);
        return config(current, memory, features);
    }

    private QueueConfig config(VringAddress at, GuestMemory memory, long features) throws VhostUserRequestException {
        boolean packed = isPacked(features);
        boolean eventIdx = VirtioFeature.has(features, VirtioFeature.VIRTIO_F_EVENT_IDX);
        long availBytes = packed ? PackedLayout.EVENT_LENGTH : SplitLayout.availBytes(num, eventIdx);
        long usedBytes = packed ? PackedLayout.EVENT_LENGTH : SplitLayout.usedBytes(num, eventIdx);
        return new QueueConfig(
                num,
                translate("descriptor", memory, at.descriptorAddress(), SplitLayout.descriptorBytes(num)),
                translate("available", memory, at.availAddress(), availBytes),
                translate("used", memory, at.usedAddress(), usedBytes),
                base(features),
                VirtioFeature.rings(features));
    }

    private long translate(String part, GuestMemory memory, long userAddress, long bytes)
            throws VhostUserRequestException {
        long host = memory.userRange(userAddress, bytes);
        if (host == GuestMemory.UNMAPPED) {
            throw new VhostUserRequestException("ring is not within one memory region: queue=" + index + " part=" + part
                    + " user_address=0x" + Long.toHexString(userAddress) + " bytes=" + bytes);
        }
        return host;
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

    void run(VirtQueue running) {
        queue = running;
    }

    /** The queue has been given back by the device: notes where to go on. */
    void suspend() {
        if (queue != null) {
            base = queue.base();
            baseKnown = true;
            queue.close();
            queue = null;
        }
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

    /** Forgets everything; the queue has been suspended before. */
    @Override
    public void close() {
        stop(0);
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
