package org.vportd.vhostuser.backend;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.vportd.posix.Fd;
import org.vportd.posix.NativeMemory;
import org.vportd.posix.PosixException;
import org.vportd.vhostuser.protocol.ConfigRange;
import org.vportd.vhostuser.protocol.FrontendRequest;
import org.vportd.vhostuser.protocol.MessageHeader;
import org.vportd.vhostuser.protocol.RegionDescription;
import org.vportd.virtio.VirtioFeature;

/** The messages of one session at random, most of them as they should be, and what its driver does meanwhile. */
final class FuzzSession {
    private static final int FLAGS_OFFSET = 4;
    private static final int SIZE_OFFSET = 8;
    private static final int MANY = 64;
    private static final long LOG = 1L << 26;

    private final TestGuest guest;
    private final Fd[] wrong;
    private final SplittableRandom random;
    private final long[] values;
    private final List<Message> messages = new ArrayList<>();

    /** A message as it goes over the socket. */
    static final class Message {
        private final byte[] bytes;
        private final Fd[] descriptors;

        private Message(byte[] bytes, Fd... descriptors) {
            this.bytes = bytes;
            this.descriptors = descriptors;
        }

        void send(RawFrontend frontend) throws PosixException {
            int unused = frontend.trySend(bytes, descriptors);
        }
    }

    FuzzSession(TestGuest guest, Fd[] wrong, SplittableRandom random) {
        this.guest = guest;
        this.wrong = wrong;
        this.random = random;
        RegionDescription region = guest.region();
        values = new long[] {
            0,
            1,
            2,
            3,
            5,
            6,
            7,
            8,
            255,
            256,
            257,
            4096,
            32768,
            65535,
            65536,
            0x7fff_ffffL,
            0x8000_0000L,
            0xffff_ffffL,
            -1,
            Long.MIN_VALUE,
            Long.MAX_VALUE,
            -4096,
            region.guestAddress(),
            region.userAddress(),
            region.sizeBytes(),
            region.userAddress() + region.sizeBytes() - 8,
            region.guestAddress() + region.sizeBytes()
        };
    }

    static long features(SplittableRandom random) {
        return VirtioFeature.mask(VirtioFeature.VIRTIO_F_VERSION_1)
                | (random.nextBoolean() ? VirtioFeature.mask(VirtioFeature.VIRTIO_F_RING_PACKED) : 0)
                | (random.nextBoolean() ? VirtioFeature.mask(VirtioFeature.VIRTIO_F_EVENT_IDX) : 0);
    }

    List<Message> messages() {
        usual();
        for (int i = random.nextInt(8); i > 0; i--) {
            reorder();
        }
        for (int i = 0; i < messages.size(); i++) {
            if (random.nextInt(12) == 0) {
                messages.set(i, changed(messages.get(i)));
            }
        }
        return messages;
    }

    // --- what front-ends say

    private void usual() {
        say(FrontendRequest.GET_FEATURES, RawFrontend.EMPTY);
        say(FrontendRequest.GET_PROTOCOL_FEATURES, RawFrontend.EMPTY);
        say(FrontendRequest.SET_PROTOCOL_FEATURES, RawFrontend.u64(protocolFeatures()));
        say(FrontendRequest.SET_OWNER, RawFrontend.EMPTY);
        say(FrontendRequest.SET_BACKEND_REQ_FD, RawFrontend.EMPTY, wrong[WrongDescriptors.SOCKET]);
        long multiport = random.nextBoolean() ? 2 : 0;
        say(FrontendRequest.SET_FEATURES, RawFrontend.u64(RawFrontend.FEATURES | guest.features() | multiport));
        say(FrontendRequest.GET_CONFIG, new ConfigRange(0, 0, new byte[12])::encode);
        if (random.nextBoolean()) {
            say(FrontendRequest.SET_MEM_TABLE, guest.table(), guest.files());
        } else {
            say(FrontendRequest.ADD_MEM_REG, guest.region()::encodeSingle, guest.file());
        }
        for (int rounds = 1 + random.nextInt(3); rounds > 0; rounds--) {
            if (random.nextBoolean()) {
                prepareMigration();
            }
            startRings();
            say(
                    FrontendRequest.SET_FEATURES,
                    RawFrontend.u64(RawFrontend.FEATURES | guest.features() | multiport | LOG));
            anything();
            stopRings();
            if (random.nextBoolean()) {
                moveState();
            }
        }
    }

