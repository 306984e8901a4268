package org.vportd.bench.limit;

import java.util.ArrayList;
import java.util.List;
import org.vportd.bench.peer.Direction;
import org.vportd.bench.peer.Wire;

/**
 * What a plain loop does.
 *
 * @param wire what it writes to or reads from
 * @param direction which of them
 * @param blockBytes the size of each block
 * @param blocks how many blocks there are, which are used in turn
 * @param batch how many a call gets; 0 for an echo, block by block
 * @param threads how many threads share the descriptors
 * @param waiting how an echo waits
 * @param board the file that tells it to stop, and in which it counts
 * @param where for each port where to listen, or what to open; of TCP a host
 */
public record LimitOptions(
        Wire wire,
        Direction direction,
        int blockBytes,
        int blocks,
        int batch,
        int threads,
        Waiting waiting,
        String board,
        List<String> where) {
    /** Splits the arguments that {@link #arguments} has made. */
    static LimitOptions parse(String[] arguments) {
        return new LimitOptions(
                Wire.valueOf(arguments[0]),
                Direction.valueOf(arguments[1]),
                Integer.parseInt(arguments[2]),
                Integer.parseInt(arguments[3]),
                Integer.parseInt(arguments[4]),
                Integer.parseInt(arguments[5]),
                Waiting.valueOf(arguments[6]),
                arguments[7],
                List.of(arguments).subList(8, arguments.length));
    }

    /** The same as arguments of a program. */
    public List<String> arguments() {
        List<String> all = new ArrayList<>(List.of(
                wire.name(),
                direction.name(),
                Integer.toString(blockBytes),
                Integer.toString(blocks),
                Integer.toString(batch),
                Integer.toString(threads),
                waiting.name(),
                board));
        all.addAll(where);
        return all;
    }
}
