package org.vportd.chardev.socket;

import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ConfigException;
import org.vportd.posix.Fd;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;

/** Takes over sockets that the program was started with. */
final class InheritedSocket {
    private InheritedSocket() {}

    /**
     * Makes one ours: never waiting and close-on-exec. A second call for the same number is refused, since it no longer
     * looks inherited.
     *
     * @param server whether it has to be listening, as opposed to connected
     */
    static Fd take(SocketAddress.Inherited address, boolean server) throws ConfigException {
        int number = address.number();
        if (!Posix.isInherited(number)) {
            throw notSocket(number, "no such descriptor was passed to this process, or it is in use already");
        }
        Fd fd = new Fd(number);
        boolean taken = false;
        try {
            if (!Sockets.isStream(fd)) {
                throw notSocket(number, "of the stream type");
            }
            if (Sockets.isListening(fd) != server) {
                throw notSocket(number, server ? "that listens" : "that is connected");
            }
            Posix.setCloseOnExec(fd);
            Posix.setNonBlocking(fd, true);
            taken = true;
            return fd;
        } catch (PosixException e) {
            throw notSocket(number, e.getMessage());
        } finally {
            if (!taken) {
                fd.release(); // not ours to close
            }
        }
    }

    private static ConfigException notSocket(int number, @Nullable String hint) {
        return new ConfigException("File descriptor '" + number + "' is not a socket", String.valueOf(hint));
    }
}
