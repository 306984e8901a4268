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
import java.util.BitSet;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.vportd.posix.Fd;
import org.vportd.posix.Sockets;
import org.vportd.vhostuser.protocol.BackendRequest;
import org.vportd.vhostuser.protocol.ConfigRange;
import org.vportd.vhostuser.protocol.FrontendRequest;
import org.vportd.vhostuser.protocol.InflightArea;
import org.vportd.vhostuser.protocol.IotlbMessage;
import org.vportd.vhostuser.protocol.MemoryTable;
import org.vportd.vhostuser.protocol.MessageHeader;
import org.vportd.vhostuser.protocol.ProtocolFeature;
import org.vportd.vhostuser.protocol.RegionDescription;
import org.vportd.vhostuser.protocol.U64;
import org.vportd.vhostuser.protocol.VhostUserRequestException;
import org.vportd.vhostuser.protocol.VringAddress;
import org.vportd.vhostuser.protocol.VringFd;
import org.vportd.vhostuser.protocol.VringState;
import org.vportd.virtio.driver.DriverMemory;

/** One connection to a back-end: each method sends its messages, waits for what must come back, and throws if it does not. */
public final class VhostUserFrontend implements AutoCloseable {
    private static final int DEFAULT_QUEUES = 2;
    private static final int MAX_QUEUES = 256;

    private final FrontendOptions options;
    private final FrontendStream stream;
    private long offeredFeatures;
    private long offeredProtocolFeatures;
    private long protocolFeatures;
    private int queueCount = DEFAULT_QUEUES;
    private @Nullable FrontendStream backendChannel;
    private int configChanges;
    private @Nullable FrontendIommu iommu;
    private final BitSet called = new BitSet();
    private final BitSet broken = new BitSet();

    /** Speaks over a connection, which it owns from here on. */
    public VhostUserFrontend(Fd connection, FrontendOptions options) {
        this.options = options;
        this.stream = new FrontendStream(connection, options.timeout().toNanos());
    }

    /** Connects to a back-end that listens. */
    public static VhostUserFrontend connect(String path, FrontendOptions options) throws IOException {
        return new VhostUserFrontend(Sockets.connectUnix(path), options);
    }

    /** Everything before the driver comes: owner, features on offer, protocol features, the channel of the back-end. */
    public void negotiate() throws IOException {
        if (options.manner() == Manner.QEMU) {
            readOffer();
            send(FrontendRequest.SET_OWNER);
        } else {
            send(FrontendRequest.SET_OWNER);
            readOffer();
        }
        if (options.manner() != Manner.CLOUD_HYPERVISOR) {
            openBackendChannel();
        }
    }

    private void readOffer() throws IOException {
        offeredFeatures = query(FrontendRequest.GET_FEATURES);
        if (ProtocolFeature.has(offeredFeatures, VHOST_USER_F_PROTOCOL_FEATURES)) {
            offeredProtocolFeatures = query(FrontendRequest.GET_PROTOCOL_FEATURES);
            protocolFeatures = offeredProtocolFeatures & options.protocolFeatures();
            send(FrontendRequest.SET_PROTOCOL_FEATURES, new U64(protocolFeatures)::encode, List.of());
        }
        if (has(VHOST_USER_PROTOCOL_F_MQ)) {
            queueCount = (int) query(FrontendRequest.GET_QUEUE_NUM);
        } else if (options.manner() == Manner.UML) {
            queueCount = Integer.MAX_VALUE; // it does not know
        }
        if (has(VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS)) {
            query(FrontendRequest.GET_MAX_MEM_SLOTS);
        }
    }

