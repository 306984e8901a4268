package org.vportd.vhostuser.backend;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.vportd.posix.EventFd;
import org.vportd.posix.Fd;
import org.vportd.posix.Posix;
import org.vportd.posix.Sockets;

/** Descriptors of many kinds, most of them no good for anything that a front-end sends. */
final class WrongDescriptors implements AutoCloseable {
    /** Two ends of a pipe. */
    static final int PIPE = 5;
    /** Two ends of a connection. */
    static final int SOCKET = 7;
    /** Memory that cannot get shorter. */
    static final int SEALED = 11;

    private final List<Fd> all = new ArrayList<>();

    WrongDescriptors(Path directory) throws Exception {
        Path file = Files.write(directory.resolve("file"), new byte[5000]);
        all.add(Posix.open(directory.toString(), Posix.O_RDONLY, 0));
        all.add(Posix.open("/dev/zero", Posix.O_RDWR, 0));
        all.add(Posix.open("/dev/null", Posix.O_RDWR, 0));
        all.add(Posix.open(file.toString(), Posix.O_RDWR, 0));
        all.add(Posix.open(file.toString(), Posix.O_RDONLY, 0));
        all.addAll(List.of(Posix.pipe()));
        all.addAll(List.of(Sockets.pair()));
        all.add(Posix.memoryFile("empty", 0));
        all.add(Posix.memoryFile("short", 4096));
        Fd sealed = Posix.memoryFile("sealed", 1 << 16);
        Posix.sealShrink(sealed);
        all.add(sealed);
        try (EventFd full = EventFd.open(0)) {
            all.add(full.fd().duplicate());
        }
    }

    Fd[] all() {
        return all.toArray(Fd[]::new);
    }

    @Override
    public void close() {
        all.forEach(Fd::close);
    }
}
