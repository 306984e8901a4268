package org.vportd.vhostuser.backend;

import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_F_LOG_ALL;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_F_PROTOCOL_FEATURES;
import static org.vportd.vhostuser.protocol.ProtocolFeature.mask;
import static org.vportd.virtio.VirtioFeature.VIRTIO_F_RING_PACKED;
import static org.vportd.virtio.VirtioFeature.VIRTIO_F_VERSION_1;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.vportd.handover.Parcel;
import org.vportd.loop.EventLoop;
import org.vportd.posix.Fd;
import org.vportd.vhostuser.protocol.InflightArea;
import org.vportd.vhostuser.protocol.LogArea;
import org.vportd.vhostuser.protocol.VhostUserProtocolException;
import org.vportd.vhostuser.protocol.VhostUserRequestException;
import org.vportd.virtio.LimitedLog;
import org.vportd.virtio.VirtioDevice;
import org.vportd.virtio.VirtioFeature;
import org.vportd.virtio.VirtioTransport;
import org.vportd.virtio.memory.DirtyLog;
import org.vportd.virtio.queue.DriverFaultException;
import org.vportd.virtio.queue.InflightRegion;
import org.vportd.virtio.queue.QueueConfig;
import org.vportd.virtio.queue.VirtQueue;

/**
 * The rings of a session: starts each as soon as all that it needs is there, stops it when something is taken away, and is
 * the transport that the device sees.
 */
final class SessionRings implements VirtioTransport, AutoCloseable {
    private static final System.Logger LOGGER = System.getLogger(SessionRings.class.getName());
    private static final int STATUS_NEEDS_RESET = 0x40;

    private final EventLoop loop;
    private final VirtioDevice device;
    private final SessionMemory memory;
    private final LimitedLog log;
    private final SessionLog dirtyLog;
    private final Vring[] rings;
    private final SessionInflight inflight;
    private final SessionIommu iommu;
    private final MemoryWatch memoryWatch;
    private final RingKicks kicks;
    private final FrontendNotices notices;
    private final RingRequests requests;
    private long features;
    private boolean featuresSet;
    /** Rings have run with the present features. */
    private boolean served;

    private int status;

    /** Makes the rings of a session, all stopped. */
    SessionRings(EventLoop loop, VirtioDevice device, SessionMemory memory, LimitedLog log, Consumer<String> onFatal) {
        this.loop = loop;
        this.device = device;
        this.memory = memory;
        this.log = log;
        this.notices = new FrontendNotices(loop);
        this.dirtyLog = new SessionLog(loop);
        this.rings = new Vring[Math.min(VhostUserBackend.MAX_QUEUES, device.queueCount())];
        for (int i = 0; i < rings.length; i++) {
            rings[i] = new Vring(i);
        }
        this.inflight = new SessionInflight(log, rings.length);
        this.memoryWatch = new MemoryWatch(loop, memory, inflight, onFatal);
        this.kicks = new RingKicks(loop, device, rings, memoryWatch, onFatal);
        this.iommu = new SessionIommu(
                loop,
                rings,
                memory.table(),
                log,
                notices::translation,
                this::suspend,
                (ring, fault) -> driverFault(ring.index(), fault),
                () -> goOn(true));
        this.requests = new RingRequests(loop, this, memory, inflight, dirtyLog, kicks);
    }

    /** What a front-end can ask for. */
    RingRequests requests() {
        return requests;
    }

    FrontendNotices notices() {
        return notices;
    }

    SessionIommu iommu() {
        return iommu;
    }

    int count() {
        return rings.length;
    }

    /** The features chosen by the driver. */
    long features() {
        return features;
    }

    Vring ring(int index) throws VhostUserRequestException {
        if (index < 0 || index >= rings.length) {
            throw new VhostUserRequestException("no such queue: queue=" + Integer.toUnsignedString(index) + " queues="
                    + rings.length + " (num_vqs and max_ports must agree)");
        }
        return rings[index];
    }

    SessionInflight.@Nullable Made makeInflightArea(InflightArea asked) {
        return inflight.make(asked, !featuresSet && VirtioFeature.has(device.features(), VIRTIO_F_RING_PACKED));
    }

    private boolean has(int feature) {
        return VirtioFeature.has(features, feature);
    }

