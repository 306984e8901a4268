package org.vportd.vhostuser.backend;

import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vportd.loop.EventLoop;
import org.vportd.posix.Fd;
import org.vportd.vhostuser.protocol.FrontendRequest;
import org.vportd.vhostuser.protocol.InflightArea;
import org.vportd.vhostuser.protocol.MemoryTable;
import org.vportd.vhostuser.protocol.RegionDescription;
import org.vportd.vhostuser.protocol.VhostUserRequestException;
import org.vportd.vhostuser.protocol.VringAddress;
import org.vportd.vhostuser.protocol.VringFd;
import org.vportd.vhostuser.protocol.VringState;
import org.vportd.virtio.memory.GuestMemory;
import org.vportd.virtio.memory.MemoryRegion;

/** What a front-end asks for of rings and of the memory that they are in (vhost-user "Front-end message types"). */
final class RingRequests {
    private final EventLoop loop;
    private final SessionRings rings;
    private final SessionMemory memory;
    private final SessionInflight inflight;
    private final SessionLog dirtyLog;
    private final RingKicks kicks;

    /** Takes requests for the rings of a session. */
    RingRequests(
            EventLoop loop,
            SessionRings rings,
            SessionMemory memory,
            SessionInflight inflight,
            SessionLog dirtyLog,
            RingKicks kicks) {
        this.loop = loop;
        this.rings = rings;
        this.memory = memory;
        this.inflight = inflight;
        this.dirtyLog = dirtyLog;
        this.kicks = kicks;
    }

    void carryOut(FrontendRequest request, ByteBuffer payload, List<Fd> fds) throws VhostUserRequestException {
        switch (request) {
            case SET_MEM_TABLE -> setTable(MemoryTable.decode(payload).checkDescriptors(fds.size()), fds);
            case ADD_MEM_REG -> addRegion(RegionDescription.decodeSingle(payload), fds.get(0));
            case REM_MEM_REG -> removeRegion(RegionDescription.decodeSingle(payload));
            case SET_VRING_NUM -> {
                VringState state = VringState.decode(payload);
                rings.ring(state.index()).setNum(state.num(), rings.features());
            }
            case SET_VRING_BASE -> {
                VringState state = VringState.decode(payload);
                rings.ring(state.index()).setBase(state.num(), rings.features());
            }
            case SET_VRING_ADDR -> {
                VringAddress address = VringAddress.decode(payload);
                Vring ring = rings.ring(address.index());
                ring.setAddress(address, addressCheck(), rings.features());
                rings.startIfReady(ring);
                rings.noteWritesOf(ring);
            }
            case SET_LOG_FD -> dirtyLog.setSignal(VhostUserSession.take(fds));
            case SET_VRING_KICK -> setKick(VringFd.decode(payload).checkDescriptors(fds.size()), fds);
            case SET_VRING_CALL -> {
                VringFd call = VringFd.decode(payload).checkDescriptors(fds.size());
                rings.ring(call.index()).setCall(call.noFd() ? null : VhostUserSession.take(fds));
            }
            case SET_VRING_ERR -> {
                VringFd error = VringFd.decode(payload).checkDescriptors(fds.size());
                rings.ring(error.index()).setError(error.noFd() ? null : VhostUserSession.take(fds));
            }
            case SET_VRING_ENABLE -> {
                VringState state = VringState.decode(payload);
                rings.enable(rings.ring(state.index()), state.enable());
            }
            case SET_INFLIGHT_FD -> {
                if (rings.isRunning()) {
                    throw new VhostUserRequestException("in-flight area cannot change while rings run");
                }
                inflight.set(InflightArea.decode(payload), fds);
            }
            case VRING_KICK -> {
                Vring ring = rings.ring(VringState.decode(payload).index());
                ring.setStarted();
                rings.startIfReady(ring);
                kicks.kicked(ring.index());
            }
            default -> throw new VhostUserRequestException("request does not apply to this device: " + request);
        }
    }

    private void setKick(VringFd kick, List<Fd> fds) throws VhostUserRequestException {
        Vring ring = rings.ring(kick.index());
        if (!kick.noFd()) {
            ring.setKick(loop, VhostUserSession.take(fds), kicks::kickedByDriver);
        } else if (rings.notices().isInband()) {
            ring.setStarted();
        } else {
            throw new VhostUserRequestException("a ring without kicks is not served: queue=" + ring.index());
        }
        rings.startIfReady(ring);
        kicks.kicked(ring.index()); // the one before may have been rung in the meantime
    }

    /** What finds ring addresses as they come, if they can be checked then. */
    private RingPart.@Nullable Translation addressCheck() {
        return rings.iommu().isActive() || memory.table().size() == 0 ? null : memory::ringPart;
    }

    private void setTable(MemoryTable table, List<Fd> fds) throws VhostUserRequestException {
        GuestMemory mapped = memory.map(table.regions(), fds);
        rings.suspendAll();
        memory.replaceWith(mapped);
        rings.iommu().memoryChanged();
        rings.resumeAll();
    }

    private void addRegion(RegionDescription region, Fd fd) throws VhostUserRequestException {
        memory.add(region, fd);
        rings.resumeAll();
    }

    private void removeRegion(RegionDescription region) throws VhostUserRequestException {
        MemoryRegion removed = memory.remove(region);
        rings.suspendAll();
        removed.close();
        rings.iommu().memoryChanged();
        rings.resumeAll();
    }
}
