package org.vportd.chardev.socket;

import org.jspecify.annotations.Nullable;
import org.vportd.chardev.ChardevServices;
import org.vportd.chardev.ConfigException;
import org.vportd.posix.Fd;
import org.vportd.posix.Posix;
import org.vportd.posix.PosixException;
import org.vportd.posix.Sockets;

/** Takes over sockets that come as descriptors: those the program was started with, and those a user has passed since. */
final class PassedSocket {
    private PassedSocket() {}

    /**
     * Makes one ours: never waiting and close-on-exec.
     *
     * @param server whether it has to be listening, as opposed to connected
     * @throws ConfigException if there is none, or it is not of that kind
     */
    static Fd take(SocketAddress.Passed address, ChardevServices services, boolean server) throws ConfigException {
        Fd fd = find(address, services);
        if (fd == null) {
            throw isNumber(address)
                    ? notSocket(
                            address.name(), "no such descriptor was passed to this process, or it is in use already")
                    : new ConfigException("File descriptor named '" + address.name() + "' has not been found");
        }
        return checked(fd, address, server);
    }

    /** The same, null if there is nothing of that name. */
    static @Nullable Fd takeIfThere(SocketAddress.Passed address, ChardevServices services, boolean server)
            throws ConfigException {
        Fd fd = find(address, services);
        return fd == null ? null : checked(fd, address, server);
    }

    private static boolean isNumber(SocketAddress.Passed address) {
        return !address.name().isEmpty() && Character.isDigit(address.name().charAt(0));
    }

    /** Something that is ours already no longer looks inherited, so that no number is taken twice. */
    private static @Nullable Fd find(SocketAddress.Passed address, ChardevServices services) throws ConfigException {
        if (!isNumber(address)) {
            return services.takeDescriptor(address.name());
        }
        try {
            int number = Integer.parseInt(address.name());
            return Posix.isInherited(number) ? new Fd(number) : null;
        } catch (NumberFormatException e) {
            throw new ConfigException("Parameter 'fd' expects a number", "or a name; got '" + address.name() + "'");
        }
    }

    private static Fd checked(Fd fd, SocketAddress.Passed address, boolean server) throws ConfigException {
        String name = address.name();
        boolean taken = false;
        try {
            if (!Sockets.isStream(fd)) {
                throw notSocket(name, "of the stream type");
            }
            if (Sockets.isListening(fd) != server) {
                throw new ConfigException(
                        "File descriptor '" + name + "' is not a socket that " + (server ? "listens" : "is connected"));
            }
            Posix.setCloseOnExec(fd);
            Posix.setNonBlocking(fd, true);
            taken = true;
            return fd;
        } catch (PosixException e) {
            throw notSocket(name, e.getMessage());
        } finally {
            if (!taken && isNumber(address)) {
                fd.release(); // not ours to close
            } else if (!taken) {
                fd.close();
            }
        }
    }

    private static ConfigException notSocket(String name, @Nullable String hint) {
        return new ConfigException("File descriptor '" + name + "' is not a socket", String.valueOf(hint));
    }
}
