package org.vportd.bench.daemon;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.vportd.bench.peer.Certificates;
import org.vportd.bench.peer.Connector;
import org.vportd.bench.peer.Direction;
import org.vportd.bench.peer.Peer;
import org.vportd.bench.peer.StreamPeer;
import org.vportd.bench.peer.TlsPeer;
import org.vportd.bench.peer.Wire;
import org.vportd.posix.Fd;

/** The peers of one contender: one thread for each direction, on all its connections. */
final class Peers implements AutoCloseable {
    private final List<Peer> peers = new ArrayList<>();
    private final int copies;

    private Peers(int copies) {
        this.copies = copies;
    }

    /** Connects to where a contender listens. */
    static Peers connect(Wire wire, Direction direction, List<String> where) throws IOException {
        Peers made = new Peers(wire.members());
        if (!wire.hasPeer()) {
            return made;
        }
        try {
            if (wire == Wire.TLS) {
                Peer.Role role = direction == Direction.TX ? Peer.Role.TAKE : Peer.Role.GIVE;
                made.peers.add(new TlsPeer(where.get(0), role, Certificates.client()));
                return made;
            }
            List<Fd> fds = new ArrayList<>();
            for (String each : where) {
                fds.add(Connector.open(wire, each, direction));
            }
            if (direction == Direction.BOTH) {
                List<Fd> again = new ArrayList<>();
                for (Fd fd : fds) {
                    again.add(fd.duplicate());
                }
                made.peers.add(new StreamPeer(again, Peer.Role.GIVE));
            }
            made.peers.add(new StreamPeer(fds, direction.transmits() ? Peer.Role.TAKE : Peer.Role.GIVE));
            return made;
        } catch (IOException | RuntimeException e) {
            made.close();
            throw e;
        }
    }

    boolean isEmpty() {
        return peers.isEmpty();
    }

    /** The bytes that went through; what goes to all members of a hub counts once. */
    long bytes() {
        long sum = 0;
        for (Peer peer : peers) {
            sum += peer.bytes();
        }
        return sum / copies;
    }

    /** The CPU time of the busiest of them. */
    long cpuNs() throws IOException {
        long most = 0;
        for (Peer peer : peers) {
            most = Math.max(most, CpuClock.task(peer.task()));
        }
        return most;
    }

    @Override
    public void close() {
        peers.forEach(Peer::close);
    }
}
