package org.vportd.vhostuser.frontend;

import static org.vportd.vhostuser.protocol.ProtocolFeature.VHOST_USER_F_PROTOCOL_FEATURES;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.vportd.vhostuser.protocol.FrontendRequest;
import org.vportd.vhostuser.protocol.ProtocolFeature;
import org.vportd.vhostuser.protocol.VhostUserRequestException;
import org.vportd.vhostuser.protocol.VringAddress;
import org.vportd.vhostuser.protocol.VringFd;
import org.vportd.vhostuser.protocol.VringState;

/**
 * The requests about rings: each front-end has an order of its own in which it starts and stops them (vhost-user "Ring states",
 * "Starting and stopping rings").
 */
public final class VringRequests {
    private final VhostUserFrontend frontend;
    private final FrontendMessages messages;

    VringRequests(VhostUserFrontend frontend) {
        this.frontend = frontend;
        this.messages = frontend.messages();
    }

    /**
     * Starts rings.
     *
     * @param bases where each goes on: 0 for a new one, or what {@link #stop} answered
     */
    void start(List<DriverRing> rings, int[] bases) throws IOException {
        switch (frontend.options().manner()) {
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
                    if (!frontend.isInband()) {
                        setCall(rings.get(i));
                    }
                    setNum(rings.get(i));
                    setBase(rings.get(i), bases[i]);
                    setAddress(rings.get(i));
                }
                for (DriverRing ring : rings) {
                    if (!frontend.isInband()) {
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
                frontend.openBackendChannel();
            }
        }
        frontend.fence();
    }

    private void enableAll(List<DriverRing> rings) throws IOException {
        for (DriverRing ring : rings) {
            enable(ring.index(), true);
        }
    }

    /** Enables or disables one ring; without protocol features a ring is enabled as soon as it is started. */
    public void enable(int ring, boolean on) throws IOException {
        if (ProtocolFeature.has(frontend.offeredFeatures(), VHOST_USER_F_PROTOCOL_FEATURES)) {
            messages.send(FrontendRequest.SET_VRING_ENABLE, new VringState(ring, on ? 1 : 0)::encode);
        }
    }

    /**
     * Stops rings; the back-end touches neither them nor their buffers once this returns.
     *
     * @return where each goes on
     */
    int[] stop(List<DriverRing> rings) throws IOException {
        int[] bases = new int[rings.size()];
        switch (frontend.options().manner()) {
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
                frontend.fence();
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
        ByteBuffer reply = messages.exchange(FrontendRequest.GET_VRING_BASE, new VringState(ring, 0)::encode);
        try {
            VringState state = VringState.decode(reply);
            if (state.index() != ring) {
                throw new FrontendException(
                        "back-end answered for another ring: asked=" + ring + " ring=" + state.index());
            }
            return state.num();
        } catch (VhostUserRequestException e) {
            throw FrontendMessages.malformed(FrontendRequest.GET_VRING_BASE, e);
        }
    }

    /** Kicks a ring by a message, and waits for the acknowledgement: meanwhile nobody hears calls. */
    public void kick(int ring) throws IOException {
        messages.send(FrontendRequest.VRING_KICK, new VringState(ring, 0)::encode);
    }

    private void setNum(DriverRing ring) throws IOException {
        VringState num = new VringState(ring.index(), ring.driver().size());
        messages.send(FrontendRequest.SET_VRING_NUM, num::encode);
    }

    private void setBase(DriverRing ring, int base) throws IOException {
        messages.send(FrontendRequest.SET_VRING_BASE, new VringState(ring.index(), base)::encode);
    }

    private void setAddress(DriverRing ring) throws IOException {
        setAddress(ring, false);
    }

    /** Says where a ring lies, and whether writes to it go to the dirty log; that alone may change while it runs. */
    void setAddress(DriverRing ring, boolean logged) throws IOException {
        long unlogged = frontend.options().manner() == Manner.UML ? -1 : 0;
        VringAddress address = new VringAddress(
                ring.index(),
                logged ? 1 << VringAddress.VHOST_VRING_F_LOG : 0,
                ringAddress(ring, ring.driver().descriptorAddress()),
                ringAddress(ring, ring.driver().usedAddress()),
                ringAddress(ring, ring.driver().availAddress()),
                logged ? ring.driver().usedAddress() : unlogged);
        messages.send(FrontendRequest.SET_VRING_ADDR, address::encode);
    }

    /** Behind an IOMMU rings are where the driver says, otherwise where they are here. */
    private long ringAddress(DriverRing ring, long guestAddress) {
        return frontend.iommu() == null ? ring.userAddress(guestAddress) : guestAddress;
    }

    private void setKick(DriverRing ring) throws IOException {
        messages.send(FrontendRequest.SET_VRING_KICK, new VringFd(ring.index(), false)::encode, List.of(ring.kickFd()));
    }

    private void setCall(DriverRing ring) throws IOException {
        messages.send(
                FrontendRequest.SET_VRING_CALL, new VringFd(ring.index(), false)::encode, List.of(ring.callGiven()));
    }
}