    private void openBackendChannel() throws IOException {
        if (!has(VHOST_USER_PROTOCOL_F_BACKEND_REQ)) {
            return;
        }
        Fd[] pair = Sockets.pair();
        FrontendStream channel = new FrontendStream(pair[0], options.timeout().toNanos());
        try (Fd given = pair[1]) {
            if (backendChannel != null) {
                backendChannel.close();
            }
            backendChannel = channel;
            send(FrontendRequest.SET_BACKEND_REQ_FD, VhostUserFrontend::nothing, List.of(given));
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
        return stream.fd();
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
        send(FrontendRequest.SET_FEATURES, new U64(all)::encode, List.of());
    }

    /** Reads configuration space. */
    public byte[] readConfig(int offset, int size) throws IOException {
        int flags = options.manner() == Manner.CROSVM ? 1 : 0;
        ConfigRange range = new ConfigRange(offset, flags, new byte[size]);
        ByteBuffer reply = exchange(FrontendRequest.GET_CONFIG, range::encode, List.of());
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
            throw malformed(FrontendRequest.GET_CONFIG, e);
        }
    }

    /** Writes configuration space. */
    public void writeConfig(int offset, byte[] bytes) throws IOException {
        int flags = options.manner() == Manner.CLOUD_HYPERVISOR ? 1 : 0;
        send(FrontendRequest.SET_CONFIG, new ConfigRange(offset, flags, bytes)::encode, List.of());
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
        long result = u64(FrontendRequest.IOTLB_MSG, exchange(FrontendRequest.IOTLB_MSG, message::encode, List.of()));
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
        send(FrontendRequest.SET_MEM_TABLE, table, files);
    }

    private RegionDescription describe(DriverMemory.Region region) {
        long offset = iommu == null ? 0 : FrontendIommu.GUEST_OFFSET;
        return new RegionDescription(
                region.guestAddress() + offset, region.sizeBytes(), region.userAddress(), region.fileOffset());
    }

    /** Shares one region more. */
    public void addRegion(DriverMemory.Region region) throws IOException {
        send(FrontendRequest.ADD_MEM_REG, describe(region)::encodeSingle, List.of(region.file()));
    }

    /** Takes a region back. */
    public void removeRegion(DriverMemory.Region region) throws IOException {
        send(FrontendRequest.REM_MEM_REG, describe(region)::encodeSingle, List.of());
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
        post(FrontendRequest.GET_INFLIGHT_FD.id(), false, asked::encode, List.of());
        List<Fd> files = new ArrayList<>();
        ByteBuffer reply = stream.receive(files);
        try {
            MessageHeader.decode(reply).checkReplyTo(FrontendRequest.GET_INFLIGHT_FD.id());
            InflightArea area = InflightArea.decode(reply);
            if (area.sizeBytes() == 0 || files.size() != 1) {
                return null;
            }
            return new InflightMemory(area, files.remove(0));
        } catch (VhostUserRequestException e) {
            throw malformed(FrontendRequest.GET_INFLIGHT_FD, e);
        } finally {
            files.forEach(Fd::close);
        }
    }

    /** Shares that memory; rings do not run yet. */
    public void shareInflight(InflightMemory memory) throws IOException {
        send(FrontendRequest.SET_INFLIGHT_FD, memory.area()::encode, List.of(memory.file()));
    }

    // --- rings

    /**
     * Starts rings.
     *
     * @param bases where each goes on: 0 for a new one, or what {@link #stopRings} answered
     */
    public void startRings(List<DriverRing> rings, int[] bases) throws IOException {
        switch (options.manner()) {
            case QEMU -> {
                for (int i = 0; i < rings.size(); i++) {
                    setNum(rings.get(i));
                    setBase(rings.get(i), bases[i]);
                    setAddress(rings.get(i));
                    rings.get(i).kick(); // its descriptors are ready to be read from the start
                    setKick(rings.get(i));
                    setCall(rings.get(i));
                }
                enableAll(rings);
                for (DriverRing ring : rings) {
                    setCall(ring);
                }
            }
            case UML -> {
                for (int i = 0; i < rings.size(); i++) {
                    if (!isInband()) {
                        setCall(rings.get(i));
                    }
                    setNum(rings.get(i));
                    setBase(rings.get(i), bases[i]);
                    setAddress(rings.get(i));
                }
                for (DriverRing ring : rings) {
                    if (!isInband()) {
                        setKick(ring);
                    }
                    enable(ring.index(), true);
                }
            }
            case CROSVM -> {
                for (int i = 0; i < rings.size(); i++) {
                    setNum(rings.get(i));
                    setAddress(rings.get(i));
                    setBase(rings.get(i), bases[i]);
                    setCall(rings.get(i));
                    setKick(rings.get(i));
                    enable(rings.get(i).index(), true);
                }
            }
            case CLOUD_HYPERVISOR -> {
                for (DriverRing ring : rings) {
                    setNum(ring);
                }
                for (int i = 0; i < rings.size(); i++) {
                    setAddress(rings.get(i));
                    setBase(rings.get(i), bases[i]);
                    setCall(rings.get(i));
                    setKick(rings.get(i));
                }
                enableAll(rings);
                openBackendChannel();
            }
        }
        fence();
    }

