package org.vportd.vhostuser.backend;

import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_GPA_ADDRESSES;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS;
import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_PROTOCOL_F_REPLY_ACK;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.vportd.handover.Parcel;
import org.vportd.loop.EventLoop;
import org.vportd.loop.LoopTask;
import org.vportd.loop.LoopTimer;
import org.vportd.loop.Watch;
import org.vportd.posix.Epoll;
import org.vportd.posix.Fd;
import org.vportd.posix.MemoryFaultException;
import org.vportd.vhostuser.protocol.ConfigRange;
import org.vportd.vhostuser.protocol.DeviceStateTransfer;
import org.vportd.vhostuser.protocol.FrontendRequest;
import org.vportd.vhostuser.protocol.InflightArea;
import org.vportd.vhostuser.protocol.IotlbMessage;
import org.vportd.vhostuser.protocol.LogArea;
import org.vportd.vhostuser.protocol.MessageHeader;
import org.vportd.vhostuser.protocol.U64;
import org.vportd.vhostuser.protocol.VhostUserRequestException;
import org.vportd.vhostuser.protocol.VringState;
import org.vportd.virtio.LimitedLog;
import org.vportd.virtio.VirtioDevice;
import org.vportd.virtio.memory.GuestMemory;

/**
 * One front-end's connection, from its first message to its end: receives requests, has them carried out by {@link
 * SessionRings} and {@link SessionMemory}, and answers in order.
 *
 * <p>A request that cannot be honoured is refused and the session goes on, because a front-end may not survive the loss of
 * its connection. What ends a session is a stream that is no longer understood, or memory that has gone.
 */
final class VhostUserSession implements AutoCloseable {
    private static final System.Logger LOGGER = System.getLogger(VhostUserSession.class.getName());
    private static final int MESSAGES_PER_TURN = 64;
    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(30);

    private final EventLoop loop;
    private final VirtioDevice device;
    private final String name;
    private final SessionFeatures features;
    private final Consumer<VhostUserSession> onEnd;
    private final MessageStream stream;
    private final SessionMemory memory = new SessionMemory();
    private final SessionRings rings;
    private final @Nullable SessionJournal journal;
    private final StateTransfer state;
    private final Watch watch;
    private final LoopTask processTask;
    private final LoopTimer patience;
    private final LimitedLog log;
    private final EventLoop.FaultHandler faultHandler;
    /** CHECK_DEVICE_STATE is answered when the state has arrived; what the front-end says next waits for that. */
    private boolean stateAwaited;

    private boolean ended;

    /**
     * Begins a session on a connection, which it owns from here on.
     *
     * @param name what log lines call it
     * @param log shared by the sessions of a back-end, so that a new connection is no new allowance
     * @param onEnd told once, after everything has been released
     */
    VhostUserSession(
            EventLoop loop,
            Fd connection,
            VirtioDevice device,
            BackendOptions options,
            String name,
            LimitedLog log,
            Consumer<VhostUserSession> onEnd)
            throws IOException {
        this.loop = loop;
        this.device = device;
        this.name = name;
        this.onEnd = onEnd;
        this.features = new SessionFeatures(device, options);
        this.journal = options.handover() ? new SessionJournal() : null;
        this.log = log;
        this.watch = loop.watch(
                connection, Epoll.EPOLLIN | Epoll.EPOLLOUT | Epoll.EPOLLRDHUP | Epoll.EPOLLET, events -> process());
        this.stream = new MessageStream(connection);
        this.processTask = loop.task(this::process);
        this.patience = loop.timer(this::patienceEnded);
        this.rings = new SessionRings(loop, device, memory, log, this::endLater);
        this.state = new StateTransfer(loop, device, rings::isRunning, log, processTask::schedule);
        this.faultHandler = this::memoryMayHaveGone;
        loop.addFaultHandler(faultHandler);
        device.attach(rings);
    }

    /** The socket, still owned by the session. */
    Fd connection() {
        return stream.fd();
    }

    String name() {
        return name;
    }