    /** A log of pages written, and an area for what is in flight, which most front-ends do without. */
    private void prepareMigration() {
        say(FrontendRequest.SET_LOG_BASE, to -> to.putLong(1 << 16).putLong(0), wrong[WrongDescriptors.SEALED]);
        say(
                FrontendRequest.GET_INFLIGHT_FD,
                to -> to.putLong(0)
                        .putLong(0)
                        .putShort((short) guest.rings.size())
                        .putShort((short) TestGuest.RING_SIZE)
                        .putInt(0));
        long bytes = 1L << random.nextInt(17);
        say(
                FrontendRequest.SET_INFLIGHT_FD,
                to -> to.putLong(bytes)
                        .putLong(0)
                        .putShort((short) guest.rings.size())
                        .putShort((short) TestGuest.RING_SIZE)
                        .putInt(0),
                wrong[WrongDescriptors.SEALED]);
    }

    private void moveState() {
        boolean load = random.nextBoolean();
        say(
                FrontendRequest.SET_DEVICE_STATE_FD,
                to -> to.putInt(load ? 1 : 0).putInt(0),
                wrong[load ? WrongDescriptors.PIPE : WrongDescriptors.PIPE + 1]);
        say(FrontendRequest.CHECK_DEVICE_STATE, RawFrontend.EMPTY);
    }

    /** All that the back-end offers with these options, or a part of it. */
    private long protocolFeatures() {
        long all = BackendRig.PROTOCOL | 1L << 14 | 1L << 12 | 1L << 1 | 1L << 19;
        return switch (random.nextInt(4)) {
            case 0 -> BackendRig.PROTOCOL;
            case 1 -> BackendRig.PROTOCOL | 1L << 14;
            default -> all & ~(1L << random.nextInt(20));
        };
    }

    private void startRings() {
        for (TestGuest.Ring ring : guest.rings) {
            say(FrontendRequest.SET_VRING_NUM, ring.num());
            say(FrontendRequest.SET_VRING_BASE, ring.state(ring.base()));
            say(FrontendRequest.SET_VRING_ADDR, ring.address());
            say(FrontendRequest.SET_VRING_CALL, ring.withFd(), ring.call.fd());
            say(FrontendRequest.SET_VRING_ERR, ring.withFd(), ring.error.fd());
            say(FrontendRequest.SET_VRING_KICK, ring.withFd(), ring.kick.fd());
            say(FrontendRequest.SET_VRING_ENABLE, ring.state(1));
        }
    }

    private void stopRings() {
        for (TestGuest.Ring ring : guest.rings) {
            say(FrontendRequest.SET_VRING_ENABLE, ring.state(0));
        }
        for (TestGuest.Ring ring : guest.rings) {
            say(FrontendRequest.GET_VRING_BASE, ring.state(0));
        }
    }

    /** Requests of all kinds, with payloads of a possible size. */
    private void anything() {
        FrontendRequest[] all = FrontendRequest.values();
        for (int i = random.nextInt(6); i > 0; i--) {
            FrontendRequest request = all[random.nextInt(all.length)];
            int bytes = switch (request) {
                case SET_MEM_TABLE -> 8 + 32 * random.nextInt(4);
                case GET_CONFIG, SET_CONFIG -> 12 + random.nextInt(16);
                case SET_LOG_BASE -> 16;
                case GET_INFLIGHT_FD, SET_INFLIGHT_FD -> 24;
                default -> 8 * random.nextInt(6);
            };
            Consumer<ByteBuffer> payload = to -> {
                for (int at = 0; at + 4 <= bytes; at += 4) {
                    to.putInt(random.nextInt(3) == 0 ? (int) value() : random.nextInt(4));
                }
                to.put(new byte[bytes % 4]);
            };
            say(request, payload, random.nextInt(3) == 0 ? new Fd[0] : new Fd[] {anyDescriptor()});
        }
    }