    private void enableAll(List<DriverRing> rings) throws IOException {
        for (DriverRing ring : rings) {
            enable(ring.index(), true);
        }
    }

    private void setNum(DriverRing ring) throws IOException {
        VringState num = new VringState(ring.index(), ring.driver().size());
        send(FrontendRequest.SET_VRING_NUM, num::encode, List.of());
    }

    private void setBase(DriverRing ring, int base) throws IOException {
        send(FrontendRequest.SET_VRING_BASE, new VringState(ring.index(), base)::encode, List.of());
    }

    private void setAddress(DriverRing ring) throws IOException {
        setAddress(ring, false);
    }

    /** Says where a ring lies, and whether writes to it go to the dirty log; that alone may change while it runs. */
    void setAddress(DriverRing ring, boolean logged) throws IOException {
        long unlogged = options.manner() == Manner.UML ? -1 : 0;
        VringAddress address = new VringAddress(
                ring.index(),
                logged ? 1 << VringAddress.VHOST_VRING_F_LOG : 0,
                ringAddress(ring, ring.driver().descriptorAddress()),
                ringAddress(ring, ring.driver().usedAddress()),
                ringAddress(ring, ring.driver().availAddress()),
                logged ? ring.driver().usedAddress() : unlogged);
        send(FrontendRequest.SET_VRING_ADDR, address::encode, List.of());
    }

    /** Behind an IOMMU rings are where the driver says, otherwise where they are here. */
    private long ringAddress(DriverRing ring, long guestAddress) {
        return iommu == null ? ring.userAddress(guestAddress) : guestAddress;
    }

    private void setKick(DriverRing ring) throws IOException {
        send(FrontendRequest.SET_VRING_KICK, new VringFd(ring.index(), false)::encode, List.of(ring.kickFd()));
    }

    private void setCall(DriverRing ring) throws IOException {
        send(FrontendRequest.SET_VRING_CALL, new VringFd(ring.index(), false)::encode, List.of(ring.callGiven()));
    }

    /** Whether kicks and calls are messages: descriptors are then given for neither. */
    public boolean isInband() {
        return options.manner().notifiesInBand()
                && has(VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS)
                && has(VHOST_USER_PROTOCOL_F_BACKEND_REQ);
    }

    /** Kicks a ring by a message, and waits for the acknowledgement: meanwhile nobody hears calls. */
    public void kick(int ring) throws IOException {
        send(FrontendRequest.VRING_KICK, new VringState(ring, 0)::encode, List.of());
    }

    /** Takes the calls that have come as messages; answers whether there was one for a ring since the last time. */
    public boolean takeCall(int ring) throws IOException {
        if (!called.get(ring)) {
            takeBackendRequests();
        }
        boolean was = called.get(ring);
        called.clear(ring);
        return was;
    }

    /** Whether the back-end has said by a message that a ring is broken. */
    public boolean isBroken(int ring) {
        return broken.get(ring);
    }

