package org.vportd.vhostuser.frontend;

import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_F_PROTOCOL_FEATURES;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_BACKEND_REQ;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_CONFIG;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_MQ;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_REPLY_ACK;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_RESET_DEVICE;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_STATUS;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.Fd;
import org.vportd.posix.Sockets;
import org.vportd.vhostuser.protocol.ConfigRange;
import org.vportd.vhostuser.protocol.FrontendRequest;
import org.vportd.vhostuser.protocol.InflightArea;
import org.vportd.vhostuser.protocol.IotlbMessage;
import org.vportd.vhostuser.protocol.MemoryTable;
import org.vportd.vhostuser.protocol.ProtocolFeature;
import org.vportd.vhostuser.protocol.RegionDescription;
import org.vportd.vhostuser.protocol.U64;
import org.vportd.vhostuser.protocol.VhostUserRequestException;
import org.vportd.virtio.driver.DriverMemory;

/** One connection to a back-end: each method sends its messages, waits for what must come back, and throws if it does not. */
public final class VhostUserFrontend implements AutoCloseable {
    private static final int DEFAULT_QUEUES = 2;

    private final FrontendOptions options;
    private final FrontendMessages messages;
    private final BackendRequests backendRequests;
    private final VringRequests vrings;
    private long offeredFeatures;
    private long offeredProtocolFeatures;
    private long protocolFeatures;
    private int queueCount = DEFAULT_QUEUES;
    private @Nullable FrontendIommu iommu;

    /** Speaks over a connection, which it owns from here on. */
    public VhostUserFrontend(Fd connection, FrontendOptions options) {
        this.options = options;
        this.messages = new FrontendMessages(connection, options);
        this.backendRequests = new BackendRequests(this);
        this.vrings = new VringRequests(this);
    }

    /** Connects to a back-end that listens. */
    public static VhostUserFrontend connect(String path, FrontendOptions options) throws IOException {
        return new VhostUserFrontend(Sockets.connectUnix(path), options);
    }

    /** Everything before the driver comes: owner, features on offer, protocol features, the channel of the back-end. */
    public void negotiate() throws IOException {
        if (options.manner() == Manner.QEMU) {
            readOffer();
            messages.send(FrontendRequest.SET_OWNER);
        } else {
            messages.send(FrontendRequest.SET_OWNER);
            readOffer();
        }
        if (options.manner() != Manner.CLOUD_HYPERVISOR) {
            openBackendChannel();
        }
    }

    private void readOffer() throws IOException {
        offeredFeatures = messages.query(FrontendRequest.GET_FEATURES);
        if (ProtocolFeature.has(offeredFeatures, VHOST_USER_F_PROTOCOL_FEATURES)) {
            offeredProtocolFeatures = messages.query(FrontendRequest.GET_PROTOCOL_FEATURES);
            protocolFeatures = offeredProtocolFeatures & options.protocolFeatures();
            messages.setAcknowledged(has(VHOST_USER_PROTOCOL_F_REPLY_ACK));
            messages.send(FrontendRequest.SET_PROTOCOL_FEATURES, new U64(protocolFeatures)::encode);
        }
        if (has(VHOST_USER_PROTOCOL_F_MQ)) {
            queueCount = (int) messages.query(FrontendRequest.GET_QUEUE_NUM);
        } else if (options.manner() == Manner.UML) {
            queueCount = Integer.MAX_VALUE; // it does not know
        }
        if (has(VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS)) {
            messages.query(FrontendRequest.GET_MAX_MEM_SLOTS);
        }
    }

    /** Gives the back-end a channel for its own requests, if it takes one; the one before is closed. */
    void openBackendChannel() throws IOException {
        if (has(VHOST_USER_PROTOCOL_F_BACKEND_REQ)) {
            backendRequests.open();
        }
    }

    /** The virtio features on offer, with {@link ProtocolFeature#VHOST_USER_F_PROTOCOL_FEATURES}. */
    public long offeredFeatures() {
        return offeredFeatures;
    }