    private void process() {
        try {
            processMessages();
        } catch (EOFException e) {
            end("front-end has left");
        } catch (IOException e) {
            end("connection is lost: " + e.getMessage());
        } catch (MemoryFaultException e) {
            end("guest memory has gone: " + e.getMessage());
        } catch (RuntimeException | OutOfMemoryError e) { // a bug of ours must not reach the other sessions
            LOGGER.log(System.Logger.Level.ERROR, name + ": internal error", e);
            end("internal error");
        }
    }

    private void processMessages() throws IOException {
        stream.flush();
        answerStateCheck();
        for (int i = 0; i < MESSAGES_PER_TURN && !ended && !stateAwaited && !stream.isSending(); i++) {
            MessageStream.Message message = stream.next();
            if (message == null) {
                watchPatience();
                return;
            }
            try {
                handle(message);
            } finally {
                message.descriptors().forEach(VhostUserSession::closeIfOurs);
            }
        }
        if (!ended) {
            watchPatience();
            if (!stream.isSending() && !stateAwaited) {
                processTask.schedule();
            }
        }
    }

    private void answerStateCheck() throws IOException {
        if (stateAwaited && !state.isRunning()) {
            stateAwaited = false;
            reply(FrontendRequest.CHECK_DEVICE_STATE.id(), state.succeeded() ? U64.OK : U64.REFUSED);
        }
    }

    /** A descriptor that was kept has been released from the message's own handle. */
    private static void closeIfOurs(Fd fd) {
        if (fd.isOpen()) {
            fd.close();
        }
    }

    private void watchPatience() {
        boolean waiting = stream.isSending() || stream.isWithinMessage();
        if (!waiting) {
            patience.cancel();
        } else if (!patience.isActive()) {
            patience.start(PATIENCE_NS);
        }
    }

    private void patienceEnded() {
        end("front-end neither finishes its message nor reads our reply");
    }

    private void handle(MessageStream.Message message) throws IOException {
        FrontendRequest request = FrontendRequest.of(message.header().request());
        String refusal = null;
        try {
            if (request == null) {
                throw new VhostUserRequestException("request is unknown: " + message.header());
            }
            if (!features.allows(request)) {
                throw new VhostUserRequestException("request belongs to a feature that was not negotiated: " + request);
            }
            request.check(message.payload().remaining(), message.descriptors().size());
            LOGGER.log(System.Logger.Level.TRACE, () -> name + ": " + request + " " + message.header());
            carryOutAndKeep(request, message);
        } catch (VhostUserRequestException e) {
            refusal = e.getMessage();
            log.warn(name + ": refused: " + refusal);
        }
        if (request != null && request.hasOwnReply()) {
            if (refusal != null) {
                replyError(message.header());
            } else if (request == FrontendRequest.SET_LOG_BASE) {
                reply(request.id(), U64.OK);
            }
        } else if (message.header().needsReply() && features.has(VHOST_USER_PROTOCOL_F_REPLY_ACK)) {
            reply(message.header().request(), refusal == null ? U64.OK : U64.REFUSED);
        }
        rings.acknowledged();
    }

    private void carryOutAndKeep(FrontendRequest request, MessageStream.Message message)
            throws IOException, VhostUserRequestException {
        SessionJournal kept = journal;
        if (kept == null || !SessionJournal.keeps(request)) {
            carryOut(request, message);
            return;
        }
        List<Fd> copies = SessionJournal.duplicate(message.descriptors());
        boolean done = false;
        try {
            carryOut(request, message);
            done = true;
        } finally {
            if (!done) {
                copies.forEach(Fd::close);
            }
        }
        kept.add(request, message.payload().rewind(), copies);
    }

    // --- handover

    /** Whether nothing is half done that another process could not go on with: a message, a reply, a transfer of state. */
    boolean isAtRest() {
        return !ended && !stream.isWithinMessage() && !stream.isSending() && !state.isRunning();
    }

    /** Packs everything for {@link #takeOver} in another process. The rings stand still until {@link #goOn}. */
    Parcel pack() {
        rings.suspendAll();
        return rings.pack()
                .put("connection", stream.fd())
                .put("protocol_features", features.protocol())
                .put("requests", journal == null ? List.of() : journal.pack());
    }