    /** Virtio features chosen by the driver; while rings run, only logging may change (vhost-user "Migration"). */
    void setFeatures(long chosen) throws VhostUserRequestException {
        if (!VirtioFeature.has(chosen, VIRTIO_F_VERSION_1)) {
            throw new VhostUserRequestException(
                    "driver is a legacy one: features=0x" + Long.toHexString(chosen) + " lack VERSION_1");
        }
        long changed = (features ^ chosen) & ~mask(VHOST_F_LOG_ALL) & ~mask(VHOST_USER_F_PROTOCOL_FEATURES);
        if (isRunning() && changed != 0) {
            throw new VhostUserRequestException("features cannot change while rings run: features=0x"
                    + Long.toHexString(chosen) + " before=0x" + Long.toHexString(features));
        }
        if (changed != 0 && served) {
            served = false;
            device.reset(); // a driver that wants other features is another driver
            inflight.reset();
        }
        features = chosen;
        inflight.setPacked(VirtioFeature.has(chosen, VIRTIO_F_RING_PACKED));
        featuresSet = true;
        dirtyLog.setOn(has(VHOST_F_LOG_ALL));
        noteWrites();
        iommu.setFeatures(chosen);
        long transport = mask(VHOST_USER_F_PROTOCOL_FEATURES)
                | mask(VHOST_F_LOG_ALL)
                | mask(VirtioFeature.VIRTIO_F_ACCESS_PLATFORM);
        device.driverFeatures(chosen & ~transport);
        if (!has(VHOST_USER_F_PROTOCOL_FEATURES)) {
            for (Vring ring : rings) {
                enable(ring, true); // there will be no SET_VRING_ENABLE
            }
        }
    }

    /** Whether any ring runs. */
    boolean isRunning() {
        for (Vring ring : rings) {
            if (ring.queue() != null) {
                return true;
            }
        }
        return false;
    }

    // --- life cycle

    void enable(Vring ring, boolean on) throws VhostUserRequestException {
        ring.setEnabled(on);
        if (on) {
            startIfReady(ring);
        } else {
            suspend(ring);
            forgetTranslationsIfIdle();
        }
    }

    private void forgetTranslationsIfIdle() {
        for (Vring ring : rings) {
            if (ring.queue() != null || ring.isReady()) {
                return;
            }
        }
        iommu.clear();
    }

    void startIfReady(Vring ring) throws VhostUserRequestException {
        if (!featuresSet || memoryWatch.isGone() || !ring.isReady()) {
            return;
        }
        List<RingPart> parts = ring.parts(features);
        if (iommu.isActive() && !iommu.isTranslated(parts)) {
            return; // it has been asked for
        }
        QueueConfig config = ring.config(iommu.isActive() ? iommu::ringPart : memory::ringPart, features);
        InflightRegion region = inflight.regionFor(ring.index(), config.size());
        VirtQueue queue = VirtQueue.open(config, memory.table(), () -> notices.call(ring), region);
        iommu.translate(queue);
        ring.run(queue, parts, kicks.poll(ring, queue));
        memoryWatch.check();
        noteWritesOf(ring);
        served = true;
        device.startQueue(ring.index(), queue);
    }

    private void suspend(Vring ring) {
        if (ring.queue() != null) {
            try {
                device.stopQueue(ring.index());
            } catch (RuntimeException e) {
                ring.suspend(); // whatever has gone wrong, the queue is not used any more
                throw e;
            }
            ring.suspend();
        }
    }

    /** GET_VRING_BASE: answers the first chain that was not returned; 0 for a ring there is none of. */
    int stop(int index) {
        if (index < 0 || index >= rings.length) {
            log.warn("no such queue to stop: queue=" + Integer.toUnsignedString(index) + " queues=" + rings.length);
            return 0;
        }
        Vring ring = rings[index];
        suspend(ring);
        inflight.stopped(index);
        int base = ring.stop(features);
        forgetTranslationsIfIdle();
        return base;
    }

    void disableAll() {
        for (Vring ring : rings) {
            suspend(ring);
            ring.setEnabled(false);
        }
    }

    /** RESET_DEVICE, or a status of 0: back to where the session began, but for memory and descriptors of the session. */
    void reset() {
        for (Vring ring : rings) {
            suspend(ring);
            ring.close();
        }
        device.reset();
        inflight.reset();
        iommu.setFeatures(0);
        features = 0;
        featuresSet = false;
        dirtyLog.setOn(false);
        served = false;
        status = 0;
    }

    void setStatus(int value) {
        if (value == 0) {
            reset();
        } else {
            status = value;
        }
    }

    int status() {
        for (Vring ring : rings) {
            if (ring.isBroken()) {
                return status | STATUS_NEEDS_RESET;
            }
        }
        return status;
    }

    // --- dirty log