    /** The protocol features on offer. */
    public long offeredProtocolFeatures() {
        return offeredProtocolFeatures;
    }

    /** The protocol features agreed upon. */
    public long protocolFeatures() {
        return protocolFeatures;
    }

    /** The number of queues of the device, as far as the front-end knows. */
    public int queueCount() {
        return queueCount;
    }

    /** The connection, still owned by this object. */
    public Fd connection() {
        return messages.connection();
    }

    /** The messages below the requests. */
    public FrontendMessages messages() {
        return messages;
    }

    /** What the back-end asks of this side. */
    public BackendRequests backendRequests() {
        return backendRequests;
    }

    /** The requests about rings. */
    public VringRequests vrings() {
        return vrings;
    }

    FrontendOptions options() {
        return options;
    }

    private boolean has(int protocolFeature) {
        return ProtocolFeature.has(protocolFeatures, protocolFeature);
    }

    /** Chooses virtio features; {@link ProtocolFeature#VHOST_USER_F_PROTOCOL_FEATURES} is added if it was offered. */
    public void setFeatures(long features) throws IOException {
        long all = features | (offeredFeatures & ProtocolFeature.mask(VHOST_USER_F_PROTOCOL_FEATURES));
        messages.send(FrontendRequest.SET_FEATURES, new U64(all)::encode);
    }

    /** Reads configuration space. */
    public byte[] readConfig(int offset, int size) throws IOException {
        int flags = options.manner() == Manner.CROSVM ? 1 : 0;
        ConfigRange range = new ConfigRange(offset, flags, new byte[size]);
        ByteBuffer reply = messages.exchange(FrontendRequest.GET_CONFIG, range::encode);
        if (reply.remaining() <= ConfigRange.HEADER_LENGTH) {
            throw new FrontendException("back-end refused to read configuration: offset=" + offset + " size=" + size);
        }
        try {
            ConfigRange answer = ConfigRange.decode(reply);
            if (answer.offset() != offset || answer.size() != size) {
                throw new FrontendException("back-end answered another part of configuration: offset=" + answer.offset()
                        + " size=" + answer.size());
            }
            return answer.bytes();
        } catch (VhostUserRequestException e) {
            throw FrontendMessages.malformed(FrontendRequest.GET_CONFIG, e);
        }
    }

    /** Writes configuration space. */
    public void writeConfig(int offset, byte[] bytes) throws IOException {
        int flags = options.manner() == Manner.CLOUD_HYPERVISOR ? 1 : 0;
        messages.send(FrontendRequest.SET_CONFIG, new ConfigRange(offset, flags, bytes)::encode);
    }

    /** Whether configuration space can be read at all. */
    public boolean hasConfig() {
        return has(VHOST_USER_PROTOCOL_F_CONFIG);
    }

    /**
     * Puts an IOMMU between the device and the guest's memory, before the memory is shared. The features chosen have to
     * contain VIRTIO_F_ACCESS_PLATFORM.
     */
    public FrontendIommu addIommu(DriverMemory memory) {
        FrontendIommu made = new FrontendIommu(this, memory);
        iommu = made;
        return made;
    }

    /** The IOMMU, or null. */
    public @Nullable FrontendIommu iommu() {
        return iommu;
    }

    /** Tells the back-end of a translation that comes or goes, and waits until it has taken effect. */
    void translate(IotlbMessage message) throws IOException {
        long result = messages.query(FrontendRequest.IOTLB_MSG, message::encode, List.of());
        if (result != 0) {
            throw new FrontendException("back-end refused: " + message + " result=" + result);
        }
    }

