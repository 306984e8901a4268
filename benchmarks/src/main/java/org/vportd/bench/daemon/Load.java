package org.vportd.bench.daemon;

import java.util.List;
import org.vportd.bench.peer.Direction;
import org.vportd.bench.peer.Wire;
import org.vportd.vhostuser.frontend.RingFormat;

/**
 * What is sent where.
 *
 * @param wire what is behind each port
 * @param direction where data goes
 * @param blockBytes the size of each buffer
 * @param guests how many guests send or receive
 * @param ports on how many ports each
 * @param depth how many buffers a port has with the device at a time
 * @param queueSize descriptors of a queue; those of a receive queue are all with the device
 * @param format what the rings are like
 * @param idlePorts how many more ports each guest has, on which nothing happens
 * @param idleGuests how many more guests there are, connected, which do nothing
 */
record Load(
        Wire wire,
        Direction direction,
        int blockBytes,
        int guests,
        int ports,
        int depth,
        int queueSize,
        RingFormat format,
        int idlePorts,
        int idleGuests) {
    /** One port of one guest, with split rings of 256. */
    static Load of(Wire wire, Direction direction, int blockBytes) {
        return new Load(wire, direction, blockBytes, 1, 1, 256, 256, RingFormat.SPLIT, 0, 0);
    }

    /** The same with as many buffers. */
    Load withDepth(int buffers) {
        return new Load(wire, direction, blockBytes, guests, ports, buffers, buffers, format, idlePorts, idleGuests);
    }

    /** The same in a larger queue. */
    Load withQueueSize(int size) {
        return new Load(wire, direction, blockBytes, guests, ports, depth, size, format, idlePorts, idleGuests);
    }

    Load withFormat(RingFormat other) {
        return new Load(wire, direction, blockBytes, guests, ports, depth, queueSize, other, idlePorts, idleGuests);
    }

    Load withPorts(int number) {
        return new Load(wire, direction, blockBytes, guests, number, depth, queueSize, format, idlePorts, idleGuests);
    }

    Load withGuests(int number) {
        return new Load(wire, direction, blockBytes, number, ports, depth, queueSize, format, idlePorts, idleGuests);
    }

    Load withIdlePorts(int number) {
        return new Load(wire, direction, blockBytes, guests, ports, depth, queueSize, format, number, idleGuests);
    }

    Load withIdleGuests(int number) {
        return new Load(wire, direction, blockBytes, guests, ports, depth, queueSize, format, idlePorts, number);
    }

    /** The descriptors that a plain loop has for the same. */
    int streams() {
        return guests * ports;
    }

    /** How many blocks the plain loop moves in a call at the most that is of use. */
    int batch() {
        int bytes = 256 * 1024;
        int most = Math.max(64, Math.min(1024, bytes / blockBytes));
        return Math.min(most, Math.max(1, depth));
    }

    /** In a few words. */
    String words() {
        StringBuilder words = new StringBuilder();
        words.append(wire.name().toLowerCase(java.util.Locale.ROOT)).append(' ');
        words.append(direction.name().toLowerCase(java.util.Locale.ROOT)).append(' ');
        words.append(size(blockBytes));
        for (String part : List.of(
                guests > 1 ? guests + " guests" : "",
                ports > 1 ? ports + " ports" : "",
                depth != 256 ? "depth " + depth : "",
                queueSize != depth ? "queue " + queueSize : "",
                format.equals(RingFormat.SPLIT) ? "" : format.toString().replace(" rings", ""),
                idlePorts > 0 ? "+" + idlePorts + " idle ports" : "",
                idleGuests > 0 ? "+" + idleGuests + " idle guests" : "")) {
            if (!part.isEmpty()) {
                words.append(", ").append(part);
            }
        }
        return words.toString();
    }

    static String size(int bytes) {
        return bytes >= 1024 ? bytes / 1024 + "K" : bytes + "";
    }
}