    /** SET_LOG_BASE: what is written from here on is noted in another log. */
    void setLog(LogArea area, Fd fd) throws VhostUserRequestException, VhostUserProtocolException {
        DirtyLog old = dirtyLog.replace(area, fd);
        noteWrites();
        if (old != null) {
            old.close();
        }
    }

    private void noteWrites() {
        for (Vring ring : rings) {
            noteWritesOf(ring);
        }
    }

    void noteWritesOf(Vring ring) {
        VirtQueue queue = ring.queue();
        if (queue != null) {
            queue.logTo(dirtyLog.of(ring, memory.table()));
        }
    }

    // --- handover

    /** Packs what the front-end has said of the rings, and where they stand. They are suspended. */
    Parcel pack() {
        Parcel parcel = new Parcel()
                .put("features_set", featuresSet)
                .put("features", features)
                .put("status", status)
                .put("served", served);
        notices.pack(parcel);
        List<Parcel> packed = new ArrayList<>();
        for (Vring ring : rings) {
            packed.add(ring.pack());
        }
        return parcel.put("rings", packed);
    }

    void takeOverFeatures(Parcel from) throws VhostUserRequestException {
        if (from.flag("features_set")) {
            setFeatures(from.number("features", 0));
        }
        status = (int) from.number("status", 0);
        if (from.flag("config_change")) {
            notices.configChanged();
        }
    }

    /** All that the rings need is there: they can go on. */
    void takeOver(Parcel from) throws VhostUserRequestException {
        List<Parcel> packed = from.parcels("rings");
        if (packed.size() > rings.length) {
            throw new VhostUserRequestException(
                    "there are fewer queues here: queues=" + rings.length + " there=" + packed.size());
        }
        Fd back = from.takeFd("channel");
        if (back != null) {
            setChannel(back);
        }
        for (int i = 0; i < packed.size(); i++) {
            rings[i].unpack(packed.get(i), loop, kicks::kickedByDriver);
        }
        served = from.flag("served");
    }

    void suspendAll() {
        for (Vring ring : rings) {
            suspend(ring);
        }
    }

    /** A ring whose memory is missing stays as it is until the memory comes back. */
    void resumeAll() {
        for (Vring ring : rings) {
            try {
                startIfReady(ring);
            } catch (VhostUserRequestException e) {
                log.warn("queue waits for its memory: " + e.getMessage());
                if (iommu.isActive()) {
                    broken(ring); // translations that come will not make it better
                }
            }
        }
    }

    /** SET_BACKEND_REQ_FD: there is a channel for what the front-end is to be told. */
    void setChannel(Fd fd) throws VhostUserRequestException {
        notices.setChannel(fd);
        iommu.askAgain();
    }

    /** Translations have come, or will not come: what waits for them goes on. */
    private void goOn(boolean all) {
        if (!iommu.isActive()) {
            return;
        }
        resumeAll();
        for (Vring ring : rings) {
            VirtQueue queue = ring.queue();
            if (queue != null && (all ? queue.isWaiting() : queue.canGoOn())) {
                device.queueNotified(ring.index());
            }
        }
    }

    /** A request has been answered: what the front-end was not to hear before that is told now. */
    void acknowledged() {
        if (iommu.takeNews()) {
            goOn(false);
        }
        if (isRunning()) {
            notices.tellOfConfigChange(); // some front-ends crash on it before the driver has started the device
        }
    }

    @Override
    public void configChanged() {
        notices.configChanged();
        acknowledged();
    }

    @Override
    public void driverFault(int queue, DriverFaultException fault) {
        Vring ring = rings[queue];
        log.warn("queue is broken by the driver and stopped: queue=" + queue + " " + fault.getMessage());
        suspend(ring);
        broken(ring);
    }

    private void broken(Vring ring) {
        ring.markBroken();
        notices.error(ring);
        configChanged();
    }

    @Override
    public void memoryFault(Throwable cause) {
        memoryWatch.fault(cause);
    }

    /** Whether all memory shared with the front-end is still there. */
    boolean isMemoryIntact() {
        return memoryWatch.isIntact();
    }

    @Override
    public void close() {
        iommu.close();
        boolean notesGone = !inflight.isIntact(); // every access to them would fail, those of stopping too
        for (Vring ring : rings) {
            VirtQueue queue = ring.queue();
            if (notesGone && queue != null) {
                queue.noteNoMore();
            }
            try {
                suspend(ring);
            } catch (RuntimeException e) { // a bug of ours: the others are closed all the same
                LOGGER.log(System.Logger.Level.ERROR, "internal error: queue=" + ring.index(), e);
            }
            ring.close();
        }
        inflight.close();
        dirtyLog.close();
        notices.close();
    }
}