    /** The handover has failed: the rings run again. */
    void goOn() {
        rings.resumeAll();
    }

    /** Comes to where a session in another process was, whose connection this one has. */
    void takeOver(Parcel from) throws IOException {
        try {
            setProtocolFeatures(from.number("protocol_features", 0));
            rings.takeOverFeatures(from);
            for (Parcel request : from.parcels("requests")) {
                takeOverRequest(request);
            }
            rings.takeOver(from);
        } catch (VhostUserRequestException e) {
            throw new IOException("session cannot be taken over: " + e.getMessage(), e);
        }
    }

    private void takeOverRequest(Parcel packed) throws IOException, VhostUserRequestException {
        FrontendRequest request = FrontendRequest.of((int) packed.number("request", -1));
        Fd descriptor = packed.takeFd("descriptor");
        if (request == null || descriptor == null) {
            throw new VhostUserRequestException("request is unknown, or without its descriptor: " + request);
        }
        byte[] payload = packed.bytes("payload");
        MessageStream.Message message = new MessageStream.Message(
                MessageHeader.request(request.id(), false, payload.length),
                ByteBuffer.wrap(payload).order(ByteOrder.nativeOrder()),
                List.of(descriptor));
        try {
            carryOutAndKeep(request, message);
        } finally {
            closeIfOurs(descriptor);
        }
    }

    private void carryOut(FrontendRequest request, MessageStream.Message message)
            throws IOException, VhostUserRequestException {
        ByteBuffer payload = message.payload();
        List<Fd> fds = message.descriptors();
        switch (request) {
            case GET_FEATURES -> reply(request.id(), new U64(features.offered()));
            case SET_FEATURES -> setFeatures(U64.decode(payload).value());
            case SET_OWNER -> {}
            case RESET_OWNER -> rings.disableAll();
            case GET_PROTOCOL_FEATURES -> reply(request.id(), new U64(features.offeredProtocol()));
            case SET_PROTOCOL_FEATURES ->
                setProtocolFeatures(U64.decode(payload).value());
            case GET_QUEUE_NUM -> reply(request.id(), new U64(rings.count()));
            case GET_MAX_MEM_SLOTS -> reply(request.id(), new U64(SessionMemory.MAX_SLOTS));
            case SET_BACKEND_REQ_FD -> rings.setChannel(take(fds));
            case GET_CONFIG -> getConfig(ConfigRange.decode(payload));
            case SET_CONFIG -> setConfig(ConfigRange.decode(payload));
            case SET_STATUS -> rings.setStatus((int) U64.decode(payload).value() & 0xff);
            case GET_STATUS -> reply(request.id(), new U64(rings.status()));
            case RESET_DEVICE -> rings.reset();
            case GET_INFLIGHT_FD -> makeInflightArea(message.header(), InflightArea.decode(payload));
            case SET_LOG_BASE -> rings.setLog(LogArea.decode(payload), fds.get(0));
            case SET_DEVICE_STATE_FD -> {
                state.begin(DeviceStateTransfer.decode(payload), take(fds));
                reply(request.id(), new U64(DeviceStateTransfer.REPLY_NO_FD));
            }
            case CHECK_DEVICE_STATE -> {
                stateAwaited = true;
                answerStateCheck();
            }
            case IOTLB_MSG -> {
                rings.iommu().carryOut(IotlbMessage.decode(payload));
                reply(request.id(), U64.OK);
            }
            case GET_VRING_BASE -> {
                int ring = VringState.decode(payload).index();
                reply(request.id(), VringState.LENGTH, new VringState(ring, rings.stop(ring))::encode);
            }
            default -> rings.requests().carryOut(request, payload, fds);
        }
    }

    /** Takes the one descriptor of a message out of it. */
    static Fd take(List<Fd> descriptors) {
        return new Fd(descriptors.get(0).release());
    }

    private void setFeatures(long chosen) throws VhostUserRequestException {
        features.check(chosen);
        rings.setFeatures(chosen);
        log.info(name + ": features=0x" + Long.toHexString(chosen) + " protocol_features=0x"
                + Long.toHexString(features.protocol()));
    }