    /** Enables or disables one ring; without protocol features a ring is enabled as soon as it is started. */
    public void enable(int ring, boolean on) throws IOException {
        if (ProtocolFeature.has(offeredFeatures, VHOST_USER_F_PROTOCOL_FEATURES)) {
            send(FrontendRequest.SET_VRING_ENABLE, new VringState(ring, on ? 1 : 0)::encode, List.of());
        }
    }

    /**
     * Stops rings; the back-end touches neither them nor their buffers once this returns.
     *
     * @return where each goes on
     */
    public int[] stopRings(List<DriverRing> rings) throws IOException {
        int[] bases = new int[rings.size()];
        switch (options.manner()) {
            case QEMU -> {
                for (DriverRing ring : rings) {
                    enable(ring.index(), false);
                }
                for (int i = 0; i < bases.length; i++) {
                    bases[i] = base(rings.get(i).index());
                }
            }
            case UML -> {
                for (int i = bases.length - 1; i >= 0; i--) {
                    enable(rings.get(i).index(), false);
                }
                query(FrontendRequest.GET_FEATURES);
                for (int i = 0; i < bases.length; i++) {
                    bases[i] = rings.get(i).driver().baseInMemory();
                }
            }
            case CROSVM, CLOUD_HYPERVISOR -> {
                for (int i = 0; i < bases.length; i++) {
                    enable(rings.get(i).index(), false);
                    bases[i] = base(rings.get(i).index());
                }
            }
        }
        return bases;
    }

    /** Stops one ring and answers where it goes on. */
    public int base(int ring) throws IOException {
        ByteBuffer reply = exchange(FrontendRequest.GET_VRING_BASE, new VringState(ring, 0)::encode, List.of());
        try {
            VringState state = VringState.decode(reply);
            if (state.index() != ring) {
                throw new FrontendException(
                        "back-end answered for another ring: asked=" + ring + " ring=" + state.index());
            }
            return state.num();
        } catch (VhostUserRequestException e) {
            throw malformed(FrontendRequest.GET_VRING_BASE, e);
        }
    }

    /** Resets the device, if the back-end can do that; false otherwise. */
    public boolean resetDevice() throws IOException {
        if (!has(VHOST_USER_PROTOCOL_F_RESET_DEVICE)) {
            return false;
        }
        send(FrontendRequest.RESET_DEVICE);
        return true;
    }

    /** Sets the device status, if the back-end takes it. */
    public void setStatus(int status) throws IOException {
        if (has(VHOST_USER_PROTOCOL_F_STATUS)) {
            send(FrontendRequest.SET_STATUS, new U64(status)::encode, List.of());
        }
    }

    /** The device status; 0 if the back-end does not tell. */
    public int status() throws IOException {
        return has(VHOST_USER_PROTOCOL_F_STATUS) ? (int) query(FrontendRequest.GET_STATUS) : 0;
    }

    /** Waits until the back-end has carried out everything sent before. */
    public void fence() throws IOException {
        query(FrontendRequest.GET_FEATURES);
    }

    // --- messages

    private static void nothing(ByteBuffer payload) {}

    private void send(FrontendRequest request) throws IOException {
        send(request, VhostUserFrontend::nothing, List.of());
    }

    /**
     * Sends a request that has no reply of its own, and waits for its acknowledgement if the manner asks for one.
     *
     * @throws FrontendException if it is refused
     */
    public void send(FrontendRequest request, Consumer<ByteBuffer> payload, List<Fd> descriptors) throws IOException {
        boolean wanted = options.manner().needsReply(request);
        post(request.id(), wanted, payload, descriptors);
        if (wanted && has(VHOST_USER_PROTOCOL_F_REPLY_ACK)) {
            long result = u64(request, reply(request.id()));
            if (result != 0) {
                throw new FrontendException("back-end refused: request=" + request + " result=" + result);
            }
        }
    }