    private void say(FrontendRequest request, Consumer<ByteBuffer> payload, Fd... descriptors) {
        messages.add(new Message(RawFrontend.message(request, random.nextBoolean(), payload), descriptors));
    }

    // --- and how they get it wrong

    private long value() {
        return values[random.nextInt(values.length)];
    }

    private Fd anyDescriptor() {
        if (random.nextInt(3) == 0) {
            return random.nextBoolean()
                    ? guest.file()
                    : guest.ring(random.nextInt(guest.rings.size())).kick.fd();
        }
        return wrong[random.nextInt(wrong.length)];
    }

    private void reorder() {
        int at = random.nextInt(messages.size());
        switch (random.nextInt(4)) {
            case 0 -> messages.remove(at);
            case 1 -> messages.add(at, messages.get(random.nextInt(messages.size())));
            case 2 -> Collections.swap(messages, at, random.nextInt(messages.size()));
            default -> messages.add(random.nextInt(messages.size()), messages.remove(at));
        }
    }

    private Message changed(Message message) {
        byte[] bytes = message.bytes.clone();
        ByteBuffer view = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
        Fd[] fds = message.descriptors;
        int payload = bytes.length - MessageHeader.LENGTH;
        switch (random.nextInt(payload > 0 ? 10 : 6)) {
            case 0 -> view.putInt(0, random.nextInt(50));
            case 1 -> fds = new Fd[] {anyDescriptor()};
            case 2 -> fds = new Fd[0];
            case 3 ->
                fds = Collections.nCopies(random.nextInt(4) == 0 ? MANY : 2, anyDescriptor())
                        .toArray(Fd[]::new);
            case 4 -> bytes = resized(bytes, random.nextInt(100));
            case 5 -> {
                if (random.nextInt(8) == 0) { // the stream is out of step from here on
                    view.putInt(random.nextBoolean() ? FLAGS_OFFSET : SIZE_OFFSET, (int) value());
                }
            }
            case 6 -> {
                int at = MessageHeader.LENGTH + random.nextInt(payload);
                bytes[at] ^= (byte) (1 << random.nextInt(8));
            }
            case 7 -> {
                if (payload >= 4) {
                    view.putInt(MessageHeader.LENGTH + random.nextInt(payload / 4) * 4, (int) value());
                }
            }
            default -> {
                if (payload >= 8) {
                    view.putLong(MessageHeader.LENGTH + random.nextInt(payload / 8) * 8, value());
                }
            }
        }
        return new Message(bytes, fds);
    }

    private static byte[] resized(byte[] bytes, int payload) {
        byte[] other = Arrays.copyOf(bytes, MessageHeader.LENGTH + payload);
        ByteBuffer.wrap(other).order(ByteOrder.nativeOrder()).putInt(SIZE_OFFSET, payload);
        return other;
    }

    // --- the driver

    /** Offers buffers, control messages among them, spoils some of it, and kicks. */
    void play() throws PosixException {
        for (TestGuest.Ring ring : guest.rings) {
            for (int i = random.nextInt(4); i > 0 && ring.driver.free() > 1; i--) {
                int length = 1 + random.nextInt(200);
                long at = guest.region().guestAddress() + (1 << 19) + random.nextInt(1 << 18);
                if (random.nextBoolean()) {
                    long control = guest.memory.hostAddress(at);
                    NativeMemory.putInt(control, random.nextInt(4) == 0 ? -1 : random.nextInt(3));
                    NativeMemory.putInt(control + 4, random.nextInt(9) | random.nextInt(3) << 16);
                }
                if (random.nextInt(8) == 0 ? ring.index % 2 == 0 : ring.index % 2 == 1) {
                    ring.driver.addReadable(at, length, 0);
                } else {
                    ring.driver.addWritable(at, length, 0);
                }
            }
            ring.driver.publish();
            ring.kick.signal();
        }
        if (random.nextInt(4) == 0) {
            SessionFuzzTest.scribble(guest.memory, random, random.nextInt(20));
        }
    }
}