    private void setProtocolFeatures(long chosen) throws IOException, VhostUserRequestException {
        features.setProtocol(chosen);
        memory.setGuestAddresses(features.has(VHOST_USER_PROTOCOL_F_GPA_ADDRESSES));
        rings.notices().setInband(features.has(VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS));
    }

    private void getConfig(ConfigRange range) throws IOException {
        byte[] config = new byte[ConfigRange.MAX_CONFIG_BYTES]; // beyond the device's own there are zeros
        device.readConfig(config);
        byte[] part = new byte[range.size()];
        System.arraycopy(config, range.offset(), part, 0, part.length);
        ConfigRange answer = range.withBytes(part);
        reply(FrontendRequest.GET_CONFIG.id(), answer.length(), answer::encode);
    }

    private void setConfig(ConfigRange range) {
        int offset = Math.min(range.offset(), device.configBytes());
        int length = Math.min(range.size(), device.configBytes() - offset);
        byte[] part = new byte[length];
        System.arraycopy(range.bytes(), 0, part, 0, length);
        device.writeConfig(offset, part);
    }

    /** Answers the area, or one of no size; in the length that was asked in. */
    private void makeInflightArea(MessageHeader header, InflightArea asked) throws IOException {
        SessionInflight.Made made = rings.makeInflightArea(asked);
        InflightArea answer = made == null ? new InflightArea(0, 0, asked.queues(), asked.queueSize()) : made.area();
        ByteBuffer message = MessageHeader.newBuffer();
        MessageHeader.reply(header.request(), header.size()).encode(message);
        answer.encode(message);
        message.flip().limit(MessageHeader.LENGTH + header.size());
        stream.send(message, made == null ? List.of() : List.of(made.file()));
    }

    private void reply(int request, U64 value) throws IOException {
        reply(request, U64.LENGTH, value::encode);
    }

    private void reply(int request, int length, Consumer<ByteBuffer> payload) throws IOException {
        ByteBuffer message = MessageHeader.newBuffer();
        MessageHeader.reply(request, length).encode(message);
        payload.accept(message);
        stream.send(message.flip());
    }

    /** The error of a request that has a reply of its own: for GET_CONFIG one without payload, otherwise a number. */
    private void replyError(MessageHeader header) throws IOException {
        if (header.request() == FrontendRequest.GET_CONFIG.id()) {
            reply(header.request(), 0, nothing -> {});
        } else if (header.request() == FrontendRequest.SET_DEVICE_STATE_FD.id()) {
            reply(header.request(), new U64(DeviceStateTransfer.REPLY_NO_FD | U64.REFUSED.value()));
        } else {
            reply(header.request(), U64.REFUSED);
        }
    }

    private boolean memoryMayHaveGone(InternalError fault, boolean anybody) {
        GuestMemory table = memory.table();
        boolean ours = anybody ? table.size() > 0 : !rings.isMemoryIntact();
        if (ours) {
            end("guest memory has gone: " + fault.getMessage());
        }
        return ours;
    }

    /** Ends the session as soon as whoever calls has returned. */
    private void endLater(String reason) {
        loop.task(() -> end(reason)).schedule();
    }

    /** Releases everything: rings, memory, descriptors. */
    void end(String reason) {
        if (ended) {
            return;
        }
        ended = true;
        log.info(name + ": session ends: " + reason);
        loop.removeFaultHandler(faultHandler);
        processTask.cancel();
        patience.cancel();
        release(state::close);
        release(rings::close); // before the memory that they lie in
        release(device::detach);
        release(memory::close);
        if (journal != null) {
            release(journal::close);
        }
        release(watch::close);
        release(stream::close);
        onEnd.accept(this);
    }

    /**
     * A fault in memory that has gone may be reported late, even now; the step is then done again. A bug in one step leaves
     * nothing behind of the others.
     */
    private void release(Runnable step) {
        try {
            step.run();
        } catch (InternalError late) {
            step.run();
        } catch (RuntimeException e) {
            LOGGER.log(System.Logger.Level.ERROR, name + ": internal error at the end", e);
        }
    }

    @Override
    public void close() {
        end("daemon stops");
    }
}