    /** Shares the whole memory of the guest. */
    public void shareMemory(DriverMemory memory) throws IOException {
        List<RegionDescription> described =
                memory.regions().stream().map(this::describe).toList();
        if (options.manner().addsRegions() && has(VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS)) {
            for (int i = 0; i < described.size(); i++) {
                addRegion(memory.regions().get(i));
            }
            return;
        }
        int unused = options.manner() == Manner.UML ? 2 - described.size() : 0; // it always sends two slots
        Consumer<ByteBuffer> table = to -> {
            new MemoryTable(described).encode(to);
            to.put(new byte[Math.max(0, unused) * RegionDescription.LENGTH]);
        };
        List<Fd> files =
                memory.regions().stream().map(DriverMemory.Region::file).toList();
        messages.send(FrontendRequest.SET_MEM_TABLE, table, files);
    }

    private RegionDescription describe(DriverMemory.Region region) {
        long offset = iommu == null ? 0 : FrontendIommu.GUEST_OFFSET;
        return new RegionDescription(
                region.guestAddress() + offset, region.sizeBytes(), region.userAddress(), region.fileOffset());
    }

    /** Shares one region more. */
    public void addRegion(DriverMemory.Region region) throws IOException {
        messages.send(FrontendRequest.ADD_MEM_REG, describe(region)::encodeSingle, List.of(region.file()));
    }

    /** Takes a region back. */
    public void removeRegion(DriverMemory.Region region) throws IOException {
        messages.send(FrontendRequest.REM_MEM_REG, describe(region)::encodeSingle);
    }

    // --- chains in flight

    /** Whether chains in flight are noted in shared memory. */
    public boolean notesInflight() {
        return has(VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD);
    }

    /**
     * Asks for memory in which chains in flight are noted.
     *
     * @return the memory, to be given with {@link #shareInflight} to this back-end and those after it, or null if there is
     *     none
     */
    public @Nullable InflightMemory makeInflight(int queues, int queueSize) throws IOException {
        InflightArea asked = new InflightArea(0, 0, queues, queueSize);
        List<Fd> files = new ArrayList<>();
        try {
            InflightArea area = InflightArea.decode(
                    messages.exchangeForDescriptors(FrontendRequest.GET_INFLIGHT_FD, asked::encode, files));
            if (area.sizeBytes() == 0 || files.size() != 1) {
                return null;
            }
            return new InflightMemory(area, files.remove(0));
        } catch (VhostUserRequestException e) {
            throw FrontendMessages.malformed(FrontendRequest.GET_INFLIGHT_FD, e);
        } finally {
            files.forEach(Fd::close);
        }
    }

    /** Shares that memory; rings do not run yet. */
    public void shareInflight(InflightMemory memory) throws IOException {
        messages.send(FrontendRequest.SET_INFLIGHT_FD, memory.area()::encode, List.of(memory.file()));
    }

    // --- the device

    /** Whether kicks and calls are messages: descriptors are then given for neither. */
    public boolean isInband() {
        return options.manner().notifiesInBand()
                && has(VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS)
                && has(VHOST_USER_PROTOCOL_F_BACKEND_REQ);
    }

    /** Resets the device, if the back-end can do that; false otherwise. */
    public boolean resetDevice() throws IOException {
        if (!has(VHOST_USER_PROTOCOL_F_RESET_DEVICE)) {
            return false;
        }
        messages.send(FrontendRequest.RESET_DEVICE);
        return true;
    }

    /** Sets the device status, if the back-end takes it. */
    public void setStatus(int status) throws IOException {
        if (has(VHOST_USER_PROTOCOL_F_STATUS)) {
            messages.send(FrontendRequest.SET_STATUS, new U64(status)::encode);
        }
    }

    /** The device status; 0 if the back-end does not tell. */
    public int status() throws IOException {
        return has(VHOST_USER_PROTOCOL_F_STATUS) ? (int) messages.query(FrontendRequest.GET_STATUS) : 0;
    }

    /** Waits until the back-end has carried out everything sent before. */
    public void fence() throws IOException {
        messages.query(FrontendRequest.GET_FEATURES);
    }

    @Override
    public void close() {
        backendRequests.close();
        messages.close();
    }
}