    /** Sends any message at all, and waits for nothing. */
    public void post(int request, boolean needReply, Consumer<ByteBuffer> payload, List<Fd> descriptors)
            throws IOException {
        ByteBuffer message = MessageHeader.newBuffer();
        message.position(MessageHeader.LENGTH);
        payload.accept(message);
        int size = message.position() - MessageHeader.LENGTH;
        message.flip();
        MessageHeader.request(request, needReply, size).encode(message);
        stream.send(contents(message.rewind()), descriptors);
    }

    private static byte[] contents(ByteBuffer message) {
        byte[] bytes = new byte[message.remaining()];
        message.get(bytes);
        return bytes;
    }

    /** Sends a request and answers the payload of the reply that it always has. */
    public ByteBuffer exchange(FrontendRequest request, Consumer<ByteBuffer> payload, List<Fd> descriptors)
            throws IOException {
        post(request.id(), false, payload, descriptors);
        return reply(request.id());
    }

    /** Waits for the reply to a request and answers its payload. */
    public ByteBuffer reply(int request) throws IOException {
        ByteBuffer reply = stream.receive();
        MessageHeader.decode(reply).checkReplyTo(request);
        return reply;
    }

    /** Asks for a number. */
    public long query(FrontendRequest request) throws IOException {
        return u64(request, exchange(request, VhostUserFrontend::nothing, List.of()));
    }

    private static long u64(FrontendRequest request, ByteBuffer reply) throws FrontendException {
        try {
            return U64.decode(reply).value();
        } catch (VhostUserRequestException e) {
            throw malformed(request, e);
        }
    }

    private static FrontendException malformed(FrontendRequest request, VhostUserRequestException e) {
        return new FrontendException("reply is malformed: request=" + request + " " + e.getMessage());
    }

    // --- requests of the back-end

    /** Carries out the requests of the back-end that have come; answers how many. */
    public int takeBackendRequests() throws IOException {
        FrontendStream channel = backendChannel;
        int taken = 0;
        while (channel != null && channel.isReadable()) {
            ByteBuffer message;
            try {
                message = channel.receive();
            } catch (IOException e) {
                channel.close(); // a channel that breaks takes nothing else with it
                backendChannel = null;
                break;
            }
            MessageHeader header = MessageHeader.decode(message);
            boolean known = carryOut(BackendRequest.of(header.request()), message);
            if (header.needsReply()) {
                ByteBuffer answer = MessageHeader.newBuffer();
                MessageHeader.reply(header.request(), U64.LENGTH).encode(answer);
                (known ? U64.OK : U64.REFUSED).encode(answer);
                channel.send(contents(answer.flip()), List.of());
            }
            taken++;
        }
        return taken;
    }

    /** Carries a request of the back-end out; false if it is not one for us. */
    private boolean carryOut(@Nullable BackendRequest request, ByteBuffer payload) throws IOException {
        if (request == BackendRequest.CONFIG_CHANGE_MSG) {
            configChanges++;
            return true;
        }
        FrontendIommu answering = iommu;
        if (request == BackendRequest.IOTLB_MSG && answering != null) {
            try {
                answering.answer(IotlbMessage.decode(payload));
                return true;
            } catch (VhostUserRequestException e) {
                throw new FrontendException("request of the back-end is malformed: " + e.getMessage());
            }
        }
        if (request != BackendRequest.VRING_CALL && request != BackendRequest.VRING_ERR) {
            return false;
        }
        try {
            int ring = VringState.decode(payload).index();
            if (!isInband() || ring < 0 || ring >= MAX_QUEUES) {
                return false;
            }
            (request == BackendRequest.VRING_CALL ? called : broken).set(ring);
            return true;
        } catch (VhostUserRequestException e) {
            return false;
        }
    }

    /** How many changes of configuration space the back-end has told. */
    public int configChanges() {
        return configChanges;
    }

    /** The channel on which requests of the back-end come, or null. */
    @Nullable
    Fd backendChannel() {
        return backendChannel == null ? null : backendChannel.fd();
    }

    @Override
    public void close() {
        if (backendChannel != null) {
            backendChannel.close();
        }
        stream.close();
    }
}
